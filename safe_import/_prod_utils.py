"""What a command module, a script or a shell needs of safe_import, in one place.

All of it calls what the commands call.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections

from safe_import.audit import AuditLogger
from safe_import.backup.restore import restore_backup
from safe_import.backup.store import find
from safe_import.backup.write import write_backup
from safe_import.database.tables import tables_of
from safe_import.errors import SafeImportError
from safe_import.management.base import DevImportCommand, ProdImportCommand
from safe_import.pipeline import run_import
from safe_import.sources import Source, open_source
from safe_import.sources.given import GivenRows
from safe_import.spec.import_spec import ImportSpec
from safe_import.stages.read import read
from safe_import.stages.validate import validate
from safe_import.validation import DataValidator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from django.core.management.base import BaseCommand

    from safe_import.records import Problem
    from safe_import.spec.row import Row

__all__ = [
    "AuditLogger",
    "DataValidator",
    "DatabaseBackup",
    "DevImportCommand",
    "ProdImportCommand",
    "RowValidator",
    "run_import",
]


class DatabaseBackup:
    """Backs up and restores the whole database.

    Args:
        command: a management command, which is told what happens.
        logger: told as well; ``safe_import`` unless given.
        database: an alias in ``DATABASES``.
    """

    def __init__(
        self,
        command: BaseCommand | None = None,
        logger: logging.Logger | None = None,
        *,
        database: str = DEFAULT_DB_ALIAS,
    ) -> None:
        self._command = command
        self._logger = logger or logging.getLogger("safe_import")
        self._connection = connections[database]

    def create_backup(self, name: str) -> Path:
        """Write, read back and publish a backup of every table.

        Args:
            name: a remark that ``list_backups`` shows.

        Returns:
            The directory of the backup.

        Raises:
            BackupError: it could not be written.
        """
        backup = write_backup(self._connection, tables_of(self._connection).all_tables(), name=name)
        self._tell(f"Backup written and verified: {backup.path}")
        return backup.path

    def restore_backup(self, path: str | os.PathLike[str]) -> bool:
        """Bring back the missing and the changed rows of a backup. Rows that were added since stay.

        Args:
            path: the directory of the backup, or its id.

        Returns:
            Whether it was restored. If not, nothing was changed, and the reason was told.
        """
        try:
            result = restore_backup(self._connection, find(os.fspath(path)))
        except SafeImportError as error:
            self._logger.error("%s", error)
            if self._command is not None:
                self._command.stderr.write(str(error))
            return False
        before = f"; the state before is backup {result.before.id}" if result.before else ""
        self._tell(f"Backup {result.backup} restored{before}")
        return True

    def _tell(self, text: str) -> None:
        self._logger.info("%s", text)
        if self._command is not None:
            self._command.stdout.write(text)


class RowValidator:
    """Says what is wrong with rows, as an import would, without a database: links and keys are judged by an import.

    Args:
        rows: a spec, a row model, or the row models of the several kinds of rows.
    """

    def __init__(self, rows: type[ImportSpec] | type[Row] | Sequence[type[Row]]) -> None:
        if isinstance(rows, type):
            self._rows: Sequence[type[Row]] = rows.rows if issubclass(rows, ImportSpec) else (rows,)
        else:
            self._rows = rows

    def problems(self, source: str | os.PathLike[str] | Iterable[Mapping[str, Any]]) -> list[Problem]:
        """Return everything wrong with a file, or with mappings {header: value}, which count from line 1.

        Raises:
            SourceError: the file as a whole can't be read.
        """
        opened: Source = open_source(source) if isinstance(source, (str, os.PathLike)) else GivenRows(source)
        with opened:
            return list(self._problems(opened))

    def _problems(self, source: Source) -> Iterator[Problem]:
        reading = read(source, self._rows)
        yield from reading.problems
        for row in validate(reading.rows(), self._rows, reading.columns):
            yield from row.problems
