"""Where the rows of a source are that is made of several parts, each with rows of its own."""

from __future__ import annotations

from bisect import bisect_right


class Places:
    """The parts, by the lines on which they begin."""

    def __init__(self) -> None:
        self._lines: list[int] = []
        self._parts: list[str] = []

    def begin(self, line: int, part: str) -> None:
        """Let a part begin after a line; "" where the rows that follow are in none."""
        self._lines.append(line)
        self._parts.append(part)

    def of(self, line: int) -> tuple[int, str]:
        """Return the number of a row within its part, from 1, and the part; the number is 0 outside of all parts."""
        at = bisect_right(self._lines, line - 1) - 1
        return (line - self._lines[at], self._parts[at]) if at >= 0 and self._parts[at] else (0, "")
