"""What a value becomes on its way to the stage; never another value."""

from __future__ import annotations

import hashlib
import math
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from safe_import.database import dialect
from safe_import.database.column_encoding import ColumnEncoder
from safe_import.database.encoding import Misfit, encoder
from safe_import.database.postgresql.copy import copy_data

_PRICE = models.DecimalField(max_digits=9, decimal_places=3)
_SHORT = models.CharField(max_length=3)
_ODD_NUMBERS = [
    Decimal(text)
    for text in (
        "0", "-0", "0.0", "-0.0", "-0.000", "0.10", "-0.10", "-0.50", "10", "100", "1.000", "-20.00", "1.0000", "1E+3",
        "1E-3", "0E-3", "999999.999", "-999999.999", "1000000", "999999.9990", "999999.9999", "NaN", "Infinity",
    )
]  # fmt: skip


def _one_by_one(field: Any, values: list[Any]) -> list[Any]:
    encode, encoded = encoder(field, connection), []
    for value in values:
        try:
            encoded.append(None if value is None else encode(value))
        except Misfit:
            encoded.append(None)
    return encoded


@pytest.mark.django_db
@given(
    values=st.lists(
        st.none()
        | st.decimals(-(10**7), 10**7, places=4)
        | st.decimals(-9, 9, places=1)
        | st.decimals(-(10**6), 10**6, places=3)
        | st.sampled_from(_ODD_NUMBERS),
        max_size=4,
    )
)
def test_numbers_are_the_same_together_as_one_by_one(values: list[Decimal | None]) -> None:
    """Digits, zeros that say nothing, and those that do not fit."""
    assert list(ColumnEncoder(_PRICE, connection)(values)[0]) == _one_by_one(_PRICE, values)


@pytest.mark.django_db
@given(texts=st.lists(st.none() | st.text(max_size=4) | st.sampled_from(["", "a\0", "abc", "abcd", "\n"]), max_size=4))
def test_texts_are_the_same_together_as_one_by_one(texts: list[str | None]) -> None:
    """Those that are too long, those that hold NUL, and gaps between them."""
    for field in (_SHORT, models.TextField()):
        assert list(ColumnEncoder(field, connection)(texts)[0]) == _one_by_one(field, texts)


_limits = st.sampled_from([-(2**31) - 1, -(2**31), 2**31 - 1, 2**31])


@pytest.mark.django_db
@given(numbers=st.lists(st.none() | st.integers(-5, 5) | _limits, max_size=4), days=st.lists(st.none() | st.dates()))
def test_gaps_stay_where_they_are(numbers: list[int | None], days: list[Any]) -> None:
    """Whether what stands between them is encoded or taken as it is."""
    truths = [None if number is None else number > 0 for number in numbers]
    for field, values in (
        (models.IntegerField(), numbers),
        (models.BooleanField(), truths),
        (models.DateField(), days),
    ):
        assert list(ColumnEncoder(field, connection)(values)[0]) == _one_by_one(field, values)


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


_kinds = [
    st.booleans(),
    st.integers() | st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1]),
    st.dates(),
    st.floats(),
    st.decimals(),
    st.binary(),
    st.text() | st.sampled_from(["null", '"', "a,b", "\\N", "\\", "a\tb", "\r\n", mark_safe("a\\b")]),
]  # fmt: skip
_columns_of_one_kind = st.sampled_from(_kinds).flatmap(lambda kind: st.lists(st.none() | kind, min_size=1, max_size=5))


@given(column=_columns_of_one_kind | st.lists(st.none() | st.one_of(_kinds), min_size=1, max_size=5))
def test_a_column_is_written_for_copy_as_its_values_one_by_one(column: list[Any]) -> None:
    """Whatever is together in it, and whatever is missing."""
    assert copy_data([column, column]) == "".join(f"{_copied(each)}\t{_copied(each)}\n" for each in column).encode()


def _copied(value: Any) -> str:
    if value is None:
        return "\\N"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return re.sub(r"[\\\t\n\r]", lambda mark: {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}[mark[0]], text)


_vast = st.integers(90, 400).map(lambda digits: Decimal("9" * digits))


@given(values=st.lists(st.none() | st.decimals() | st.floats().map(Decimal) | _vast, max_size=4))
def test_a_column_of_floats_is_told_decimals_in_their_own_words(values: list[Decimal | None]) -> None:
    """It makes the same number of them as Python does; what is too great for it, or no number, is refused."""
    as_texts = ColumnEncoder(models.FloatField(), connection, "double precision")(values)
    as_floats = ColumnEncoder(models.FloatField(), connection)(values)
    assert [None if value is None else float(value) for value in as_texts[0]] == as_floats[0]
    assert [at for at, _ in as_texts[1]] == [at for at, _ in as_floats[1]]


_pointed = st.decimals(-(10**20), 10**20, places=15) | st.floats(allow_nan=False, allow_infinity=False).map(Decimal)


@given(values=st.lists(_pointed | st.integers().map(Decimal) | _vast.map(lambda n: n + Decimal("0.5")), max_size=4))
def test_a_column_of_floats_gets_the_same_floats_of_decimals_as_python_makes(values: list[Decimal]) -> None:
    """To the last bit, and no integer among them."""
    encoded, misfits = ColumnEncoder(models.FloatField(), connection)(values)
    expected = [None if math.isinf(float(value)) else float(value) for value in values]
    assert list(map(repr, encoded)) == list(map(repr, expected))
    assert [at for at, _ in misfits] == [at for at, value in enumerate(expected) if value is None]


_VALUES = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"))
    | st.sampled_from(["\\N", "\\", "\\.", "a\r\n\tb"]),
    "date": st.dates(),
    "boolean": st.booleans(),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double precision": st.floats(allow_nan=False, allow_infinity=False),
}  # fmt: skip


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@given(rows=st.lists(st.tuples(*(st.none() | values for values in _VALUES.values())), min_size=1, max_size=5))
def test_what_is_copied_lands_as_it_is(rows: list[tuple[Any, ...]]) -> None:
    """Marks that COPY takes for its own, blanks, days of any year, and nothing."""
    d = dialect(connection)
    d.drop_temp(["si_copied"])
    d.create_temp("si_copied", {"n": "bigint", **{f"c{at}": type_ for at, type_ in enumerate(_VALUES)}})
    d.write_rows(
        "si_copied", ["n", *(f"c{at}" for at in range(len(_VALUES)))], [(n, *row) for n, row in enumerate(rows)]
    )
    landed = d.rows(f"SELECT c0, c1, c2, c3, c4 FROM {d.temp('si_copied')} ORDER BY n")
    d.drop_temp(["si_copied"])
    assert list(landed) == rows


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@given(values=st.lists(st.decimals(-(10**20), 10**20, places=15) | st.floats(-1, 1).map(repr).map(Decimal), min_size=1))
def test_decimals_land_in_a_column_of_floats_as_floats(values: list[Decimal]) -> None:
    """To the last bit."""
    encoded, misfits = ColumnEncoder(models.FloatField(), connection, "double precision")(values)
    d = dialect(connection)
    d.drop_temp(["si_floats"])
    d.create_temp("si_floats", {"n": "bigint", "f": "double precision"})
    d.write_columns("si_floats", {"n": range(len(values)), "f": encoded})
    landed = [value for (value,) in d.rows(f"SELECT f FROM {d.temp('si_floats')} ORDER BY n")]
    d.drop_temp(["si_floats"])
    assert not misfits
    assert list(map(repr, landed)) == [repr(float(value)) for value in values]


@pytest.mark.django_db(transaction=True)
def test_the_digest_tells_what_is_written_and_where() -> None:
    """The same rows give the same; another value, order, column or table gives another."""
    d = dialect(connection)
    written = [
        ("si_one", {"a": [1, 2], "b": ["x", None]}),
        ("si_one", {"a": [1, 2], "b": ["x", ""]}),
        ("si_one", {"a": [1, 2], "b": [None, "x"]}),
        ("si_one", {"a": [2, 1], "b": ["x", None]}),
        ("si_one", {"a": [1, 2], "c": ["x", None]}),
        ("si_two", {"a": [1, 2], "b": ["x", None]}),
    ]
    digests = [_digest(d, name, columns) for name, columns in written]
    assert len(set(digests)) == len(written)
    assert digests == [_digest(d, name, columns) for name, columns in written]


def _digest(d: Any, name: str, columns: dict[str, list[Any]]) -> bytes:
    digest = hashlib.sha256()
    d.drop_temp([name])
    d.create_temp(name, {"a": "bigint", "b": "text", "c": "text"})
    d.write_columns(name, columns, digest)
    d.drop_temp([name])
    return digest.digest()


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
