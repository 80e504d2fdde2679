"""Change production data from files without fear: imports that only ever add and update."""

import logging

__version__ = "0.1.0"

# Where a project configures no handler, Python would print errors with their stack traces on the screen.
logging.getLogger(__name__).addHandler(logging.NullHandler())
