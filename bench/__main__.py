"""Runs the benchmark: ``python -m bench``, or ``make bench``.

Every database, and every peak of memory, is measured in a process of its own, in which all contestants run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.bars import bars
from bench.report import render, shown_in
from tests.postgresql import own_server

if TYPE_CHECKING:
    from collections.abc import Sequence

_HERE = Path(__file__).resolve().parent
_RESULT = _HERE / "results" / "latest.json"
_PAGE = _HERE.parent / "docs" / "performance.md"
_PICTURE = _HERE.parent / "docs" / "performance.svg"
_PSYCOPG3 = _HERE.parent / "requirements" / "bench-psycopg3.txt"
_PLOTTED = (1_000, 10_000, 100_000, 1_000_000)


def main() -> int:
    """Measure, print the tables, and write the JSON. Returns 1 when a bar is missed."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="safe_import_bench_")))
        urls = {"sqlite": f"sqlite:///{folder / 'bench.sqlite3'}"}
        if "postgresql" in options.databases:
            server = os.environ.get("SAFE_IMPORT_TEST_DATABASE_URL") or stack.enter_context(own_server())
            urls["postgresql"] = urlsplit(server)._replace(path=f"/safe_import_bench_{os.getpid()}").geturl()
        bench = _Bench(options, folder, {name: urls[name] for name in options.databases})
        result = bench.result()
        if options.plot:
            bench.plot()
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(render(result))
    if options.document:
        _PAGE.write_text(shown_in(_PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")
    return 0 if all(bar["met"] for bar in result["bars"]) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=("postgresql", "sqlite"), default=["postgresql", "sqlite"])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--fewer-rows", type=int, default=10_000, help="for what takes too long otherwise")
    parser.add_argument("--repeats", type=int, default=5, help="the median of so many runs counts")
    parser.add_argument("--fewer-repeats", type=int, default=3, help="for what takes too long otherwise")
    parser.add_argument("--no-memory", action="store_true", help="leave out ten times the rows, and their memory")
    parser.add_argument("--psycopg3", action="store_true", help="measure psycopg 3 as well, which pip gets")
    parser.add_argument("--plot", action="store_true", help="draw time against rows from 1,000 to 1,000,000 anew")
    parser.add_argument("--document", action="store_true", help="show the result in docs/performance.md")
    return parser.parse_args()


class _Bench:
    """The measurements of all databases."""

    def __init__(self, options: argparse.Namespace, folder: Path, urls: dict[str, str]) -> None:
        self.options, self.folder, self.urls = options, folder, urls

    def result(self) -> dict[str, Any]:
        """Everything but the plot."""
        databases = {name: self._measured(name) for name in self.urls}
        if self.options.psycopg3 and "postgresql" in self.urls:
            databases["psycopg 3"] = self._with_psycopg3()
        return {
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "machine": _machine(),
            "databases": databases,
            "bars": [bar.as_dict() for name, found in databases.items() for bar in bars(name, found["found"])],
        }

    def plot(self) -> None:
        """Measure again at several sizes, and draw them."""
        from bench.plot import plot  # noqa: PLC0415 - takes a second, and is seldom wanted

        found = {}
        for name in self.urls:
            runs = [self._run("imports", name, rows, repeats=1) for rows in _PLOTTED]
            found[runs[0]["database"]] = [each for run in runs for each in run["found"]]
        plot(found, _PICTURE)

    def _measured(self, name: str) -> dict[str, Any]:
        options = self.options
        limit = self._run("limit", name, options.rows, options.repeats)
        libraries = self._run("libraries", name, options.rows, options.fewer_repeats)
        found = [*limit["found"], *libraries["found"]]
        if not options.no_memory:
            found += self._memory(name, (options.rows, 10 * options.rows))
        return {"label": limit["database"], "found": found}

    def _memory(self, name: str, sizes: tuple[int, int]) -> list[dict[str, Any]]:
        """Each run in a process of its own, few rows before and behind many. The median time and largest peak count."""
        runs: dict[int, list[dict[str, Any]]] = {rows: [] for rows in sizes}
        few, many = sizes
        for _ in range(self.options.fewer_repeats):
            for rows in (few, many, few):
                runs[rows] += self._run("memory", name, rows, repeats=1)["found"]
        return [_of_all(found) for found in runs.values()]

    def _with_psycopg3(self) -> dict[str, Any]:
        """Django takes psycopg 3 where both are installed, so the way to it is to put it into the path."""
        target = self.folder / "psycopg3"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "--requirement"]
        subprocess.run([*install, str(_PSYCOPG3)], check=True)
        run = self._run("imports", "postgresql", self.options.rows, self.options.repeats, path=[str(target)])
        return {"label": run["database"], "found": run["found"]}

    def _run(self, programme: str, name: str, rows: int, repeats: int, path: Sequence[str] = ()) -> dict[str, Any]:
        sys.stderr.write(f"{name}: {programme}, {rows:,} rows\n")
        output = self.folder / "found.json"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "BENCH_DATABASE_URL": self.urls[name],
            "BENCH_FOLDER": str(self.folder),
            "PYTHONPATH": os.pathsep.join(path),
        }
        fewer = f"--fewer-rows={self.options.fewer_rows}"
        arguments = [programme, f"--rows={rows}", fewer, f"--repeats={repeats}", f"--output={output}"]
        (self.folder / "backups").mkdir(mode=0o700, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "bench.programme", *arguments], check=True, env=environment, cwd=_HERE.parent
        )
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return found


def _of_all(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One measurement for several of the same."""
    seconds = [run["seconds"] for run in runs]
    return {**runs[0], "seconds": median(seconds), "runs": seconds, "mib": max(run["mib"] for run in runs)}


def _machine() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return [
        (names or [platform.processor() or platform.machine()])[0],
        f"{os.cpu_count()} cores",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
    ]


if __name__ == "__main__":
    sys.exit(main())
