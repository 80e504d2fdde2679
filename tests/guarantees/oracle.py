"""A series of imports as the write-ahead log of PostgreSQL has it: what no import ever writes there is a deletion.

    python -m tests.guarantees.oracle

Runs on an empty database whose server has ``wal_level = logical``; SAFE_IMPORT_TEST_DATABASE_URL names it. Prints how
many messages of each kind the log has after the imports, and after a deletion and a TRUNCATE, as JSON. It reads what a
replica would read (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html) and shares
nothing with the witness.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections import Counter
from pathlib import Path

import django
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import override_settings

PROJECT = Path(__file__).resolve().parents[2]
REAL, MADE = PROJECT / "commands" / "people" / "data", PROJECT / "tests" / "data" / "people"
FILES = [
    ("ladders", "ladders/ladders.csv"), ("ladders", "ladders/aspects.csv"), ("ladders", "ladders/levels.csv"),
    ("org_structure", "congress/organizations.csv"), ("org_structure", "congress/chapters.csv"),
    ("org_structure", "congress/tribes.csv"), ("org_structure", "congress/teams.csv"),
    ("users", "congress/users.csv"), ("history", "congress/history.csv"),
]  # fmt: skip


def messages() -> dict[str, int]:
    """How many messages of each kind the log has: I is an insertion, U an update, D a deletion, T a TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data FROM pg_logical_slot_peek_binary_changes('oracle', NULL, NULL,"
            " 'proto_version', '1', 'publication_names', 'oracle')"
        )
        return dict(Counter(bytes(data)[:1].decode() for (data,) in cursor.fetchall()))


def watch() -> None:
    """From now on everything that is committed to any table is in the log."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE PUBLICATION oracle FOR ALL TABLES")
        cursor.execute("SELECT pg_create_logical_replication_slot('oracle', 'pgoutput')")


def import_people() -> None:
    """The real files and the made ones, each twice, as they are and by force."""
    flags = {"org_structure": ["--create-users"]}
    files = [(kind, MADE / f"{kind}.csv") for kind in ("ladders", "org_structure", "users", "history")]
    files += [(kind, REAL / name) for kind, name in FILES]
    for more in ([], ["--force-update"]):
        for kind, path in [*files, *reversed(files)]:
            with contextlib.suppress(CommandError):  # one file needs another, or moves what is there
                out = io.StringIO()
                call_command(f"import_{kind}_prod", f"--csv={path}", "--json", *flags.get(kind, []), *more, stdout=out)


def import_odd_models(folder: Path) -> None:
    """Links, many-to-many, ``save()``, signals, updates, emptied cells, and the undoing of a run."""
    from safe_import.runs.undo import undo  # noqa: PLC0415 - once the apps are there
    from tests.testapp import specs  # noqa: PLC0415
    from tests.testapp.importing import Importer  # noqa: PLC0415

    importing = Importer(folder)
    importing(specs.TaggedImport, "code,name,box,tag\na,x,red,old\nb,y,blue,new\n")
    importing(specs.TaggedImport, "code,name,box,tag\na,z,blue,new\nb,y,red,old\nc,y,red,old\n", force_update=True)
    importing(specs.NodesImport, "code,parent\na,b\nb,c\nc,a\n")
    importing(specs.NodesImport, "code,parent\na,c\nb,a\nc,b\n", force_update=True)
    for name in ("a", "b"):
        importing(specs.SavedImport, f"name\n{name}\n")
        importing(specs.HeardImport, f"name\n{name}\n")
        importing(specs.TokensImport, f"name\n{name}\n")
        importing(specs.ComputedImport, f"name\n{name}\n")
    run = importing(specs.ThingsImport, "code,name,note\na,changed,\\N\nd,new,n\n").run
    importing(specs.ThingsImport, "code,name\na,rehearsed\n", rehearse=True)
    assert run is not None
    undo(run)


def main() -> None:
    """Watch the imports, and then two acts that are no imports."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    watch()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        override_settings(SAFE_IMPORT={"BACKUP_ROOT": Path(folder)}),
    ):
        import_people()
        people = messages()
        import_odd_models(Path(folder))
    imports = messages()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM testapp_token WHERE name = 'a'")
        cursor.execute("TRUNCATE testapp_token")
    print(json.dumps({"people": people, "imports": imports, "others": messages()}))  # noqa: T201 - a program


if __name__ == "__main__":
    django.setup()
    main()
