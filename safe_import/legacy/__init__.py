"""Imports whose rows come from a query on another database. See ``docs/legacy.md``."""

from safe_import.legacy.description import is_a
from safe_import.legacy.migration import Migration

__all__ = ["Migration", "is_a"]
