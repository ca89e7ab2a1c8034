"""A desk with a known answer, behind a local server that speaks the wire format of two real venues."""
