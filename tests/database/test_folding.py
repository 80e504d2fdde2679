"""Keys are folded the same together as one by one."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.safestring import mark_safe
from hypothesis import example, given
from hypothesis import strategies as st

from safe_import.database.folding import fold, fold_all


class _Word(str):
    """A text whose ``str`` is another one, as with an enumeration that is made of texts."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"word {super().__str__()}"


_values = (
    st.none()
    | st.text()
    | st.sampled_from(["", "Ada", "ADA\n", "\n", "a\0B", "\0", "e", "\u0301", "é", "ß", "SS", "ΣΑΣ", "İ"])
    | st.sampled_from(["\u0345", "\u1100", "\u1161", "\u11a8", "\x85", "\u2028", mark_safe("Safe"), _Word('Yes'), 7])
)  # fmt: skip


@pytest.mark.parametrize("casefold", [False, True])
@given(values=st.lists(_values, max_size=5))
@example(values=["e", "\u0301"])  # which compose to one where nothing stands between
@example(values=["\u1100", "\u1161"])
@example(values=["a\nB", "ß"])
@example(values=["A\n", None])
@example(values=[None, None])
@example(values=[""])
def test_keys_are_the_same_together_as_one_by_one(values: list[Any], casefold: bool) -> None:
    """Marks that compose, line feeds, NUL, nothing, and what is no text by itself."""
    one_by_one = [None if each is None else fold(str(each).replace("\0", "\ufffd"), casefold) for each in values]
    assert list(fold_all(values, casefold)) == one_by_one


def test_what_is_a_key_as_it_is_stays_where_it_is() -> None:
    """So that nothing is copied for nothing."""
    values = ["Ada", None, "Eva"]
    assert fold_all(values, casefold=False) is values
