"""YAML read event by event. Every scalar is text (``NO`` and ``012`` stay what they are), but for null.

PyYAML's loaders keep the last of two equal keys, and follow an alias as often as it stands there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import yaml

from safe_import.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the fast one is missing where there was no libyaml
_NULLS = ("null", "Null", "NULL", "~")
_DEEPEST = 100


class Doubled(dict[str, Any]):
    """Stands in the place of a mapping in which a name stands twice, or is no text."""


class YamlEvents:
    """From the events of the parser to values.

    Args:
        text: one YAML document.
        label: what messages call it.
    """

    def __init__(self, text: str, label: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._label = label

    def elements(self) -> Iterator[Any]:
        """Yield the elements of the list that the document is; none of an empty one.

        Raises:
            SourceError: it is no YAML, no list, or holds aliases or tags.
        """
        with self._failing_clearly():
            event = self._first()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if not isinstance(event, yaml.SequenceStartEvent):
                raise self._error(event, "a list of mappings is expected")
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                yield self._node(event, 1)
            self._end()

    def mapping(self) -> dict[str, Any]:
        """Return the mapping that the document is; an empty one of an empty document.

        Raises:
            SourceError: it is no YAML, no mapping, has a name twice, or holds aliases or tags.
        """
        with self._failing_clearly():
            event = self._first()
            if isinstance(event, yaml.StreamEndEvent):
                return {}
            value = self._node(event, 1)
            if not isinstance(value, dict):
                raise self._error(event, "a mapping is expected")
            if isinstance(value, Doubled):
                raise self._error(event, "a name stands twice, or is no text; keep one")
            self._end()
            return value

    def _first(self) -> yaml.Event:
        return self._next(yaml.StreamStartEvent, yaml.DocumentStartEvent)

    def _end(self) -> None:
        event = self._next(yaml.DocumentEndEvent)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._error(event, "a second document begins here; put all into one")

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
        return self._pairs(depth)

    def _pairs(self, depth: int) -> dict[str, Any]:
        parts = list(self._until(yaml.MappingEndEvent, depth))
        names, values = parts[::2], parts[1::2]
        sound = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        return dict(zip(names, values, strict=True)) if sound else Doubled()

    def _until(self, end: type[yaml.Event], depth: int) -> Iterator[Any]:
        while not isinstance(event := self._next(), end):
            yield self._node(event, depth + 1)

    @contextlib.contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = "" if mark is None else f", line {mark.line + 1}"
            raise SourceError(f"{self._label}{where}: not YAML, or not indented alike") from None

    def _error(self, event: yaml.Event, reason: str) -> SourceError:
        where = "" if event.start_mark is None else f", line {event.start_mark.line + 1}"
        return SourceError(f"{self._label}{where}: {reason}")
