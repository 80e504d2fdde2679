"""TypeScript and JavaScript: objects that a file of source code declares, as rows. Needs the extra ``javascript``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safe_import import strict_json
from safe_import.errors import SourceError, UsageError
from safe_import.sources.input_file import InputFile
from safe_import.sources.keyed import Document, KeyedSource
from safe_import.sources.text_file import TextFile
from safe_import.sources.typescript_syntax import Literal, Script
from safe_import.sources.whole_file import require_small

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from safe_import.sources.base import ByteFile


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object of the file: the line on which it begins, and its values by name. Decimals are ``Decimal``."""

    line: int
    values: Document


def objects_in(text: str, names: Sequence[str], label: str = "text") -> dict[str, list[SourceObject]]:
    """Return the lists of objects that a file declares, as ``const name = [{...}, ...]``.

    Args:
        text: of the file.
        names: of the lists.
        label: the name of the file, for messages.

    Returns:
        The objects of each list, by its name.

    Raises:
        SourceError: a list is missing or broken, or holds something else than plain data.
        UsageError: the extra ``javascript`` is not installed.
    """
    script = Script(text.replace("\r\n", "\n"), label)
    return {name: [_object(each, label) for each in script.literals(name)] for name in names}


def open_typescript(
    path: str | os.PathLike[str],
    rows_of: Callable[[str, str], Iterable[SourceObject]],
    *,
    encoding: str | None = None,
) -> TypeScriptSource:
    """Open a file of TypeScript or JavaScript. Close it, or use it as a context manager.

    Args:
        path: of the file, or ``-`` for standard input.
        rows_of: as of ``TypeScriptSource``.
        encoding: as of ``TypeScriptSource``.

    Raises:
        SourceError: the file can't be read; see ``TypeScriptSource``.
    """
    file = InputFile(path)
    try:
        return TypeScriptSource(file, rows_of, encoding=encoding)
    except BaseException:
        file.close()
        raise


class TypeScriptSource(KeyedSource):
    """A file of TypeScript or JavaScript, read as a whole. The line of a row is that on which its object begins.

    Args:
        file: the bytes; closed with this source.
        rows_of: makes the rows of the file, given its text and its name. See ``objects_in``.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.

    Raises:
        SourceError: the file can't be decoded, is broken, has no rows, has two on one line, or is larger than
            ``MAX_WHOLE_FILE_SIZE``.
    """

    def __init__(
        self, file: ByteFile, rows_of: Callable[[str, str], Iterable[SourceObject]], *, encoding: str | None = None
    ) -> None:
        super().__init__(file)
        require_small(file)
        with TextFile(file, encoding).reading() as text:
            self._rows = list(rows_of(text.read(), file.label))
        self._judge_lines()
        self._read_header()

    def _judge_lines(self) -> None:
        """A row is known by its line, so no two may have the same."""
        last = 0
        for row in self._rows:
            if row.line <= last:
                raise SourceError(f"{self.label}, line {row.line}: two objects begin here; give each a line of its own")
            last = row.line

    def _documents(self) -> Iterator[tuple[int, Document]]:
        for row in self._rows:
            yield row.line, row.values


def _object(literal: Literal, label: str) -> SourceObject:
    try:
        import chompjs  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise UsageError("Reading TypeScript needs an extra: pip install 'safe_import[javascript]'") from None
    rules = {
        "parse_float": strict_json.decimal,
        "parse_int": strict_json.integer,
        "object_pairs_hook": _without_doubles,
        "strict": False,
    }
    try:
        found = SourceObject(literal.line, chompjs.parse_js_object(literal.text, loader_kwargs=rules))
    except _DoubledName:
        raise SourceError(f"{label}, line {literal.line}: the object that begins here has a name twice") from None
    except (ValueError, RecursionError):
        raise SourceError(f"{label}, line {literal.line}: the object that begins here can't be read") from None
    if strict_json.too_deep(found.values):
        raise SourceError(f"{label}, line {literal.line}: the object that begins here is nested too deeply")
    return found


class _DoubledName(Exception):
    """JavaScript takes the last of two equal names. Here it is an error, as it is in JSON."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubledName
    return found
