"""The syntax of the lists of objects that a file of TypeScript or JavaScript declares.

# Note [Data, no program]
Nothing of the file is run. The parser behind ``chompjs`` takes almost anything: an expression becomes a text, ``[1 2]``
becomes 12. So what is not plain data is refused here first, with its line, and only plain data is given to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safe_import.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<skipped>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    | (?P<mark>[\[\]{}:,=])
    | (?P<word>[^\s"'`\[\]{}:,=/]+|/)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_PLAIN = re.compile(rf"true|false|null|{_NUMBER}").fullmatch
_ESCAPE = re.compile(r"""\\(?:\\|["'/bfnrt]|u[0-9a-fA-F]{4}|(?P<unknown>.))""", re.DOTALL)
_DEEPEST = 50
_CLOSING = {"{": "}", "[": "]"}

# What may come next, by the bracket that we are in and by what stood before.
_EXPECTED = {
    ("{", "{"): ("name", "}"),
    ("{", ","): ("name", "}"),
    ("{", "name"): (":",),
    ("{", ":"): ("value",),
    ("{", "value"): (",", "}"),
    ("[", "["): ("value", "]"),
    ("[", ","): ("value", "]"),
    ("[", "value"): (",", "]"),
}
_WORDS = {"name": "a name", "value": "a value"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the file: ``kind`` is ``text``, ``word``, or the mark itself; ``at`` is where it begins."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Literal:
    """An object as the file writes it, without its comments, and the line on which it begins."""

    line: int
    text: str


class Script:
    """A file of TypeScript or JavaScript.

    Args:
        text: of the file.
        label: its name, for messages.

    Raises:
        SourceError: a text in it does not end.
    """

    def __init__(self, text: str, label: str) -> None:
        self._text, self._label = text, label
        self._tokens = list(self._read())

    def literals(self, name: str) -> list[Literal]:
        """Return the objects of the list that the file declares under a name.

        Raises:
            SourceError: there is no such list, it is broken, or something in it is not plain data.
        """
        return [
            Literal(self.line(self._tokens[first].at), "".join(each.text for each in self._tokens[first : last + 1]))
            for first, last in self._objects(self._start(name))
        ]

    def line(self, at: int) -> int:
        """Return the line of a position."""
        return self._text.count("\n", 0, at) + 1

    def _read(self) -> Iterator[Token]:
        at = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise self._error(at, "the text that begins here does not end")
            kind = str(found.lastgroup)
            if kind != "skipped":
                yield Token(found[0] if kind == "mark" else kind, found[0], at)
            at = found.end()

    def _start(self, name: str) -> int:
        """Where the list begins that is declared as ``const name: Type[] = [``."""
        depth, declared = 0, False
        for index, token in enumerate(self._tokens[:-1]):
            following = self._tokens[index + 1]
            depth += (token.kind in _CLOSING) - (token.kind in _CLOSING.values())
            if depth == 0 and token.text in ("const", "let", "var"):
                declared = following.text == name
            elif depth == 0 and declared and token.kind == "=" and not following.text.startswith(">"):
                if following.kind != "[":
                    raise self._error(following.at, f"{name} is no list; a list of objects is expected")
                return index + 1
        raise SourceError(f"{self._label}: the file declares no list called {name}")

    def _objects(self, start: int) -> list[tuple[int, int]]:
        """The first and the last token of every object of the list that begins at a token."""
        found: list[tuple[int, int]] = []
        opened, before = [start], "["
        for index in range(start + 1, len(self._tokens)):
            token, bracket = self._tokens[index], self._tokens[opened[-1]].kind
            role = self._role(token, bracket, before)
            if role == "value" and len(opened) == 1 and token.kind != "{":
                raise self._error(token.at, "an object {...} is expected")
            if token.kind in _CLOSING:
                opened.append(index)
                before = token.kind
                if len(opened) > _DEEPEST:
                    raise self._error(token.at, f"nested more than {_DEEPEST} times")
            elif token.kind in _CLOSING.values():
                first, before = opened.pop(), "value"
                if not opened:
                    return found
                if len(opened) == 1:
                    found.append((first, index))
            else:
                before = role
        raise self._error(self._tokens[opened[-1]].at, "the bracket that opens here is never closed")

    def _role(self, token: Token, bracket: str, before: str) -> str:
        """What a token is where it stands: ``name``, ``value``, or its mark."""
        expected = _EXPECTED[bracket, before]
        role = token.kind
        if role in ("text", "word", *_CLOSING):
            role = "name" if "name" in expected and role not in _CLOSING else "value"
        if role not in expected:
            wanted = " or ".join(_WORDS.get(each, repr(each)) for each in expected)
            raise self._error(token.at, f"{wanted} is expected here")
        if token.kind == "text":
            self._judge_text(token)
        elif token.kind == "word" and role == "value" and not _PLAIN(token.text):
            raise self._error(token.at, "only plain values are read: texts, numbers, true, false, null; no expressions")
        return role

    def _judge_text(self, token: Token) -> None:
        if token.text.startswith("`") and "${" in token.text:
            raise self._error(token.at + token.text.index("${"), "a text with an expression in it; write it out")
        for escape in _ESCAPE.finditer(token.text, 1, len(token.text) - 1):
            if escape["unknown"]:
                reason = "an escape that is not read here; write the character itself"
                raise self._error(token.at + escape.start(), reason)

    def _error(self, at: int, reason: str) -> SourceError:
        column = at - self._text.rfind("\n", 0, at)
        return SourceError(f"{self._label}, line {self.line(at)}, character {column}: {reason}")
