"""The ledger: registry, rules and their edges, negative controls, what a cell shows."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slth import claims
from slth.claims.rules import decide

REGISTRY = """
equal: &exact
  source: this book
  title: Equal
  statement: $1=1$
  kind: exact
  relation: "=="
  tolerance: 1e-9
  control: a number is changed
identical: {<<: *exact, tolerance: 0}
below: &bound
  source: this book
  title: Below
  statement: $a\\le b$
  kind: bound
  relation: "<="
  tolerance: 0.5
  control: a is too large
above: {<<: *bound, relation: ">=", tolerance: 0}
often: &statistical
  source: this book
  title: Often
  statement: $p\\ge b$
  kind: statistical
  relation: ">="
  control: a biased coin
rarely: {<<: *statistical, relation: "<="}
fair: {<<: *statistical, relation: "==", tolerance: 0.01, uses: [often, rarely]}
picture: {source: s, title: A picture, statement: s, kind: illustration}
open: {source: s, title: An open question, statement: s, unchecked: nobody knows how}
"""


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "claims" / "00-test.yml"
    path.parent.mkdir()
    # YAML's merge keys are only a shorthand of this test: the file itself spells everything out.
    import yaml

    path.write_text(json.dumps(yaml.safe_load(REGISTRY)), encoding="utf-8")
    monkeypatch.setenv("SLTH_CLAIMS", str(path.parent))
    return path


# ---------------------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    ("claim", "measured", "bound", "holds"),
    [
        ("equal", 1.0, 1.0 + 0.9e-9, True),
        ("equal", 1.0, 1.0 + 1.1e-9, False),
        ("equal", 1.0, 1.0 - 1.1e-9, False),
        ("identical", 0.1 + 0.2, 0.3, False),
        ("identical", Fraction(1, 10) + Fraction(2, 10), Fraction(3, 10), True),
        ("identical", 2**80, 2**80, True),
        ("identical", 2**80 + 1, 2**80, False),
        ("identical", np.int64(2**62), 2**62, True),
        ("below", 1.5, 1.0, True),
        ("below", np.nextafter(1.5, 2), 1.0, False),
        ("below", -7, 1, True),
        ("above", 1.0, 1.0, True),
        ("above", np.nextafter(1.0, 0), 1.0, False),
        ("above", True, 1, True),
    ],
)
def test_exact_and_bound_at_the_edge(
    claim: str, measured: float, bound: float, holds: bool
) -> None:
    if holds:
        assert claims.record(claim, measured=measured, bound=bound).outcome == "holds"
        with pytest.raises(claims.ControlPassed, match="still holds"):
            claims.control(claim, measured=measured, bound=bound)
    else:
        with pytest.raises(claims.ClaimFailed, match=f"'{claim}' does not hold"):
            claims.record(claim, measured=measured, bound=bound)
        assert claims.control(claim, measured=measured, bound=bound).outcome == "fails"


def test_arrays_are_decided_by_their_worst_entry() -> None:
    done = claims.record("above", measured=np.array([[3.0, 1.5], [2.0, 9.0]]), bound=[1.0, 1.25])
    assert (done.measured, done.bound, done.trials) == (1.5, 1.25, 4)
    with pytest.raises(claims.ClaimFailed, match=r"1\.5, claimed ≥ 2"):
        claims.record("above", measured=np.array([3.0, 1.5]), bound=[1.0, 2.0])
    integers = np.array([2**62, -(2**62)])  # their difference overflows int64
    with pytest.raises(claims.ClaimFailed):
        claims.record("identical", measured=integers, bound=-integers)


@given(
    successes=st.integers(0, 200),
    more=st.integers(0, 200),
    confidence=st.floats(0.5, 0.999),
    bound=st.floats(0, 1),
)
def test_statistical_outcomes_follow_the_exact_tails(
    successes: int, more: int, confidence: float, bound: float
) -> None:
    """Clopper–Pearson by its definition: the limit passes the bound iff the tail is thin."""
    trials = max(1, successes + more)
    entry = claims.load()["often"]
    done = decide(
        entry,
        "record",
        measured=successes / trials,
        bound=bound,
        trials=trials,
        confidence=confidence,
    )
    alpha = (1 - confidence) / 2
    upper_tail = float(stats.binom.sf(successes - 1, trials, bound))
    lower_tail = float(stats.binom.cdf(successes, trials, bound))
    if abs(upper_tail - alpha) < 1e-9 or abs(lower_tail - alpha) < 1e-9:
        return
    if bound == 0 or upper_tail < alpha:
        assert done.outcome == "holds"
    elif lower_tail < alpha:
        assert done.outcome == "fails"
    else:
        assert done.outcome == "inconclusive"


def test_statistical_relations() -> None:
    good: dict[str, Any] = {"trials": 1000, "confidence": 0.99}
    assert claims.record("often", measured=0.9, bound=0.8, **good).outcome == "holds"
    assert claims.record("rarely", measured=0.1, bound=0.2, **good).outcome == "holds"
    assert claims.record("fair", measured=0.5, bound=0.5, **good).outcome == "holds"
    with pytest.raises(claims.ClaimFailed, match="is not decided"):
        claims.record("often", measured=0.9, bound=0.9, **good)
    with pytest.raises(claims.ControlPassed, match="is not clearly broken"):
        claims.control("often", measured=0.9, bound=0.9, **good)
    with pytest.raises(claims.ClaimFailed, match="does not hold"):
        claims.record("rarely", measured=0.9, bound=0.2, **good)
    for claim in ("often", "fair"):
        assert claims.control(claim, measured=0.3, bound=0.5, **good).outcome == "fails"


def test_the_tolerance_of_equality_widens_the_interval() -> None:
    interval = claims.proportion_interval(500, 1000, 0.99)
    good: dict[str, Any] = {"measured": 0.5, "trials": 1000, "confidence": 0.99}
    assert claims.record("fair", bound=interval.high + 0.0099, **good).outcome == "holds"
    assert claims.control("fair", bound=interval.high + 0.0101, **good).outcome == "fails"
    assert claims.record("fair", bound=interval.low - 0.0099, **good).outcome == "holds"
    assert claims.control("fair", bound=interval.low - 0.0101, **good).outcome == "fails"


def test_means_use_their_standard_error() -> None:
    done = claims.record(
        "often", measured=12.0, bound=11.0, trials=50, confidence=0.95, standard_error=0.5
    )
    assert done.interval is not None
    assert done.interval.low == pytest.approx(12 - 0.5 * stats.norm.ppf(0.975), rel=1e-12)
    assert 12.0 in done.interval


def test_confidence_interval_covers() -> None:
    """The exact interval covers the truth at least as often as it says, over all outcomes."""
    trials, truth, confidence = 40, 0.13, 0.9
    covered = sum(
        float(stats.binom.pmf(k, trials, truth))
        for k in range(trials + 1)
        if truth in claims.proportion_interval(k, trials, confidence)
    )
    assert covered >= confidence


@pytest.mark.parametrize(
    ("claim", "arguments", "message"),
    [
        ("equal", {"measured": 1.0}, "needs a bound"),
        ("equal", {"measured": np.nan, "bound": 1.0}, "finite"),
        ("equal", {"measured": 1.0, "bound": float("inf")}, "finite"),
        ("equal", {"measured": [], "bound": 1.0}, "nothing was checked"),
        ("equal", {"measured": "one", "bound": 1.0}, "number"),
        ("equal", {"measured": 1.0, "bound": 1.0, "confidence": 0.9}, "statistical claims"),
        ("equal", {"measured": 1.0, "bound": 1.0, "trials": 0}, "whole number"),
        ("often", {"measured": 0.5, "bound": 0.1}, "give trials and confidence"),
        ("often", {"measured": 0.5, "bound": 0.1, "trials": 10, "confidence": 1}, r"\(0, 1\)"),
        ("often", {"measured": 0.55, "bound": 0.1, "trials": 10, "confidence": 0.9}, "proportion"),
        ("often", {"measured": 7, "bound": 0.1, "trials": 10, "confidence": 0.9}, "proportion"),
        ("often", {"measured": [1], "bound": 0.1, "trials": 1, "confidence": 0.9}, "one number"),
        ("picture", {"measured": 1.0, "bound": 1.0}, "takes no bound"),
        ("open", {"measured": 1.0}, "not checked: nobody knows how"),
        ("nothing", {"measured": 1.0}, "no claim 'nothing'"),
    ],
)
def test_arguments_that_do_not_fit(claim: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        claims.record(claim, **arguments)


def test_standard_error_must_be_positive() -> None:
    with pytest.raises(ValueError, match="standard_error"):
        claims.record(
            "often", measured=1.0, bound=0.0, trials=9, confidence=0.9, standard_error=0.0
        )


@pytest.mark.parametrize("claim", ["picture", "open"])
def test_what_is_not_checked_has_no_control(claim: str) -> None:
    with pytest.raises(ValueError, match="no negative control"):
        claims.control(claim, measured=1.0, bound=1.0)


# ---------------------------------------------------------------------------- states and output


def test_states() -> None:
    known = claims.load()
    exact = claims.record("equal", measured=1, bound=1)
    often = [
        claims.record("often", measured=0.9, bound=0.8, trials=1000, confidence=level)
        for level in (0.99, 0.95)
    ]
    shown = claims.record("picture", measured=3)
    everything = [exact, *often, shown]
    assert claims.status(known["equal"], everything).text == "checked exactly"
    many = claims.record("equal", measured=[1, 2], bound=[1, 2])
    assert claims.status(known["equal"], [exact, many]).text == "checked exactly (3 cases)"
    assert claims.status(known["often"], everything) == claims.Status(
        "simulated", "consistent with simulation (2\xa0000 trials, 95 %)"
    )
    for claim, reason in [
        ("picture", "it is shown as an illustration"),
        ("open", "nobody knows how"),
        ("below", "no result was collected"),
    ]:
        assert claims.status(known[claim], everything) == claims.Status(
            "unchecked", f"not checked, because {reason}"
        )
    broken = claims.Record("equal", "record", 1, 2, None, None, "fails")
    assert claims.status(known["equal"], [exact, broken]).name == "unchecked"


def test_records_survive_json() -> None:
    for done in (
        claims.record("identical", measured=2**70, bound=2**70, setting="n = 3"),
        claims.record("often", measured=0.9, bound=0.8, trials=1000, confidence=0.99),
    ):
        assert claims.Record.from_dict(json.loads(json.dumps(done.as_dict()))) == done


def test_plain_python_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    claims.record("often", measured=0.9, bound=0.8, trials=1000, confidence=0.99, setting="k = 2")
    claims.control("often", measured=0.2, bound=0.8, trials=1000, confidence=0.99)
    first, second = capsys.readouterr().out.splitlines()
    limits = stats.beta.ppf([0.005, 0.995], [900, 901], [101, 100])  # the textbook form
    assert first.startswith(f"✔ **Often**: 0.9 [{limits[0]:.4g}, {limits[1]:.4g}], claimed ≥ 0.8 ")
    assert first.endswith("≥ 0.8 (1\xa0000 trials; 99 %; k = 2) — consistent with simulation.")
    assert second.endswith("— control fails, as it must.")


def test_import_is_light() -> None:
    code = """
import sys, slth.claims, slth.notebook
print([name for name in ('torch', 'IPython') if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------------------- the registry

GOOD = """
one:
  source: this book
  title: One
  statement: $1=1$
  kind: exact
  relation: "=="
  control: a number is changed
"""


def load(path: Path, text: str) -> dict[str, claims.Claim]:
    path.write_text(dedent(text), encoding="utf-8")
    return claims.load(path.parent)


def test_a_good_registry(registry: Path) -> None:
    claim = load(registry, GOOD + "  assumptions: [a, b]\n  tolerance: 1e-9\n")["one"]
    assert (claim.assumptions, claim.tolerance, claim.needs_control) == (("a", "b"), 1e-9, True)
    assert claim.chapter == registry.stem
    assert load(registry, "# nothing yet\n") == {}


def test_a_claim_belongs_to_one_chapter(registry: Path) -> None:
    registry.with_name("01-other.yml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(
        claims.RegistryError, match=r"'one' is stated twice, in 00-test\.yml and 01"
    ):
        load(registry, GOOD)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "  colour: red\n", "'one': unknown key colour"),
        (GOOD + "  uses: [two]\n", "'one': uses unknown claim two"),
        (GOOD + GOOD, "given twice in the registry: one"),
        (GOOD + "  kind: bound\n", "given twice in the registry: kind"),
        (GOOD.replace("  control: a number is changed\n", ""), "'control' is missing"),
        (GOOD + "  chapter: 00-test\n", "unknown key chapter"),
        (GOOD.replace("  source: this book\n", ""), "'source' is missing"),
        (GOOD.replace("exact", "sure"), "kind must be one of"),
        (GOOD.replace("==", "<="), "kind exact has relation =="),
        (GOOD.replace('"=="', ""), "'relation' must be a non-empty string"),
        (GOOD.replace("One", "$1$"), "plain words"),
        (GOOD.replace("one:", "One:"), "lower-case words"),
        (GOOD + "  tolerance: -1\n", "tolerance must be a number"),
        (GOOD + "  tolerance: small\n", "tolerance must be a number"),
        (GOOD + "  tolerance: .nan\n", "tolerance must be a number"),
        (GOOD + "  assumptions: one\n", "'assumptions' must be a list of strings"),
        (GOOD + "  unchecked: too hard\n", "is unchecked, so it has no kind, relation, control"),
        (GOOD.replace("exact", "illustration"), "an illustration decides nothing"),
        (
            GOOD.replace("exact", "statistical").replace("==", ">=") + "  tolerance: 0.1\n",
            "statistical inequality has no tolerance",
        ),
        (
            GOOD + "  uses: [two]\n" + GOOD.replace("one", "two") + "  uses: [one]\n",
            "in a circle: one → two → one|in a circle: two → one → two",
        ),
        ("- one\n", "must map identifiers to claims"),
        ("one: 3\n", "expected a mapping"),
        ("one: [\n", "not valid YAML"),
    ],
)
def test_registry_errors(registry: Path, text: str, message: str) -> None:
    with pytest.raises(claims.RegistryError, match=message):
        load(registry, text)


def test_a_missing_registry_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLTH_CLAIMS", "/nowhere/claims")
    with pytest.raises(claims.RegistryError, match="/nowhere/claims"):
        claims.load()


def test_the_books_registry_is_well_formed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLTH_CLAIMS")
    assert claims.load()


def test_the_quantile_interval_covers_as_often_as_it_says() -> None:
    rng, hits, runs = np.random.default_rng(0), 0, 2000
    for _ in range(runs):
        interval = claims.quantile_interval(rng.random(40), 0.9, 0.9)
        hits += 0.9 in interval
    assert hits / runs >= 0.9 - 3 * np.sqrt(0.09 / runs)


def test_the_quantile_interval_leaves_both_tails_to_the_binomial_law() -> None:
    n, quantile, confidence = 57, 0.3, 0.95
    interval = claims.quantile_interval(np.arange(1, n + 1), quantile, confidence)
    below = stats.binom(n, quantile)
    low, high = int(interval.low), int(interval.high)
    tail = (1 - confidence) / 2
    assert below.cdf(low - 1) <= tail < below.cdf(low)
    assert below.sf(high - 1) <= tail < below.sf(high - 2)


def test_the_quantile_interval_of_few_values_is_open() -> None:
    interval = claims.quantile_interval([1.0, 2.0], 0.5, 0.99)
    assert (interval.low, interval.high) == (-np.inf, np.inf)
    with pytest.raises(ValueError, match="quantile"):
        claims.quantile_interval([1.0], 1.0, 0.9)
    with pytest.raises(ValueError, match="not defined"):
        claims.quantile_interval([], 0.5, 0.9)
