"""Blocks are small, batches as large as they may be; nothing depends on where one ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from safe_import.sources.given import GivenRows
from safe_import.stages import stage
from safe_import.stages.read import read
from tests.testapp.models import Thing
from tests.testapp.specs import ThingRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import SettingsWrapper

    from safe_import.spec.import_spec import ImportSpec
    from safe_import.spec.target import Target
    from tests.testapp.importing import Importer


class MadeImport(ThingsImport, register=False):
    """Records that a method makes."""

    def records(self, target: Target, row: Any) -> Iterator[Any]:
        yield from super().records(target, row)


def _things(count: int, **names: str) -> str:
    lines = [f"{number},{names.get(f'n{number}', 'x')},1.50" for number in range(count)]
    return "\n".join(["code,name,price", *lines])


def test_a_block_is_never_larger_than_what_stays_at_hand() -> None:
    """However many rows are wanted at a time."""
    reading = read(GivenRows([{"code": str(number)} for number in range(1_200)]), (ThingRow,))
    assert [len(block) for block in reading.blocks(5_000)] == [500, 500, 200]
    assert [len(block) for block in reading.blocks(400)] == [400, 400, 400]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backup_root")
def test_rows_of_several_blocks_are_looked_up_together(
    importing: Importer, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as a batch may hold, and no more; also where a row among them is refused."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BATCH_SIZE": 1_100}
    together: list[int] = []
    monkeypatch.setattr(stage, "run_lookups", lambda _, rows, __: together.append(len(rows)))
    result = importing(MadeImport, _things(2_300).replace("\n700,x,1.50", "\n700,x,dear"), on_error="continue")
    assert (result.rows.created, result.rows.rejected) == (2_299, 1)
    assert together == [999, 1_000, 300]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backup_root")
@pytest.mark.parametrize("spec", [ThingsImport, MadeImport])
def test_a_field_that_one_block_empties_is_left_alone_by_the_others(
    spec: type[ImportSpec], importing: Importer, settings: SettingsWrapper
) -> None:
    """Their rows are staged without the column that says so."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BATCH_SIZE": 10}
    importing(spec, _things(35))
    importing(spec, _things(35, n12=r"\N", n3="", n33="y"))
    names = dict(Thing.objects.values_list("code", "name"))
    assert {code: name for code, name in names.items() if name != "x"} == {"12": "", "33": "y"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backup_root")
@pytest.mark.parametrize("spec", [ThingsImport, MadeImport])
def test_a_plan_is_the_same_plan_again(spec: type[ImportSpec], importing: Importer) -> None:
    """Over several blocks of which some go row by row."""
    text = _things(1_700, n600=r"\N", n1100=r"\N")
    assert importing(spec, text, dry_run=True).plan == importing(spec, text, dry_run=True).plan
