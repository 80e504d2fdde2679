"""Tests of the library and of the reference project; each states the guarantee that it holds."""
