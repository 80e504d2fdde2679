"""JSON: a list of objects, or one object a line.

# Note [Own JSON settings]

orjson keeps the last of two equal keys, turns integers beyond 64 bits into floats, and decimals into the nearest float.
So rows are read by Python's decoder, which can be told to lose nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safe_import import strict_json
from safe_import.conf import conf
from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources.base import BrokenRow, ByteFile
from safe_import.sources.csv_syntax import CELLS_A_ROW
from safe_import.sources.keyed import Document, KeyedSource
from safe_import.sources.text_file import TextFile
from safe_import.sources.whole_file import require_small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

_BLANK = " \t\r\n"


class _Refused:
    """Stands in the place of a part that would lose something. The row that has it is an error."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class JsonLinesSource(KeyedSource):
    """A file with one JSON object a line, read in constant memory.

    Args:
        file: the bytes; closed with this source.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.

    Raises:
        SourceError: the file can't be decoded, or has no rows.
    """

    def __init__(self, file: ByteFile, *, encoding: str | None = None) -> None:
        super().__init__(file)
        self._text = TextFile(file, encoding)
        self._read_header()

    def _documents(self) -> Iterator[tuple[int, Document | BrokenRow]]:
        longest = conf().MAX_CELL_LENGTH * CELLS_A_ROW
        number = 0
        with self._text.reading() as text:
            while line := text.readline(longest):
                number += 1
                whole = line.endswith(("\n", "\r")) or len(line) < longest
                while not whole and (rest := text.readline(longest)):
                    whole = rest.endswith(("\n", "\r"))
                    line = ""
                if not line:
                    message = f"the row is longer than {CELLS_A_ROW} times SAFE_IMPORT MAX_CELL_LENGTH"
                    yield number, BrokenRow(Problem(number, None, "row_too_long", message))
                elif not line.isspace():
                    yield number, _parsed(number, line)


class JsonSource(KeyedSource):
    """A JSON file that is a list of objects, which are counted from 1.

    Args:
        file: the bytes; closed with this source.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.

    Raises:
        SourceError: the file is no JSON, no list, has no rows, or is larger than ``MAX_WHOLE_FILE_SIZE``.
    """

    def __init__(self, file: ByteFile, *, encoding: str | None = None) -> None:
        super().__init__(file)
        require_small(file)
        self._text = TextFile(file, encoding)
        self._read_header()

    def _documents(self) -> Iterator[tuple[int, Document | BrokenRow]]:
        with self._text.reading() as stream:
            text = stream.read()
        at = _skip_blank(text, 0)
        if text[at : at + 1] != "[":
            raise self._no_json(text, at, "a list of objects is expected, or one object a line")
        at, number = _skip_blank(text, at + 1), 0
        while text[at : at + 1] != "]":
            number += 1
            value, at = self._decoded(text, at)
            yield number, _row(number, value)
            at = _skip_blank(text, at)
            if text[at : at + 1] == ",":
                at = _skip_blank(text, at + 1)
            elif text[at : at + 1] != "]":
                raise self._no_json(text, at, "a comma or the end of the list is expected")
        if text[at + 1 :].strip(_BLANK):
            raise self._no_json(text, at + 1, "something follows the list")

    def _decoded(self, text: str, at: int) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise self._no_json(text, error.pos, "not JSON") from None
        except RecursionError:
            raise self._no_json(text, at, strict_json.TOO_DEEP) from None

    def _no_json(self, text: str, at: int, reason: str) -> SourceError:
        line = text.count("\n", 0, at) + 1
        return SourceError(f"{self.label}, line {line}, character {at - text.rfind(chr(10), 0, at)}: {reason}")


def _parsed(number: int, line: str) -> Document | BrokenRow:
    try:
        return _row(number, _DECODER.decode(line))
    except json.JSONDecodeError as error:
        where = f"character {error.pos + 1} is not expected there"
        return _broken(number, f"not JSON: {where}; one object a line is expected, or a list of objects", line)
    except RecursionError:
        return _broken(number, strict_json.TOO_DEEP, line)


def _row(number: int, value: Any) -> Document | BrokenRow:
    refused = next((part.reason for part in strict_json.parts(value) if isinstance(part, _Refused)), None)
    if refused is None and strict_json.too_deep(value):
        refused = strict_json.TOO_DEEP
    if refused is None and not isinstance(value, dict):
        refused = 'an object {"column": value} is expected'
    if refused is None:
        refused = next((f"half a character in the name {name!a}" for name in value if not _is_text(name)), None)
    return value if refused is None else _broken(number, refused, "")


def _broken(number: int, reason: str, line: str) -> BrokenRow:
    return BrokenRow(Problem(number, None, "not_json", reason), (line.strip(),) if line else ())


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _skip_blank(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANK:
        at += 1
    return at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Refused("the JSON has a key twice in one object")


def _integer(digits: str) -> int | _Refused:
    try:
        return strict_json.integer(digits)
    except ValueError as error:
        return _Refused(str(error))


def _decimal(digits: str) -> Decimal | _Refused:
    try:
        return strict_json.decimal(digits)
    except ValueError as error:
        return _Refused(str(error))


def _constant(name: str) -> _Refused:
    return _Refused(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)
