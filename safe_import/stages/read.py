"""First stage: from the lines of a source to raw rows, their cells under the names of the fields.

# Note [Blocks]
Each step looks at every cell of a block before the next step does. Of a few hundred rows the cells are still in the
caches of the processor by then; of some thousand they are not, and all steps together take a third longer. So
blocks are small, and what is better done for many rows at a time, such as lookups and COPY, gathers them.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from safe_import.conf import conf
from safe_import.errors import SourceError, SpecError
from safe_import.records import Problem, RawColumns, RawRow
from safe_import.sources import BadCell, BrokenRow, Rectangle
from safe_import.sources.rejects import REJECTS_COLUMNS
from safe_import.spec.headers import NO_RENAMES, HeaderMatch, match_header
from safe_import.spec.kinds import KindChooser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from safe_import.sources import Block, Cells, Source
    from safe_import.spec.row import Row

    _Line = tuple[int, Cells | BrokenRow]

_AT_A_TIME = 500  # rows of a block at most: Note [Blocks]


def read(
    source: Source,
    rows: Sequence[type[Row]],
    *,
    unknown_cells_are_errors: bool = False,
    ignore_unknown: bool = False,
    renames: Mapping[str, str] = NO_RENAMES,
) -> Reading:
    """Match the header of a source; the rows are read when they are asked for.

    Args:
        source: what to read.
        rows: the row models; one for each kind of row that the file may hold.
        unknown_cells_are_errors: a row with something in a column that nobody knows gets a problem of its own. Wanted
            where valid rows are imported although the header has problems.
        ignore_unknown: such columns are left out, and noted.
        renames: {header of the file: header that a row model knows}.

    Raises:
        SourceError: the file has more than ``MAX_COLUMNS``.
        SpecError: the row models contradict each other.
    """
    for row in rows:
        if any(name in REJECTS_COLUMNS for field in row.model_fields for name in row.spellings(field)):
            raise SpecError(f"{row.__name__}: the headers {REJECTS_COLUMNS} are reserved for rejects files.")
    if len(source.header()) > conf().MAX_COLUMNS:
        raise SourceError(f"{source.label}: more than {conf().MAX_COLUMNS:,} columns (SAFE_IMPORT MAX_COLUMNS)")
    match = match_header(source.header(), rows, source.header_line, renames=renames, ignore_unknown=ignore_unknown)
    return Reading(source, rows, match, unknown_cells_are_errors and not ignore_unknown)


class Reading:
    """A source whose header is matched. It can be read more than once.

    Attributes:
        problems: errors of the header. The rows can be read all the same, to report everything in one go.
        notes: headers that were matched although they are spelled differently.
        columns: for every kind of row, name of the field -> header as the file spells it.
    """

    def __init__(
        self, source: Source, rows: Sequence[type[Row]], match: HeaderMatch, unknown_cells_are_errors: bool
    ) -> None:
        self._source = source
        self._width = len(source.header())
        self._match = match
        self._chooser = KindChooser(rows, self._match) if len(rows) > 1 else None
        self._known = sorted({at for fields in self._match.fields for at in fields})
        self._watched = self._match.unknown if unknown_cells_are_errors else ()
        self.problems: Sequence[Problem] = self._match.problems
        self.notes: Sequence[Problem] = self._match.notes
        self.columns: Sequence[Mapping[str, str]] = self._match.columns

    def rows(self) -> Iterator[RawRow]:
        """Yield every row, sound or not. A row whose cells are all blank holds nothing, and is none.

        Raises:
            SourceError: there is no row at all, there are more than ``MAX_ROWS``, or the file can't be read.
        """
        for block in self.blocks(_AT_A_TIME):
            yield from block.rows() if isinstance(block, RawColumns) else block

    def blocks(self, size: int) -> Iterator[RawColumns | list[RawRow]]:
        """Yield every row as ``rows`` does, in blocks of at most ``size`` lines; as columns where that is possible."""
        count, limit, size = 0, conf().MAX_ROWS, min(size, _AT_A_TIME)
        for parts in _regrouped(self._parts(size), size):
            block = self._as_columns(parts) or list(self._as_rows(chain.from_iterable(parts)))
            count += len(block)
            if count > limit:
                raise SourceError(f"{self._source.label}: more than {limit:,} rows (SAFE_IMPORT MAX_ROWS); split it")
            yield block
        if not count:
            raise SourceError(f"{self._source.label}: the file has a header but no rows")

    def place(self, line: int) -> str:
        """Return where a row is, in words; empty where its line says all."""
        place: Callable[[int], str] | None = getattr(self._source, "place", None)
        return place(line) if place else ""

    def _parts(self, size: int) -> Iterator[Block]:
        """The lines of the source, as many at a time as it has at hand."""
        if _has_blocks(self._source):
            yield from self._source.blocks()  # type: ignore[attr-defined]  # a source need not have any
            return
        lines = self._source.lines()
        while part := list(islice(lines, size)):
            yield part

    def _as_columns(self, parts: Sequence[Block]) -> RawColumns | None:
        """The lines as columns; None where some row needs a look of its own."""
        rectangles = [] if self._chooser is not None else [each for part in parts if (each := _rectangle(part))]
        if len(rectangles) < len(parts) or any(len(each.columns) != self._width for each in rectangles):
            return None
        cells = [
            [*chain.from_iterable(columns)] for columns in zip(*[each.columns for each in rectangles], strict=True)
        ]
        if any(not all(map(_blank, _stripped(cells[at]))) for at in self._watched):
            return None
        columns: dict[str, Cells] = {}
        for at, name in self._match.fields[0].items():
            column = _column(cells[at])
            if column is None:
                return None
            columns[name] = column
        if all(None in column for column in columns.values()):
            return None  # where every column has a blank, there may be blank rows
        return RawColumns([number for each in rectangles for number in each.numbers], columns)

    def _as_rows(self, lines: Iterable[_Line]) -> Iterator[RawRow]:
        for line, cells in lines:
            row = self._broken(cells) if isinstance(cells, BrokenRow) else self._row(line, _stripped(cells))
            if row is not None:
                yield row

    @staticmethod
    def _broken(broken: BrokenRow) -> RawRow:
        return RawRow(broken.problem.line or 0, None, {}, (broken.problem,))

    def _row(self, line: int, cells: Cells) -> RawRow | None:
        if all(map(_blank, cells)):
            return None
        if len(cells) != self._width:
            return RawRow(line, None, {}, (self._ragged(line, len(cells)),))
        problems = tuple(self._unknown_cell(line, at) for at in self._watched if not _blank(cells[at]))
        kind = 0 if self._chooser is None else self._kind(self._chooser, line, cells)
        if isinstance(kind, Problem):
            return RawRow(line, None, {}, (kind, *problems))
        fields = self._match.fields[kind]
        values = {name: cell for at, name in fields.items() if (cell := cells[at]) != "" and cell is not None}
        if BadCell in map(type, values.values()):
            problems = (*self._bad_cells(line, kind, values), *problems)
            values = {name: cell for name, cell in values.items() if not isinstance(cell, BadCell)}
        return RawRow(line, kind, values, problems)

    def _kind(self, chooser: KindChooser, line: int, cells: Cells) -> int | Problem:
        return chooser.choose(line, tuple(at for at in self._known if not _blank(cells[at])))

    def _bad_cells(self, line: int, kind: int, values: Mapping[str, Any]) -> Iterator[Problem]:
        for name, cell in values.items():
            if isinstance(cell, BadCell):
                yield Problem(line, self.columns[kind][name], cell.code, cell.message)

    def _ragged(self, line: int, found: int) -> Problem:
        code = "short_row" if found < self._width else "long_row"
        message = f"the row has {found} cells, the header {self._width}; is a delimiter missing, or text not in quotes?"
        return Problem(line, None, code, message)

    def _unknown_cell(self, line: int, position: int) -> Problem:
        name = self._match.header[position]
        message = "the column is unknown, and this row has a value in it; rename or remove the column"
        return Problem(line, name or None, "unknown_column", message)


def _regrouped(parts: Iterable[Block], size: int) -> Iterator[list[Block]]:
    """The same lines, ``size`` at a time."""
    chunk: list[Block] = []
    wanted = size
    for part in parts:
        rest = part
        while len(rest) >= wanted:
            yield [*chunk, rest[:wanted]]
            chunk, rest, wanted = [], rest[wanted:], size
        if rest:
            chunk.append(rest)
            wanted -= len(rest)
    if chunk:
        yield chunk


def _rectangle(lines: Block) -> Rectangle | None:
    """Some lines as columns; None where one is broken, or they differ in width."""
    if isinstance(lines, Rectangle):
        return lines
    numbers, rows = zip(*lines, strict=True)
    alike = BrokenRow not in map(type, rows) and len(set(map(len, rows))) == 1
    return Rectangle(numbers, list(zip(*rows, strict=True))) if alike else None


def _column(cells: Cells) -> Cells | None:
    """The cells of a column, stripped, None for a blank one; or None where one of them is bad."""
    try:
        texts = list(map(str.strip, cells))
    except TypeError:  # not only texts
        stripped = _stripped(cells)
        return None if BadCell in map(type, stripped) else [None if cell == "" else cell for cell in stripped]
    return texts if all(texts) else [text or None for text in texts]


def _stripped(cells: Cells) -> Cells:
    try:
        return list(map(str.strip, cells))
    except TypeError:  # not only texts
        return [cell.strip() if isinstance(cell, str) else cell for cell in cells]


def _has_blocks(source: Source) -> bool:
    """Whether its blocks are its lines: a class that overrides ``lines`` alone, or wraps a source, means its lines."""
    own = (vars(kind).keys() for kind in type(source).__mro__)
    return "blocks" in next((names for names in own if "lines" in names or "blocks" in names), ())


def _blank(stripped: Any) -> bool:
    return stripped is None or stripped == ""
