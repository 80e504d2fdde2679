"""From a path to a source: the format is recognised by the content of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import SourceError
from safe_import.sources.csv import CsvSource
from safe_import.sources.input_file import InputFile
from safe_import.sources.rejects import RejectsSource, is_rejects

if TYPE_CHECKING:
    import os

    from safe_import.sources.base import Source

# What begins like this is no text; as text it would only give an obscure error about its encoding.
_NOT_TEXT = {
    b"PK\x03\x04": "a zip file (such as xlsx and ods are)",
    b"\xd0\xcf\x11\xe0": "an old Office file (such as xls)",
    b"\x1f\x8b": "a gzip file",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"%PDF": "a PDF",
}


def open_source(path: str | os.PathLike[str], *, encoding: str | None = None, delimiter: str | None = None) -> Source:
    """Open a file of rows. Close it, or use it as a context manager.

    Args:
        path: of the file, or ``-`` for standard input.
        encoding: of text that is not UTF-8 and has no byte order mark.
        delimiter: one character, or ``tab``; found in the header unless given.

    Raises:
        SourceError: the file can't be read, or is of a format that nobody here knows.
        UsageError: an option can't be worked with.
    """
    file = InputFile(path)
    try:
        source: Source = _text_source(file, encoding, delimiter)
    except BaseException:
        file.close()
        raise
    return RejectsSource(source) if is_rejects(source.header()) else source


def _text_source(file: InputFile, encoding: str | None, delimiter: str | None) -> CsvSource:
    head = file.head(4)
    for mark, name in _NOT_TEXT.items():
        if head.startswith(mark):
            raise SourceError(f"{file.label}: this is {name}, not delimited text; save it as csv")
    return CsvSource(file, encoding=encoding, delimiter=delimiter)
