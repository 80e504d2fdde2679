"""The report for people."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from safe_import.conf import conf
from safe_import.records import PROVEN
from safe_import.report.advice import advice
from safe_import.report.headline import headline, writes
from safe_import.report.problems import problem_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from safe_import.records import CheckResult, Problem, RunResult
    from safe_import.report.advice import Commands

_PLAIN_WIDTH = 10_000  # nothing is wrapped or cut where no terminal sets a width
_LONGEST_VALUE = 60
_NAMED_RECORDS = 5
_STYLES = {"warning": "bold yellow", "error": "bold red"}


@dataclass(frozen=True, slots=True)
class View:
    """How a report is to look, and what it has to know beside the result.

    Args:
        file: the name of the file, as messages call it.
        commands: what to type next.
        width: of the terminal; None where there is none.
        color: whether to use colors.
        details: also show times.
        values: also show changes field by field. They hold values of cells, so they belong on a screen, not in a log.
    """

    file: str
    commands: Commands
    width: int | None = None
    color: bool = False
    details: bool = False
    values: bool = False


def render_text(result: RunResult, view: View) -> str:
    """Return the report for people, plain or coloured as ``view`` says."""
    text = io.StringIO()
    console = Console(
        file=text,
        width=view.width or _PLAIN_WIDTH,
        force_terminal=view.color,
        color_system="standard" if view.color else None,
        no_color=not view.color,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(printable(headline(result, view.file)), style="bold")
    for section in _sections(result, view):
        console.print()
        console.print(section)
    # Table cells are padded up to the width of their column.
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    # Never wrapped: a command that is cut in two can't be copied from the screen.
    if next_steps := advice(result, view.file, view.commands):
        lines += ["", *map(printable, next_steps)]
    return "\n".join(lines) + "\n"


def _sections(result: RunResult, view: View) -> Iterator[RenderableType]:
    if result.rows.read:
        yield _facts(result, view)
    if writes(result) and result.state != "failed":
        yield _records(result)
    if view.details and result.seconds:
        yield _times(result)
    if result.changes and view.values:
        yield _titled(f"Changes to existing records{_of(result)}", _changes(result))
    if result.warnings_total:
        yield _problems("warning", result.warnings, result.warnings_total)
    if result.errors_total:
        yield _problems("error", result.errors, result.errors_total)
    if violated := [check for check in result.checks if check.found and (view.details or _is_news(check))]:
        yield _titled("Checks that found something", _lines(map(_finding, violated)))


# -- what was read and what became of it


def _facts(result: RunResult, view: View) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan")
    grid.add_column(overflow="fold")
    for name, fact in _named_facts(result, view):
        grid.add_row(name, Text(printable(fact)))
    return grid


def _named_facts(result: RunResult, view: View) -> Iterator[tuple[str, str]]:
    rows = result.rows.as_dict()
    yield "Rows", f"{rows.pop('read'):,} read = " + " + ".join(f"{count:,} {fate}" for fate, count in rows.items())
    if result.links_held:
        yield "Links", f"{result.links_held:,} held: they point elsewhere already (--force-update writes them)"
    if result.links_left_empty:
        yield "Links", f"{result.links_left_empty:,} left empty: they name no record"
    if result.checks:
        yield "Checks", _checks(result.checks, "" if view.details else " (-v 2 shows it)")
    proven = result.deletions == PROVEN
    deletions = None if proven and not view.details else result.deletions
    for name, fact in (
        ("Backup", result.backup),
        ("Rejects", result.rejects),
        ("Deletions", deletions),
        ("Run", result.run),
    ):
        if fact:
            yield name, fact
    if result.plan and result.state != "failed":
        yield "Plan", result.plan


def _records(result: RunResult) -> Table:
    table = _table("Records", "created", "updated", "unchanged")
    for label, counts in result.models.items():
        if any(numbers := counts.as_dict().values()):
            table.add_row(label, *(f"{number:,}" for number in numbers))
    return table


def _times(result: RunResult) -> Table:
    table = _table("Time", "seconds", "rows/s")
    for stage, seconds in result.seconds.items():
        table.add_row(stage, f"{seconds:.2f}", f"{result.rows.read / seconds:,.0f}" if seconds else "")
    return table


def _table(title: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
    table.add_column(title, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right")
    return table


def _changes(result: RunResult) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in result.changes:
        values = f"{_value(each['before'])} -> {_value(each['after'])}"
        table.add_row(f"line {each['line']}", f"{each['model']} #{each['pk']}", each["field"], Text(values))
    return table


def _of(result: RunResult) -> str:
    updated = sum(counts.updated for counts in result.models.values())
    return f", some of {updated:,}" if len({(each["model"], each["pk"]) for each in result.changes}) < updated else ""


def _value(value: str | None) -> str:
    if value is None:
        return "(empty)"
    text = printable(str(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


# -- checks


def _checks(checks: Sequence[CheckResult], hint: str) -> str:
    passed = sum(1 for check in checks if not check.found)
    old = sum(1 for check in checks if check.found and not _is_news(check))
    return f"{passed} passed" + (f", {old} found only what was so before{hint}" if old else "")


def _is_news(check: CheckResult) -> bool:
    return bool(check.introduced) or (check.found > 0 and check.severity == "error")


def _finding(check: CheckResult) -> str:
    sample = check.sample[:_NAMED_RECORDS]
    named = ", ".join(sample) + (", ..." if check.found > len(sample) else "")
    counts = f"{_counted(check.found, 'record')}, {check.introduced:,} by this run"
    return f"{check.severity}: {check.message}: {counts} ({named})"


# -- problems


def _problems(severity: str, problems: Sequence[Problem], total: int) -> Group:
    shown = problems[: conf().MAX_REPORTED]
    lines = list(problem_lines(shown))
    if total > len(shown):
        lines.append(f"... and {total - len(shown):,} more (SAFE_IMPORT MAX_REPORTED; --log-file has them all)")
    return _titled(_counted(total, severity), _lines(lines), _STYLES[severity])


def _titled(title: str, content: RenderableType, style: str = "bold") -> Group:
    return Group(Text(title, style=style), Padding(content, (0, 0, 0, 2)))


def _lines(lines: Sequence[str] | Iterator[str]) -> Text:
    return Text("\n").join(Text(printable(line)) for line in lines)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Return the text with control characters shown as escapes: a cell or a header must not drive the terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
