"""Run the integrity checks of an import, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.errors import UnsoundData
from safe_import.management.json_command import JsonCommand
from safe_import.validation import ALL, finding, is_sound, validate

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from safe_import.errors import SafeImportError
    from safe_import.records import CheckResult


class Command(JsonCommand):
    _results: Mapping[str, list[CheckResult]]

    help = "Run the integrity checks of an import. Exits with 1 when they find an error; warnings are remarks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "kind",
            nargs="?",
            default=ALL,
            metavar="SPEC",
            help=f"the name of an import, or {ALL}, which is the default",
        )
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        self._results = validate(options["kind"], options["database"])
        for name, results in self._results.items():
            self.say(f"{name}: {len(results)} checks")
            for result in results:
                self.say(f"  {finding(result)}")
        if not is_sound(self._results):
            raise UnsoundData("Records break rules that the data should keep: see the checks that found an error.")
        self.say("No check found an error.")
        return {"overall_status": "passed", **self._as_dict()}

    def failed(self, error: SafeImportError) -> Mapping[str, Any]:
        return {"overall_status": "failed", **self._as_dict()} if isinstance(error, UnsoundData) else {}

    def _as_dict(self) -> Mapping[str, Any]:
        return {"checks": {name: [result.as_dict() for result in found] for name, found in self._results.items()}}
