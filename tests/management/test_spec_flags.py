"""The flags that a spec's Options declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import pytest
from pydantic import Field, model_validator

from safe_import.errors import SpecError
from safe_import.management.base import ProdImportCommand
from safe_import.spec.import_spec import ImportSpec, NoOptions
from safe_import.spec.target import target
from tests.management.running import run
from tests.testapp.models import Box
from tests.testapp.specs import NamedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    File = Callable[[str], Path]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]


class Options(NoOptions):
    """One of every kind."""

    shout_it: bool = Field(False, description="in capitals, 100 %")
    keep_all: bool = Field(True, description="short names too")
    times: int = Field(1, ge=1, description="how often")
    style: Literal["plain", "fancy"] = "plain"
    suffix: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.shout_it and self.style == "fancy":
            raise ValueError("choose one of --shout-it and --style fancy")
        return self


class OptionsImport(ImportSpec, register=False):
    """Shows its options in what it writes."""

    row = NamedRow
    Options = Options

    @target(Box, key="name")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """The box, named after the options."""
        name = (row.name.upper() if self.options.shout_it else row.name) * self.options.times
        if self.options.keep_all or len(name) > 1:
            yield {"name": f"{self.options.style} {name}{self.options.suffix or ''}"}


class Command(ProdImportCommand):
    """Its command."""

    spec = OptionsImport


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ([], {"plain a"}),
        (["--shout-it"], {"plain A"}),
        (["--no-keep-all"], set()),
        (["--keep-all"], {"plain a"}),
        (["--times", "3"], {"plain aaa"}),
        (["--style", "fancy", "--suffix", "!"], {"fancy a!"}),
    ],
)
def test_each_option_is_a_flag_that_reaches_the_spec(file: File, flags: list[str], names: set[str]) -> None:
    """A false one is switched on, a true one off; others have a value of their type; a default stands in the model."""
    assert run(Command, "--csv", file("name\na\n"), *flags).code == 0
    assert set(Box.objects.values_list("name", flat=True)) == names


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--times", "0"], "--times: "),
        (["--times", "often"], "--times: "),
        (["--shout-it", "--style", "fancy"], "choose one of --shout-it and --style fancy"),
    ],
)
def test_options_that_the_model_refuses_exit_2_and_name_the_flag(file: File, flags: list[str], message: str) -> None:
    """Before anything is read."""
    outcome = run(Command, "--csv", file("name\na\n"), *flags)
    assert outcome.code == 2
    assert message in outcome.err
    assert not Box.objects.exists()


def test_the_help_shows_description_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    """A percent sign in a description is no trap."""
    run(Command, "--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "--shout-it in capitals, 100 %" in text
    assert "how often (1 unless given)" in text
    assert "--style {plain,fancy}" in text


def test_an_option_named_like_a_flag_of_every_import_is_an_error_of_the_spec() -> None:
    """Instead of one of them silently winning."""

    class Taken(NoOptions):
        """Every import has --dry-run."""

        dry_run: bool = False

    class TakenImport(ImportSpec, register=False):
        """Never runs."""

        row = NamedRow
        Options = Taken

    class TakenCommand(ProdImportCommand):
        """Its command."""

        spec = TakenImport

    with pytest.raises(SpecError, match=r"Taken\.dry_run"):
        run(TakenCommand, "--help")
