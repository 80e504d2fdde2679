"""Fuzzes the sources for as long as it is told to.

    python -m tests.fuzzing [--seconds 600] [--seed 7] [--only xlsx]

Prints what it did. A file that was dealt with as none may be is kept in the current folder, its trace is printed, and
the exit code is 1; put the file into ``tests/data/hostile``, where a test reads all of them.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--only", default="", help="samples whose name contains this")
    chosen = parser.parse_args()

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django  # noqa: PLC0415 - the settings come first

    django.setup()
    from tests.fuzzing.judge import judge  # noqa: PLC0415
    from tests.fuzzing.mutation import mutated  # noqa: PLC0415
    from tests.fuzzing.samples import samples  # noqa: PLC0415

    files = samples()
    names = [name for name in files if chosen.only in name]
    chance, end = random.Random(chosen.seed), time.monotonic() + chosen.seconds
    done, faults = Counter[str](), 0
    sys.stdout.write(f"seed {chosen.seed}\n")
    with tempfile.TemporaryDirectory(prefix="safe_import-fuzzing-") as folder:
        while time.monotonic() < end:
            name = names[done.total() % len(names)]
            path = Path(folder) / name
            path.write_bytes(mutated(name, files[name], [*files.values()], chance))
            done[path.suffix] += 1
            try:
                judge(path)
            except BaseException as error:  # noqa: BLE001 - every one of them is a finding, and a finding is shown
                if isinstance(error, KeyboardInterrupt):
                    break
                faults += 1
                kept = Path.cwd() / f"fault-{chosen.seed}-{faults}{''.join(path.suffixes)}"
                kept.write_bytes(path.read_bytes())
                traceback.print_exc()
                sys.stderr.write(f"kept as {kept}\n")
            for left in Path(folder).glob("*.rejects*"):
                left.unlink()
    files_read = ", ".join(f"{count:,} {suffix[1:]}" for suffix, count in sorted(done.items()))
    sys.stdout.write(f"{files_read} - {faults} faults\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
