"""The data files of the project are the unaltered tables of the grids that it declares."""

import importlib
import json
from pathlib import Path

import pytest

from slth import sweep

DATA = Path(__file__).parents[2] / "data"
TABLES = sorted(DATA.glob("*.csv"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_stored_table_belongs_to_its_declared_grid(path: Path) -> None:
    declaration = json.loads(path.with_suffix(".json").read_text("utf-8"))["grid"]
    module, _, attribute = declaration.partition(":")
    grid = getattr(importlib.import_module(module), attribute)
    assert grid.name == path.stem
    table = sweep.load(grid, DATA)
    assert sweep.recheck(grid, table, cells=1).disagreements == 0


def test_each_description_has_its_table() -> None:
    described = {
        path.stem for path in DATA.glob("*.json") if "grid_sha256" in json.loads(path.read_text())
    }
    assert described == {path.stem for path in TABLES}
