"""The commands that a spec gets: one for production, which only adds and updates, and its twin for developers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.conf import conf
from safe_import.errors import Refused
from safe_import.management.confirmation import confirm
from safe_import.management.import_command import ImportCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser


class ProdImportCommand(ImportCommand):
    """The command for production: adds and updates, never deletes. Its name ends in ``_prod``.

    It asks nothing: ``--dry-run`` shows what it would do, and ``--plan`` holds it to that.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = (
            self.help or f"Import {self.spec.name} from a file into production: adds and updates, never deletes."
        )


class DevImportCommand(ImportCommand):
    """The twin for developers: with ``--clear`` it deletes and loads anew, in one transaction.

    Refused in production.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = (
            self.help
            or f"Import {self.spec.name} from a file on a developer's or a staging machine; --clear begins anew."
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--clear",
            f"--clear-{self.spec.name.replace('_', '-')}",
            dest="clear",
            action="store_true",
            help="delete first what this import writes; when the file is refused, what was there stays",
        )

    def keywords(self, options: dict[str, Any]) -> dict[str, Any]:
        if conf().ENVIRONMENT not in ("development", "staging"):
            own = type(self).__module__.rpartition(".")[2]
            raise Refused(f"{own} may delete, so it is not for production. Nothing was changed. Use: {own}_prod")
        keywords = super().keywords(options)
        if options["clear"] and not (options["dry_run"] or options["rehearse"]):
            confirm(
                f"All {self.spec.name} of database {options['database']!r} will be deleted and loaded anew.", options
            )
        return keywords
