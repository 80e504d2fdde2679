"""The old blog moves, with the command that people type."""

from __future__ import annotations

import datetime
import io
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from commands.legacy_blog.models import Author, Comment, Post
from safe_import.models import Run
from safe_import.runs.undo import undo
from tests.journal import journal
from tests.legacy.old_blog import change_old_blog
from tests.people.database import contents_of_database, without_sequences

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options: Any) -> str:
    """Run the command and return what it prints."""
    out = io.StringIO()
    call_command("migrate_legacy_data", *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_the_blog_lands_with_its_relations_and_dates(old_blog: Path) -> None:
    """Keys, many-to-many, a link to nobody, and the dates that saving would have made today's."""
    run("--commit")
    assert list(Author.objects.order_by("id").values_list("id", "username", "email")) == [
        (3, "ada.lovelace", "ada@old.example"),
        (7, "alan.turing", ""),
    ]
    assert list(Comment.objects.order_by("id").values_list("id", "author")) == [(20, 7), (21, None), (22, 3)]
    engines, thought = Post.objects.order_by("id")
    assert (engines.title, engines.body, engines.author_id) == ("On engines", " They weave. ", 3)
    assert sorted(engines.comments.values_list("id", flat=True)) == [20, 21]
    assert sorted(thought.comments.values_list("id", flat=True)) == [22]
    assert engines.posted == datetime.datetime(2014, 10, 13, 8, 36, 59, tzinfo=datetime.UTC)
    assert Run.objects.get().state == "verified"


def test_without_commit_everything_runs_and_is_rolled_back(old_blog: Path) -> None:
    """The report has the counts of the real run, and the database is as before."""
    before = without_sequences(contents_of_database())
    printed = run()
    assert "7 read = 7 created" in printed
    assert "--commit" in printed
    assert without_sequences(contents_of_database()) == before


def test_a_migration_runs_once_unless_it_allows_updates(old_blog: Path) -> None:
    """Authors allow updates: a new one is created, a changed one is handed to the hook; the others are remembered."""
    run("--commit")
    change_old_blog(
        old_blog,
        "UPDATE authors SET EmailAddress = 'alan@old.example' WHERE id = 7;"
        "INSERT INTO authors VALUES (8, 'Grace', 'Hopper', NULL); DELETE FROM comments; DELETE FROM posts",
    )
    printed = run("--commit")
    assert "PostMigration" not in printed
    assert "3 read = 1 created + 1 updated + 1 unchanged" in printed
    assert dict(Author.objects.values_list("username", "email")) == {
        "ada.lovelace": "ada@old.example",
        "alan.turing": "alan@old.example",
        "grace.hopper": "",
    }
    assert Post.objects.count() == 2
    assert [each.after for each in journal(action="update")] != []
    assert "3 unchanged" in run("--commit")


def test_the_run_has_a_backup_and_can_be_undone(old_blog: Path, backup_root: Path) -> None:
    """What it created goes, what it updated is put back; what was undone can run again."""
    run("--commit")
    change_old_blog(old_blog, "UPDATE authors SET EmailAddress = 'new@old.example' WHERE id = 3")
    run("--commit")
    second, first = Run.objects.all()
    assert [path.name for path in backup_root.iterdir() if path.is_dir()]
    undo(second.id)
    assert Author.objects.get(id=3).email == "ada@old.example"
    undo(first.id, delete_created=True)
    assert not Author.objects.exists()
    assert not Post.comments.through.objects.exists()
    assert "7 created" in run("--commit")


def test_new_records_get_keys_beyond_those_of_the_old_ones(old_blog: Path) -> None:
    """The application goes on after the highest key that was brought."""
    run("--commit")
    assert Author.objects.create(username="new", firstname="N", lastname="N").pk > 7


def test_a_link_to_nobody_refuses_the_whole_run(old_blog: Path) -> None:
    """With row and column, also what came before."""
    change_old_blog(old_blog, "UPDATE posts SET Author = 99 WHERE id = 11")
    with pytest.raises(CommandError, match="one error in PostMigration") as refused:
        run("--commit")
    assert refused.value.returncode == 1
    assert not Author.objects.exists()
    [error] = Run.objects.get().report["errors"]
    assert (error["line"], error["column"], error["code"]) == (2, "legacy_blog.Post.author", "link_missing")
