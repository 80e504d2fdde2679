"""The report for people says what happened, in words that can't drive a terminal, and what to type next."""

from __future__ import annotations

import re
from typing import Any

import pytest

from safe_import.records import CheckResult, Ledger, ModelCounts, Problem, RunResult
from safe_import.report.advice import Commands
from safe_import.report.text import View, render_text

COMMANDS = Commands("python manage.py", "python manage.py import_users_prod --csv users.csv")
WRITTEN = {"people.User": ModelCounts(2, 1, 0), "people.Team": ModelCounts()}


def result_of(state: str = "verified", **values: Any) -> RunResult:
    """What a run of three rows came to."""
    defaults = {"rows": Ledger(3, 2, 1), "models": WRITTEN, "plan": "d" * 64}
    return RunResult("users", state=state, **{**defaults, **values})


def text_of(result: RunResult, **view: Any) -> str:
    """The report, as it goes into a pipe unless the view says otherwise."""
    return render_text(result, View(**{"file": "users.csv", "commands": COMMANDS, **view}))


@pytest.mark.parametrize(
    ("result", "headline"),
    [
        (result_of(), "users, users.csv: imported"),
        (
            result_of("applying", exit_code=5),
            "users, users.csv: the database went away at the commit, so it is not known whether the data is committed",
        ),
        (result_of("planned"), "users, users.csv: dry run, nothing was written"),
        (result_of("planned", models={}), "users, users.csv: dry run, nothing was written; there is nothing to change"),
        (result_of("rehearsed"), "users, users.csv: rehearsed from beginning to end and rolled back"),
        (result_of(models={}), "users, users.csv: nothing to change, all of it is in the database"),
        (
            result_of(exit_code=3, rows=Ledger(3, 2, rejected=1), links_held=4),
            "users, users.csv: imported in part: 1 of 3 rows rejected, 4 links held",
        ),
        (
            result_of("planned", exit_code=3, links_held=4),
            "users, users.csv: dry run, nothing was written; to be imported in part: 4 links held",
        ),
        (result_of("failed", exit_code=1), "users, users.csv: nothing was changed"),
        (result_of(exit_code=5), "users, users.csv: the data is committed, but what follows failed"),
    ],
)
def test_the_first_line_says_what_happened(result: RunResult, headline: str) -> None:
    """In one sentence."""
    assert text_of(result).splitlines()[0] == headline


@pytest.mark.parametrize(
    ("result", "last"),
    [
        (result_of(undo="undo_import 01J"), "  python manage.py undo_import 01J"),
        (result_of("planned"), f"  python manage.py import_users_prod --csv users.csv --plan {'d' * 64}"),
        (
            result_of("failed", exit_code=1, errors=[Problem(2, "Name", "x", "wrong")], errors_total=1),
            "Or import the 3 valid rows alone, the others go into a file of their own: --on-error continue",
        ),
    ],
)
def test_the_last_line_is_what_to_type_next(result: RunResult, last: str) -> None:
    """On a line of its own, unbroken, so that it can be copied; also on a narrow terminal."""
    assert text_of(result).splitlines()[-1] == last
    assert text_of(result, width=40).splitlines()[-1] == last


def test_the_command_that_undoes_a_run_names_its_database() -> None:
    """Where it is not the default one."""
    commands = Commands("python manage.py", database="other")
    text = text_of(result_of(undo="undo_import 01J"), commands=commands)
    assert text.endswith("  python manage.py undo_import 01J --database other\n")


def test_the_facts_are_listed_where_there_are_any() -> None:
    """Backup, rejects, links; models of which nothing was written or found are left out."""
    text = text_of(
        result_of(backup="backups/01J", rejects="users.rejects.csv", links_held=2, links_left_empty=3, run="01R")
    )
    assert re.search(r"^Rows +3 read = 2 created \+ 1 updated \+ 0 unchanged", text, re.MULTILINE)
    assert re.search(r"^Backup +backups/01J$", text, re.MULTILINE)
    assert re.search(r"^Rejects +users\.rejects\.csv$", text, re.MULTILINE)
    assert re.search(r"^Links +2 held", text, re.MULTILINE)
    assert re.search(r"^Links +3 left empty", text, re.MULTILINE)
    assert "Correct the rows in users.rejects.csv" in text
    assert "people.Team" not in text


def test_a_refused_run_does_not_list_what_it_would_have_written() -> None:
    """Nobody must take it for what was."""
    text = text_of(result_of("failed", exit_code=1, errors=[Problem(2, None, "x", "wrong")], errors_total=1))
    assert "people.User" not in text
    assert "  line 2: wrong\n" in text


def test_more_errors_than_are_listed_are_counted() -> None:
    """And it says where all of them are."""
    errors = [Problem(line, f"column {line}", "x", "wrong") for line in range(2, 102)]
    text = text_of(result_of("failed", exit_code=1, errors=errors, errors_total=1_250))
    assert "1,250 errors" in text
    assert "line 101, column 'column 101': wrong" in text
    assert "... and 1,150 more" in text
    assert "--log-file" in text


def test_a_check_that_found_only_what_was_so_before_is_one_number() -> None:
    """What the run brought is named, with its records."""
    checks = [
        CheckResult("a", "error", "No team", 0),
        CheckResult("b", "warning", "Idle teams", 9, 0, ("people.Team #7",)),
        CheckResult("c", "warning", "Idle users", 12, 2, tuple(f"people.User #{number}" for number in range(10))),
    ]
    text = text_of(result_of(checks=checks))
    assert "1 passed, 1 found only what was so before" in text
    assert "warning: Idle users: 12 records, 2 by this run (people.User #0, " in text
    assert "Idle teams" not in text
    assert "Idle teams" in text_of(result_of(checks=checks), details=True)


def test_changes_are_shown_field_by_field_where_values_may_be() -> None:
    """Long values are cut, and say so."""
    change = {"line": 7, "model": "people.User", "pk": "12", "field": "name", "before": None, "after": "x" * 100}
    assert "people.User #12" not in text_of(result_of(changes=[change]))
    text = text_of(result_of(changes=[change]), values=True)
    assert f"line 7  people.User #12  name  (empty) -> {'x' * 60}...\n" in text


def test_control_characters_of_a_cell_or_a_header_do_not_reach_the_terminal() -> None:
    """They are shown as escapes."""
    evil = "\x1b[2Jred\x07\r\u202e"
    change = {"line": 7, "model": "people.User", "pk": "1", "field": "name", "before": evil, "after": evil}
    result = result_of(changes=[change], warnings=[Problem(1, evil, "x", evil)], warnings_total=1, rejects=evil)
    text = text_of(result, values=True)
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert "\\x1b[2Jred\\x07\\r\\u202e" in text


def test_square_brackets_are_text() -> None:
    """They are no markup."""
    assert "[bold]x[/bold]" in text_of(result_of(errors=[Problem(2, "[bold]", "x", "[bold]x[/bold]")], errors_total=1))


def test_nothing_is_wrapped_or_colored_in_a_pipe() -> None:
    """A terminal gets both."""
    errors = {"errors": [Problem(2, "Name", "x", "wrong " * 100)], "errors_total": 1}
    assert f"line 2, column 'Name': {'wrong ' * 100}".rstrip() in text_of(result_of(**errors))
    assert "\x1b[" not in text_of(result_of())
    assert "\x1b[" in text_of(result_of(), color=True)
    assert max(map(len, text_of(result_of(**errors), width=60).splitlines()[:-1])) <= 60
