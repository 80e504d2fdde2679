"""Write into the pages what their commands print today: ``python -m tests.docs.renew``, then read the difference.

Sessions that still hold are left as they are, so that what is left out of them with ``...`` stays left out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.docs.pages import ID, ROOT, RUN, Page, Project, differs
from tests.docs.test_pages import PAGES, REFERENCE_PAGES, project_of, reference_project

_ROOT_IN_PAGES = "/srv/project"


def renewed(page: Page, folder: Path) -> str:
    """Return the text of a page with every session as it is now."""
    url = f"sqlite:///{folder / 'project.sqlite3'}"
    if page.path in PAGES:
        return _played(page, project_of(page, folder, url), folder)
    with reference_project(page, folder, url) as project:
        return _played(page, project, folder)


def _played(page: Page, project: Project, folder: Path) -> str:
    text, position, run = (ROOT / page.path).read_text(encoding="utf-8"), 0, ""
    for command, shown in page.sessions():
        before = f"$ {command}\n{shown}"
        position = text.index(before, position)
        now = shown
        if command.startswith("cat "):
            project.put(command.removeprefix("cat "), shown)
        else:
            printed = project.run(command).replace(str(folder), _ROOT_IN_PAGES).strip("\n")
            now = f"{_with_id(printed, project.last_run, run)}\n" if differs(shown, printed) else shown
        after = f"$ {ID.sub(run, command)}\n{now}"
        text = text[:position] + after + text[position + len(before) :]
        position += len(after)
        run = found[1] if (found := RUN.search(now)) else run
    return text


def _with_id(printed: str, last_run: str, run: str) -> str:
    """Give the run that a command speaks of the id that the page has given it before."""
    return printed.replace(last_run, run) if run and not RUN.search(printed) else printed


def main() -> None:
    """Renew every page."""
    for path in (*PAGES, *REFERENCE_PAGES):
        with tempfile.TemporaryDirectory() as folder:
            (ROOT / path).write_text(renewed(Page(path), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
