"""What the documentation shows is what happens. ``python -m tests.docs.renew`` brings it up to date."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT, Page, Project, differs
from tests.docs.two_days import two_days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The pages that are projects of their own, and those that have the models which they write.
PAGES = {
    "README.md": ("docs/specs.md",),
    "docs/specs.md": (),
    "docs/new-import.md": (),
    "docs/typescript.md": (),
    "docs/legacy.md": (),
    "docs/api.md": (),
}
# The pages whose commands run in the reference project.
REFERENCE_PAGES = ("docs/getting-started.md", "docs/providers.md")


def project_of(page: Page, folder: Path, database_url: str) -> Project:
    """The project that the files of a page make, with its tables."""
    files = page.files()
    for other in PAGES[page.path]:
        files["shop/models.py"] = Page(other).files()["shop/models.py"]
    project = Project(folder, database_url)
    project.write(files)
    printed = project.run("python manage.py migrate --run-syncdb")
    assert project.exit_code == 0, printed
    return project


@contextmanager
def reference_project(page: Page, folder: Path, database_url: str) -> Iterator[Project]:
    """The reference project, with a backup root of its own; for the page of the providers, with an API and tables."""
    backups = folder / "backups"
    backups.mkdir(mode=0o700)
    environment = {"SAFE_IMPORT_BACKUP_ROOT": str(backups), "SAFE_IMPORT_ENVIRONMENT": "production"}
    if page.path == REFERENCE_PAGES[0]:
        yield Project(ROOT, database_url, "commands.settings", environment)
        return
    with two_days() as api:
        project = Project(folder, database_url, "commands.settings", environment | api | {"PYTHONPATH": str(ROOT)})
        project.put("manage.py", (ROOT / "manage.py").read_text())
        printed = project.run("python manage.py migrate -v 0")
        assert project.exit_code == 0, printed
        yield project


def _play(page: Page, project: Project) -> None:
    """Run every session of a page in order."""
    for command, shown in page.sessions():
        if command.startswith("cat "):
            project.put(command.removeprefix("cat "), shown)
        else:
            difference = differs(shown, project.run(command))
            assert not difference, f"{page.path}: $ {command}\n{difference}"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_what_happens(path: str, tmp_path: Path, database_url: str) -> None:
    """Its files make a project; every command prints there what the page shows."""
    _play(Page(path), project_of(Page(path), tmp_path, database_url))


@pytest.mark.parametrize("path", REFERENCE_PAGES)
def test_a_page_of_the_reference_project_shows_what_happens(path: str, tmp_path: Path, database_url: str) -> None:
    """Its commands run in the reference project, on the files that it brings or that the page shows."""
    with reference_project(Page(path), tmp_path, database_url) as project:
        _play(Page(path), project)
