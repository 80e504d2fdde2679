"""The texts of an xlsx file, which its cells name by number. They lie on the disk: there may be millions of them."""

from __future__ import annotations

import re
import tempfile
from array import array
from functools import lru_cache
from typing import TYPE_CHECKING

from safe_import.conf import conf
from safe_import.sources.sheet_values import NOT_TEXT, too_long
from safe_import.sources.xml_stream import XmlHandler, chunks

if TYPE_CHECKING:
    from safe_import.sources.base import BadCell
    from safe_import.sources.zip_file import ZipParts

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_REMEMBERED = 4096


class TextCollector(XmlHandler):
    """Puts the pieces of one text together, as far as it may be long. Phonetic readings are no part of it."""

    def __init__(self) -> None:
        self._limit = conf().MAX_CELL_LENGTH
        self._pieces: list[str] = []
        self._length = 0
        self._collecting, self._phonetic = False, False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "rPh":
            self._phonetic = True
        self._collecting = name == "t" and not self._phonetic

    def text(self, text: str) -> None:
        if self._collecting:
            self._length += len(text)
            if self._length <= self._limit:
                self._pieces.append(text)

    def end(self, name: str) -> None:
        self._collecting = False
        if name == "rPh":
            self._phonetic = False

    def take(self) -> str | BadCell:
        """Return the text, and begin the next one."""
        text = "".join(self._pieces)
        length, self._length = self._length, 0
        self._pieces.clear()
        return too_long(self._limit) if length > self._limit else unescaped(text)


class SharedStrings(TextCollector):
    """The table of texts.

    Args:
        parts: the file.
        name: the part that holds the table; None when there is none.
    """

    def __init__(self, parts: ZipParts, name: str | None) -> None:
        super().__init__()
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this object is
        self._ends, self._bad = array("Q", [0]), dict[int, "BadCell"]()
        self._read = lru_cache(maxsize=_REMEMBERED)(self._read_spooled)
        if name is not None:
            self._spool_all(parts, name)

    def __getitem__(self, index: int) -> str | BadCell:
        """Return a text.

        Raises:
            ValueError: there is none of that number.
        """
        if not 0 <= index < len(self._ends) - 1:
            raise ValueError("no such text")
        return self._read(index)

    def close(self) -> None:
        """Remove what was spooled."""
        self._spool.close()

    def end(self, name: str) -> None:
        super().end(name)
        if name == "si":
            text = self.take()
            stored = text.encode() if isinstance(text, str) else b""
            if not isinstance(text, str):
                self._bad[len(self._ends) - 1] = text
            self._spool.write(stored)
            self._ends.append(self._ends[-1] + len(stored))

    def _spool_all(self, parts: ZipParts, name: str) -> None:
        try:
            for _ in chunks(parts, name, self):
                pass
        except BaseException:
            self.close()
            raise

    def _read_spooled(self, index: int) -> str | BadCell:
        if index in self._bad:
            return self._bad[index]
        self._spool.seek(self._ends[index])
        return self._spool.read(self._ends[index + 1] - self._ends[index]).decode()


def unescaped(text: str) -> str | BadCell:
    """Return a text without the escapes by which xlsx writes what XML can't, such as ``_x000D_``."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    try:
        return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")  # joins the halves of a character
    except UnicodeDecodeError:
        return NOT_TEXT
