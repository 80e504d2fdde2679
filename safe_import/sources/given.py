"""Rows that a program holds already, as a source."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from safe_import.sources.base import Cells


class GivenRows:
    """A source of mappings {header: value}. A header that a row does not have counts as blank; rows count from 1.

    Args:
        rows: the rows.
        label: what messages call them.
    """

    header_line = 0

    def __init__(self, rows: Iterable[Mapping[str, Any]], label: str = "rows") -> None:
        self._rows = list(rows)
        self._header = list(dict.fromkeys(name for row in self._rows for name in row))
        self.label = label

    def header(self) -> Sequence[str]:
        """Return the keys of all rows, in the order in which they are met."""
        return self._header

    def lines(self) -> Iterator[tuple[int, Cells]]:
        """Yield every row with its number."""
        for number, row in enumerate(self._rows, 1):
            yield number, [row.get(name) for name in self._header]

    def sha256(self) -> str:
        """Return the SHA-256 of the rows as JSON lines, in hex."""
        digest = hashlib.sha256()
        for row in self._rows:  # not by orjson, which takes no number beyond 64 bits
            digest.update(f"{json.dumps(row, default=str)}\n".encode())
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
