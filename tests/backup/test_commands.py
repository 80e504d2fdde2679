"""The commands: their options, exit codes and JSON."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from safe_import.backup.store import list_backups
from safe_import.backup.write import write_backup
from safe_import.models import Run
from tests.backup.conftest import content, execute

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper


def run(name: str, *arguments: str) -> str:
    """Run a command and return what it printed."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def as_json(name: str, *arguments: str) -> dict[str, Any]:
    """Run a command with --json and --no-input; its whole output is one object."""
    result: dict[str, Any] = json.loads(run(name, *arguments, "--json", "--no-input"))
    return result


def failure(name: str, *arguments: str) -> tuple[int, str]:
    """Run a command that fails; return its exit code and its message, the same that --json prints."""
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(name, *arguments, "--json", "--no-input", stdout=out)
    printed = json.loads(out.getvalue())
    assert printed == {"error": str(caught.value), "exit_code": caught.value.returncode}
    return caught.value.returncode, str(caught.value)


@pytest.fixture
def backup(team: list[str]) -> str:
    """The id of a backup of the two tables."""
    return write_backup(connection, team).id


def test_tables_are_backed_up_listed_verified_and_restored(team: list[str]) -> None:
    """The way from the first command to the last, as people see it."""
    before = [content(name) for name in team]
    written = run("backup_tables", "--table", "bk_team", "--table", "bk_player", "--name", "before the move", "--pin")
    [backup] = list_backups()
    assert f"\n  python manage.py restore_backup {backup.id}\n" in written
    listed = run("list_backups", "-v", "2")
    assert f"{backup.id}  " in listed
    assert "9 rows of 2 tables" in listed
    assert "before the move  pinned" in listed
    assert "bk_player: 6" in listed
    assert run("verify_backup", backup.id) == f"{backup.id}  good\n"
    assert run("verify_backup", "--all", "--rehearse") == f"{backup.id}  good, and restorable here\n"
    execute("DELETE FROM bk_player WHERE points > 4")
    assert "bk_player: 2 rows would be inserted, 0 updated, 0 deleted; 4 were" in run(
        "restore_backup", backup.id, "--dry-run"
    )
    in_full = run("restore_backup", backup.id, "--dry-run", "-v", "2")
    assert "bk_team: 0 rows would be inserted, 0 updated, 0 deleted; 3 were as in the backup\n" in in_full
    restored = run("restore_backup", str(backup.path))
    assert "1 of 2 tables were as in the backup (-v 2 names them)\n" in restored
    assert "bk_player: 2 rows were inserted, 0 updated, 0 deleted; 4 were" in restored
    assert f"\n  python manage.py restore_backup {list_backups()[1].id} --mode exact --allow-delete\n" in restored
    assert [content(name) for name in team] == before


def test_every_command_prints_one_json_object(backup: str) -> None:
    """And nothing else."""
    [listed] = as_json("list_backups")["backups"]
    assert listed["tables"] == {"bk_team": 3, "bk_player": 6}
    assert listed["problem"] is None
    assert as_json("verify_backup", backup)["backups"] == [{"id": backup, "problem": None}]
    restored = as_json("restore_backup", backup, "--tables", "bk_team")
    assert restored["tables"] == {"bk_team": {"inserted": 0, "updated": 0, "deleted": 0, "unchanged": 3}}
    made = as_json("backup_tables", "people.User", "--pin")
    assert made["pinned"] is True
    assert as_json("prune_backups", "--keep-last", "1", "--keep-days", "0", "--dry-run")["removed"][0] == backup


def test_models_and_all_tables_can_be_named(team: list[str]) -> None:
    """Automatic many-to-many tables as well; with --all those that no model knows."""
    assert list(as_json("backup_tables", "testapp.Thing", "testapp.Thing_tags")["tables"]) == [
        "testapp_thing",
        "testapp_thing_tags",
    ]
    assert {"bk_team", "bk_player", "testapp_thing", "django_migrations"} <= as_json("backup_tables", "--all")[
        "tables"
    ].keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backup_tables"], "name models"),
        (["backup_tables", "people.User", "--all"], "name models"),
        (["backup_tables", "people.Nobody"], "'people.Nobody' is no model"),
        (["backup_tables", "nobody"], "'nobody' is no model"),
        (["verify_backup"], "name one backup, or give --all"),
    ],
)
def test_a_call_that_contradicts_itself_exits_2(arguments: list[str], message: str, backup_root: Path) -> None:
    """Usage is the caller's to mend."""
    code, text = failure(*arguments)
    assert code == 2
    assert message in text


def test_what_fails_exits_1_with_its_reason(backup: str) -> None:
    """On the screen and in JSON the same."""
    assert failure("restore_backup", "01JD7Q2V0G8K6F4XM2Q3T5R9WZ")[0] == 1
    assert failure("restore_backup", backup, "--identity", "/nonexistent")[0] == 1
    path = next(each.path for each in list_backups())
    (path / "bk_team.jsonl.zst").write_bytes(b"")
    code, text = failure("verify_backup", "--all")
    assert code == 1
    assert "1 of 1 backups can't be proven good" in text
    assert "bk_team.jsonl.zst" in text


def test_an_unset_root_exits_2(settings: SettingsWrapper) -> None:
    """It is a setting that is missing."""
    settings.SAFE_IMPORT = {}
    assert failure("list_backups")[0] == 2


def test_exact_in_production_wants_allow_delete(backup: str) -> None:
    """Without it nothing is asked and nothing deleted; a dry run may always count."""
    execute("INSERT INTO bk_team (name) VALUES ('pink')")
    assert as_json("restore_backup", backup, "--mode", "exact", "--dry-run")["tables"]["bk_team"]["deleted"] == 1
    code, text = failure("restore_backup", backup, "--mode", "exact")
    assert code == 2
    assert "--allow-delete" in text
    assert as_json("restore_backup", backup, "--mode", "exact", "--allow-delete")["tables"]["bk_team"]["deleted"] == 1


@pytest.mark.parametrize(("answer", "deleted"), [("yes", True), ("no", False), ("", False), (EOFError, False)])
def test_exact_asks_first(
    answer: str | type[EOFError], deleted: bool, backup: str, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything but yes changes nothing, also when nobody is there to answer."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "ENVIRONMENT": "staging"}
    execute("INSERT INTO bk_team (name) VALUES ('pink')")

    def reply(question: str) -> str:
        assert "will be deleted" in question
        if isinstance(answer, str):
            return answer
        raise answer

    monkeypatch.setattr("builtins.input", reply)
    if deleted:
        run("restore_backup", backup, "--mode", "exact")
    else:
        with pytest.raises(CommandError, match="confirm") as caught:
            run("restore_backup", backup, "--mode", "exact")
        assert caught.value.returncode == 2
    assert len(content("bk_team")) == (3 if deleted else 4)


def test_backups_are_pinned_and_freed(backup: str, team: list[str]) -> None:
    """A pinned one stays when it is pruned, until it is freed."""
    write_backup(connection, team)
    run("list_backups", "--pin", backup)
    assert as_json("prune_backups", "--keep-last", "1", "--keep-days", "0")["kept"][backup] == "pinned"
    run("list_backups", "--unpin", backup)
    assert "removed" in run("prune_backups", "--keep-last", "1", "--keep-days", "0")
    assert len(list_backups()) == 1


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        (["verified"], True),
        (["applied"], True),
        (["undoing"], True),
        (["undone"], False),
        (["failed"], False),
        (["verified", "verified"], False),
    ],
)
def test_a_backup_that_a_run_may_need_stays(
    states: list[str], kept: bool, transactional_db: None, team: list[str], backup: str
) -> None:
    """Of each spec the latest run, and every run that is not settled; the order is that of the runs' ids."""
    others = [write_backup(connection, team) for _ in states]
    backups = [
        str(next(each.path for each in list_backups() if each.id == backup)),
        *(str(each.path) for each in others),
    ]
    for number, state in enumerate(states):
        Run.objects.create(id=f"{number:026}", spec="users", state=state, process=1, backup=backups[number])
    result = as_json("prune_backups", "--keep-last", "1", "--keep-days", "0", "--dry-run")
    assert (backup in result["kept"]) == kept


@pytest.mark.parametrize(
    ("state", "kept"),
    [("created", True), ("validated", True), ("applying", True), ("failed", False), ("undone", False)],
)
def test_a_backup_stays_before_the_record_of_its_run_names_it(
    state: str, kept: bool, transactional_db: None, team: list[str], backup_root: Path
) -> None:
    """While its second copy is written, say: its manifest names the run, and the run goes on."""
    run = Run.objects.create(id=f"{7:026}", spec="users", state=state, process=1)
    backup = write_backup(connection, team, run=run.id).id
    write_backup(connection, team)
    result = as_json("prune_backups", "--keep-last", "1", "--keep-days", "0")
    assert (result["kept"].get(backup) == "needed by a run") == kept
    assert len(list_backups()) == 1 + kept
