"""``undo_import``: asks, undoes, and says what it did; exit codes and JSON for programs."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from safe_import.models import Run
from tests.testapp.models import Node, Thing
from tests.testapp.specs import NodesImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


def _undo(*arguments: str) -> str:
    output = io.StringIO()
    call_command("undo_import", *arguments, stdout=output)
    return output.getvalue()


def _fail(*arguments: str) -> tuple[CommandError, str]:
    output = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("undo_import", *arguments, stdout=output)
    return failure.value, output.getvalue()


@pytest.fixture
def run(importing: Importer) -> str:
    """A run that updated one thing and created another."""
    Thing.objects.create(code="a", name="secret before")
    done = importing(ThingsImport, "code,name\na,secret after\nb,secret too\n").run
    assert done is not None
    return done


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What a person types; the questions are kept."""

    def answering(answer: str) -> list[str]:
        questions: list[str] = []

        def ask(question: str = "") -> str:
            questions.append(question)
            return answer

        monkeypatch.setattr("builtins.input", ask)
        return questions

    return answering


def test_it_shows_what_it_would_do_and_asks(run: str, answers: Callable[[str], list[str]]) -> None:
    """Only yes is yes."""
    questions = answers("y")
    failure, text = _fail(run)
    assert failure.returncode == 2
    assert "testapp.Thing: 1 put back as before the run" in text
    assert len(questions) == 1
    assert Thing.objects.get(code="a").name == "secret after"
    answers("yes")
    _undo(run)
    assert Thing.objects.get(code="a").name == "secret before"


def test_no_input_does_not_ask(run: str) -> None:
    """And no value is printed."""
    text = _undo(run, "--no-input")
    assert Thing.objects.get(code="a").name == "secret before"
    assert "1 that the run created, kept" in text
    assert "secret" not in text


def test_a_dry_run_changes_nothing_and_does_not_ask(run: str) -> None:
    """There is nothing to be asked."""
    assert f"Run {run} would be undone" in _undo(run, "--dry-run", "--delete-created")
    assert Thing.objects.count() == 2
    assert Run.objects.get(id=run).state == "verified"


def test_delete_created_deletes(run: str) -> None:
    """It is a flag of its own, because it deletes."""
    assert "testapp.Thing: 1 that the run created, deleted" in _undo(run, "--no-input", "--delete-created")
    assert not Thing.objects.filter(code="b").exists()


def test_a_conflict_exits_with_1_and_is_listed(run: str) -> None:
    """By model, key and column."""
    Thing.objects.filter(code="a").update(name="secret later")
    failure, text = _fail(run, "--no-input")
    assert failure.returncode == 1
    assert f"testapp.Thing #{Thing.objects.get(code='a').pk}: name was changed after the run" in text
    assert "secret" not in f"{text}{failure}"


def test_conflicts_that_are_skipped_exit_with_3(importing: Importer) -> None:
    """Done in part is not done."""
    done = importing(NodesImport, "code,parent\na,\nb,a\n").run
    Node.objects.create(code="later", parent=Node.objects.get(code="b"))
    failure, text = _fail(str(done), "--no-input", "--delete-created", "--skip-conflicts")
    assert failure.returncode == 3
    assert "is referred to by testapp.Node.parent" in text
    assert Run.objects.get(id=done).state == "undone"


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_json_is_one_object(run: str, flags: list[str]) -> None:
    """With everything that people are told."""
    answer = json.loads(_undo(run, "--no-input", "--json", *flags))
    assert answer == {
        "run": run,
        "dry_run": bool(flags),
        "restored": {"testapp.Thing": 1},
        "deleted": {"testapp.Thing": 0},
        "kept": {"testapp.Thing": 1},
        "conflicts": [],
        "conflicts_total": 0,
    }


def test_json_of_a_conflict_is_one_object_as_well(run: str) -> None:
    """On standard output; the exit code is in it."""
    Thing.objects.filter(code="a").delete()
    answer = json.loads(_fail(run, "--no-input", "--json")[1])
    assert answer["exit_code"] == 1
    assert [conflict["code"] for conflict in answer["conflicts"]] == ["vanished"]


def test_an_unknown_run_exits_with_2() -> None:
    """It is a wrong call."""
    assert _fail("nonsense", "--no-input")[0].returncode == 2


def test_the_audit_log_has_the_undo(run: str, caplog: pytest.LogCaptureFixture) -> None:
    """Who, and how many; no value."""
    with caplog.at_level(logging.INFO, "safe_import"):
        _undo(run, "--no-input")
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["event"] for line in lines] == ["undo_started", "undone"]
    assert (lines[1]["run"], lines[1]["restored"]) == (run, {"testapp.Thing": 1})
    assert "secret" not in caplog.text
