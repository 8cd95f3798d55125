"""Data files: bit for bit, and refused when altered or made for another grid."""

import json
import re
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from slth import sweep
from slth.sweep import DataError, Grid
from slth.sweep.tables import results_of, table

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=' ",'), max_size=6)
RESULTS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), TEXTS, st.booleans()),
    min_size=1,
    max_size=6,
)


def bits(value: Any) -> Any:
    """Return what tells any two values apart."""
    return struct.pack("<d", value) if isinstance(value, float) and value == value else repr(value)


@given(RESULTS, st.lists(TEXTS, min_size=6, max_size=6, unique=True))
@settings(max_examples=25, deadline=None)
def test_tables_come_back_bit_by_bit(
    cells: Any, entries: list[tuple[Any, ...]], keys: list[str]
) -> None:
    thirds: list[dict[str, Any]] = [
        {"key": key, "third": i / 3} for i, key in enumerate(keys[: len(entries)])
    ]
    grid = Grid("trip", cells.anything, tuple(thirds), 0)
    names = ("integer", "real", "text", "flag")
    results = [dict(zip(names, row, strict=True)) for row in entries]
    made = table(grid, results)
    with TemporaryDirectory() as folder:
        sweep.save(made, grid, folder)
        read = sweep.load(grid, folder)
        first = Path(folder, "trip.csv").read_bytes()
        sweep.save(read, grid, folder)
        assert Path(folder, "trip.csv").read_bytes() == first
    assert_frame_equal(read, made, check_exact=True)
    assert [list(map(bits, row.values())) for row in results_of(grid, read)] == [
        list(map(bits, row)) for row in entries
    ]


@pytest.fixture
def grid(cells: Any) -> Grid:
    """Declare a small grid."""
    return Grid("some", cells.anything, Grid.product(k=[1, 2], law=["uniform"]), 1)


@pytest.fixture
def path(grid: Grid, tmp_path: Path) -> Path:
    """Save its table."""
    return sweep.save(sweep.run(grid), grid, tmp_path)


def test_description_says_what_was_run(cells: Any, gate: Any, tmp_path: Path) -> None:
    gate.open()
    path = sweep.save(sweep.run(cells.GATED), cells.GATED, tmp_path / "new" / "folder")
    description = json.loads(path.with_suffix(".json").read_text())
    assert description["grid"] == "sweep_cells:GATED"
    assert description["function"] == "sweep_cells.gated"
    assert description["seed"] == 3
    assert description["cells"] == 12
    assert description["columns"] == {"index": "int", "draw": "int", "value": "float"}
    assert description["grid_sha256"] == cells.GATED.digest
    assert description["versions"].keys() >= {"numpy", "python", "slth"}
    assert sorted(file.name for file in path.parent.iterdir()) == ["gated.csv", "gated.json"]


def test_any_altered_byte_is_noticed(grid: Grid, path: Path) -> None:
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(DataError, match=r"some.csv was altered after it was made; make it"):
            sweep.load(grid, path.parent)
    path.write_bytes(content + b"\n")
    with pytest.raises(DataError, match="altered"):
        sweep.load(grid, path.parent)
    path.write_bytes(content)
    sweep.load(grid, path.parent)


def test_another_grid_is_refused_with_what_differs(grid: Grid, path: Path, cells: Any) -> None:
    others = {
        "seed 1 instead of 2": Grid("some", cells.anything, grid.cells, 2),
        '1 cells are missing, such as {"k":3,"law":"uniform"}': Grid(
            "some", cells.anything, Grid.product(k=[1, 2, 3], law=["uniform"]), 1
        ),
        '1 cells do not belong to it, such as {"k":2,"law":"uniform"}': Grid(
            "some", cells.anything, grid.cells[:1], 1
        ),
        '2 cells are missing, such as {"k":1.0,"law":"uniform"}': Grid(
            "some", cells.anything, Grid.product(k=[1.0, 2.0], law=["uniform"]), 1
        ),
        "the cells are in another order": Grid("some", cells.anything, grid.cells[::-1], 1),
        "function sweep_cells.anything instead of sweep_cells.failing": Grid(
            "some", cells.failing, Grid.product(index=[0]), 1
        ),
    }
    for reason, other in others.items():
        with pytest.raises(DataError, match="made for another grid") as caught:
            sweep.load(other, path.parent)
        assert reason in str(caught.value)
        assert "make it again with 'python -m slth.sweep" in str(caught.value)


def test_missing_files_name_the_command(tmp_path: Path, cells: Any, gate: Any) -> None:
    gate.open()
    with pytest.raises(
        DataError,
        match=r"there is no .*gated.json; make it again with "
        r"'python -m slth.sweep sweep_cells:GATED'",
    ):
        sweep.load(cells.GATED, tmp_path)
    sweep.save(sweep.run(cells.GATED), cells.GATED, tmp_path).unlink()
    with pytest.raises(DataError, match=r"there is no .*gated.csv"):
        sweep.load(cells.GATED, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"^\{", ""),
        (r"(?s).*", "[]"),
        (r'"format": 1', '"format": 2'),
        (r'"k": "int"', '"k": "float"'),
        (r'"value": "float"', '"value": "int"'),
        (r'"draw": "int",', ""),
        (r'"csv_sha256"', '"other"'),
        (r'"grid_sha256": "....', '"grid_sha256": "0000'),
    ],
)
def test_an_altered_description_is_refused(old: str, new: str, grid: Grid, path: Path) -> None:
    description = path.with_suffix(".json")
    text = description.read_text()
    changed = re.sub(old, new, text, count=1)
    assert changed != text
    description.write_text(changed)
    with pytest.raises(DataError):
        sweep.load(grid, path.parent)


def test_save_refuses_a_table_of_another_grid(grid: Grid, tmp_path: Path) -> None:
    made = sweep.run(grid)
    mixed = made.astype({"draw": object})
    mixed.loc[1, "draw"] = "many"
    for refused, reason in [
        (made.iloc[:1], "the table has 1 rows, grid 'some' 2"),
        (made.iloc[::-1], "row 0 of the table is for {'k': 2, 'law': 'uniform'}, cell 0 of"),
        (made.drop(columns="k"), "the table has the columns ['law', 'draw', 'value', 'echo']"),
        (made[["k", "law"]], "and results follow"),
        (made.assign(draw=[None, [1]]), "row 0 of the table: 'draw' must be a number"),
        (mixed, "the rows have different types"),
    ]:
        with pytest.raises(DataError) as caught:
            sweep.save(refused, grid, tmp_path)
        assert reason in str(caught.value)
    assert list(tmp_path.iterdir()) == []
