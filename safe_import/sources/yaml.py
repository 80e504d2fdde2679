"""YAML: a list of mappings. Every scalar is text (``NO`` and ``012`` stay what they are), but for null.

The file is read event by event: PyYAML's loaders keep the last of two equal keys, and follow an alias as often as it
stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from safe_import import strict_json
from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources.base import BrokenRow, ByteFile
from safe_import.sources.keyed import Document, KeyedSource
from safe_import.sources.text_file import TextFile
from safe_import.sources.whole_file import require_small

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the fast one is missing where there was no libyaml
_NULLS = ("null", "Null", "NULL", "~")
_DEEPEST = 100


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
        events = _Events(text, self.label)
        try:
            for number, value in enumerate(events.elements(), 1):
                yield number, _row(number, value)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = "" if mark is None else f", line {mark.line + 1}"
            raise SourceError(f"{self.label}{where}: not YAML, or not indented alike") from None


class _Doubled(dict[str, Any]):
    """A mapping in which a name stands twice, or is no text."""


class _Events:
    """From the events of the parser to the elements of the list that a file is."""

    def __init__(self, text: str, label: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._label = label

    def elements(self) -> Iterator[Any]:
        event = self._next(yaml.StreamStartEvent, yaml.DocumentStartEvent)
        if isinstance(event, yaml.StreamEndEvent):
            return
        if not isinstance(event, yaml.SequenceStartEvent):
            raise self._error(event, "a list of mappings is expected")
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._node(event, 1)
        event = self._next(yaml.DocumentEndEvent)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._error(event, "a second document begins here; put all rows into one list")

    def _next(self, *skipped: type[yaml.Event]) -> yaml.Event:
        event = next(self._events)
        return self._next(*skipped) if isinstance(event, skipped) else event

    def _node(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) not in (None, "!"):
            raise self._error(event, "aliases (*name) and tags (!name) are not accepted; write the value itself")
        if depth > _DEEPEST:
            raise self._error(event, "the YAML is nested too deeply")
        if isinstance(event, yaml.ScalarEvent):
            return None if event.value in _NULLS and event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._until(yaml.SequenceEndEvent, depth))
        return self._mapping(depth)

    def _mapping(self, depth: int) -> dict[str, Any]:
        parts = list(self._until(yaml.MappingEndEvent, depth))
        names, values = parts[::2], parts[1::2]
        sound = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        return dict(zip(names, values, strict=True)) if sound else _Doubled()

    def _until(self, end: type[yaml.Event], depth: int) -> Iterator[Any]:
        while not isinstance(event := self._next(), end):
            yield self._node(event, depth + 1)

    def _error(self, event: yaml.Event, reason: str) -> SourceError:
        where = "" if event.start_mark is None else f", line {event.start_mark.line + 1}"
        return SourceError(f"{self._label}{where}: {reason}")


def _row(number: int, value: Any) -> Document | BrokenRow:
    if not isinstance(value, dict):
        return BrokenRow(Problem(number, None, "not_a_mapping", "a mapping (column: value) is expected"))
    if any(isinstance(part, _Doubled) for part in strict_json.parts(value)):
        message = "a name stands twice in one mapping, or is no text; keep one"
        return BrokenRow(Problem(number, None, "doubled_key", message))
    return value
