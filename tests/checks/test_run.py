"""How checks run: how much is wrong, a sample of it, and what of it the run has brought."""

from __future__ import annotations

import pytest
from django.db import connection

from commands.people import models as people
from safe_import.checks.check import Check
from safe_import.checks.library import required_missing
from safe_import.checks.run import Comparison, run_checks
from safe_import.database import dialect

pytestmark = pytest.mark.django_db

NAMELESS = Check("nameless", "Users without a name", required_missing(people.User, "name"))


def _create_nameless(*pks: int) -> None:
    for pk in pks:
        people.User.objects.create(pk=pk, email=f"{pk}@example.org")


def test_everything_is_counted_and_a_sample_is_named() -> None:
    """A thousand violations must not fill the screen."""
    _create_nameless(*range(1, 26))
    (result,) = run_checks(dialect(connection), [NAMELESS])
    assert result.found == 25
    assert result.sample == tuple(f"people.User #{pk}" for pk in range(1, 11))


def test_a_comparison_tells_old_violations_from_new_ones() -> None:
    """What was wrong before is reported and blocks nothing; what the run brought is counted, and named first."""
    _create_nameless(1, 2, 3)
    comparison = Comparison(dialect(connection), [NAMELESS])
    _create_nameless(7, 8)
    people.User.objects.filter(pk=3).update(name="Named since")
    (result,) = comparison.results()
    assert (result.found, result.introduced) == (4, 2)
    assert result.sample == tuple(f"people.User #{pk}" for pk in (7, 8, 1, 2))


def test_a_violation_that_moves_to_another_record_is_new() -> None:
    """As many as before are not the same as before."""
    _create_nameless(1)
    comparison = Comparison(dialect(connection), [NAMELESS])
    people.User.objects.filter(pk=1).update(name="Named since")
    _create_nameless(2)
    assert comparison.results()[0].introduced == 1


def test_a_record_counts_once_however_often_it_is_found() -> None:
    """A check of a project's own may join, and find one record several times."""
    _create_nameless(1)
    for name in ("one", "two"):
        people.Committee.objects.create(name=name).members.add(1)
    joined = Check("members", "Members", lambda: people.User.objects.filter(committees__isnull=False))
    (result,) = run_checks(dialect(connection), [joined])
    assert (result.found, result.sample) == (1, ("people.User #1",))


def test_a_check_that_can_find_nothing_is_no_error() -> None:
    """Django may know the answer without asking the database."""
    (result,) = run_checks(dialect(connection), [Check("none", "Nothing", people.User.objects.none)])
    assert (result.found, result.sample) == (0, ())
