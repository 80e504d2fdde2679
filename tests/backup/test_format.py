"""The format on the disk is what docs/backup-format.md says."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
import zstandard
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from safe_import.backup.format import FORMAT, MANIFEST, file_name, parse
from safe_import.backup.write import write_backup
from safe_import.errors import BackupError
from tests.backup.conftest import query

PAGE = (Path(__file__).parents[2] / "docs" / "backup-format.md").read_text()


def test_a_backup_can_be_read_with_a_json_tool_and_zstd_alone(team: list[str]) -> None:
    """Nothing of safe_import is needed to get the values out."""
    path = write_backup(connection, team, run="a run", name="a remark").path
    manifest = json.loads((path / "manifest.json").read_text())["manifest"]
    player = next(table for table in manifest["tables"] if table["name"] == "bk_player")
    columns = [column["name"] for column in player["schema"]["columns"]]
    rows = []
    for chunk in player["chunks"]:
        stored = (path / chunk["file"]).read_bytes()
        assert hashlib.sha256(stored).hexdigest() == chunk["stored_sha256"]
        plain = zstandard.ZstdDecompressor().decompressobj().decompress(stored)
        assert hashlib.sha256(plain).hexdigest() == chunk["plain_sha256"]
        rows += [dict(zip(columns, json.loads(line), strict=True)) for line in plain.decode().splitlines()]
    text = "'%s'" if connection.vendor == "sqlite" else "%s"
    expected = query("SELECT id, name, points FROM bk_player ORDER BY id")
    assert [(row["id"], row["name"], row["points"]) for row in rows] == [
        (str(id_), text % name, None if points is None else str(points)) for id_, name, points in expected
    ]
    assert (manifest["run"], manifest["name"], manifest["format"]) == ("a run", "a remark", 1)


def test_the_manifests_hash_is_what_the_documented_command_prints(team: list[str]) -> None:
    """``jq -cjS .manifest manifest.json | sha256sum``; by Python's own tools where these are not installed."""
    path = write_backup(connection, team).path / "manifest.json"
    content = json.loads(path.read_text())
    compact = json.dumps(content["manifest"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(compact.encode()).hexdigest() == content["sha256"]
    command = "jq -cjS .manifest manifest.json | sha256sum"
    assert command in PAGE
    if shutil.which("jq") and shutil.which("sha256sum"):
        printed = subprocess.run(["/bin/sh", "-c", command], cwd=path.parent, capture_output=True, check=True).stdout
        assert printed.decode().split()[0] == content["sha256"]


def test_the_page_names_every_key_of_the_manifest(team: list[str]) -> None:
    """And the manifest has no other."""
    manifest = orjson.loads((write_backup(connection, team).path / MANIFEST).read_bytes())["manifest"]
    tables = PAGE.split("## The manifest")[1].split("## Order")[0]
    documented = re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE)
    assert set(documented) == {*manifest, *manifest["tables"][0]}
    chunk = next(chunk for table in manifest["tables"] for chunk in table["chunks"])
    inner = {*chunk, *manifest["tables"][0]["schema"], *manifest["tables"][0]["schema"]["columns"][0]}
    assert inner <= set(re.findall(r"`(\w+)`", tables))


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_every_table_has_a_harmless_file_name_of_its_own(one: str, other: str) -> None:
    """Also where a file system takes upper and lower case for the same."""
    try:
        one.encode(), other.encode()
    except UnicodeEncodeError:
        return  # no database has a table of half a character
    name = file_name(one, 1, encrypted=False)
    assert re.fullmatch(r"[a-z0-9_%-][a-z0-9_%-]*\.jsonl\.zst", name)
    assert len(name) < 200
    assert (name == file_name(other, 1, encrypted=False)) == (one == other)


def test_chunks_and_encryption_show_in_the_file_name() -> None:
    """As the page has them."""
    names = [file_name("people_user", number, encrypted=False) for number in (1, 2)]
    assert names == ["people_user.jsonl.zst", "people_user.2.jsonl.zst"]
    assert all(name in PAGE for name in names)
    assert file_name("../Etc", 1, encrypted=True) == "%2e%2e%2f%45tc.jsonl.zst.age"


def edited(path: Path, old: str, new: str) -> bytes:
    """Edit a manifest, hash included, as somebody would who wants it to pass."""
    content = json.loads((path / MANIFEST).read_text().replace(old, new))["manifest"]
    digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps({"manifest": content, "sha256": digest}, option=options)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"format": 1', '"format": 2', f"format 2 is not known to this release, which reads format {FORMAT}"),
        ('"bk_team.jsonl.zst"', '"../bk_team.jsonl.zst"', "file: String should match pattern"),
        ('"bk_team.jsonl.zst"', '".hidden"', "file: String should match pattern"),
        ('"bk_team.jsonl.zst"', '"/etc/passwd"', "file: String should match pattern"),
        ('"run": null', '"run": null, "more": 1', "more: Extra inputs are not permitted"),
        ('"rows": 3', '"rows": -3', "rows: Input should be greater than or equal to 0"),
    ],
)
def test_a_manifest_of_another_form_is_refused(old: str, new: str, reason: str, team: list[str]) -> None:
    """Whatever its hash says: names of files are never trusted, nothing unknown is passed over."""
    path = write_backup(connection, team).path
    with pytest.raises(BackupError, match=re.escape(reason)):
        parse(edited(path, old, new), path)
