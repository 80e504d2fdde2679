"""Where rows come from. A format is one file here, and one line in ``opening.py``."""

from safe_import.sources.base import BadCell, Block, BrokenRow, Cells, Rectangle, Source
from safe_import.sources.opening import open_source

__all__ = ["BadCell", "Block", "BrokenRow", "Cells", "Rectangle", "Source", "open_source"]
