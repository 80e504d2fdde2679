"""How one run is to go: what the flags of a command and the keywords of ``run_import`` say."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _limit(text: str) -> str:
    if not re.fullmatch(r"\d{1,18}|\d{1,3}(\.\d+)?%", text):
        raise ValueError("a number, or a percentage such as 5%")
    return text


def _in_format(*suffixes: str) -> AfterValidator:
    """A path whose name does not promise a format that nobody here writes; one without a suffix promises none."""

    def check(path: str) -> str:
        suffix = PurePath(path).suffix.lower()
        if suffix not in ("", *suffixes):
            raise ValueError(
                f"{suffix} is no format that can be written here; one of {', '.join(suffixes)} is expected"
            )
        return path

    return AfterValidator(check)


_TEXT = (".csv", ".tsv", ".txt")


class RunOptions(BaseModel):
    """The options of a run. Every default is the safe one.

    Attributes:
        dry_run: make the plan and write nothing.
        rehearse: do everything, checks included, and roll back.
        force_update: write links that already point elsewhere.
        on_error: what one invalid row means: nothing is written; or the valid rows are, and the others go to
        ``rejects``.
        rejects: where the rejected rows are written.
        keep_rejects: whether they are written anywhere; False where no file could be corrected and imported again.
        backup: whether the tables are backed up before the first write.
        validate_data: whether the integrity checks run.
        plan: the digest of a dry run; any other plan is refused.
        diff: where a dry run, or a rehearsal, writes the whole difference, field by field; csv, xlsx or html.
        max_changes: refuse a plan with more updates, or cleared values, than this number, or percentage of a table.
        database: the alias in ``DATABASES``.
        lock_timeout, statement_timeout, transaction_timeout: in seconds; those of the settings unless given.
        ignore_unknown: leave out columns that the import does not know, instead of refusing them.
        renames: {column of the file: column of the import}, for files that call them otherwise.
        clear: delete first what the spec's ``clear`` names, in the same transaction. Not in production.
        spec: the options of the spec.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: bool = False
    rehearse: bool = False
    force_update: bool = False
    on_error: Literal["rollback", "continue"] = "rollback"
    rejects: Annotated[str, _in_format(*_TEXT, ".xlsx")] | None = None
    keep_rejects: bool = True
    backup: bool = True
    validate_data: bool = True
    plan: str | None = None
    diff: Annotated[str, _in_format(*_TEXT, ".xlsx", ".html", ".htm")] | None = None
    max_changes: Annotated[str, AfterValidator(_limit)] | None = None
    database: str = "default"
    lock_timeout: float | None = Field(None, gt=0)
    statement_timeout: float | None = Field(None, gt=0)
    transaction_timeout: float | None = Field(None, gt=0)
    ignore_unknown: bool = False
    renames: dict[str, str] = {}
    clear: bool = False
    spec: dict[str, Any] = {}

    @model_validator(mode="after")
    def _difference_is_of_a_plan(self) -> Self:
        if self.diff and self.commits:
            raise ValueError("a difference (--diff) is written by a dry run or a rehearsal")
        return self

    @model_validator(mode="after")
    def _one_preview(self) -> Self:
        if self.dry_run and self.rehearse:
            raise ValueError("dry_run and rehearse exclude each other")
        return self

    @property
    def commits(self) -> bool:
        return not (self.dry_run or self.rehearse)
