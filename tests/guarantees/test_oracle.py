"""Guarantee 1, asked of a second witness: the write-ahead log, as a replica reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgresql import own_server

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.postgresql
@pytest.mark.filterwarnings("ignore::Warning:platformdirs")
def test_no_import_leaves_a_deletion_in_the_write_ahead_log() -> None:
    """A whole series, on a server of its own with wal_level = logical; a DELETE and a TRUNCATE would be found there."""
    with own_server(wal_level="logical") as url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "SAFE_IMPORT_TEST_BACKEND": "postgresql",
            "SAFE_IMPORT_TEST_DATABASE_URL": url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.guarantees.oracle"],
            cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for series in ("people", "imports"):
        assert found[series]["I"] > 500
        assert found[series]["U"] > 100
        assert not {"D", "T"} & found[series].keys(), found
    assert (found["others"]["D"], found["others"]["T"]) == (1, 1)
