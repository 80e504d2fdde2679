"""A project adds a format of its own, and imports files of it like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_import.errors import SettingsError, SourceError, UsageError
from safe_import.pipeline import run_import
from safe_import.sources import open_source
from safe_import.sources.base import BrokenRow, ByteFile, Cells, FileSource
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]


class CardSource(FileSource):
    """Cards of a fixed width: eight characters of a code, and a name."""

    header_line = 0

    def __init__(self, file: ByteFile) -> None:
        super().__init__(file)
        if not file.head(8).strip():
            raise SourceError(f"{self.label}: the first card is blank")

    def header(self) -> Sequence[str]:
        """What a card holds."""
        return ("code", "name")

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """One card a line."""
        with self._file.reading() as file:
            for number, line in enumerate(file, 1):
                text = line.decode().rstrip("\n")
                yield number, (text[:8], text[8:])


@pytest.fixture
def cards(settings: SettingsWrapper, tmp_path: Path) -> Path:
    """A file of cards, and a project that knows what to do with it."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "FORMATS": {".card": f"{__name__}.CardSource"}}
    path = tmp_path / "things.CARD"
    path.write_text("a       first\nb       second\n")
    return path


def test_a_file_is_opened_by_what_the_settings_name(cards: Path) -> None:
    """By the end of its name, in any case; the rest of the way is the same."""
    result = run_import(ThingsImport, cards)
    assert result.rows.created == 2
    assert run_import(ThingsImport, cards).rows.unchanged == 2
    assert Thing.objects.get(code="b").name == "second"


def test_what_is_wrong_with_a_file_is_told_by_its_source(cards: Path) -> None:
    """And options of other formats are refused."""
    with pytest.raises(UsageError, match="--delimiter means nothing"):
        open_source(cards, delimiter=";")
    cards.write_text("        no code\n")
    with pytest.raises(SourceError, match="the first card is blank"):
        open_source(cards)


def test_a_format_that_nobody_can_open_is_told(settings: SettingsWrapper, cards: Path) -> None:
    """Before anything is read."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "FORMATS": {".card": "nowhere.CardSource"}}
    with pytest.raises(SettingsError, match=r"FORMATS names nowhere\.CardSource"):
        open_source(cards)
