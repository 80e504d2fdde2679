"""A blog that moves here from an old database."""
