"""Stage three, pure: from fills to legs, lots, tracks and measures."""
