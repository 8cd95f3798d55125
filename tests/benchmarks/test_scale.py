"""The scale benchmark in small: the right network, both halves in fresh processes, few bytes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from benchmarks import scale
from slth.networks import read


def test_the_network_is_resnet_18_s_main_path() -> None:
    """Shapes, number of weights and spread of the initial weights."""
    known = read(scale.resnet_convolutions(64))
    assert [array.shape for array in known.coefficients[:2]] == [(64, 3, 7, 7), (64, 64, 3, 3)]
    assert len(known.coefficients) == 17
    assert known.n_parameters == 10_994_880
    sizes = [shape[-1] for shape in known.architecture.shapes(scale.INPUT_SHAPE) if len(shape) == 3]
    assert sorted(set(sizes), reverse=True) == [224, 112, 56, 28, 14, 7, 1]
    for array in known.coefficients:
        fan_out = array.shape[0] * array[0, 0].size
        assert float(np.std(array)) == pytest.approx((2 / fan_out) ** 0.5, rel=0.03)


@pytest.mark.parametrize("width", [8, 16])
def test_widths_scale_the_number_of_weights(width: int) -> None:
    part = read(scale.resnet_convolutions(width)).n_parameters
    assert part == pytest.approx(10_994_880 * (width / 64) ** 2, rel=0.03)


def test_small_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty thousand weights and four million random ones, within 1 GiB with all libraries."""
    path = tmp_path / "ticket"
    scale.in_fresh_process(scale.prune_and_save, 4, path, 100)  # compiles, which takes memory
    first = scale.in_fresh_process(scale.prune_and_save, 4, path, 100)
    second = scale.in_fresh_process(scale.load_and_verify, 4, path)
    assert second["weights"] == read(scale.resnet_convolutions(4)).n_parameters == 43_500
    assert second["random"] / 8 < first["file_bytes"] < second["random"] / 8 + 20_000
    assert second["kept"] < 0.1 * second["random"]
    assert 0 < second["max_weight_error"] <= scale.WEIGHT_TOLERANCE
    assert second["bound"] > 0
    for peak in (first["prune_peak_bytes"], second["verify_peak_bytes"]):
        assert 2**26 < peak < 2**30
    times = [value for name, value in {**first, **second}.items() if name.endswith("seconds")]
    assert len(times) == 8
    assert min(times) > 0

    # The command prints the table and stores it.
    row = {"width": 4, **first, **second}
    monkeypatch.setattr(scale, "measure", lambda width: {**row, "width": width})
    run = CliRunner().invoke(scale.main, ["--store", str(tmp_path / "s.json"), "--width", "4"])
    assert run.exit_code == 0
    assert "| 4 | 43,500 |" in run.output
    assert (tmp_path / "s.json").read_text().count('"width": 4') == 1


def test_linear_fit() -> None:
    steps = ("prune", "save", "load", "verify")
    for power, most, least in ((1.0, 1e-9, 0.0), (1.5, 1.0, 0.2)):
        rows = [
            {
                "weights": 4**k,
                **{f"{step}_processor_seconds": 5 + 3 * 4 ** (k * power) for step in steps},
            }
            for k in range(1, 8)
        ]
        fit = scale.linear_fit(rows)
        assert least <= fit["largest_deviation"] <= most
        if power == 1.0:
            assert fit["fixed_seconds"] == pytest.approx(20)
            assert fit["seconds_per_weight"] == pytest.approx(12)


def test_kaiming_of_the_last_layer_is_reproducible() -> None:
    first, second = (scale.resnet_convolutions(2) for _ in range(2))
    for mine, theirs in zip(first, second, strict=True):
        if isinstance(mine, nn.Conv2d):
            assert isinstance(theirs, nn.Conv2d)
            assert torch.equal(mine.weight, theirs.weight)
