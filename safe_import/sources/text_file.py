"""Bytes that are text, and what to say when they are not."""

from __future__ import annotations

import codecs
import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO

from safe_import.errors import SourceError, UsageError
from safe_import.sources.encodings import codec_name, decodes, fitting_encodings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.sources.base import ByteFile

# The longer marks first: that of UTF-32 (little endian) begins like that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 16
_BEFORE, _SAMPLE = 1 << 13, 1 << 17  # how much around the first byte that is no text tells the encoding


class TextFile:
    """A file of text.

    Args:
        file: its bytes.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.

    Raises:
        UsageError: there is no such encoding.
    """

    def __init__(self, file: ByteFile, encoding: str | None = None) -> None:
        self._file = file
        self.label = file.label
        self._encoding = _encoding(file.head(4), encoding)

    @contextlib.contextmanager
    def reading(self) -> Iterator[io.TextIOWrapper]:
        """Open the file for one pass, with its line ends as they are.

        Raises:
            SourceError: it can't be decoded; says where, and which encodings would do.
        """
        with self._file.reading() as binary:
            text = io.TextIOWrapper(binary, self._encoding, errors="strict", newline="")
            try:
                yield text
            except UnicodeError as error:
                raise self._undecodable() from error
            finally:
                with contextlib.suppress(ValueError):  # closed already
                    text.detach()

    def _undecodable(self) -> SourceError:
        with self._file.reading() as binary:
            line, offset = _first_undecodable(binary, self._encoding)
        name = self._encoding.removesuffix("-sig").upper()
        return SourceError(f"{self.label}, line {line}, byte {offset}: not {name}; {self._remedy(offset)}")

    def _remedy(self, offset: int) -> str:
        with self._file.reading() as binary:
            sample = _around(binary, offset)
        fitting = []
        for encoding in fitting_encodings(sample):
            with self._file.reading() as binary:
                if decodes(binary, encoding):
                    fitting.append(encoding)
        if not fitting:
            return "no encoding fits the whole file, so it may be damaged or mixed of several; save it as UTF-8"
        return f"name the encoding of the file (--encoding); these would decode all of it: {', '.join(fitting)}"


def _encoding(head: bytes, named: str | None) -> str:
    """The encoding of a file that begins with these bytes."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    try:
        return codec_name(named or "utf-8")
    except (LookupError, ValueError):
        raise UsageError(f"There is no text encoding of files called {named!r}.") from None


def _first_undecodable(binary: BinaryIO, encoding: str) -> tuple[int, int]:
    """The line (from 1) and the offset in bytes (from 0) of the first bytes that are no text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    ends = io.IncrementalNewlineDecoder(None, translate=True)  # \r and \r\n end lines as well
    line, consumed = 1, 0
    while True:
        chunk = binary.read(_CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            line += ends.decode(decoder.decode(chunk, final=not chunk)).count("\n")
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(error.encoding, "ignore")
            return line + ends.decode(before, final=True).count("\n"), consumed - pending + error.start
        except UnicodeError:  # of a codec that does not say where
            return line, consumed
        if not chunk:
            return line, consumed
        consumed += len(chunk)


def _around(binary: BinaryIO, offset: int) -> bytes:
    """Whole lines around an offset, as far as a few lines there are."""
    before = b""
    while offset > 0 and (chunk := binary.read(min(_CHUNK, offset))):
        offset -= len(chunk)
        before = (before + chunk)[-_BEFORE:]
    after = binary.read(_SAMPLE)
    return before.partition(b"\n")[2] + after if len(before) == _BEFORE else before + after
