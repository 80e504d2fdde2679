"""``create_default_admin``: one superuser, with a password that nobody else has."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection

from commands.people.models import User
from tests.people.database import contents_of_database

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN, GOOD = "admin@example.org", "correct horse battery"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment, unless a test says so."""
    for name in ("LOGIN", "NAME", "PASSWORD"):
        monkeypatch.delenv(f"SAFE_IMPORT_ADMIN_{name}", raising=False)


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what it printed, and what it said of its failure."""
    out = io.StringIO()
    try:
        call_command("create_default_admin", *arguments, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_a_password_is_made_and_printed_once() -> None:
    """It logs in, is stored hashed, is another one every time, and is told by no later run."""
    seen = set()
    for _ in range(3):
        User.objects.all().delete()
        code, out, _ = run("--login", LOGIN)
        password = out.splitlines()[-1]
        assert (code, len(password)) == (0, 24)
        user = authenticate(username=LOGIN, password=password)
        assert user == User.objects.get()
        assert (user.is_superuser, user.is_staff, user.is_active) == (True, True, True)
        assert password not in str(contents_of_database())
        assert password not in "".join(run("--login", LOGIN)[1:])
        seen.add(password)
    assert len(seen) == 3


def test_a_given_password_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the options, or from the environment, which the options win over."""
    monkeypatch.setenv("SAFE_IMPORT_ADMIN_LOGIN", "other@example.org")
    monkeypatch.setenv("SAFE_IMPORT_ADMIN_PASSWORD", GOOD)
    monkeypatch.setenv("SAFE_IMPORT_ADMIN_NAME", "Ada")
    code, out, err = run("--login", LOGIN)
    assert (code, err) == (0, "")
    assert GOOD not in out
    assert authenticate(username=LOGIN, password=GOOD) == User.objects.get()
    assert User.objects.get().name == "Ada"


def test_everything_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For machines that start by themselves."""
    monkeypatch.setenv("SAFE_IMPORT_ADMIN_LOGIN", LOGIN)
    monkeypatch.setenv("SAFE_IMPORT_ADMIN_PASSWORD", GOOD)
    assert run()[0] == 0
    assert authenticate(username=LOGIN, password=GOOD) is not None


def test_nothing_is_done_where_there_is_a_superuser() -> None:
    """Not even one under another name; no password is changed, none is asked for."""
    User.objects.create_superuser("first@example.org", GOOD)
    before = contents_of_database()
    for arguments in (("--login", LOGIN), ("--login", "first@example.org", "--password", "another one 17"), ()):
        code, out, _ = run(*arguments)
        assert (code, out) == (0, "There is a superuser already; nothing was changed.\n")
    assert contents_of_database() == before


@pytest.mark.parametrize("password", ["12345678901", "short1!", "password123", "admin@example.org"])
def test_a_weak_password_is_not_accepted(password: str) -> None:
    """The validators of the project decide; the password is not repeated."""
    code, out, err = run("--login", LOGIN, "--password", password)
    assert (code, User.objects.count()) == (2, 0)
    assert err.startswith("The password is not accepted: ")
    assert password not in out + err


def test_an_account_of_that_name_is_not_promoted() -> None:
    """In whatever case it is written: somebody else may know its password."""
    User.objects.create_user("Admin@Example.org", GOOD)
    code, _, err = run("--login", LOGIN)
    assert (code, User.objects.filter(is_superuser=True).count()) == (1, 0)
    assert "is no superuser" in err


@pytest.mark.parametrize(("arguments", "reason"), [((), "SAFE_IMPORT_ADMIN_LOGIN"), (("--login", "nobody"), "email")])
def test_a_login_is_needed(arguments: tuple[str, ...], reason: str) -> None:
    """No name is built in either."""
    code, _, err = run(*arguments)
    assert (code, User.objects.count()) == (2, 0)
    assert reason in err


def test_programs_get_one_object() -> None:
    """The password is in it, once."""
    first: dict[str, Any] = json.loads(run("--login", LOGIN, "--json")[1])
    assert authenticate(username=LOGIN, password=first.pop("password")) is not None
    assert first == {"created": True, "login": LOGIN}
    assert json.loads(run("--login", LOGIN, "--json")[1]) == {"created": False}


class _Closed(io.StringIO):
    """Standard output that takes nothing."""

    def write(self, _: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_an_account_whose_password_can_not_be_told_is_not_created(flags: tuple[str, ...]) -> None:
    """It would keep everybody out."""
    with pytest.raises(BrokenPipeError):
        call_command("create_default_admin", "--login", LOGIN, *flags, stdout=_Closed())
    assert not User.objects.exists()


def test_started_everywhere_at_once_one_creates_it() -> None:
    """The others wait, and find it."""
    results = []

    def start() -> None:
        try:
            results.append(run("--login", LOGIN))
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.objects.filter(is_superuser=True).count() == 1
    assert [code for code, *_ in results] == [0] * 6
    assert sum("shown this once" in out for _, out, _ in results) == 1


def test_without_tables_it_says_what_to_do(database_url: str) -> None:
    """In one sentence, no trace."""
    done = subprocess.run(
        [sys.executable, "manage.py", "create_default_admin", "--login", LOGIN],
        cwd=Path(__file__).resolve().parent.parent.parent,
        env=os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "commands.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert "run migrate" in done.stderr.lower()
    assert "Traceback" not in done.stderr
