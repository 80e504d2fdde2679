"""Feeds every source files that are nearly right, and judges what comes out. See ``python -m tests.fuzzing --help``."""
