"""What is shipped: the library, whole, and nothing else; and it works where nothing else is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements" / "ci.txt"
SETTINGS = """
from pathlib import Path
SECRET_KEY = "only for this test"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "safe_import"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
SAFE_IMPORT = {"BACKUP_ROOT": Path(__file__).parent / "backups"}
"""


OURS = ("DATABASE_URL", "DJANGO", "PYTHON", "SAFE_IMPORT", "VIRTUAL_ENV")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program without what these tests have set in the environment, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    result = subprocess.run(
        command,
        cwd=cwd,
        env=kept | environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and return its path."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=PROJECT)
    (built,) = folder.iterdir()
    return built


def test_the_wheel_holds_the_library_whole_and_nothing_else(wheel: Path) -> None:
    library = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "safe_import").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    metadata_folder = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    metadata = {f"{metadata_folder}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")}
    with zipfile.ZipFile(wheel) as archive:
        assert sorted(archive.namelist()) == sorted(library | metadata)
    assert {Path(name).suffix for name in library} == {".py", ".typed"}


def test_the_wheel_works_in_an_empty_virtual_environment(wheel: Path, tmp_path: Path) -> None:
    """With its run-time dependencies alone: nothing of the tests or of the reference project is within reach."""
    environment = tmp_path / "venv"
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", LOCK)
    run(*install, wheel, cwd=tmp_path)
    (tmp_path / "project_settings.py").write_text(SETTINGS)
    (tmp_path / "backups").mkdir(mode=0o700)
    django = (python, "-W", "error", "-m", "django")
    run(*django, "migrate", "--verbosity", "0", cwd=tmp_path, DJANGO_SETTINGS_MODULE="project_settings")
    printed = run(*django, "import_runs", "--json", cwd=tmp_path, DJANGO_SETTINGS_MODULE="project_settings")
    assert json.loads(printed) == {"runs": []}
    printed = run(*django, "backup_tables", "--all", "--json", cwd=tmp_path, DJANGO_SETTINGS_MODULE="project_settings")
    assert json.loads(printed)["tables"]["safe_import_run"] == 0
