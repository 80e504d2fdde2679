"""What is stored while the file is read on neither disturbs nor is disturbed by others on the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pytest
from django.db import connection
from pydantic import AfterValidator

from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.row import Row
from safe_import.types import Text
from tests.testapp.models import Box, Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import SettingsWrapper

    from tests.testapp.importing import Importer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]


def _known(name: str) -> str:
    if not Box.objects.filter(name=name).exists():
        raise ValueError
    return name


class AskingRow(Row):
    """Asks the database about every cell."""

    code: Text
    name: Annotated[Text, AfterValidator(_known)]


class AskingImport(ImportSpec, register=False):
    """Things that are named as boxes."""

    row = AskingRow
    model = Thing
    key = "code"


def test_a_validator_may_ask_the_database(importing: Importer, settings: SettingsWrapper) -> None:
    """On the connection through which the rows before are being stored."""
    Box.objects.create(name="box")
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BATCH_SIZE": 20}
    text = "code,name\n" + "".join(f"{number},box\n" for number in range(300))
    assert importing(AskingImport, text).rows.created == 300
    assert Thing.objects.filter(name="box").count() == 300


@pytest.fixture
def narrow_ratio() -> Iterator[None]:
    """A column that is narrower in the database than in Django."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE testapp_thing ALTER ratio TYPE real")
        yield
        cursor.execute("ALTER TABLE testapp_thing ALTER ratio TYPE double precision")


@pytest.mark.postgresql
@pytest.mark.usefixtures("narrow_ratio")
def test_a_narrower_number_is_unchanged_when_it_is_the_same(importing: Importer) -> None:
    """Although its text is another one than that of the wider number that is compared with it."""
    text = "code,name,ratio\na,x,1000000\nb,y,1.00390625\n"
    assert importing(ThingsImport, text).rows.created == 2
    assert importing(ThingsImport, text).rows.unchanged == 2
