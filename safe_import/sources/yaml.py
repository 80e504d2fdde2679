"""YAML: a list of mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import import strict_json
from safe_import.records import Problem
from safe_import.sources.base import BrokenRow, ByteFile
from safe_import.sources.keyed import Document, KeyedSource
from safe_import.sources.text_file import TextFile
from safe_import.sources.whole_file import require_small
from safe_import.sources.yaml_events import Doubled, YamlEvents

if TYPE_CHECKING:
    from collections.abc import Iterator


class YamlSource(KeyedSource):
    """A YAML file that is a list of mappings, which are counted from 1.

    Args:
        file: the bytes; closed with this source.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.

    Raises:
        SourceError: the file is no YAML, no list, has aliases or tags, has no rows, or is larger than
            ``MAX_WHOLE_FILE_SIZE``.
    """

    def __init__(self, file: ByteFile, *, encoding: str | None = None) -> None:
        super().__init__(file)
        require_small(file)
        self._text = TextFile(file, encoding)
        self._read_header()

    def _documents(self) -> Iterator[tuple[int, Document | BrokenRow]]:
        with self._text.reading() as stream:
            text = stream.read()
        for number, value in enumerate(YamlEvents(text, self.label).elements(), 1):
            yield number, _row(number, value)


def yaml_mapping(file: ByteFile) -> dict[str, Any]:
    """Return the mapping that a small YAML file is.

    Raises:
        SourceError: it is none, or has a name twice.
    """
    require_small(file)
    with TextFile(file).reading() as stream:
        text = stream.read()
    return YamlEvents(text, file.label).mapping()


def _row(number: int, value: Any) -> Document | BrokenRow:
    if not isinstance(value, dict):
        return BrokenRow(Problem(number, None, "not_a_mapping", "a mapping (column: value) is expected"))
    if any(isinstance(part, Doubled) for part in strict_json.parts(value)):
        message = "a name stands twice in one mapping, or is no text; keep one"
        return BrokenRow(Problem(number, None, "doubled_key", message))
    return value
