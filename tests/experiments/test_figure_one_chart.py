import re
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slth import sweep
from slth.experiments import figure_one, figure_one_chart
from slth.theory import overparameterization as theory

ROOT = Path(__file__).parents[2]
AGAIN = "make it again with python -m slth.experiments.figure_one_chart"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return sweep.load(figure_one.GRID, ROOT / "data")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return figure_one_chart.export(tmp_path_factory.mktemp("figure"))


def test_files_to_download_are_what_the_code_makes(exported: list[Path]) -> None:
    kinds = [path.suffix for path in exported]
    assert kinds == [".csv", ".svg", ".pdf"]
    for path in exported:
        kept = ROOT / "book" / "_static" / path.name
        assert kept.read_bytes() == path.read_bytes(), f"{path.name} is out of date; {AGAIN}"


def test_other_data_make_other_files(
    table: pd.DataFrame, exported: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    longer = table.assign(covers=[text.replace(":1", ":3", 1) for text in table.covers])
    monkeypatch.setattr(sweep, "load", lambda grid, folder: longer)
    for old, new in zip(exported, figure_one_chart.export(tmp_path), strict=True):
        assert old.read_bytes() != new.read_bytes()


def test_pdf_embeds_its_fonts_and_names_no_date(exported: list[Path]) -> None:
    content = exported[2].read_bytes()
    streams = [
        zlib.decompress(s)
        for s in re.findall(rb"stream\r?\n(.*?)endstream", content, re.S)
        if s[:1] == b"x"
    ]
    whole = b"\n".join([content, *streams])
    fonts = re.findall(rb"/BaseFont /([\w-]+)", whole)
    assert fonts
    assert whole.count(b"/FontFile2") >= len(set(fonts))
    assert not re.search(rb"/Subtype /Type3", whole)
    assert b"CreationDate" not in whole


def test_svg_needs_no_fonts_and_names_no_date(exported: list[Path]) -> None:
    text = exported[1].read_text("utf-8")
    assert "<text" not in text
    assert "<dc:date>" not in text


def test_table_holds_each_line_and_each_point(exported: list[Path], table: pd.DataFrame) -> None:
    shown = pd.read_csv(exported[0])
    assert tuple(shown.columns) == figure_one_chart.COLUMNS
    z = figure_one_chart.Z
    theorem = shown[shown.series == "Theorem 3"]
    expected = 4 * theory.multiplicity(theorem.density, z)
    np.testing.assert_allclose(theorem.overparameterization, expected, rtol=1e-4)
    points = shown[shown.series == "measured, products"]
    for row in points.itertuples():
        n = figure_one_chart.smallest(table, "products", z)[int(row.k)]
        assert len(n) == row.trials
        assert row.overparameterization == pytest.approx(4 * np.sort(n)[len(n) // 2 - 1], rel=1e-5)
        assert row.low <= row.overparameterization <= row.high
        assert row.density == pytest.approx(4 * row.k / row.overparameterization, rel=1e-5)
    assert points.density.min() < 1e-3
    assert points.density.max() > 0.4
    assert points.trials.min() >= 200


def test_smallest_counts_every_sample() -> None:
    rows = [("products", 10, 2, "5:2 9:1"), ("products", 10, 2, "7:1"), ("uniform", 10, 2, "3:9")]
    table = pd.DataFrame(rows, columns=["law", "z", "k", "covers"])
    found = figure_one_chart.smallest(table, "products", 10)
    assert {k: n.tolist() for k, n in found.items()} == {2: [5, 5, 7, 9]}
    assert figure_one_chart.smallest(table, "products", 11) == {}


def test_limits_of_a_quantile_cover_it_as_often_as_promised() -> None:
    rng, level, covered = np.random.default_rng(3), 0.9, 0
    for _ in range(400):
        _, low, high = figure_one_chart.quantile(rng.integers(1, 1001, 300), level)
        covered += low <= 900 <= high
    assert covered >= 388  # 99 % of 400 is 396; fewer than 388 has probability below 0.001
