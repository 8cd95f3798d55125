"""What CONTRIBUTING.md tells a contributor to write does work."""

import os
import re
import shutil
import subprocess
import sys
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


def with_files(folder: Path, section: str) -> dict[str, str]:
    """Make a copy of the package with the file of a section; return the environment to use it.

    What is not on the way to the file is linked, so that nothing is compiled anew.
    """
    [body] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    [path] = re.findall(r"`(slth/[\w/]+\.py)`", body)
    [code] = blocks(section, "python")
    place, real = folder, ROOT
    for part in Path(path).parts[:-1]:
        place, real = place / part, real / part
        if place.is_symlink():
            place.unlink()
        if not place.exists():
            place.mkdir()
            for one in real.iterdir():
                (place / one.name).symlink_to(one)
    (folder / path).write_text(code, "utf-8")
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


NEW = """
import sys
import pytest
import torch
import slth
from slth import __main__ as command
from click.testing import CliRunner
from slth.constructions import catalogue
from slth.tickets import judges

assert slth.__file__.startswith(sys.argv[1]), slth.__file__
torch.manual_seed(0)
target = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False))
torch.nn.init.uniform_(target[0].weight, -0.5, 0.5)
torch.save(target, sys.argv[1] + "/target.pt")

def shell(*words, code=0):
    result = CliRunner().invoke(command.main, [word.format(sys.argv[1]) for word in words])
    assert result.exit_code == code, result.output
    return result.output
"""

CONSTRUCTION = """
assert catalogue.UpTo.__doc__ and "UpTo" in catalogue.__all__
how = dict(construction="at_most", size=4, epsilon=0.1, seed=1)
ticket = slth.prune(target, **how)
assert slth.verify(ticket, target).bound <= 0.1
terms = ticket.mask.layer(1).reshape(2, 3, 2, -1).sum(axis=3)
assert terms.min() < terms.max() <= 4, terms
with pytest.raises(slth.TicketNotFound, match="too few products"):
    slth.prune(target, **{**how, "size": 1, "samples": 90})
with pytest.raises(ValueError, match="'at_most' needs to know how many"):
    slth.prune(target, construction="at_most", epsilon=0.1)
assert "at_most" in shell("prune", "--help")
command_line = ["--construction", "at_most", "--size", "4", "--epsilon", "0.1", "--seed", "1"]
plan = shell("prune", "{}/target.pt", *command_line, "--plan")
assert "at_most, objective" in plan, plan
shell("prune", "{}/target.pt", *command_line, "-o", "{}/a.ticket")
assert "at_most" in shell("show", "{}/a.ticket")
assert "is a ticket for" in shell("verify", "{}/a.ticket", "{}/target.pt")
assert slth.Ticket.load(sys.argv[1] + "/a.ticket") == ticket
"""

PROMISE = """
from dataclasses import asdict, replace
assert judges.FrugalPromise.__doc__ and "FrugalPromise" in judges.__all__
ticket = slth.prune(target, epsilon=0.1)
promise = judges.FrugalPromise(**asdict(ticket.promise), most=ticket.mask.kept)
frugal = replace(ticket, promise=promise)
assert slth.verify(frugal, target).kept == promise.most
frugal.save(sys.argv[1] + "/b.ticket")
assert slth.Ticket.load(sys.argv[1] + "/b.ticket") == frugal
assert f"at most {promise.most} weights kept" in shell("verify", "{}/b.ticket", "{}/target.pt")
replace(frugal, promise=replace(promise, most=promise.most - 1)).save(sys.argv[1] + "/c.ticket")
assert "weights are kept" in shell("verify", "{}/c.ticket", "{}/target.pt", code=1)
"""


@pytest.mark.parametrize(
    ("section", "program"),
    [("Add a construction", CONSTRUCTION), ("Add a promise", PROMISE)],
    ids=["construction", "promise"],
)
def test_one_file_is_enough(tmp_path: Path, section: str, program: str) -> None:
    """A construction, or a promise with its judge: everything else finds it."""
    environment = with_files(tmp_path, section)
    command = [sys.executable, "-c", NEW + program, str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
        len(blocks(f"Add a {name}", "python"))
        for name in ("claim", "law", "construction", "promise", "peer")
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
        "slth/constructions/catalogue/at_most.py",
        "slth/experiments/NAME.py",
        "slth/theory/two_humps.py",
        "slth/tickets/judges/frugal.py",
    }
    assert new < files
    assert [name for name in sorted(files - new) if not (ROOT / name).exists()] == []
