"""Which column of a file is which field: done once a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from safe_import.records import Problem
from safe_import.spec.kinds import needs, own_fields, vocabulary_of
from safe_import.spelling import did_you_mean, fold, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safe_import.spec.row import Row

NO_RENAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class HeaderMatch:
    """What a header means for the kinds of rows that a spec knows.

    Args:
        header: the header as the file spells it.
        fields: for every kind, position of the column -> name of the field.
        columns: for every kind, name of the field -> header as the file spells it.
        unknown: the positions of columns that no kind knows.
        present: the kinds whose required columns are all there.
        problems: errors of the header; the values may be validated all the same.
        notes: what was matched although it is spelled differently, and what is left out.
    """

    header: tuple[str, ...]
    fields: tuple[Mapping[int, str], ...]
    columns: tuple[Mapping[str, str], ...]
    unknown: tuple[int, ...]
    present: tuple[int, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def match_header(
    header: Sequence[str],
    rows: Sequence[type[Row]],
    line: int = 1,
    *,
    renames: Mapping[str, str] = NO_RENAMES,
    ignore_unknown: bool = False,
) -> HeaderMatch:
    """Match the columns of a file to the fields of the row models.

    An exact spelling wins. Otherwise case, blanks, underscores and hyphens do not matter, where that is unambiguous.

    Args:
        header: the cells of the header.
        rows: the row models; one for each kind of row that the file may hold.
        line: the line of the header, for the problems.
        renames: {header of the file: header that a row model knows}, for columns that are called otherwise.
        ignore_unknown: a column that no row model knows is a note, and no error.

    Raises:
        SpecError: two fields of one row model accept the same header.
    """
    return _Matching(header, rows, line, renames, ignore_unknown).result()


class _Matching:
    """One matching under way; collects the problems."""

    def __init__(
        self,
        header: Sequence[str],
        rows: Sequence[type[Row]],
        line: int,
        renames: Mapping[str, str],
        ignore_unknown: bool,
    ) -> None:
        self.header, self.rows, self.line = header, rows, line
        self.renames, self.ignore_unknown = renames, ignore_unknown
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self.vocabularies = [vocabulary_of(row) for row in rows]
        self.exact = {spelling for vocabulary in self.vocabularies for spelling in vocabulary}
        self.folded: dict[str, set[str]] = defaultdict(set)
        for spelling in self.exact:
            self.folded[fold(spelling)].add(spelling)

    def result(self) -> HeaderMatch:
        self._judge_renames()
        spellings = [self._known_spelling(position) for position in range(len(self.header))]
        fields = tuple(self._fields(vocabulary, spellings) for vocabulary in self.vocabularies)
        columns = tuple({name: self.header[at] for at, name in reversed(each.items())} for each in fields)
        self._judge_doubled(fields)
        unknown = tuple(at for at, spelling in enumerate(spellings) if spelling is None)
        for position in unknown:
            self._report_unknown(position)
        present = self._judge_missing(columns)
        problems, notes = tuple(self.problems), tuple(self.notes)
        return HeaderMatch(tuple(self.header), fields, columns, unknown, present, problems, notes)

    def _known_spelling(self, position: int) -> str | None:
        """The accepted spelling that a column has, or is close enough to."""
        own = self.header[position]
        name = self.renames.get(own, own)
        if name in self.exact:
            return name
        candidates = self.folded.get(fold(name), set())
        if not name.strip() or not self._one_field_each(candidates):
            return None
        known = min(candidates)
        self.notes.append(self._problem(own, "header_adjusted", f"taken for {known!r}"))
        return known

    def _judge_renames(self) -> None:
        """Every rename has to mean a column that is there, and one that is known."""
        for own, name in self.renames.items():
            if own not in self.header:
                hint = did_you_mean(own, self.header) or "correct the mapping"
                self.problems.append(self._problem(own, "renamed_column", f"renamed, but not in the file; {hint}"))
            elif not self.folded.get(fold(name)):
                hint = did_you_mean(name, sorted(self.exact)) or "correct the mapping"
                self.problems.append(self._problem(own, "renamed_column", f"renamed to an unknown column; {hint}"))

    def _one_field_each(self, spellings: set[str]) -> bool:
        """Whether the spellings mean one field and no more in every kind of row."""
        meant = [{vocabulary.get(spelling) for spelling in spellings} for vocabulary in self.vocabularies]
        return bool(spellings) and all(len(fields) == 1 for fields in meant)

    @staticmethod
    def _fields(vocabulary: Mapping[str, str], spellings: Sequence[str | None]) -> dict[int, str]:
        known = ((at, spelling) for at, spelling in enumerate(spellings) if spelling is not None)
        return {at: vocabulary[spelling] for at, spelling in known if spelling in vocabulary}

    def _judge_doubled(self, fields: Sequence[Mapping[int, str]]) -> None:
        for name, times in Counter(self.header).items():
            if times > 1 and name.strip():
                self.problems.append(self._problem(name, "doubled_column", f"it stands {times} times; keep one"))
        seen = set()
        for names in fields:
            for field in (field for field, times in Counter(names.values()).items() if times > 1):
                rivals = tuple(dict.fromkeys(self.header[at] for at, name in names.items() if name == field))
                if len(rivals) > 1 and rivals not in seen:
                    seen.add(rivals)
                    message = f"{listed(map(repr, rivals))} are spellings of one column; keep one"
                    self.problems.append(self._problem(rivals[0], "doubled_column", message))

    def _report_unknown(self, position: int) -> None:
        name = self.header[position]
        if self.ignore_unknown:
            message = "unknown, and ignored" if name.strip() else f"column {position + 1} has no name, and is ignored"
            self.notes.append(self._problem(name if name.strip() else None, "column_ignored", message))
            return
        if not name.strip():
            message = f"column {position + 1} has no name; name it or remove it"
            self.problems.append(self._problem(None, "unnamed_column", message))
            return
        rivals = self.folded.get(fold(name), set())
        hint = f"it may mean {listed(sorted(map(repr, rivals)))}" if rivals else did_you_mean(name, sorted(self.exact))
        self.problems.append(self._problem(name, "unknown_column", f"unknown column; {hint or 'remove it'}"))

    def _judge_missing(self, columns: Sequence[Mapping[str, str]]) -> tuple[int, ...]:
        """Find the kinds that the file can hold; report every required column that is missing, all at once."""
        lacking = [[name for name in row.required() if name not in columns[kind]] for kind, row in enumerate(self.rows)]
        present = tuple(kind for kind, names in enumerate(lacking) if not names)
        claimed = [kind for kind in range(len(self.rows)) if len(self.rows) == 1 or self._claimed(columns, kind)]
        if not present and not claimed:
            wanted = "; ".join(f"{row.kind_name()}: {needs(row)}" for row in self.rows)
            self.problems.append(self._problem(None, "unknown_kind", f"the header fits no kind of row ({wanted})"))
        for kind in claimed:
            self.problems += [self._missing(self.rows[kind], name) for name in lacking[kind]]
        return present

    def _claimed(self, columns: Sequence[Mapping[str, str]], kind: int) -> bool:
        """Whether the header has a column that only this kind owns."""
        return any(name in columns[kind] for name in own_fields(self.rows, kind))

    def _missing(self, row: type[Row], name: str) -> Problem:
        spellings = row.spellings(name)
        other = f" (or {listed(map(repr, spellings[1:]))})" if spellings[1:] else ""
        owner = f" for {row.kind_name()} rows" if len(self.rows) > 1 else ""
        return self._problem(spellings[0], "missing_column", f"the column is missing{other}; it is required{owner}")

    def _problem(self, column: str | None, code: str, message: str) -> Problem:
        return Problem(self.line or None, column, code, message)
