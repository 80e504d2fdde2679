"""The file of the older program, a database of SQLite, as a source of rows. It is only ever read."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from commands.providers.imports.legacy import TABLES
from commands.providers.places import Places
from safe_import.errors import SourceError
from safe_import.sources import BadCell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike

    from safe_import.sources import Cells
    from safe_import.spec.row import Row

_KEY, _LINK = "id", "provider_id"
_NO_PROVIDER = BadCell("link_missing", "no provider with a name has this id")
_NOT_UTF8 = BadCell("not_utf8", "the text is not UTF-8")


class LegacyFile:
    """The tables that ``TABLES`` names, one after the other. Rows count from 1, through all of them.

    A ``provider_id`` becomes the name of that provider: keys of one database mean nothing in another. Use it as a
    context manager.

    Args:
        path: of the file.

    Raises:
        SourceError: it is not there, is no database of SQLite, or lacks a table or a column that is needed.
    """

    header_line = 0

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path, self._places = Path(path), Places()
        self.label = self._path.name
        with self._errors_in_words():
            self._connection = _opened(self._path)
        try:
            self._columns = self._found_columns()
        except BaseException:
            self.close()
            raise

    def header(self) -> Sequence[str]:
        """Return every column of every table, as ``table.column``; keys are not among them."""
        return [f"{table}.{column}" for table, columns in self._columns.items() for column in columns]

    def lines(self) -> Iterator[tuple[int, Cells]]:
        """Yield the rows of all tables, as each table has them."""
        width, begin, line = len(self.header()), 0, 0
        with self._errors_in_words():
            names = self._names_of_providers()
            self._places = Places()
            for table, columns in self._columns.items():
                self._places.begin(line, table)
                for cells in self._rows(table, names):
                    line += 1
                    yield line, [*[None] * begin, *cells, *[None] * (width - begin - len(columns))]
                begin += len(columns)

    def place(self, line: int) -> str:
        """Return which row of which table a row is."""
        number, table = self._places.of(line)
        return f"row {number} of {table}" if number else ""

    def sha256(self) -> str:
        """Return the SHA-256 of the file's bytes, in hex."""
        with self._path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- the tables

    def _found_columns(self) -> dict[str, list[str]]:
        """The columns of each table, without its key.

        Raises:
            SourceError: something that is needed is not there.
        """
        with self._errors_in_words():
            found = {table: self._columns_of(table) for table in TABLES}
        if missing := [table for table, columns in found.items() if not columns]:
            raise SourceError(f"{self.label} has no table {', '.join(missing)}. Is it the right file?")
        needed = [f"providers.{_KEY}", *(name for row in TABLES.values() for name in _required(row))]
        there = {f"{table}.{column}" for table, columns in found.items() for column in columns}
        if lacking := [name for name in needed if name not in there]:
            raise SourceError(f"{self.label} has no column {', '.join(lacking)}. Is it the right file?")
        return {table: [name for name in columns if name != _KEY] for table, columns in found.items()}

    def _columns_of(self, table: str) -> list[str]:
        found = self._connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", [table])
        return [str(name).lower() for (name,) in found]  # as SQLite compares them

    def _names_of_providers(self) -> Mapping[Any, Any]:
        return dict(self._connection.execute(f"SELECT {_KEY}, provider_name FROM providers"))

    def _rows(self, table: str, names: Mapping[Any, Any]) -> Iterator[Cells]:
        columns = self._columns[table]
        link = columns.index(_LINK) if _LINK in columns else None
        quoted = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
        for cells in self._connection.execute(f"SELECT {quoted} FROM {table}"):
            row = list(cells)
            if link is not None and row[link] is not None:
                row[link] = names.get(row[link]) or _NO_PROVIDER
            yield row

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SourceError(f"{self.label}: {_reason(self._path, error)}") from None


def _opened(path: Path) -> sqlite3.Connection:
    """Read only, so that a file which is not there is not made, and none is changed."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str | BadCell:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _NOT_UTF8


def _required(row: type[Row]) -> list[str]:
    return [row.spellings(name)[0] for name in row.required()]


def _reason(path: Path, error: sqlite3.Error) -> str:
    """What SQLite says; of a file that it can't open it does not say why."""
    if not path.exists():
        return "there is no such file"
    return "it is no file that can be read" if "unable to open" in str(error) else str(error)
