"""What many problems have in common is said once; no line is lost."""

from __future__ import annotations

from safe_import.records import Problem
from safe_import.report.problems import problem_lines


def of(*lines: int, message: str = "wrong") -> list[Problem]:
    """Problems of one kind on these lines."""
    return [Problem(line, "Name", "x", message) for line in lines]


def test_a_few_alike_have_a_line_each() -> None:
    """So that each can be found by its line."""
    assert list(problem_lines(of(2, 3, 9))) == [f"line {line}, column 'Name': wrong" for line in (2, 3, 9)]


def test_many_alike_share_a_line() -> None:
    """Where the first of them stands, with neighbours as a range; others keep their place."""
    problems = sorted(of(2, 3, 4, 7, 9, 10) + of(3, message="odd"), key=lambda problem: problem.line or 0)
    assert list(problem_lines(problems)) == ["lines 2-4, 7, 9-10: column 'Name': wrong", "line 3, column 'Name': odd"]


def test_problems_without_a_line_are_kept() -> None:
    """They concern the file."""
    assert list(problem_lines([Problem(None, None, "x", "all of it")])) == ["all of it"]
