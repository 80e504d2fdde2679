"""What the documentation shows is what happens. ``python -m tests.docs.renew`` brings it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT, Page, Project, differs

if TYPE_CHECKING:
    from pathlib import Path

# The pages that are projects of their own, and those that have the models which they write.
PAGES = {
    "README.md": ("docs/specs.md",),
    "docs/specs.md": (),
    "docs/new-import.md": (),
    "docs/typescript.md": (),
    "docs/legacy.md": (),
}
REFERENCE_PAGE = "docs/getting-started.md"


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


def reference_project(folder: Path, database_url: str) -> Project:
    """The reference project, with a backup root of its own."""
    backups = folder / "backups"
    backups.mkdir(mode=0o700)
    environment = {"SAFE_IMPORT_BACKUP_ROOT": str(backups), "SAFE_IMPORT_ENVIRONMENT": "production"}
    return Project(ROOT, database_url, "commands.settings", environment)


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


def test_getting_started_shows_what_happens(tmp_path: Path, database_url: str) -> None:
    """Its commands run in the reference project, on the files that it brings."""
    _play(Page(REFERENCE_PAGE), reference_project(tmp_path, database_url))
