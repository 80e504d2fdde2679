"""The commands: their flags, their words, their exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from commands.legacy_blog.models import Author, Post
from safe_import import failpoints
from safe_import.models import Run
from safe_import.runs.recover import recover
from tests.legacy.old_blog import change_old_blog

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)


def run(command: str, *arguments: str, **options: Any) -> str:
    """Run a command and return what it prints on both channels."""
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_queries_are_printed_when_asked_for(old_blog: Path) -> None:
    """Those of the migrations that run, and only then."""
    assert "FROM authors" in run("migrate_legacy_data", "--logquery")
    assert "FROM authors" not in run("migrate_legacy_data")


def test_an_excluded_app_is_left_out(old_blog: Path) -> None:
    """Nothing of it is brought; an app that is not installed is an error of usage."""
    run("migrate_legacy_data", "--commit", "--exclude", "legacy_blog")
    assert not Author.objects.exists()
    with pytest.raises(CommandError, match="no app") as wrong:
        run("migrate_legacy_data", "--exclude", "nowhere")
    assert wrong.value.returncode == 2


@pytest.mark.parametrize("options", [{"commit": True}, {"commit_changes": True}])
def test_programs_may_call_the_command(old_blog: Path, options: dict[str, Any]) -> None:
    """By either name of the option."""
    run("migrate_legacy_data", **options)
    assert Post.objects.count() == 2


def test_the_old_name_works_and_warns(old_blog: Path) -> None:
    """It does the same."""
    printed = run("migrate_this_shit", "--commit")
    assert "is called migrate_legacy_data now" in printed
    assert Post.objects.count() == 2


def test_when_there_is_nothing_to_do_there_is_no_run(old_blog: Path) -> None:
    """Nor a backup."""
    printed = run("migrate_legacy_data", "--exclude", "legacy_blog")
    assert "Nothing to migrate" in printed
    assert not Run.objects.exists()


def test_the_record_says_what_ran_and_holds_no_value(old_blog: Path) -> None:
    """Migrations by name, counts by model."""
    run("migrate_legacy_data", "--commit")
    record = Run.objects.get()
    assert record.spec == "legacy_data"
    module = "commands.legacy_blog.data_migration_spec"
    assert record.arguments["migrations"] == [
        f"{module}.{name}" for name in ("AuthorMigration", "CommentMigration", "PostMigration")
    ]
    assert record.report["models"]["legacy_blog.Post"] == {"created": 2, "updated": 0, "unchanged": 0}
    assert "ada@old.example" not in json.dumps([record.report, record.arguments])


def test_a_value_is_in_no_message(old_blog: Path) -> None:
    """Not in that of an error either."""
    change_old_blog(old_blog, "UPDATE posts SET Title = 'secret ' || printf('%0200d', 1) WHERE id = 10")
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("migrate_legacy_data", stdout=out)
    assert "line 1, column 'legacy_blog.Post.title'" in out.getvalue()
    assert "secret" not in out.getvalue() + str(refused.value)


def test_killed_at_any_step_the_data_is_as_before_or_as_after(old_blog: Path) -> None:
    """And the record says which, once it is recovered; then the command does what is left to do."""
    step = 0
    while _killed_at(step := step + 1):
        assert _states_recovered() <= {"failed", "applied"}
        brought = Run.objects.filter(state__in=("applied", "verified")).exists()
        assert (Author.objects.count(), Post.objects.count()) == ((2, 2) if brought else (0, 0))
        if brought:
            break
    assert step > 10


def _states_recovered() -> set[str]:
    """The states in which the runs that were cut off are left; a server notices only after a while that one is dead."""
    for _ in range(100):
        found = recover()
        if not any("nother run works on" in each.remark for each in found):
            break
        time.sleep(0.1)
    return {each.after for each in found}


def _killed_at(step: int) -> bool:
    """Migrate in a process of its own that dies at a step; returns whether it got that far."""
    connection.close()
    child = os.fork()
    if child == 0:
        failpoints._active = failpoints.Failpoints(step)
        call_command("migrate_legacy_data", "--commit", verbosity=0)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
