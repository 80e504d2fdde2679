"""What would make a run fail where it begins to write is known before it begins, and says how it is repaired."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from safe_import import file_locks
from safe_import.errors import SafeImportError
from safe_import.models import Run
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django.fixtures import SettingsWrapper

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = "code\na\n"
MANY_WRONG = "price,nothing\nfree\n"  # nothing of this is complained of when the file is not read


def unset(_: Path) -> dict[str, Any]:
    """No root at all."""
    return {"BACKUP_ROOT": None}


def a_link(root: Path) -> dict[str, Any]:
    """A root that is a symbolic link."""
    root.rename(root.with_name("real"))
    root.symlink_to(root.with_name("real"))
    return {}


def of_somebody_else(root: Path) -> dict[str, Any]:
    """A root of another user, which only root can make; everybody else finds one."""
    if os.geteuid():
        return {"BACKUP_ROOT": Path("/")}
    os.chown(root, 12345, -1)
    return {}


def open_to_the_world(root: Path) -> dict[str, Any]:
    """A root that everybody can write to."""
    root.chmod(0o777)
    return {}


def without_a_storage(_: Path) -> dict[str, Any]:
    """A second copy that has nowhere to go."""
    return {"BACKUP_STORAGE": "nowhere"}


def without_a_recipient(_: Path) -> dict[str, Any]:
    """A public key that is none."""
    return {"BACKUP_RECIPIENTS": ["age1none"]}


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (unset, r"is not set: name a directory .*mkdir -m 700 PATH"),
        (a_link, r"is a symbolic link: .*rm \S+ && mv \S+ \S+$"),
        (of_somebody_else, r"belongs to another user: chown \d+ \S+$"),
        (open_to_the_world, r"can be written by others: chmod 700 \S+$"),
        (without_a_storage, "STORAGES has no such alias"),
        (without_a_recipient, "age-keygen -o key.txt makes a pair"),
    ],
)
def test_no_import_begins_that_could_not_be_backed_up(
    spoil: Callable[[Path], dict[str, Any]],
    remedy: str,
    importing: Importer,
    backup_root: Path,
    settings: SettingsWrapper,
) -> None:
    """The file is not read, and the run leaves no record; without a backup none of it matters."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, **spoil(backup_root)}
    with pytest.raises(SafeImportError, match=remedy) as caught:
        importing(ThingsImport, MANY_WRONG)
    assert caught.value.result
    assert (caught.value.result.state, caught.value.result.rows.read, caught.value.result.run) == ("failed", 0, None)
    assert not Run.objects.exists()

    assert importing(ThingsImport, ROWS, dry_run=True).rows.created == 1
    assert importing(ThingsImport, ROWS, backup=False).rows.created == 1


@pytest.mark.parametrize("backup", [True, False])
def test_no_import_begins_on_windows(backup: bool, importing: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor without a backup: what is written there can't be made certain. Looking is allowed."""
    monkeypatch.setattr(file_locks, "fcntl", None)
    with pytest.raises(SafeImportError, match="Windows is not supported for backups and production runs") as caught:
        importing(ThingsImport, MANY_WRONG, backup=backup)
    assert caught.value.exit_code == 1
    assert not Run.objects.exists()
    assert importing(ThingsImport, ROWS, dry_run=True).rows.created == 1
    assert not Thing.objects.exists()


def test_a_system_without_file_locks_gets_the_reason_and_no_trace(tmp_path: Path) -> None:
    """In a process that can't import fcntl at all, as on Windows."""
    (tmp_path / "ladders.csv").write_text("ladder_code,ladder_name\na,A\n")
    code = (
        "import sys; sys.modules['fcntl'] = None; from django.core.management import execute_from_command_line as run;"
        "run(['manage.py', *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", code, "import_ladders_prod", "--csv", tmp_path / "ladders.csv", "--no-backup"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    *warnings, refusal = done.stderr.splitlines()
    assert re.fullmatch(r"CommandError: Windows is not supported .* Run this on Linux, macOS or BSD\.", refusal)
    assert "Traceback" not in "".join(warnings)
