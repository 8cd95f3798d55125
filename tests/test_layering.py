"""The house has three floors, and the ground floor opens without torch."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import slth
from slth.networks.layers.kinds import KINDS

ROOT = Path(__file__).parents[1]


def test_imports_go_down_and_never_in_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "slth",
        "slth.__main__",
        "slth.theory",
        "slth.subset_sum",
        "slth.claims",
        "slth.plotting",
        "slth.notebook",
        "slth.sweep",
    ],
)
def test_floor_opens_without_torch(module: str) -> None:
    assert "torch" not in _modules_after(f"import {module}")


def test_the_probe_sees_torch_where_it_is_needed() -> None:
    assert "torch" in _modules_after("from slth import prune")


def test_only_networks_look_at_the_kinds_of_layers() -> None:
    """Elsewhere, what differs from kind to kind is asked of the layer, or told by a fold."""
    kinds = (
        rf"isinstance\([^()]*\b({'|'.join(['Layer', 'Weighted', 'Unweighted', 'Join', *KINDS])})\b"
    )
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "slth").rglob("*.py")
        if re.search(kinds, path.read_text("utf-8"))
    }
    assert found
    assert [path for path in sorted(found) if not path.startswith("slth/networks/")] == []


def test_the_old_name_of_the_resources_leads_to_them() -> None:
    with pytest.warns(DeprecationWarning, match="slth.resources now"):
        assert slth.shipped is slth.resources
