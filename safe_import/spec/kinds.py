"""The several kinds of rows that one file may hold, and which of them a row is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from safe_import.errors import SpecError
from safe_import.records import Problem
from safe_import.spelling import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.spec.headers import HeaderMatch
    from safe_import.spec.row import Row

Verdict = int | tuple[str | None, str, str]  # the kind; or column, code and message of what is wrong


class KindChooser:
    """Tells the kind of each row by the columns that are filled in it.

    A kind claims a row by a column that only it owns, whether or not the rest of the row is complete: so an aspect
    without its name is an aspect with a value missing, and never taken for something else. Where the header has the
    required columns of one kind only, every row that nobody claims is of that kind.
    """

    def __init__(self, rows: Sequence[type[Row]], match: HeaderMatch) -> None:
        self._rows = rows
        self._match = match
        owned = [set(own_fields(rows, kind)) for kind in range(len(rows))]
        for row, own in zip(rows, owned, strict=True):
            if not own and len(rows) > 1:
                raise SpecError(f"{row.__name__} needs a column that no other kind of row of the same file has.")
        self._own = [{at for at, name in match.fields[kind].items() if name in own} for kind, own in enumerate(owned)]
        self._verdict = lru_cache(maxsize=1024)(self._judge)  # few patterns of filled columns, many rows

    def choose(self, line: int, filled: tuple[int, ...]) -> int | Problem:
        """Return the kind of a row, or what is wrong with it.

        Args:
            line: the line of the row.
            filled: the positions of its known columns that are not blank.
        """
        verdict = self._verdict(filled)
        return verdict if isinstance(verdict, int) else Problem(line, *verdict)

    def _judge(self, filled: tuple[int, ...]) -> Verdict:
        claims = [kind for kind, own in enumerate(self._own) if not own.isdisjoint(filled)]
        if not claims and len(self._match.present) == 1:
            claims = list(self._match.present)
        if len(claims) != 1:
            return self._several(claims, filled) if claims else self._none()
        kind = claims[0]
        for position in filled:
            if position not in self._match.fields[kind]:
                return self._foreign(kind, position)
        return kind

    def _none(self) -> Verdict:
        wanted = "; ".join(f"{row.kind_name()} rows need {needs(row)}" for row in self._rows)
        return None, "unknown_kind", f"no kind of row: {wanted}"

    def _several(self, claims: Sequence[int], filled: tuple[int, ...]) -> Verdict:
        reasons = []
        for kind in claims:
            columns = [self._match.header[at] for at in filled if at in self._own[kind]]
            reasons.append(f"{self._rows[kind].kind_name()} by {listed(columns)}")
        message = f"several kinds of row in one: {' and '.join(reasons)}; make each a row of its own"
        return None, "ambiguous_kind", message

    def _foreign(self, kind: int, position: int) -> Verdict:
        message = f"{self._rows[kind].kind_name()} rows have no such column; clear the cell"
        return self._match.header[position], "ambiguous_kind", message


def own_fields(rows: Sequence[type[Row]], kind: int) -> tuple[str, ...]:
    """Return the fields of a kind none of whose headers another kind knows."""
    others = {known for other, row in enumerate(rows) if other != kind for known in vocabulary_of(row)}
    row = rows[kind]
    return tuple(name for name in row.model_fields if others.isdisjoint(row.spellings(name)))


def needs(row: type[Row]) -> str:
    """Return the headers of the required columns of a kind, as a message lists them."""
    return listed(row.spellings(name)[0] for name in row.required())


def vocabulary_of(row: type[Row]) -> dict[str, str]:
    """The accepted headers of a row model, and the field that each means."""
    vocabulary: dict[str, str] = {}
    for name in row.model_fields:
        for spelling in row.spellings(name):
            if vocabulary.setdefault(spelling, name) != name:
                raise SpecError(
                    f"{row.__name__}: {vocabulary[spelling]} and {name} accept the same header {spelling!r}."
                )
    return vocabulary
