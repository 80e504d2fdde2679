"""Takes one protection away at a time, in a copy of the tree, and asks the tests whether they notice.

    python -m tests.mutants [part of a name ...]

Prints a table, and exits 1 when a mutant survives: then a protection could be lost without anybody noticing. First the
tests are run on the copy as it is, since a test that fails anyway would notice everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.mutants.protections import MUTANTS, Mutant
from tests.postgresql import own_server

PROJECT = Path(__file__).resolve().parents[2]
_COPIED = ("safe_import", "commands", "tests", "manage.py", "pyproject.toml")
_SERVER = "SAFE_IMPORT_TEST_DATABASE_URL"


def notices(copy: Path, tests: tuple[str, ...], backend: str, url: str) -> bool:
    """Run the tests; return whether one of them failed.

    Raises:
        RuntimeError: none of them was run, or pytest itself failed.
    """
    environment = {**os.environ, "SAFE_IMPORT_TEST_BACKEND": backend, _SERVER: url}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout + done.stderr)
    return done.returncode == 1


def survives(copy: Path, mutant: Mutant, backend: str, url: str) -> bool:
    """Make the mutant, ask the tests, and take the mutant back."""
    path = copy / "safe_import" / mutant.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(mutant.text) != 1:
        raise RuntimeError(f"{mutant.name}: its text stands {whole.count(mutant.text)} times in {mutant.file}")
    path.write_text(whole.replace(mutant.text, mutant.instead), encoding="utf-8")
    try:
        return not notices(copy, mutant.tests, backend, url)
    finally:
        path.write_text(whole, encoding="utf-8")


def main(words: list[str]) -> int:
    """Make every mutant, or those whose name has one of the words; return the exit code."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    wrong = 0
    with ExitStack() as stack:
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="safe_import_mutants_")))
        url = os.environ.get(_SERVER) or stack.enter_context(own_server())
        for name in _COPIED:
            (shutil.copytree if (PROJECT / name).is_dir() else shutil.copy2)(PROJECT / name, copy / name)
        for backend in ("sqlite", "postgresql"):
            here = [mutant for mutant in chosen if backend in mutant.backends]
            if here and notices(copy, tuple(sorted({test for mutant in here for test in mutant.tests})), backend, url):
                print(f"the tests fail on {backend} as it is")  # noqa: T201 - a program
                return 1
            for mutant in here:
                alive = survives(copy, mutant, backend, url)
                wrong += alive
                print(f"{'SURVIVES' if alive else 'noticed':9} {backend:11} {mutant.name}", flush=True)  # noqa: T201
    print(f"{wrong} survive")  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
