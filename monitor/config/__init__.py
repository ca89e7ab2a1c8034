"""One TOML file into frozen settings; every mistake in it is told at once."""
