"""What a grid says and refuses, and what its cells' generators depend on."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.sweep import Grid, GridError, example
from slth.sweep.canonical import canonical, generator
from slth.sweep.code import code_digest

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=5)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(INTEGERS, FLOATS, TEXTS, st.booleans())
NAMES = st.sampled_from(["k", "bits", "bias", "law", "batch"])
CELLS = st.dictionaries(NAMES, SCALARS, min_size=1)


@given(CELLS, st.randoms())
def test_canonical_text_is_one_to_one(cell: dict[str, Any], random: Any) -> None:
    shuffled = list(cell.items())
    random.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(cell)
    back = json.loads(canonical(cell))
    assert back == cell
    assert {key: type(value) for key, value in back.items()} == {
        key: type(value) for key, value in cell.items()
    }


@given(CELLS, CELLS, st.integers(0, 2**70), st.integers(0, 2**70))
def test_generator_depends_on_seed_and_cell(
    cell: dict[str, Any], other: dict[str, Any], seed: int, another: int
) -> None:
    def draw(seed: int, cell: dict[str, Any]) -> list[int]:
        return list(map(int, generator(seed, cell).integers(2**62, size=2)))

    assert draw(seed, cell) == draw(seed, dict(reversed(cell.items())))
    same = seed == another and canonical(cell) == canonical(other)
    assert (draw(seed, cell) == draw(another, other)) == same


def test_generator_is_the_documented_one() -> None:
    words = np.frombuffer(  # sha256sum of {"bias":0.5,"k":2}
        bytes.fromhex("832341714bf834ff6a2270c2e519a1154078a2466a6c9115ecc0cdec35923f2c"), "<u4"
    )
    expected = np.random.default_rng([7, *words.tolist()])
    assert generator(7, {"k": 2, "bias": 0.5}).random() == expected.random()


def test_numpy_values_become_plain(cells: Any) -> None:
    grid = Grid(
        "numpy",
        cells.anything,
        Grid.product(k=np.arange(2), bias=np.array([0.5]), law=np.array(["uniform"])),
        seed=np.int64(3),  # type: ignore[arg-type]
    )
    plain = Grid("numpy", cells.anything, Grid.product(k=[0, 1], bias=[0.5], law=["uniform"]), 3)
    assert grid == plain
    assert grid.digest == plain.digest
    assert {type(value) for value in grid.cells[0].values()} == {int, float, str}
    assert type(grid.seed) is int


def test_digest_covers_each_part(cells: Any) -> None:
    grids = [
        Grid("a", cells.anything, Grid.product(k=[1, 2]), 0),
        Grid("b", cells.anything, Grid.product(k=[1, 2]), 0),
        Grid("a", cells.anything, Grid.product(k=[1, 2]), 1),
        Grid("a", cells.anything, Grid.product(k=[2, 1]), 0),
        Grid("a", cells.anything, Grid.product(k=[1.0, 2.0]), 0),
        Grid("a", cells.anything, Grid.product(j=[1, 2]), 0),
        Grid("a", cells.gated, Grid.product(index=[1, 2]), 0),
        Grid("a", cells.failing, Grid.product(index=[1, 2]), 0),
    ]
    assert len({grid.digest for grid in grids}) == len(grids)


def test_declaration_is_where_the_module_has_the_grid(cells: Any) -> None:
    assert example.GRID.declaration == "slth.sweep.example:GRID"
    assert Grid("other", example.cell, example.GRID.cells, 0).declaration is None


def nested() -> Any:
    """Return a function that no other process can import."""

    def inner(*, rng: np.random.Generator, k: int) -> dict[str, int]:
        return {"twice": 2 * k}

    return inner


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "no/name"}, "the name 'no/name' of a grid must be letters, digits"),
        ({"name": ""}, "the name '' of a grid"),
        ({"seed": -1}, "grid 'test': the seed must not be negative, got -1"),
        ({"seed": True}, "the seed must be an integer, got True"),
        ({"seed": 1.0}, "the seed must be an integer, got 1.0"),
        ({"cells": ()}, "there must be at least one cell"),
        ({"cells": ({},)}, "there must be at least one cell, with at least one key"),
        ({"cells": ({"k": 1}, {"k": 2}, {"k": 1})}, "the cell {'k': 1} is there twice"),
        ({"cells": ({"k": 1, "j": 2}, {"j": 2, "k": 1})}, "is there twice"),
        ({"cells": ({"k": 1}, {"j": 1})}, "the cells {'k': 1} and {'j': 1} have different keys"),
        ({"cells": ({"k": 1}, {"k": 1, "j": 1})}, "have different keys"),
        ({"cells": ({"k": 1}, {"k": 2.0})}, "'k' is of type int in one cell and of type float"),
        ({"cells": ({"k": 1}, {"k": True})}, "of type bool in another: 1, True"),
        ({"cells": ({"k": float("nan")},)}, "the cell value 'k' must be finite, got nan"),
        ({"cells": ({"k": 2**63},)}, "the cell value 'k' must fit into 64 bits"),
        ({"cells": ({"k": [1]},)}, "'k' must be a number, a string or a boolean, got list"),
        ({"cells": ({"k": None},)}, "got NoneType"),
        ({"cells": ({"k": "a\nb"},)}, "'k' must be printable text"),
        ({"cells": ({"a b": 1},)}, "the key 'a b' of the cells is no Python name"),
        ({"cells": ({"rng": 1},)}, "'rng' is the generator's name"),
        ({"function": nested()}, "cannot be imported by another process"),
        ({"function": lambda rng, k: {}}, "cannot be imported by another process"),
        ({"function": print}, "expected a function, got <built-in function print>"),
        ({"function": example.cell}, "cell cannot be called with rng, k: missing a required"),
    ],
)
def test_bad_declaration_is_refused(change: dict[str, Any], reason: str, cells: Any) -> None:
    good = {"name": "test", "function": cells.anything, "cells": ({"k": 1},), "seed": 0}
    Grid(**good)
    with pytest.raises(GridError) as caught:
        Grid(**{**good, **change})
    assert reason in str(caught.value)


@pytest.mark.parametrize("value", ["uniform", 3])
def test_product_refuses_what_is_no_collection(value: Any) -> None:
    with pytest.raises(GridError, match=f"'law' needs a collection of values, got {value!r}"):
        Grid.product(k=[1], law=value)


MODULE = '''
"""A module."""
import math
SCALE, UNUSED = 2, 3
def helper(x):
    """Help."""
    return math.sqrt(x) * SCALE
def cell(*, rng, k):
    """Return a row."""
    # a comment
    return {"value": helper(k)}
GRID = [1, 2]
'''


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("# a comment", "# another comment", False),
        ('"""Return a row."""', '"""Return the row."""', False),
        ('    """Help."""\n', "", False),
        ("GRID = [1, 2]", "GRID = [1, 2, 3]", False),
        ("helper(k)}", "helper( k )}", False),
        ('"""A module."""', '"""A module."""\nimport os\ndef new(): pass', False),
        ('{"value": helper(k)}', '{"value": helper(k + 1)}', True),
        ("* SCALE", "/ SCALE", True),
        ("SCALE, UNUSED = 2, 3", "SCALE, UNUSED = 4, 3", True),
        ("import math", "import cmath as math", True),
        ("GRID = [1, 2]", "if GRID := [1, 2]:\n    SCALE = 5", True),
    ],
)
def test_code_digest_follows_what_the_function_uses(
    old: str, new: str, differs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for name, text in (("swept_before", MODULE), ("swept_after", MODULE.replace(old, new))):
        (tmp_path / f"{name}.py").write_text(text)
        digests.append(code_digest(importlib.import_module(name).cell))
        del sys.modules[name]
    assert (digests[0] != digests[1]) == differs
