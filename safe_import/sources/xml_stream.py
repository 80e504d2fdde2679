"""XML that is read as a stream. A document type, the door to every trick with entities, is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.sources.zip_file import ZipParts

_CHUNK = 1 << 16
_LONGEST_TAG = 1 << 24  # bytes; the parser holds a tag as a whole
Start = tuple[str, dict[str, str]]


class XmlHandler:
    """Told what is met in a part. Names come without their namespace."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A piece of text; there may be several in a row."""

    def end(self, name: str) -> None:
        """An element ends."""


def chunks(parts: ZipParts, name: str, handler: XmlHandler) -> Iterator[None]:
    """Read a part; yields after every chunk, so that what the handler has gathered can be taken.

    Raises:
        SourceError: the part is no XML, or has a document type.
    """
    parser, fed = _parser(parts, name, handler), 0
    try:
        with parts.reading(name) as stream:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
                fed += len(chunk)
                if fed - parser.CurrentByteIndex > _LONGEST_TAG:
                    raise parts.error(f"its part {name} has a tag of more than {_LONGEST_TAG:,} bytes; save it anew")
                yield
            parser.Parse(b"", True)
        yield
    except (expat.ExpatError, LookupError, UnicodeError) as error:
        raise parts.error(f"its part {name} is damaged; save it anew") from error


def starts(parts: ZipParts, name: str) -> Iterator[Start]:
    """Yield the name and the attributes of every element of a part."""
    met: list[Start] = []

    class Collector(XmlHandler):
        def start(self, name: str, attributes: dict[str, str]) -> None:
            met.append((name, attributes))

    for _ in chunks(parts, name, Collector()):
        yield from met
        met.clear()


def _parser(parts: ZipParts, part: str, handler: XmlHandler) -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    local = _LocalNames()

    def refuse(*_: object) -> None:
        raise parts.error(f"its part {part} has a document type (DOCTYPE), which is not accepted")

    def start(name: str, attributes: dict[str, str]) -> None:
        handler.start(local[name], attributes)

    def end(name: str) -> None:
        handler.end(local[name])

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    return parser


class _LocalNames(dict[str, str]):
    """From a qualified name to the name alone. Bounded: a hostile part may have ever new names."""

    def __missing__(self, name: str) -> str:
        if len(self) > 1000:
            self.clear()
        local = self[name] = name.rpartition(":")[2]
        return local
