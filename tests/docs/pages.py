"""A page of the documentation, taken by its word: its blocks are the files of a project, its sessions are run there.

A block of Python that begins with a comment such as ``# shop/imports.py`` is that file, or the next part of it. A block
``console`` is a session: ``$ cat FILE`` shows a file, which is written; every other command is run and must print what
the page shows. ``...`` stands for any text; ids, times and hashes are compared as such.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (\S+\.py)\n")
_SPEC = re.compile(r"^class (\w+)Import\(ImportSpec\):", re.MULTILINE)
ID = re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b")
RUN = re.compile(r"^Run +(\w{26})$", re.MULTILINE)
_VOLATILE = (
    (re.compile(rf"\S+/backups/{ID.pattern}"), "<backup>"),
    (ID, "<id>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d( UTC|\+00:00)"), "<time>"),
    (re.compile(r"  by \S+  "), "  by <user>  "),
    (re.compile(r"\b\d+\.\d MiB\b"), "<size>"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "<host>"),
)
# The words of the base project, to which the blocks ``settings.py`` of a page are appended.
_SETTINGS = """
import os
from pathlib import Path
import dj_database_url
BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for this test"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
_OF_LIBRARY = """
INSTALLED_APPS += ["safe_import", "shop"]
SAFE_IMPORT = {"BACKUP_ROOT": BASE_DIR / "backups"}
"""
_COMMAND = """from safe_import._prod_utils import ProdImportCommand
from shop.imports import {name}Import
class Command(ProdImportCommand):
    spec = {name}Import
"""


@dataclass
class Page:
    """One page, by its path in the project."""

    path: str

    def files(self) -> dict[str, str]:
        """The Python files that the page shows, by path."""
        files: dict[str, str] = {}
        for language, text in self._blocks():
            if language == "python" and (named := _NAMED.match(text)):
                files[named[1]] = f"{files.get(named[1], '')}\n\n{text}"
        return files

    def sessions(self) -> list[tuple[str, str]]:
        """Every command of the page, in order, and what it shows for its output."""
        found = []
        for language, text in self._blocks():
            if language == "console":
                _, *parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
                found += [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]
        return found

    def _blocks(self) -> list[tuple[str, str]]:
        return [(found[1], found[2]) for found in _BLOCK.finditer((ROOT / self.path).read_text(encoding="utf-8"))]


@dataclass
class Project:
    """A Django project in a folder of its own, which the commands of a page run in."""

    folder: Path
    database_url: str
    settings_module: str = "settings"
    environment: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0
    last_run: str = ""

    def write(self, files: dict[str, str]) -> None:
        """Write the files, with what a project has around them."""
        settings = _SETTINGS + files.get("settings.py", _OF_LIBRARY)
        commands = "shop/management/commands"
        made = {
            f"{commands}/import_{name.lower()}_prod.py": _COMMAND.format(name=name)
            for name in _SPEC.findall(files.get("shop/imports.py", ""))
        }
        manage = (ROOT / "manage.py").read_text()
        for path, text in {**made, **files, "settings.py": settings, "manage.py": manage}.items():
            self.put(path, text)
        for path in {**made, **files}:
            for package in list(Path(path).parents)[:-1]:
                (self.folder / package / "__init__.py").touch()

    def put(self, path: str, text: str) -> None:
        """Write one file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run(self, command: str) -> str:
        """Run a command as a person would type it, and return what it prints on both channels.

        An id in the command stands for that of the last run which a report has named.
        """
        if command == "echo $?":
            return f"{self.exit_code}\n"
        printed = self.execute(ID.sub(self.last_run, command))
        if run := RUN.search(printed):
            self.last_run = run[1]
        return printed

    def execute(self, command: str, answer: str = "") -> str:
        """Run a command as it stands, with an answer to what it asks, and return what it prints."""
        words = shlex.split(command)
        environment = {"DATABASE_URL": self.database_url, "DJANGO_SETTINGS_MODULE": self.settings_module}
        while words and "=" in words[0]:
            environment |= [words.pop(0).split("=", 1)]
        if words[:2] != ["python", "manage.py"]:
            raise ValueError(f"A page shows a command that these tests don't know: {command}")
        ended = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=self.folder,
            env=os.environ | environment | self.environment,
            check=False,
            input=answer,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.exit_code = ended.returncode
        return ended.stdout


def differs(shown: str, printed: str) -> str:
    """Return how the output of a command differs from what a page shows; "" when it does not."""
    want, got = (_settled(text) for text in (shown, printed))
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.REPORT_NDIFF
    if checker.check_output(want, got, flags):
        return ""
    return checker.output_difference(doctest.Example("", want), got, flags) + f"\nIt printed:\n{printed}"


def _settled(text: str) -> str:
    """The text without what differs from run to run, and without blanks at its ends."""
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
