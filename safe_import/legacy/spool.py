"""Rows that are kept on file until their records are written."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from typing import TYPE_CHECKING

from safe_import.errors import SpecError

if TYPE_CHECKING:
    from safe_import.legacy.migration import LegacyRow


class Spool:
    """Rows by their number, in a nameless file that is gone with this process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="safe_import-")  # noqa: SIM115 - closed with the spool
        self._offsets = array("Q")

    def add(self, row: LegacyRow) -> None:
        """Appends the next row.

        Raises:
            SpecError: a hook has put something into it that can't be kept.
        """
        self._offsets.append(self._file.tell())
        try:
            pickle.dump(row, self._file, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise SpecError(f"A hook put something into a row that can't be kept until later: {error}") from error

    def row(self, number: int) -> LegacyRow:
        """A row that was added."""
        self._file.seek(self._offsets[number - 1])
        row: LegacyRow = pickle.load(self._file)  # noqa: S301 - written by this process, to a file without a name
        return row

    def close(self) -> None:
        self._file.close()
