"""Rows that a program gives: whatever they hold, they can be told apart by their hash."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from safe_import.sources.given import GivenRows

VALUES = [2**64, -(10**400), "\ud800", "é", 1.5, float("nan"), Decimal("1.10"), dt.date(2024, 1, 31), ["a"], None]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_any_value_has_a_hash_of_its_own(value: object) -> None:
    """The same every time, and another one than for any other value: wide numbers and broken texts as well."""
    hashes = {GivenRows([{"a": each}]).sha256() for each in VALUES}
    assert GivenRows([{"a": value}]).sha256() in hashes
    assert len(hashes) == len(VALUES)
