"""Problems of a file as lines for people: what many lines have in common is said once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from safe_import.records import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOO_MUCH_OF_THE_SAME = 4


def problem_lines(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield a line for each problem, or for all that differ in their line alone, where the first of them stands."""
    alike: dict[tuple[str | None, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        alike[problem.column, problem.message].append(problem)
    for problem in problems:
        group = alike[problem.column, problem.message]
        if len(group) < _TOO_MUCH_OF_THE_SAME:
            yield str(problem)
        elif problem is group[0]:
            where = ", ".join(_ranges([each.line for each in group if each.line]))
            yield f"lines {where}: {Problem(None, problem.column, problem.code, problem.message)}"


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Yield ``2-4`` for 2, 3, 4, and ``7`` for 7 alone."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return (str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
