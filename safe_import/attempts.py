"""Whether a run that was rolled back is begun anew, and what the next attempt has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DatabaseError

from safe_import.database.failures import may_be_of_a_row, may_pass
from safe_import.errors import DeletionSuspected, StalePlan
from safe_import.records import Problem
from safe_import.stages.apply.search import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.stages.apply.search import Found, Refusal

REFUSED = "refused_by_database"
_SEARCHES = 3  # what is taken in one order may be refused in another
_GAVE_UP = (
    f"the search for rows that the database refuses was ended after {ATTEMPTS:,} attempts; there may be more of them"
)


class SearchEnded(Exception):
    """Ends the transaction of a search for refused rows, whatever it has found."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


class Attempts:
    """Decides, after each failure, whether another attempt may succeed.

    Attributes:
        searching: the next attempt finds the rows that the database refuses, instead of writing: Note [Refused rows].
        search_problems: an error where a search gave up, so that not all of the file is known to be good.
    """

    def __init__(self) -> None:
        self.searching = False
        self.search_problems: list[Problem] = []
        self._refusals: list[Refusal] = []
        self._begun_anew = False
        self._searches = 0
        self._failure: DatabaseError | None = None

    def refused(self) -> Iterator[tuple[int, str, str]]:
        """Line, code and message for every row that the database refused so far."""
        for refusal in self._refusals:
            for line in refusal.lines:
                yield line, REFUSED, refusal.message

    def after(self, error: Exception, *, writing: bool) -> None:
        """Returns when the run is to be begun anew.

        Args:
            error: why it was rolled back.
            writing: whether the plan was being written.

        Raises:
            Exception: ``error``, or the one that led to a search in vain.
        """
        if isinstance(error, SearchEnded):
            self._learn(error.found)
        elif not self._begun_anew and (isinstance(error, (StalePlan, DeletionSuspected)) or _may_pass(error)):
            self._begun_anew = True
        elif isinstance(error, DatabaseError) and writing and may_be_of_a_row(error) and self._searches < _SEARCHES:
            self.searching, self._failure = True, error
            self._searches += 1
        else:
            raise error

    def _learn(self, found: Found) -> None:
        self.searching = False
        self._refusals += found.refusals
        if not found.complete:
            self.search_problems.append(Problem(None, None, REFUSED, _GAVE_UP))
        if not found.refusals and self._failure is not None:
            raise self._failure


def _may_pass(error: Exception) -> bool:
    return isinstance(error, DatabaseError) and may_pass(error)
