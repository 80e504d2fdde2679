"""A spec's command for production: flags, exit codes, what it prints."""

from __future__ import annotations

import io
import json
import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import connection

from safe_import.database import dialect
from safe_import.management.base import ProdImportCommand
from safe_import.models import Run
from safe_import.signals import import_committed
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.target import target
from tests.management.running import run
from tests.testapp.models import Box, Thing
from tests.testapp.specs import NamedRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    File = Callable[[str], Path]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]

KEYS = {
    "run", "spec", "state", "dry_run", "rows", "models", "links", "plan", "backup", "rejects", "errors", "errors_total",
    "warnings", "checks", "seconds", "deletions", "undo",
}  # fmt: skip
FLAGS = [
    "--csv",
    "--file",
    "--dry-run",
    "--rehearse",
    "--force-update",
    "--on-error",
    "--rejects",
    "--backup",
    "--no-backup",
    "--validate",
    "--no-validate",
    "--log-file",
    "--encoding",
    "--delimiter",
    "--plan",
    "--max-changes",
    "--database",
    "--lock-timeout",
    "--statement-timeout",
    "--transaction-timeout",
    "--no-input",
    "--json",
    "--verbosity",
    "--no-color",
]


class Command(ProdImportCommand):
    """The usual case."""

    spec = ThingsImport


def test_the_command_has_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that every import has, and those of every Django command."""
    assert run(Command, "--help").code == 0
    words = capsys.readouterr().out.replace(",", " ").split()
    assert [flag for flag in FLAGS if flag not in words] == []


def test_an_import_exits_0_and_ends_with_the_command_that_undoes_it(file: File) -> None:
    """The report shows the ledger, the records of each model, and the backup."""
    Thing.objects.create(code="b", name="old")
    outcome = run(Command, "--csv", file("code,name\na,x\nb,new\n"))
    run_id = Run.objects.get().id
    assert (outcome.code, outcome.err) == (0, "")
    assert "2 read = 1 created + 1 updated + 0 unchanged + 0 skipped + 0 rejected" in outcome.out
    assert "testapp.Thing        1        1          0" in outcome.out
    assert Run.objects.get().backup in outcome.out
    assert outcome.out.endswith(f"  python manage.py undo_import {run_id}\n")
    assert Thing.objects.count() == 2


def test_a_dry_run_writes_nothing_and_ends_with_the_command_that_does(file: File) -> None:
    """That command, taken by its word, carries out the very plan that was shown."""
    path = file("code,name\na,x\n")
    outcome = run(Command, "--file", path, "--dry-run", "--no-backup")
    assert outcome.code == 0
    assert "nothing was written" in outcome.out
    assert not Thing.objects.exists()
    assert not Run.objects.exists()
    words = shlex.split(outcome.out.splitlines()[-1])
    assert words[:3] == ["python", "manage.py", "import_things_prod"]
    assert run(Command, *words[3:]).code == 0
    assert Thing.objects.get().name == "x"


def test_another_plan_than_the_one_that_was_shown_is_refused(file: File) -> None:
    """Somebody changed a record in between."""
    shown = run(Command, "--csv", file("code,name\na,x\n"), "--dry-run", "--json").report["plan"]
    Thing.objects.create(code="a", name="other")
    outcome = run(Command, "--csv", file("code,name\na,x\n"), "--plan", shown)
    assert outcome.code == 1
    assert Thing.objects.get().name == "other"


def test_a_rehearsal_does_it_all_and_rolls_back(file: File) -> None:
    """The report counts as the import would."""
    outcome = run(Command, "--csv", file("code,name\na,x\n"), "--rehearse", "--json")
    assert (outcome.code, outcome.report["state"], outcome.report["rows"]["created"]) == (0, "rehearsed", 1)
    assert not Thing.objects.exists()
    assert not Run.objects.exists()


def test_a_file_with_errors_is_refused_with_all_of_them(file: File) -> None:
    """Exit 1; each error with line and column; the last word is on standard error."""
    outcome = run(Command, "--csv", file("code,price\na,1\nb,x\nc,1.239\n,3\n"))
    assert outcome.code == 1
    assert "nothing was changed" in outcome.out
    assert "line 3, column 'price': " in outcome.out
    assert "line 4, column 'price': " in outcome.out
    assert "line 5, column 'code': " in outcome.out
    assert "--on-error continue" in outcome.out
    assert outcome.err == "CommandError: 3 errors in things.csv. Nothing was changed.\n"
    assert not Thing.objects.exists()


def test_an_import_in_part_exits_3_and_says_what_is_not_in(file: File, tmp_path: Path) -> None:
    """The corrected rejects file is imported with exit 0."""
    rejects = tmp_path / "rejects.csv"
    outcome = run(Command, "--csv", file("code,price\na,1\nb,x\n"), "--on-error", "continue", "--rejects", rejects)
    assert (outcome.code, outcome.err) == (3, "DoneInPart: 1 of 2 rows rejected; the rest is in.\n")
    assert f"Correct the rows in {rejects}" in outcome.out
    rejects.write_text(rejects.read_text().replace(",b,x", ",b,2"))
    assert run(Command, "--csv", rejects).code == 0
    assert set(Thing.objects.values_list("code", flat=True)) == {"a", "b"}


def test_held_links_exit_3(file: File) -> None:
    """The link stays as it was; --force-update writes it."""
    red, blue = Box.objects.create(name="red"), Box.objects.create(name="blue")
    Thing.objects.create(code="a", box=red)
    path = file("code,box\na,blue\n")
    outcome = run(Command, "--csv", path)
    assert (outcome.code, Thing.objects.get().box) == (3, red)
    assert "1 held" in outcome.out
    assert run(Command, "--csv", path, "--force-update").code == 0
    assert Thing.objects.get().box == blue


def test_a_lock_held_by_another_run_exits_4(file: File) -> None:
    """It says that another run works there."""
    with dialect(connection).run_lock([Thing._meta.db_table], "somebody else"):
        outcome = _in_thread(lambda: run(Command, "--csv", file("code\na\n"), "--json"))
    assert (outcome.code, outcome.report["exit_code"]) == (4, 4)
    assert "Another run works on" in outcome.err
    assert not Thing.objects.exists()


def test_a_failure_after_the_commit_exits_5(file: File) -> None:
    """The data is in, and the message says so; it names the backup and the commands that take the run back."""

    def fail(**_: Any) -> None:
        raise RuntimeError("secret")

    import_committed.connect(fail)
    try:
        outcome = run(Command, "--csv", file("code\na\n"))
    finally:
        import_committed.disconnect(fail)
    assert outcome.code == 5
    assert "the data is committed" in outcome.out
    run_id, backup = Run.objects.get().id, Run.objects.get().backup
    assert f"  python manage.py undo_import {run_id}\n" in outcome.out
    assert f"  python manage.py restore_backup {Path(backup).name}\n" in outcome.out
    assert f"Backup  {backup}\n" in outcome.out
    assert "secret" not in outcome.out + outcome.err
    assert Thing.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--dry-run"], 0),
        ([], 0),
        (["--max-changes", "0", "--plan", "x"], 1),
        (["--max-changes", "many"], 2),
        (["--lock-timeout", "-1"], 2),
        (["--lock-timeout", "soon"], 2),
        (["--on-error", "ignore"], 2),
        (["--database", "nowhere"], 2),
        (["--encoding", "nothing"], 2),
        (["--nonsense"], 2),
        (["--force"], 2),
    ],
)
def test_json_prints_one_object_whatever_happens(file: File, arguments: list[str], code: int) -> None:
    """Standard output holds it and nothing else; it has every key and says how the command exits."""
    outcome = run(Command, "--csv", file("code,name\na,x\n"), "--json", *arguments)
    assert outcome.code == code
    assert outcome.report.keys() >= KEYS
    assert outcome.report["exit_code"] == code
    assert outcome.report["spec"] == "things"
    assert bool(outcome.report["error"]) == (code != 0) == bool(outcome.err)


def test_json_of_a_refused_file_lists_the_errors(file: File) -> None:
    """As the report for people does."""
    report = run(Command, "--csv", file("code,price\na,x\n"), "--json").report
    assert (report["state"], report["errors_total"], report["undo"], report["exit_code"]) == ("failed", 1, None, 1)
    assert report["errors"][0].keys() == {"line", "column", "code", "message"}
    assert (report["errors"][0]["line"], report["errors"][0]["column"]) == (2, "price")


def test_a_file_that_is_not_there_is_one_line_on_standard_error(tmp_path: Path) -> None:
    """There is nothing to report."""
    outcome = run(Command, "--csv", tmp_path / "none.csv")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("none.csv: there is no such file\n")


def test_a_file_that_cannot_be_opened_is_in_the_log(tmp_path: Path) -> None:
    """Although there was no run."""
    log = tmp_path / "audit.jsonl"
    run(Command, "--csv", tmp_path / "none.csv", "--log-file", log)
    line = json.loads(log.read_text())
    assert (line["event"], line["spec"], line["exit_code"]) == ("failed", "things", 1)
    assert "none.csv" in line["trace"][0]["message"]


@pytest.mark.parametrize(("flags", "code"), [((), 5), (("--json",), 5), (("--dry-run",), 1)])
def test_a_report_that_cannot_be_printed_is_told_by_the_exit_code(
    file: File, capfd: pytest.CaptureFixture[str], flags: tuple[str, ...], code: int
) -> None:
    """On a full disk, or into a pipe that nobody reads: 5 when the data is in, 1 when nothing was changed."""
    path = file("code\na\n")
    with Path("/dev/full").open("w", encoding="utf-8") as full, pytest.raises(SystemExit) as exit_:
        Command(stdout=full).run_from_argv(["manage.py", "import_things_prod", "--csv", str(path), *flags])
    assert exit_.value.code == code
    assert "printed: No space left on device" in capfd.readouterr().err
    assert Thing.objects.exists() == (code == 5)


def test_wrong_usage_exits_2_also_without_json(file: File, capsys: pytest.CaptureFixture[str]) -> None:
    """As Django's own commands do. A flag is never abbreviated: --force is not --force-update."""
    assert run(Command, "--csv", file("code\na\n"), "--force").code == 2
    assert run(Command).code == 2
    assert "--csv" in capsys.readouterr().err
    assert not Thing.objects.exists()


def test_ansi_colors_are_used_where_asked_for(file: File) -> None:
    """Never when piped, and never with --no-color."""
    path = file("code\na\n")
    assert "\x1b" not in run(Command, "--csv", path, "--dry-run").out
    assert "\x1b" not in run(Command, "--csv", path, "--dry-run", "--no-color").out
    assert "\x1b" in run(Command, "--csv", path, "--dry-run", "--force-color").out


def test_verbosity_0_prints_nothing_of_a_success(file: File) -> None:
    """And -v 2 prints how long the stages took."""
    path = file("code\na\n")
    assert run(Command, "--csv", path, "--dry-run", "-v", 0).out == ""
    assert "rows/s" not in run(Command, "--csv", path, "--dry-run").out
    assert "rows/s" in run(Command, "--csv", path, "--dry-run", "-v", 2).out


def test_values_of_cells_are_not_printed_into_a_pipe(file: File) -> None:
    """It may lead to a log. -v 2 shows changes field by field, as a terminal does."""
    Thing.objects.create(code="a", name="old")
    path = file("code,name\na,canary\n")
    assert "canary" not in run(Command, "--csv", path, "--dry-run").out
    assert "canary" in run(Command, "--csv", path, "--dry-run", "-v", 2).out


class InterruptedImport(ImportSpec, register=False):
    """Somebody presses Ctrl-C while it reads."""

    row = NamedRow

    @target(Box, key="name")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """No record."""
        if row.name == "b":
            raise KeyboardInterrupt
        yield {"name": row.name}


class InterruptedCommand(ProdImportCommand):
    """Its command."""

    spec = InterruptedImport


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_an_interruption_ends_cleanly(file: File, flags: tuple[str, ...]) -> None:
    """One line instead of a trace, exit 1, nothing changed, and the run's record says failed."""
    outcome = run(InterruptedCommand, "--csv", file("name\na\nb\n"), *flags)
    assert (outcome.code, outcome.err) == (1, "CommandError: Interrupted. Nothing was changed.\n")
    assert not flags or outcome.report["error"]
    assert not Box.objects.exists()
    assert Run.objects.get().state == "failed"


def test_an_interruption_after_the_commit_says_that_the_data_is_in(file: File) -> None:
    """Exit 5, with the run to look at."""

    def interrupt(**_: Any) -> None:
        raise KeyboardInterrupt

    import_committed.connect(interrupt)
    try:
        outcome = run(Command, "--csv", file("code\na\n"))
    finally:
        import_committed.disconnect(interrupt)
    assert outcome.code == 5
    assert f"import_runs {Run.objects.get().id}" in outcome.err
    assert Thing.objects.exists()


def test_programs_may_call_the_command(file: File) -> None:
    """With keywords, as any Django command; where nobody typed a command none is shown to be typed again."""
    out = io.StringIO()
    call_command(Command(), csv=str(file("code\na\n")), dry_run=True, stdout=out)
    assert "1 created" in out.getvalue()
    assert "python" not in out.getvalue()


def _in_thread(act: Callable[[], Any]) -> Any:
    """Over a connection of its own, as another process."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(act()))
    thread.start()
    thread.join(30)
    return found[0]
