"""The audit log: what a run did is in it, the value of no cell is, and a log that can't be written stops the run."""

from __future__ import annotations

import json
import logging
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from safe_import.audit import AuditLogger
from safe_import.errors import AfterCommitError, AuditError, Refused, SafeImportError
from safe_import.models import Run
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.target import target
from tests.testapp.models import Box, Thing
from tests.testapp.specs import NamedRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "code,name,price\na,canary-1,1.5\nb,canary-2,2\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The path of a log that is not there yet."""
    return tmp_path / "audit.jsonl"


def lines_of(log: Path, event: str | None = None) -> list[dict[str, Any]]:
    """The lines of a log, or those of one kind."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if event in (None, line["event"])]


def imported(importing: Importer, log: Path, text: str, **options: Any) -> Any:
    """Import with the log."""
    with AuditLogger(log) as audit:
        return importing(ThingsImport, text, observers=[audit], **options)


def test_the_log_begins_with_who_and_what_and_ends_with_the_ledger(importing: Importer, log: Path) -> None:
    """And every line says when, and of which run."""
    result = imported(importing, log, TEXT, max_changes="50")
    lines = lines_of(log)
    assert {line["run"] for line in lines} == {result.run}
    assert all(line["time"].endswith("+00:00") for line in lines)
    start, end = lines[0], lines[-1]
    assert start["event"] == "started"
    assert start.keys() >= {"who", "host", "source", "sha256", "spec", "arguments"}
    assert (start["source"], start["spec"], len(start["sha256"])) == ("input1.csv", "things", 64)
    assert start["arguments"] == {"max_changes": "50"}
    assert (end["event"], end["state"], end["rows"]) == ("ended", "verified", result.rows.as_dict())


def test_each_record_has_a_line(importing: Importer, log: Path) -> None:
    """With model, primary key and, for an update, the columns that changed."""
    thing = Thing.objects.create(code="b", name="old")
    imported(importing, log, TEXT)
    created, updated = sorted(lines_of(log, "record"), key=lambda line: line["action"])
    new = Thing.objects.get(code="a")
    assert (created["model"], created["key"], created["action"]) == ("testapp.Thing", str(new.pk), "create")
    assert (updated["key"], updated["action"]) == (str(thing.pk), "update")
    assert set(updated["columns"]) >= {"name", "price"}
    assert not {"code", "note"} & set(updated["columns"])


def test_each_rejected_row_has_a_line(importing: Importer, log: Path) -> None:
    """With line, column, code and message; more of them than a report lists."""
    rows = "".join(f"k{number},x\n" for number in range(150))
    with pytest.raises(Refused):
        imported(importing, log, f"code,price\n{rows}")
    rejected = lines_of(log, "rejected")
    assert len(rejected) == 150
    assert rejected[0].keys() >= {"line", "column", "code", "message"}
    assert (rejected[149]["line"], rejected[149]["column"]) == (151, "price")


def test_each_stage_has_a_line(importing: Importer, log: Path) -> None:
    """With its seconds, and rows a second."""
    imported(importing, log, TEXT)
    stages = {line["stage"]: line for line in lines_of(log, "stage")}
    assert {"read", "validate", "stage", "plan", "backup", "apply", "verify"} <= stages.keys()
    assert all(line.keys() >= {"seconds", "rows_per_second"} for line in stages.values())


class FailingImport(ImportSpec, register=False):
    """Its method has a bug, and the exception holds the value."""

    row = NamedRow

    @target(Box, key="name")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """The bug."""
        raise LookupError(f"no {row.name}")


def test_a_failure_leaves_its_trace_in_the_log(importing: Importer, log: Path) -> None:
    """Types and frames of the exception and its causes; never its text, which may hold a value."""
    with pytest.raises(SafeImportError) as failed, AuditLogger(log) as audit:
        importing(FailingImport, "name\ncanary\n", observers=[audit])
    end = lines_of(log)[-1]
    assert (end["event"], end["state"]) == ("failed", "failed")
    assert "LookupError" in {each["type"] for each in end["trace"]}
    assert any(" boxes" in frame for each in end["trace"] for frame in each["frames"])
    assert "canary" not in log.read_text(encoding="utf-8") + str(failed.value)


def test_no_value_of_a_cell_is_in_a_log(importing: Importer, log: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the file nor in what the logger gets: created, updated, rejected, held, refused by the database."""
    Thing.objects.create(code="b", name="old", box=Box.objects.create(name="red"))
    Box.objects.create(name="blue")
    with caplog.at_level(logging.INFO, "safe_import"):
        imported(importing, log, f"{TEXT}c,canary-3,canary\n", on_error="continue", rejects=str(log.with_name("r.csv")))
        with AuditLogger(log) as audit:
            importing(ThingsImport, "code,name,box\nb,canary-4,blue\n", observers=[audit])
        with pytest.raises(Refused):
            imported(importing, log, "code,box\nd,canary-5\nd,canary-6\n")
    assert Thing.objects.get(code="b").name == "canary-4"
    assert len(lines_of(log, "rejected")) > 2
    assert "canary" not in log.read_text(encoding="utf-8")
    assert "canary" not in caplog.text
    assert '"event":"ended"' in caplog.text


def test_every_run_is_logged_to_the_logger(importing: Importer, caplog: pytest.LogCaptureFixture) -> None:
    """Also that of a program which asks for nothing: INFO lines as JSON."""
    with caplog.at_level(logging.INFO, "safe_import"):
        importing(ThingsImport, TEXT)
    messages = [json.loads(record.message) for record in caplog.records if record.name == "safe_import"]
    events = [message["event"] for message in messages]
    assert (events[0], events[-1], events.count("record")) == ("started", "ended", 2)
    assert {record.levelno for record in caplog.records if record.name == "safe_import"} == {logging.INFO}


def test_records_are_not_asked_for_where_nobody_listens() -> None:
    """A logger without handlers, or above INFO, costs a run nothing."""
    logger = logging.getLogger("tests.alone")
    logger.propagate, logger.level = False, logging.INFO
    assert not AuditLogger(logger=logger).wants_records
    logger.addHandler(logging.NullHandler())
    assert not AuditLogger(logger=logger).wants_records
    logger.addHandler(logging.StreamHandler())
    assert AuditLogger(logger=logger).wants_records
    logger.setLevel(logging.WARNING)
    assert not AuditLogger(logger=logger).wants_records


def test_the_log_is_private_and_appended_to(importing: Importer, log: Path) -> None:
    """A line that a killed writer left behind does not swallow the next one."""
    imported(importing, log, TEXT)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    before = len(lines_of(log))
    with log.open("a", encoding="utf-8") as file:
        file.write('{"cut off')
    imported(importing, log, TEXT, dry_run=True)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[before] == '{"cut off'
    assert json.loads(lines[before + 1])["event"] == "started"
    assert json.loads(lines[-1])["state"] == "planned"


def test_a_log_that_cannot_be_opened_stops_the_run_before_it_begins(importing: Importer, tmp_path: Path) -> None:
    """The message names the file and the reason."""
    with pytest.raises(AuditError, match="No such file or directory"):
        imported(importing, tmp_path / "nowhere" / "audit.jsonl", TEXT)
    assert not Run.objects.exists()


def test_a_full_disk_under_the_log_stops_the_run(importing: Importer) -> None:
    """On a device that is always full."""
    with pytest.raises(AuditError, match="No space left on device"):
        imported(importing, Path("/dev/full"), TEXT)
    assert not Thing.objects.exists()
    assert Run.objects.get().state == "failed"


@contextmanager
def full_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[list[int]]:
    """The log's disk is full at the Nth write, and from then on; yields how many bytes were written before."""
    written: list[int] = []
    write = os.write

    def failing(file: int, data: bytes) -> int:
        if len(written) + 1 >= number:
            raise OSError(28, "No space left on device")
        written.append(write(file, data))
        return written[-1]

    with monkeypatch.context() as patch:
        patch.setattr("safe_import.audit.os.write", failing)
        yield written


def failure_of(act: Callable[[str], Any], text: str) -> type[SafeImportError] | None:
    """What kind of failure an import ends with; None for a success."""
    try:
        act(text)
    except SafeImportError as error:
        return type(error)
    return None


def test_a_disk_full_at_any_write_of_the_log_leaves_the_data_as_before(
    importing: Importer, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the very last line, after the commit: then the data is in, and the run says so."""
    failures = []
    for number in range(1, 100):
        before = list(Thing.objects.values_list("code", flat=True))
        with full_at(monkeypatch, number):
            failure = failure_of(lambda text: imported(importing, log, text), f"code\nnew{number}\n")
        if failure is None:
            break
        failures.append(failure)
        committed = Run.objects.first().state == "verified"
        assert committed == (failure is AfterCommitError)
        assert (list(Thing.objects.values_list("code", flat=True)) == before) != committed
    assert len(failures) == 3  # the beginning, the records, the end
    assert failures[-1] is AfterCommitError
    assert set(failures[:-1]) == {AuditError}
    assert not connection.in_atomic_block
