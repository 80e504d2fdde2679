"""``validate_import`` and ``DataValidator``: what breaks a rule is named, and the exit code tells."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from commands.people import models as people
from safe_import.errors import UsageError
from safe_import.validation import DataValidator

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.django_db

KINDS = ("users", "org_structure", "ladders", "history")


def _validate(*arguments: str) -> str:
    output = io.StringIO()
    call_command("validate_import", *arguments, stdout=output)
    return output.getvalue()


def _fail(*arguments: str) -> tuple[CommandError, str]:
    output = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("validate_import", *arguments, stdout=output)
    return failure.value, output.getvalue()


@pytest.fixture
def nameless() -> people.User:
    """A user who breaks a rule."""
    return people.User.objects.create(email="secret@example.org")


@pytest.mark.parametrize("arguments", [[], ["all"], *([kind] for kind in KINDS)])
def test_sound_data_exits_with_0(arguments: list[str]) -> None:
    """Without a name, every spec is validated."""
    text = _validate(*arguments)
    assert [kind for kind in KINDS if f"{kind}: " in text] == (list(KINDS) if arguments in ([], ["all"]) else arguments)


def test_an_error_exits_with_1_and_names_the_records(nameless: people.User) -> None:
    """With how many there are, and no value of theirs."""
    failure, text = _fail("users")
    assert failure.returncode == 1
    assert f"users.name_missing: Users without a name (1 found: people.User #{nameless.pk})" in text
    assert "secret" not in text


def test_a_warning_is_printed_and_exits_with_0() -> None:
    """It is a remark."""
    people.Tribe.objects.create(name="Makers", department=people.Department.objects.create(name="Engineering"))
    assert "warning  org_structure.unused_tribes: Nothing refers to these tribes (1 found" in _validate("org_structure")


def test_an_unknown_spec_exits_with_2_and_names_the_valid_ones() -> None:
    """And the one that may be meant."""
    failure, _ = _fail("user")
    assert failure.returncode == 2
    assert "did you mean 'users'?" in str(failure)
    assert all(kind in str(failure) for kind in (*KINDS, "all"))


def test_json_is_one_object_with_every_check(nameless: people.User) -> None:
    """Also on failure, and nothing else is printed."""
    _, text = _fail("users", "--json")
    answer = json.loads(text)
    assert answer["overall_status"] == "failed"
    assert answer["exit_code"] == 1
    found = {check["name"]: check["found"] for check in answer["checks"]["users"]}
    assert found == dict.fromkeys(found, 0) | {"users.name_missing": 1}
    assert json.loads(_validate("ladders", "--json"))["overall_status"] == "passed"


# -- for programs


def test_the_validator_passes_sound_data() -> None:
    """The checks of the command, as a value."""
    answer = DataValidator().validate_import("users", {})
    assert answer["overall_status"] == "passed"
    assert "users.email_case" in {check["name"] for check in answer["checks"]}
    assert answer["warnings"] == []


def test_the_validator_fails_unsound_data(nameless: people.User) -> None:
    """One violation is enough."""
    assert DataValidator().validate_import("all", {})["overall_status"] == "failed"


@pytest.mark.parametrize("name", ["people.Department", "Department"])
@pytest.mark.parametrize(("expected", "status"), [(1, "passed"), (0, "failed"), (2, "failed")])
def test_the_validator_counts_records(name: str, expected: int, status: str) -> None:
    """Too few is as wrong as too many."""
    people.Department.objects.create(name="Engineering")
    answer = DataValidator().validate_import("org_structure", {name: expected})
    assert answer["overall_status"] == status
    assert [text for text in answer["warnings"] if "unused_departments" in text]


def test_the_validator_refuses_what_the_spec_does_not_write() -> None:
    """A misspelt model would otherwise be a count that nobody made."""
    with pytest.raises(UsageError, match=r"people\.User"):
        DataValidator().validate_import("users", {"Usr": 3})


def test_the_validator_tells_a_command_and_a_logger(nameless: people.User, caplog: pytest.LogCaptureFixture) -> None:
    """At the level of what was found."""
    command: Any = BaseCommand(stdout=io.StringIO())
    logger = logging.getLogger("tests.validator")
    with caplog.at_level(logging.INFO, logger.name):
        DataValidator(command, logger).validate_import("users", {})
    levels = {record.getMessage().split()[1].rstrip(":"): record.levelname for record in caplog.records}
    assert levels["users.name_missing"] == "ERROR"
    assert levels["users.email_case"] == "INFO"
    assert "users.name_missing" in command.stdout.getvalue()
