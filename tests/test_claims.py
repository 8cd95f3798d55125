"""The ledger: registry, rules and their edges, negative controls, what a cell shows."""

import json
import subprocess
import sys
from dataclasses import replace
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
from slth.claims.verdict import faults

REGISTRY = """
equal: &computed
  source: this book
  title: Equal
  statement: $1=1$
  known: proved on this page
  kind: computed
  relation: "=="
  tolerance: 1e-9
  control: a number is changed
identical: {<<: *computed, tolerance: 0}
everywhere: {<<: *computed, tolerance: 0, exhaustive: true}
below: &bound
  source: this book
  title: Below
  statement: $a\\le b$
  known: conjecture
  kind: computed
  relation: "<="
  tolerance: 0.5
  control: a is too large
above: {<<: *bound, relation: ">=", tolerance: 0}
often: &simulated
  source: this book
  title: Often
  statement: $p\\ge b$
  known: observed, not proved
  kind: simulated
  relation: ">="
  control: a biased coin
rarely: {<<: *simulated, relation: "<="}
fair: {<<: *simulated, relation: "==", tolerance: 0.01, uses: [often, rarely]}
even: {<<: *simulated, relation: "=="}
picture: {source: s, title: A picture, statement: s, known: conjecture, kind: illustration}
open: {source: s, title: Open, statement: s, known: conjecture, unchecked: nobody knows how}
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
def test_computations_at_the_edge(claim: str, measured: float, bound: float, holds: bool) -> None:
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
    assert claims.record("even", measured=0.5, bound=0.5, **good).outcome == "not refuted"
    with pytest.raises(claims.ClaimFailed, match="is not decided"):
        claims.record("often", measured=0.9, bound=0.9, **good)
    with pytest.raises(claims.ControlPassed, match="is not clearly broken"):
        claims.control("often", measured=0.9, bound=0.9, **good)
    with pytest.raises(claims.ClaimFailed, match="does not hold"):
        claims.record("rarely", measured=0.9, bound=0.2, **good)
    for claim in ("often", "fair", "even"):
        assert claims.control(claim, measured=0.3, bound=0.5, **good).outcome == "fails"


@pytest.mark.parametrize("side", [-1, 1])
def test_equality_up_to_a_tolerance_wants_all_of_the_interval_within_it(side: int) -> None:
    half = 0.004  # 200 000 trials would do; a mean has any half-width we like
    error = half / stats.t.ppf(0.995, 9)
    good: dict[str, Any] = {"trials": 10, "confidence": 0.99, "standard_error": error}

    def at(distance: float) -> dict[str, Any]:
        return {"measured": 0.5 + side * distance, "bound": 0.5, **good}

    assert claims.record("fair", **at(0.01 - half - 1e-6)).outcome == "holds"
    for distance in (0.01 - half + 1e-6, 0.01 + half - 1e-6):
        with pytest.raises(claims.ClaimFailed, match="is not decided"):
            claims.record("fair", **at(distance))
        with pytest.raises(claims.ControlPassed, match="is not clearly broken"):
            claims.control("fair", **at(distance))
    assert claims.control("fair", **at(0.01 + half + 1e-6)).outcome == "fails"


@pytest.mark.parametrize("side", [-1, 1])
def test_equality_without_tolerance_can_only_be_refuted(side: int) -> None:
    interval = claims.proportion_interval(500, 1000, 0.99)
    good: dict[str, Any] = {"measured": 0.5, "trials": 1000, "confidence": 0.99}
    limit = interval.high if side > 0 else interval.low
    assert claims.record("even", bound=limit - 1e-9 * side, **good).outcome == "not refuted"
    with pytest.raises(claims.ControlPassed, match="still holds"):
        claims.control("even", bound=limit - 1e-9 * side, **good)
    with pytest.raises(claims.ClaimFailed, match="does not hold"):
        claims.record("even", bound=limit + 1e-9 * side, **good)


@pytest.mark.parametrize("draws", [2, 5, 8, 1000])
def test_means_have_the_interval_of_student(draws: int) -> None:
    """The interval that SciPy's t test gives for the same draws."""
    values = np.random.default_rng(draws).exponential(size=draws)
    error = float(values.std(ddof=1) / np.sqrt(draws))
    interval = claims.mean_interval(float(values.mean()), error, draws, 0.99)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.99)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    done = claims.record(
        "even",
        measured=values.mean(),
        bound=1,
        trials=draws,
        confidence=0.99,
        standard_error=error,
    )
    assert done.interval == interval


def test_one_draw_has_no_interval() -> None:
    with pytest.raises(ValueError, match="draws must be ≥ 2"):
        claims.mean_interval(1.0, 0.1, 1, 0.99)


def test_the_worst_of_many_is_judged_at_their_joint_level() -> None:
    good: dict[str, Any] = {"measured": 0.5, "trials": 1000, "confidence": 0.99}
    done = claims.record("even", bound=0.54, worst_of=10, **good)
    assert done.interval == claims.proportion_interval(500, 1000, 1 - 0.01 / 10)
    assert done.confidence == pytest.approx(0.99)
    assert "99 % for the worst of 10" in claims.relation_text(claims.load()["even"], done)
    with pytest.raises(claims.ClaimFailed):
        claims.record("even", bound=0.5421, **good)
    with pytest.raises(ValueError, match="worst_of must be a whole number"):
        claims.record("even", bound=0.5, worst_of=0, **good)
    with pytest.raises(ValueError, match="simulated claims"):
        claims.record("equal", measured=1, bound=1, worst_of=2)


@pytest.mark.parametrize(
    ("measured", "bound"),
    [(1.0, 1), (1, 1.0), ([1, 0.5], [1, Fraction(1, 2)]), (np.float64(1), 1)],
)
def test_exhaustive_checks_take_no_floating_point_numbers(measured: Any, bound: Any) -> None:
    with pytest.raises(ValueError, match="'everywhere' is exhaustive"):
        claims.record("everywhere", measured=measured, bound=bound)


def test_exhaustive_checks_are_exact() -> None:
    third = Fraction(1, 3)
    done = claims.record("everywhere", measured=[third, 2, True], bound=[third, 2, np.int64(1)])
    assert done.outcome == "holds"
    almost = third + Fraction(1, 10**30)  # the same floating-point number
    assert claims.control("everywhere", measured=almost, bound=third).outcome == "fails"


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
        ("equal", {"measured": 1.0, "bound": 1.0, "confidence": 0.9}, "simulated claims"),
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
    broken = claims.Record("equal", "control", 1, 2, None, None, "fails")
    exact = claims.record("equal", measured=1, bound=1)
    often = [
        claims.record("often", measured=0.9, bound=0.8, trials=1000, confidence=level)
        for level in (0.99, 0.95)
    ]
    shown = claims.record("picture", measured=3)
    even = claims.record("even", measured=0.5, bound=0.5, trials=100, confidence=0.999)
    everywhere = claims.record("everywhere", measured=[1, 2], bound=[1, 2])
    controls = [broken, replace(broken, claim="everywhere")]
    low = replace(broken, interval=claims.Interval(0, 1, 0.99))
    controls += [replace(low, claim=name) for name in ("often", "even")]
    everything = [exact, *often, shown, even, everywhere, *controls]

    def checked(claim: str, records: list[claims.Record]) -> tuple[str, str]:
        state = claims.status(known[claim], records)
        assert state.known == known[claim].known
        return state.name, state.checked.replace("\N{NO-BREAK SPACE}", " ")

    many = claims.record("equal", measured=[1, 2], bound=[1, 2])
    assert checked("equal", [exact, broken]) == ("computed", "computed in 1 case")
    assert checked("equal", [exact, many, broken]) == ("computed", "computed in 3 cases")
    assert checked("everywhere", everything) == ("computed", "computed in every case")
    assert checked("often", everything) == ("simulated", "simulated, 2 000 trials, 95 %")
    assert checked("even", everything) == (
        "simulated",
        "simulated: not refuted by 100 trials at 99.9 %",
    )
    assert checked("picture", everything) == ("unchecked", "shown, not checked")
    for claim, reason in [("open", "nobody knows how"), ("below", "no result was collected")]:
        assert checked(claim, everything) == ("unchecked", f"not checked, because {reason}")
    assert checked("equal", [exact, replace(exact, outcome="fails"), broken])[0] == "unchecked"
    assert checked("equal", [exact])[1].endswith("it has no negative control")
    text = claims.status(known["equal"], [exact, broken]).text
    assert text.startswith("proved on this page; computed in 1")


def test_error_rates_count_the_simulated_checks() -> None:
    good: dict[str, Any] = {"measured": 0.5, "trials": 100, "bound": 0.5}
    records = [
        claims.record("even", confidence=0.99, **good),
        claims.record("even", confidence=0.99, worst_of=8, **good),
        claims.record("even", confidence=0.9, **good),
        claims.record("often", measured=0.9, bound=0.1, trials=100, confidence=0.98),
        claims.record("fair", measured=0.5, bound=0.5, trials=10**6, confidence=0.99),
        claims.control("often", measured=0.1, bound=0.9, trials=100, confidence=0.5),
        claims.control("even", measured=0.1, bound=0.9, trials=100, confidence=0.5),
        claims.record("equal", measured=1, bound=1),
        replace(claims.record("even", confidence=0.9, **good), claim="forgotten"),
    ]
    rates = claims.error_rates(claims.load(), records)
    assert rates.equalities == {0.99: 2, 0.9: 1}
    assert rates.inequalities == {0.98: 1, 0.99: 1}
    assert rates.worst_of == (8,)
    assert rates.false_alarms == pytest.approx(0.01 + 0.01 + 0.1)
    assert rates.false_pass == pytest.approx(0.01)


def test_true_equalities_are_refuted_as_often_as_the_rates_say() -> None:
    """Means of five normal draws, for which Student's intervals are exact."""
    rng, entry = np.random.default_rng(0), claims.load()["even"]
    good: dict[str, Any] = {"bound": 1, "trials": 5, "confidence": 0.9}
    found = []
    for _ in range(1500):
        draws = rng.normal(1, 3, size=5)
        error = draws.std(ddof=1) / np.sqrt(5)
        found.append(decide(entry, "record", measured=draws.mean(), standard_error=error, **good))
    expected = claims.error_rates({"even": entry}, found).false_alarms
    refuted = sum(one.outcome == "fails" for one in found)
    assert expected == pytest.approx(150)
    assert abs(refuted - expected) < 4 * np.sqrt(expected)


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
    assert first.endswith("≥ 0.8 (1\xa0000 trials; 99 %; k = 2) — holds.")
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
  known: proved on this page
  kind: computed
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
        (GOOD + "  kind: simulated\n", "given twice in the registry: kind"),
        (GOOD.replace("  control: a number is changed\n", ""), "'control' is missing"),
        (GOOD + "  chapter: 00-test\n", "unknown key chapter"),
        (GOOD.replace("  source: this book\n", ""), "'source' is missing"),
        (GOOD.replace("computed", "sure"), "kind must be one of"),
        (GOOD.replace("==", "!="), "relation must be == or <= or >="),
        (GOOD.replace("  known: proved on this page\n", ""), "'known' is missing"),
        (GOOD.replace("proved on this page", "proved"), "known must be one of: proved on this"),
        (GOOD + "  exhaustive: yes please\n", "'exhaustive' must be true or false"),
        (GOOD + "  exhaustive: true\n  tolerance: 1e-9\n", "its tolerance 0"),
        (GOOD.replace("computed", "simulated") + "  exhaustive: true\n", "kind is computed"),
        (GOOD + "  chosen: 3\n", "'chosen' must be a non-empty string"),
        (GOOD.replace('"=="', ""), "'relation' must be a non-empty string"),
        (GOOD.replace("One", "$1$"), "plain words"),
        (GOOD.replace("one:", "One:"), "lower-case words"),
        (GOOD + "  tolerance: -1\n", "tolerance must be a number"),
        (GOOD + "  tolerance: small\n", "tolerance must be a number"),
        (GOOD + "  tolerance: .nan\n", "tolerance must be a number"),
        (GOOD + "  assumptions: one\n", "'assumptions' must be a list of strings"),
        (GOOD + "  unchecked: too hard\n", "is unchecked, so it has no kind, relation, control"),
        (GOOD.replace("computed", "illustration"), "an illustration decides nothing"),
        (
            GOOD.replace("computed", "simulated").replace("==", ">=") + "  tolerance: 0.1\n",
            "simulated inequality has no tolerance",
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


@pytest.mark.parametrize(
    "change",
    [
        {"measured": 3},
        {"bound": None},
        {"outcome": "shown"},
        {"interval": claims.Interval(0, 4, 0.9)},
    ],
)
def test_a_record_that_contradicts_its_numbers_is_believed_by_nobody(
    change: dict[str, Any],
) -> None:
    claim = claims.Claim(
        "two", "01-a", "s", "t", "s", "conjecture", kind="computed", relation="==", control="c"
    )
    made = claims.Record("two", "record", 2, 2, None, None, "holds")
    broken = claims.Record("two", "control", 3, 2, None, None, "fails")
    assert faults(claim, [made, broken]) == ()
    forged = replace(made, **change)
    assert "a record contradicts its numbers" in faults(claim, [forged, broken])
    assert claims.status(claim, [forged, broken]).name == "unchecked"
