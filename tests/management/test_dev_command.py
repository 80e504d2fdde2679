"""The twin for developers: not in production, and it asks before it deletes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from safe_import.management.base import DevImportCommand
from tests.management.running import run
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    File = Callable[[str], Path]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]


class Command(DevImportCommand):
    """The usual case."""

    spec = ThingsImport


@pytest.fixture
def development(backup_root: Path, settings: SettingsWrapper) -> None:
    """Settings that say that this is a developer's machine."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "ENVIRONMENT": "development"}


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Type an answer; nothing is the end of standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))


@pytest.mark.parametrize("flags", [[], ["--clear", "--no-input"], ["--dry-run"]])
def test_it_refuses_in_production_and_names_the_other(file: File, flags: list[str]) -> None:
    """Unset means production."""
    Thing.objects.create(code="old")
    outcome = run(Command, "--csv", file("code\na\n"), *flags)
    assert outcome.code == 1
    assert "test_dev_command_prod" in outcome.err  # a command is named after its module
    assert Thing.objects.get().code == "old"


def test_the_people_twin_names_its_production_command(tmp_path: Path) -> None:
    """Where the app was installed by mistake."""
    with pytest.raises(CommandError, match="Use: import_users_prod") as refused:
        call_command("import_users", csv=str(tmp_path / "users.csv"), clear=True, no_input=True)
    assert refused.value.returncode == 1


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("flag", ["--clear", "--clear-things"])
def test_it_clears_and_loads_when_the_answer_is_yes(file: File, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    """What was there before is gone; what the file has is there."""
    Thing.objects.create(code="old")
    answering(monkeypatch, "yes\n")
    assert run(Command, "--csv", file("code\na\n"), flag).code == 0
    assert Thing.objects.get().code == "a"


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize(("answer", "word"), [("no\n", "not confirmed"), ("", "--no-input")], ids=["no", "nobody"])
def test_it_changes_nothing_when_the_answer_is_anything_else(
    file: File, monkeypatch: pytest.MonkeyPatch, answer: str, word: str
) -> None:
    """Also when nobody can answer."""
    Thing.objects.create(code="old")
    answering(monkeypatch, answer)
    outcome = run(Command, "--csv", file("code\na\n"), "--clear")
    assert outcome.code == 2
    assert word in outcome.err
    assert Thing.objects.get().code == "old"


@pytest.mark.usefixtures("development")
def test_json_never_asks(file: File) -> None:
    """It needs --no-input; the answer is an object all the same."""
    Thing.objects.create(code="old")
    path = file("code\na\n")
    outcome = run(Command, "--csv", path, "--clear", "--json")
    assert (outcome.code, outcome.report["exit_code"]) == (2, 2)
    assert Thing.objects.get().code == "old"
    assert run(Command, "--csv", path, "--clear", "--json", "--no-input").report["state"] == "verified"
    assert Thing.objects.get().code == "a"


@pytest.mark.usefixtures("development")
def test_a_refused_file_leaves_what_was_to_be_cleared(file: File) -> None:
    """Deleting and loading are one transaction."""
    Thing.objects.create(code="old")
    assert run(Command, "--csv", file("code,price\na,x\n"), "--clear", "--no-input").code == 1
    assert Thing.objects.get().code == "old"


@pytest.mark.usefixtures("development")
def test_without_clear_it_adds_and_updates(file: File) -> None:
    """As its twin for production does; a dry run of --clear asks nothing and changes nothing."""
    Thing.objects.create(code="old")
    path = file("code\na\n")
    assert run(Command, "--csv", path).code == 0
    assert set(Thing.objects.values_list("code", flat=True)) == {"a", "old"}
    assert run(Command, "--csv", path, "--clear", "--dry-run").code == 0
    assert set(Thing.objects.values_list("code", flat=True)) == {"a", "old"}
