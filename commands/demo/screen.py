"""What the demo says, and what the commands say, told apart on a terminal and in a log."""

from __future__ import annotations

import textwrap
import time

from rich.console import Console
from rich.text import Text

_MARGIN = "  | "
_WIDTH = 120  # where no terminal sets it; longer lines are cut, and show that they are
_READABLE = 100
_CUT = " [...]"


class Screen:
    """Prints to standard output; in colour where that is a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, emoji=False, soft_wrap=True)
        self._width = self._console.width if self._console.is_terminal else _WIDTH
        self._began = time.monotonic()
        self._chapters = 0

    def chapter(self, title: str, text: str) -> None:
        """Begin a chapter: its number and title, and what it is going to show."""
        self._chapters += 1
        self._console.print(Text(f"\n\n{self._chapters}. {title}", style="bold cyan"))
        self.say(text)

    def say(self, text: str) -> None:
        """Say something between two commands; line breaks in the text do not matter."""
        self._console.print(Text("\n" + textwrap.fill(" ".join(text.split()), min(self._width, _READABLE))))

    def command(self, line: str) -> None:
        """Show a command as it is typed."""
        self._console.print(Text(f"\n  $ {line}", style="bold"))

    def output(self, lines: list[str], left_out: int = 0) -> None:
        """Show what a command printed, and how much of it is left out."""
        for line in lines:
            self._console.print(Text(self._cut(f"{_MARGIN}{line}".rstrip())))
        if left_out:
            self._console.print(Text(f"{_MARGIN}[{left_out} more lines]", style="dim"))

    def _cut(self, line: str) -> str:
        return line if len(line) <= self._width else line[: self._width - len(_CUT)] + _CUT

    def exit_code(self, code: int) -> None:
        """Show an exit code that is not 0."""
        self._console.print(Text(f"{_MARGIN}(exit code {code})", style="dim"))

    def checked(self, text: str) -> None:
        """Say what the demo itself has just looked up in the database or on the disk."""
        self._console.print(Text(f"\n  ok  {text}", style="green"))

    def failed(self, why: str) -> None:
        """Say why the demo stops here."""
        self._console.print(Text(f"\nThe demo stops: {why}", style="bold red"))

    def ended(self) -> None:
        """Say the last words."""
        seconds = time.monotonic() - self._began
        self._console.print(
            Text(
                f"\nThat was all, in {seconds:.0f} seconds; the database and the backups of this demo are gone again.\n"
                "Read on: README.md, docs/getting-started.md, docs/guarantees.md.\n"
            )
        )
