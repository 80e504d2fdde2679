"""What a value becomes on its way to the stage; never another value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from safe_import.database import dialect
from safe_import.database.encoding import ColumnEncoder, Misfit, encoder
from safe_import.database.postgresql.copy import copy_data

_PRICE = models.DecimalField(max_digits=9, decimal_places=3)


def _one_by_one(field: Any, values: list[Any]) -> list[Any]:
    encode, encoded = encoder(field, connection), []
    for value in values:
        try:
            encoded.append(None if value is None else encode(value))
        except Misfit:
            encoded.append(None)
    return encoded


@pytest.mark.django_db
@given(values=st.lists(st.none() | st.decimals(-(10**7), 10**7, places=4) | st.decimals(-9, 9, places=1), max_size=6))
def test_numbers_are_the_same_together_as_one_by_one(values: list[Decimal | None]) -> None:
    """Digits, zeros that say nothing, and those that do not fit."""
    assert list(ColumnEncoder(_PRICE, connection)(values)[0]) == _one_by_one(_PRICE, values)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_wide_number_keeps_its_digits() -> None:
    """Also beyond the 28 that Python's usual context has, and beside values that are looked at one by one."""
    field = models.DecimalField(max_digits=40, decimal_places=10)
    wide = [Decimal("1234567890123456789012345678.9100"), Decimal("1234567890123456789012345678.91"), Decimal("NaN")]
    encoded, misfits = ColumnEncoder(field, connection)(wide)
    assert encoded == ["1234567890123456789012345678.91"] * 2 + [None]
    assert [position for position, _ in misfits] == [2]


def test_texts_of_other_types_are_escaped_for_copy() -> None:
    """A subclass of str, such as Django's safe strings, is a text like any other."""
    assert (
        copy_data([[mark_safe("C:\\new\tx")], ["a\nb"], [None], [b"\0\\"]]) == b"C:\\\\new\\tx\ta\\nb\t\\N\t\\\\x005c\n"
    )


@pytest.mark.django_db(transaction=True)
def test_bytes_land_as_they_are() -> None:
    """Whatever type they come in."""
    field = models.BinaryField()
    d = dialect(connection)
    d.drop_temp(["si_bytes"])
    d.create_temp("si_bytes", {"b": d.bytes_type})
    encoded, _ = ColumnEncoder(field, connection)([b"\0'\\x", memoryview(b"\xff"), bytearray(b"a"), None])
    d.write_columns("si_bytes", {"b": encoded})
    stored = [None if value is None else bytes(value) for (value,) in d.rows(f"SELECT b FROM {d.temp('si_bytes')}")]
    d.drop_temp(["si_bytes"])
    assert stored == [b"\0'\\x", b"\xff", b"a", None]
