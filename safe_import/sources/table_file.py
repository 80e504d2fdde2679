"""A table for people, in a file that is private to its owner and appears when it is complete."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from safe_import.errors import SourceError
from safe_import.sources.table_formats import CsvWriter, HtmlWriter, TableWriter, XlsxWriter, begins_as_ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_START = 200  # bytes by which a file of ours is known
_PROPERTIES = "docProps/core.xml"


class TableFile:
    """A table under way. It appears under its name when the block ends without an exception.

    An earlier file of the same kind is kept under another name (``rejects.1.csv``); any other file, or a link, is never
    touched.

    Args:
        path: where to write; ``.xlsx`` and ``.html`` are written as such, anything else as csv. The file is readable
            and writable by its owner alone.
        what: what messages call it.
        header: the first row. Its first cell is the mark by which a file of this kind is known.
        delimiter: of csv.

    Raises:
        SourceError: something else is there already, or the file can't be written.
    """

    def __init__(self, path: str | os.PathLike[str], what: str, header: Sequence[str], delimiter: str = ",") -> None:
        self.path = Path(path)
        self.keep = True  # whether it appears at all
        self._what, self._header, self._delimiter = what, header, delimiter
        self._refuse_foreign()

    def __enter__(self) -> Self:
        with self.failing_clearly():
            self._part = tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=f".{self.path.name}.", delete=False)
            self._writer = self._made_writer(cast("BinaryIO", self._part))
            self.write(self._header)
        return self

    def write(self, cells: Sequence[Any]) -> None:
        """Add a row.

        Raises:
            CellTooLong: a sheet can't hold one of the texts.
            SourceError: the file can't be written.
        """
        with self.failing_clearly():
            self._writer.write(cells)

    def __exit__(self, exception: object, *_: object) -> None:
        try:
            if exception is None and self.keep:
                self._publish()
            else:
                self._writer.abandon()
        finally:
            with contextlib.suppress(OSError):  # a full disk fails here again
                self._part.close()
            Path(self._part.name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def failing_clearly(self) -> Iterator[None]:
        """Turn errors of the system, and those that do not name the file, into ours."""
        try:
            yield
        except OSError as error:
            raise SourceError(f"{self.path.name}: the {self._what} can't be written: {error.strerror}") from error

    def _made_writer(self, stream: BinaryIO) -> TableWriter:
        suffix, mark = self.path.suffix.lower(), self._header[0]
        if suffix == ".xlsx":
            return XlsxWriter(stream, mark)
        return HtmlWriter(stream, mark) if suffix in (".html", ".htm") else CsvWriter(stream, self._delimiter)

    def _publish(self) -> None:
        with self.failing_clearly():
            self._writer.finish()
            self._part.flush()
            os.fsync(self._part.fileno())
            self._refuse_foreign()
            if os.path.lexists(self.path):
                self.path.rename(_free_name(self.path))
            # Taking the name first makes sure that what somebody else put there meanwhile is not overwritten.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            Path(self._part.name).replace(self.path)

    def _refuse_foreign(self) -> None:
        if os.path.lexists(self.path) and not _is_ours(self.path, self._header[0]):
            raise SourceError(f"{self.path.name}: exists already and is no {self._what}; name another, or remove it")


def _is_ours(path: Path, mark: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(_START)
        return begins_as_ours(start, mark) or (start.startswith(b"PK") and _is_book_of_ours(file, mark))


def _is_book_of_ours(file: BinaryIO, mark: str) -> bool:
    try:
        with zipfile.ZipFile(file) as archive, archive.open(_PROPERTIES) as properties:
            return f":creator>{mark}<".encode() in properties.read(1 << 16)
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError):
        return False


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in itertools.count(1))
    return next(name for name in names if not os.path.lexists(name))
