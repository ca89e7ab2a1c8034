"""The ways out: one file for each family of channels, and the only user of Apprise."""
