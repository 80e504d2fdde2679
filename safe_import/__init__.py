"""Change production data from files without fear: imports that only ever add and update."""

__version__ = "0.1.0"
