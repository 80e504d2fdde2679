"""The mapping file: which column of a file is which column of an import, for files that call them otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import SourceError, UsageError
from safe_import.sources.input_file import InputFile
from safe_import.sources.yaml import yaml_mapping

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping


def read_column_map(path: str | os.PathLike[str]) -> Mapping[str, str]:
    """Return {column of the file: column of the import} from a YAML (or JSON) file that is such a mapping.

    Raises:
        UsageError: it can't be read, is no mapping of texts to texts, or names a column twice.
    """
    try:
        columns = yaml_mapping(InputFile(path))
    except SourceError as error:
        raise UsageError(f"--map: {error}") from error
    wrong = [own for own, name in columns.items() if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise UsageError(f"--map: {path}: {wrong[0]!r} stands for no column; a text is expected")
    names = list(columns.values())
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--map: {path}: two columns stand for {doubled!r}; keep one")
    return columns
