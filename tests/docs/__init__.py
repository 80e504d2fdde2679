"""The documentation holds: its examples run, its links lead somewhere, its tests exist."""
