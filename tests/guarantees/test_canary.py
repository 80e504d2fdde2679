"""Guarantee 11: a file whose every cell holds a canary fails in every way, and nobody who looks on sees the bird."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_save

from safe_import.checks.check import Check
from safe_import.errors import SafeImportError
from safe_import.management.base import ProdImportCommand
from safe_import.models import Run
from safe_import.pipeline import run_import
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.target import target
from tests.management.running import run
from tests.testapp.models import Box, Heard, Thing
from tests.testapp.specs import HeardImport, NamedRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]

CANARY = "canary"
HEADER = "code,name,price,active,born,ratio,note,data,box\n"
GOOD = '4711canary,canary name,,,,,canary note,"{""canary"": ""canary""}",\n'


class BrokenMethod(ImportSpec, register=False):
    """Its method has a bug, and the exception holds the value."""

    row = NamedRow

    @target(Box, key="name")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """The bug."""
        raise LookupError(f"no {row.name}")
        yield {}


class Checked(ThingsImport, register=False):
    """A check that every thing breaks."""

    checks = (Check("things.none", "there must be no things", Thing.objects.all),)


FILES: dict[str, tuple[type[ImportSpec], str]] = {
    "no value fits": (ThingsImport, HEADER + ",".join([CANARY] * 9) + "\n"),
    "too long": (ThingsImport, HEADER + f"{CANARY * 20},{CANARY * 20},,,,,,,\n"),
    "numbers with letters": (ThingsImport, HEADER + "1,x,12canary,,2024-02-30canary,1e5canary,,,\n"),
    "broken JSON": (ThingsImport, HEADER + '1,x,,,,,,"{""canary"": canary",\n'),
    "a link to nothing": (ThingsImport, HEADER + "1,canary,,,,,,,canary\n"),
    "a key twice": (ThingsImport, HEADER + GOOD + GOOD),
    "a row too long": (ThingsImport, HEADER + ",".join([CANARY] * 12) + "\n"),
    "a row too short": (ThingsImport, HEADER + "canary,canary\n"),
    "an open quote": (ThingsImport, HEADER + '1,"canary\ncanary,canary\n'),
    "text after a quote": (ThingsImport, HEADER + '1,"canary"canary,,,,,,,\n'),
    "a NUL byte": (ThingsImport, HEADER + "1,canary\0canary,,,,,,,\n"),
    "half a character": (ThingsImport, HEADER + "1,canary\udcffcanary,,,,,,,\n"),
    "a method with a bug": (BrokenMethod, "name\ncanary\n"),
    "a check": (Checked, HEADER + GOOD),
}


def assert_discreet(
    spec: type[ImportSpec], text: str, folder: Path, caplog: pytest.LogCaptureFixture, fails: bool = True
) -> None:
    """Import a text by a call, by the command, and by the command for programs; nothing that is left holds a canary."""
    path, log, rejects = folder / "file.csv", folder / "audit.log", folder / "rejects.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    command = type("Command", (ProdImportCommand,), {"spec": spec})
    seen = []
    with caplog.at_level(logging.DEBUG):
        for flags in ([], ["--json"], ["--on-error", "continue", "--rejects", rejects], ["--dry-run"]):
            outcome = run(command, "--csv", path, "--log-file", log, *flags)
            assert outcome.code or not fails or "continue" in flags or "--dry-run" in flags
            seen += [outcome.out, outcome.err]
        for options in ({}, {"rehearse": True}):
            try:
                run_import(spec, path, **options)
            except SafeImportError as error:
                seen += ["".join(traceback.format_exception(error)), repr(error.result and error.result.as_dict())]
    seen += [log.read_text(encoding="utf-8"), caplog.text, *(record.getMessage() for record in caplog.records)]
    seen += [json.dumps(each, default=str) for each in Run.objects.values()]
    for run_id in Run.objects.values_list("id", flat=True):
        call_command("import_runs", run_id, stdout=(out := _Text()))
        seen.append(str(out))
    for text_ in seen:
        assert CANARY not in text_.replace("test_canary", "").replace(str(folder), ""), text_


class _Text(list[str]):
    """What a command writes."""

    def write(self, text: str) -> None:
        """Keep it."""
        self.append(text)

    def flush(self) -> None:
        """Everything is kept already."""

    def __str__(self) -> str:
        return "".join(self)


@pytest.mark.parametrize("name", FILES)
def test_no_value_of_a_file_that_fails_is_seen(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a log, nor an exception with its causes, nor the audit, nor the run's record, nor on either screen."""
    spec, text = FILES[name]
    assert_discreet(spec, text, tmp_path, caplog)


def test_no_value_is_seen_when_records_are_ambiguous(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two records that the key fits, and a link that points elsewhere."""
    Thing.objects.create(code="Canary1")
    Thing.objects.create(code="CANARY1")
    assert_discreet(ThingsImport, HEADER + "canary1,canary,,,,,,,\n", tmp_path, caplog)


def test_no_value_is_seen_when_a_hook_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its exception quotes the value, and so does the one behind it."""

    def hook(instance: Heard, **_: Any) -> None:
        try:
            int(instance.name)
        except ValueError as error:
            raise RuntimeError(f"{instance.name} is no number") from error

    post_save.connect(hook, sender=Heard)
    try:
        assert_discreet(HeardImport, "name\ncanary\n", tmp_path, caplog)
    finally:
        post_save.disconnect(hook, sender=Heard)


def test_no_value_is_seen_when_a_hook_asks_wrongly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The database quotes what it was asked for, and no row is at fault."""

    def hook(instance: Heard, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{instance.name}"')

    post_save.connect(hook, sender=Heard)
    try:
        assert_discreet(HeardImport, "name\ncanary\n", tmp_path, caplog)
    finally:
        post_save.disconnect(hook, sender=Heard)


CONSTRAINTS = [
    "CHECK (name NOT LIKE 'canary%')",
    "UNIQUE (name)",
    "UNIQUE (name) DEFERRABLE INITIALLY DEFERRED",
    "EXCLUDE (name WITH =)",
    "FOREIGN KEY (name) REFERENCES testapp_box (name)",
    "FOREIGN KEY (name) REFERENCES testapp_box (name) DEFERRABLE INITIALLY DEFERRED",
]


@pytest.mark.postgresql
@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_no_value_is_seen_when_the_database_refuses(
    constraint: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL quotes the row, or the key, in what it says."""
    Thing.objects.create(code="there", name="a name")
    Box.objects.create(name="a name")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE testapp_thing ADD CONSTRAINT hostile {constraint}")
    try:
        assert_discreet(ThingsImport, "code,name\n1,canary\n2,canary\n", tmp_path, caplog)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE testapp_thing DROP CONSTRAINT hostile")


REFUSING = {
    "raises": "RAISE EXCEPTION 'no %', NEW.name",
    "casts": "PERFORM NEW.name::int",
    "writes it twice": "INSERT INTO testapp_box (name) VALUES (NEW.name), (NEW.name)",
    "rewrites": "NEW.name := 'canary rewritten'",
    "raises as the server does": "RAISE EXCEPTION 'no %', NEW.name USING ERRCODE = 'object_in_use'",
    "notes": "RAISE NOTICE 'it is %', NEW.name; RAISE EXCEPTION 'no'",
}


@pytest.mark.postgresql
@pytest.mark.parametrize("body", REFUSING.values(), ids=REFUSING)
def test_no_value_is_seen_when_a_trigger_refuses(body: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In words of its own, or with a mistake."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$"
        )
        cursor.execute("CREATE TRIGGER refuses BEFORE INSERT ON testapp_thing FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        assert_discreet(ThingsImport, "code,name\n1,canary\n", tmp_path, caplog)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse CASCADE")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "body",
    [
        "SELECT RAISE(ABORT, 'no canary')",
        "INSERT INTO testapp_box (name) VALUES (NEW.name), (NEW.name)",
        "UPDATE testapp_thing SET name = 'canary rewritten'",
    ],
    ids=["raises", "unique", "rewrites"],
)
def test_no_value_is_seen_when_a_trigger_of_sqlite_refuses(
    body: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In words of its own, or by a constraint."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER refuses AFTER INSERT ON testapp_thing BEGIN {body}; END")
    try:
        assert_discreet(ThingsImport, "code,name\n1,canary\n", tmp_path, caplog)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refuses")


def test_the_canary_would_be_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where somebody's code logs a value, the search above finds it: so it searches."""

    def hook(instance: Heard, **_: Any) -> None:
        logging.getLogger("somebody").debug("heard %s", instance.name)

    post_save.connect(hook, sender=Heard)
    try:
        with pytest.raises(AssertionError, match=CANARY):
            assert_discreet(HeardImport, "name\ncanary\n", tmp_path, caplog, fails=False)
    finally:
        post_save.disconnect(hook, sender=Heard)
