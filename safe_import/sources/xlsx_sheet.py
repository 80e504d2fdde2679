"""From the XML of an xlsx sheet to its rows. See Note [Own sheet reader]."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from safe_import.sources.base import BadCell
from safe_import.sources.shared_strings import SharedStrings, TextCollector
from safe_import.sources.sheet_values import FAILED, NOT_A_NUMBER, NOT_CALCULATED, duration, iso_moment, moment, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from safe_import.sources.sheets import SheetRow

Kind = Literal["number", "date", "duration"]
_ROWS, _COLUMNS = 1_048_576, 16_384
_DIGITS = "0123456789"


class SheetHandler(TextCollector):
    """Gathers the rows of a sheet that hold something.

    A ValueError in here means that the file is damaged; who unpacks it says so.

    Args:
        strings: the texts that cells name by number.
        kinds: what a number is, by the style of its cell.
        since_1904: the epoch of the dates.

    Attributes:
        rows: those that are complete; whoever drives the parser takes them away.
    """

    def __init__(self, strings: SharedStrings, kinds: Sequence[Kind], since_1904: bool) -> None:
        super().__init__()
        self.rows: list[SheetRow] = []
        self._strings, self._kinds, self._since_1904 = strings, kinds, since_1904
        self._line, self._column = 0, 0
        self._cells: dict[int, Any] = {}
        self._type, self._style = "n", ""
        self._formula, self._stored = False, False
        self._readers: dict[str, Callable[[str], Any]] = {
            "n": self._number,
            "s": self._shared,
            "b": self._boolean,
            "e": lambda _: FAILED,
            "d": iso_moment,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "v":
            self._collecting = self._stored = True
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "row":
            self._begin_row(attributes)
        elif name == "f":
            self._formula = True
        else:
            super().start(name, attributes)

    def end(self, name: str) -> None:
        if name == "c":
            self._end_cell()
        elif name == "row":
            if self._cells:
                self.rows.append((self._line, self._cells))
                self._cells = {}
        else:
            super().end(name)

    def _begin_row(self, attributes: dict[str, str]) -> None:
        line = int(attributes.get("r", self._line + 1))
        if not self._line < line <= _ROWS:
            raise ValueError("rows out of order")
        self._line, self._column = line, 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        self._column = self._column + 1 if reference is None else _column(reference.rstrip(_DIGITS))
        if self._column in self._cells or self._column > _COLUMNS:
            raise ValueError("cells out of order")
        self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._formula = self._stored = False

    def _end_cell(self) -> None:
        text = self.take()
        if self._formula and (not self._stored or (text == "" and self._type != "str")):
            self._cells[self._column] = NOT_CALCULATED
        elif text != "":
            reader = self._readers.get(self._type)
            value = text if reader is None or isinstance(text, BadCell) else reader(text)
            if value != "":
                self._cells[self._column] = value

    def _number(self, text: str) -> Any:
        value = number(text)
        kind = self._kinds[int(self._style)] if self._style else "number"
        if kind == "number" or isinstance(value, BadCell):
            return value
        return duration(value) if kind == "duration" else moment(value, self._since_1904)

    def _shared(self, text: str) -> str | BadCell:
        return self._strings[int(text)]

    def _boolean(self, text: str) -> bool | BadCell:
        return text == "1" if text in ("0", "1") else NOT_A_NUMBER


@lru_cache(maxsize=_COLUMNS)
def _column(letters: str) -> int:
    """The number of a column that a spreadsheet calls by these letters."""
    if not 1 <= len(letters) <= 3 or not letters.isascii() or not letters.isalpha():
        raise ValueError("no column is called so")
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
