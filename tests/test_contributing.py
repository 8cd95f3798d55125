"""What CONTRIBUTING.md tells a contributor to write does work."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slth import claims
from slth.theory.laws import SumLaw

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def blocks(section: str, language: str) -> list[str]:
    """Return the code of one language in a section."""
    [body] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    return re.findall(rf"^```{language}\n(.*?)^```", body, re.M | re.S)


def run(section: str) -> dict[str, Any]:
    """Run all code of a section as one program."""
    names: dict[str, Any] = {"__name__": section}
    for block in blocks(section, "python"):
        exec(compile(block, f"CONTRIBUTING.md, {section}", "exec"), names)
    return names


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the registry with the claim of the tutorial at its end."""
    [entry] = blocks("Add a claim", "yaml")
    folder = tmp_path / "claims"
    shutil.copytree(ROOT / "book" / "claims", folder)
    with (folder / "random-subset-sum.yml").open("a", encoding="utf-8") as file:
        file.write(f"\n{entry}")
    monkeypatch.setenv("SLTH_CLAIMS", str(folder))
    return folder


def test_a_claim(registry: Path) -> None:
    assert claims.load(registry)["complement"].needs_control
    names = run("Add a claim")
    with pytest.raises(claims.ClaimFailed):
        claims.record("complement", measured=names["both"] + 1e-9, bound=names["x"].sum())
    with pytest.raises(claims.ControlPassed):
        claims.control("complement", measured=names["both"], bound=names["x"].sum())


def test_a_law() -> None:
    names = run("Add a law")
    law: SumLaw = names["law"]
    x = np.linspace(-40, 40, 160_001)
    for k in (1, 2, 7):
        density = law.sum_pdf(x, k)
        step = x[1] - x[0]
        assert density.sum() * step == pytest.approx(1)
        assert (x**2 * density).sum() * step == pytest.approx(k * law.variance)
        assert np.interp(1.0, x, np.cumsum(density) * step) == pytest.approx(
            float(law.sum_cdf(1.0, k)), abs=1e-3
        )
    assert (x**4 * law.pdf(x)).sum() * step == pytest.approx(law.kurtosis * law.variance**2)


def test_the_check_of_a_law_sees_a_wrong_one() -> None:
    first, second = blocks("Add a law", "python")
    wrong = first.replace("2 * plus - k", "2 * plus - k + 1")
    assert wrong != first
    names: dict[str, Any] = {"__name__": "wrong"}
    exec(wrong, names)
    with pytest.raises(AssertionError):
        exec(second, names)


def test_a_construction() -> None:
    from slth.constructions import TicketNotFound

    names = run("Add a construction")
    with pytest.raises(TicketNotFound):
        names["at_most_masks"](
            names["target"], names["first"], names["second"], tolerance=1e-9, most=2
        )


def test_the_places_that_know_constructions_exist() -> None:
    for place, word in {
        "slth/tickets/ticket.py": r"^Construction = Literal",
        "slth/constructions/plan.py": r"^def _sizes\(",
        "slth/constructions/subsets.py": r"^def choose\(",
    }.items():
        assert f"`{place}`" in TEXT
        assert re.search(word, (ROOT / place).read_text("utf-8"), re.M), place


def test_a_peer() -> None:
    from dataclasses import replace

    from benchmarks.subset_sum import DisagreementError

    names = run("Add a peer")

    def lazy(x: Any, z: float, size: int | None, tolerance: float | None) -> Any:
        return np.arange(len(x)) < (size or 0)

    arguments = (names["X"], names["Z"], names["ours"], 4, None, 1e-6)
    with pytest.raises(DisagreementError):
        names["benchmark"].compete(replace(names["peer"], solve=lazy), *arguments)


def test_every_block_belongs_to_a_test() -> None:
    tested = sum(
        len(blocks(f"Add a {name}", "python")) for name in ("claim", "law", "construction", "peer")
    )
    assert len(re.findall(r"^```python$", TEXT, re.M)) == tested
    assert len(re.findall(r"^```yaml$", TEXT, re.M)) == 1


def test_what_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"`make ([a-z-]+)", TEXT)) - {"help", "lint"} <= targets
    files = set(re.findall(r"`((?:slth|book|benchmarks|tests)/[\w/-]+(?:\.\w+)?)`", TEXT))
    new = {
        "book/claims/CHAPTER.yml",
        "book/claims/gaussian-weights.yml",
        "slth/experiments/NAME.py",
        "slth/theory/two_humps.py",
    }
    assert new < files
    assert [name for name in sorted(files - new) if not (ROOT / name).exists()] == []
