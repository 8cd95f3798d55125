"""The explorer in a real browser: its answers against slth, its controls by every hand."""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect
from scipy.special import ndtr, sici
from scipy.stats import binomtest, kstest

from slth import subset_sum
from slth.theory import coverage, laws, lower_bound, overparameterization, products, rfss, rss
from slth.theory.entropy import binary_entropy
from tests.book.conftest import DESK, PHONE, Book, parsed, watched

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]

Case = dict[str, Any]
GRID = 2.0**40
LAWS: dict[str, laws.SumLaw] = {
    "uniform": laws.Uniform(),
    "normal": laws.Normal(),
    "product": products.UniformProduct(),
}


def address(book: Book, settings: str = "", page: str = "book/explorer") -> str:
    """Return the address of the explorer, or of another page, with these settings."""
    return (book.html / f"{page}.html").as_uri() + (f"#{settings}" if settings else "")


@pytest.fixture(scope="module")
def page(built: Book, browser: Browser) -> Iterator[Page]:
    """Open the explorer for those who only ask its functions."""
    complaints: list[str] = []
    opened = watched(browser, DESK, complaints)
    opened.goto(address(built))
    yield opened
    opened.context.close()
    assert complaints == []


@pytest.fixture
def explorer(built: Book, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return the function that opens the explorer afresh; it must not complain."""
    complaints: list[str] = []
    contexts = []

    def open_page(settings: str = "", page: str = "book/explorer", **options: Any) -> Page:
        context = browser.new_context(offline=True, **{"viewport": DESK, **options})
        contexts.append(context)
        # The formulas in the text take longest to load, and are tested elsewhere.
        context.route("**/vendor/mathjax/**", lambda route: route.abort())
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(address(built, settings, page))
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def text(page: Page, name: str) -> str:
    """Return what an element of the explorers says."""
    return page.locator(f"#{name}").inner_text()


def instances(rng: np.random.Generator, number: int) -> list[Case]:
    """Draw instances of all kinds; samples are multiples of 2^-40, as those of the page."""
    draws: list[Callable[[int], NDArray[np.float64]]] = [
        lambda n: rng.uniform(-1, 1, n),
        lambda n: rng.normal(size=n),
        lambda n: rng.uniform(0, 1, n) * rng.uniform(-1, 1, n),
        lambda n: rng.uniform(0, 1, n),
        lambda n: rng.integers(-2, 3, n) / 2,
        lambda n: rng.choice(rng.uniform(-1, 1, 3), n),  # duplicates
        lambda n: np.append(50.0, rng.uniform(-1, 1, n - 1)),
    ]
    cases: list[Case] = []
    for i in range(number):
        n = 1 if i % 50 == 0 else int(rng.integers(2, 24 if i % 20 == 0 else 17))
        x = np.round(draws[i % len(draws)](n) * GRID) / GRID
        k = [None, int(rng.integers(0, n + 1)), 0, n, n // 2][int(rng.integers(0, 5))]
        size = int(rng.integers(0, n + 1)) if k is None else k
        some = math.fsum(x[rng.permutation(n)[:size]].tolist())
        z = float(rng.choice([some, 0.0, rng.uniform(-3, 3), rng.uniform(30, 90)]))
        epsilon = float(rng.choice([0.0, abs(some - z), 10 ** rng.uniform(-6, 0)]))
        cases.append({"x": x.tolist(), "k": k, "z": z, "epsilon": epsilon})
    return cases


ASK = """cases => cases.map(({x, k, z, epsilon}) => {
  const table = Explorer.subsetSum.table(x.slice(0, DROP(x)), k);
  const {indices, sum, error} = Explorer.subsetSum.closest(table, z);
  return {indices, sum, error, count: Explorer.subsetSum.count(table, z, epsilon)};
})"""


def disagreements(cases: list[Case], answers: list[Case]) -> list[str]:
    """Return where answers differ from what slth finds, bit by bit, and from their own subset."""
    found = []
    for case, answer in zip(cases, answers, strict=True):
        x, k, z = case["x"], case["k"], case["z"]
        best = subset_sum.solve(x, z, size=k)
        hits = subset_sum.count(x, z, tolerance=case["epsilon"], size=k)
        terms = [x[i] for i in answer["indices"]]
        if answer["error"] != best.error or answer["count"] != hits:
            found.append(f"{case}: {answer}, not {best.error} and {hits}")
        elif abs(math.fsum([*terms, -z])) != best.error or math.fsum(terms) != answer["sum"]:
            found.append(f"{case}: the subset {answer['indices']} has another error")
        elif len(set(answer["indices"])) != (len(terms) if k is None else k):
            found.append(f"{case}: {answer['indices']} are not {k} different numbers")
    return found


def test_subset_sums_agree_with_slth_on_a_thousand_instances(page: Page) -> None:
    cases = instances(np.random.default_rng(6), 1000)
    answers = page.evaluate(ASK.replace("DROP(x)", "x.length"), cases)
    assert disagreements(cases, answers) == []


def test_the_comparison_sees_a_wrong_solver(page: Page) -> None:
    cases = [case for case in instances(np.random.default_rng(7), 60) if case["k"] is None]
    cases = [case for case in cases if len(case["x"]) > 1]
    forgetful = page.evaluate(ASK.replace("DROP(x)", "x.length - 1"), cases)
    assert len(disagreements(cases, forgetful)) > len(cases) / 2
    answers = page.evaluate(ASK.replace("DROP(x)", "x.length"), cases[:1])
    assert disagreements(cases[:1], answers) == []
    assert disagreements(cases[:1], [{**answers[0], "indices": []}]) != []
    assert disagreements(cases[:1], [{**answers[0], "count": answers[0]["count"] + 1}]) != []


def test_all_sums_are_in_the_histogram(page: Page) -> None:
    rng = np.random.default_rng(8)
    x = np.round(rng.uniform(-1, 1, 14) * GRID) / GRID
    edges = np.linspace(-5, 5, 41)
    for k in (None, 5):
        bins = page.evaluate(
            "([x, k, edges]) => "
            "Explorer.subsetSum.histogram(Explorer.subsetSum.table(x, k), edges)",
            [x.tolist(), k, edges.tolist()],
        )
        assert bins == np.histogram(subset_sum.sums(x, size=k), edges)[0].tolist()


@pytest.mark.parametrize("arguments", ["[], null", "[1, NaN], null", "[1, 2], 3", "[1, 2], -1"])
def test_bad_instances_are_refused(page: Page, arguments: str) -> None:
    message = page.evaluate(
        f"() => {{ try {{ Explorer.subsetSum.table({arguments}); }} "
        "catch (error) { return error.message } }"
    )
    assert message.startswith("expected ")


def test_twenty_numbers_are_solved_within_two_frames(page: Page) -> None:
    best = page.evaluate(
        """() => Math.min(...Array.from({length: 20}, (_, seed) => {
          const start = performance.now();
          const table = Explorer.subsetSum.table(Explorer.laws.sample('uniform', 20, seed), null);
          Explorer.subsetSum.closest(table, 0.3);
          Explorer.subsetSum.count(table, 0.3, 1e-3);
          return performance.now() - start;
        }))"""
    )
    assert best < 30


def test_the_same_seed_gives_the_same_sample_everywhere(built: Book, page: Page) -> None:
    from book.extension import explorer_still

    for seed, stream in ((0, 0), (1, 0), (1, 7), (2**32 - 1, 1)):
        drawn = page.evaluate(f"() => [...Explorer.laws.sample('uniform', 24, {seed}, {stream})]")
        assert drawn == explorer_still.sample(seed, 24, stream).tolist()
    words = page.evaluate("() => { const next = Explorer.rng.sfc32(1); return [next(), next()] }")
    assert words == [2804876938, 2410288566]
    normal = page.evaluate("() => [...Explorer.laws.sample('normal', 3, 1)]")
    assert normal == [1.9562604066222775, -0.7737460364369326, -0.42383364594115847]
    logs = page.evaluate("() => [1e-9, 0.3, 0.75, 1, 1.5, 7e8].map(Explorer.rng.log)")
    assert logs == pytest.approx(np.log([1e-9, 0.3, 0.75, 1, 1.5, 7e8]), rel=1e-15)


@pytest.mark.parametrize("law", LAWS)
def test_samples_follow_their_law(page: Page, law: str) -> None:
    x = page.evaluate(f"() => [...Explorer.laws.sample('{law}', 20000, 3)]")
    assert np.all(np.asarray(x) * GRID == np.round(np.asarray(x) * GRID))
    assert kstest(x, LAWS[law].cdf).pvalue > 1e-3
    assert kstest(np.asarray(x) * 1.05, LAWS[law].cdf).pvalue < 1e-3  # the test would notice


def test_special_functions_agree_with_scipy(page: Page) -> None:
    x = np.concatenate([np.linspace(0.01, 12, 200), np.geomspace(12, 6000, 60)])
    found = page.evaluate("x => x.map(Explorer.special.sineIntegral)", x.tolist())
    assert found == pytest.approx(sici(x)[0], rel=1e-13)
    x = np.linspace(-30, 8, 400)
    found = page.evaluate("x => x.map(Explorer.special.normalCdf)", x.tolist())
    assert found == pytest.approx(ndtr(x), rel=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_theory_agrees_with_slth(page: Page, law: str) -> None:
    """Expected hits and success probability, of any size and of a fixed one."""
    known = LAWS[law]
    questions: list[tuple[int, int | None, float, float]] = [
        (n, k, z, epsilon)
        for n in (2, 3, 7, 12, 24)
        for k in (None, 1, 2, 3, n // 2, n - 1, n)
        if k is None or 1 <= k <= n
        for z in (0.0, 0.3, -1.7, 4.5)
        for epsilon in (0.3, 1e-2, 1e-5)
    ]
    found = page.evaluate(
        f"""questions => questions.map(([n, k, z, epsilon]) => {{
          const law = Explorer.theory.LAWS.{law};
          return [Explorer.theory.expectedHits(n, k, z, epsilon, law),
                  Explorer.theory.successProbability(n, k, z, epsilon, law)];
        }})""",
        questions,
    )
    for (n, k, z, epsilon), (hits, chance) in zip(questions, found, strict=True):
        if k is None:
            expected = rss.expected_hits(n, z, epsilon, known)
            probability = rss.success_probability(n, z, epsilon, known)
        else:
            expected = rfss.expected_hits(n, k, z, epsilon, known)
            probability = rfss.success_probability(n, k, z, epsilon, known)
        # A series with an error near 1e-14 stands for the law of a product: for each subset one.
        slack = 1e-14 * 2.0**n if law == "product" else 1e-13
        where = f"n={n} k={k} z={z} epsilon={epsilon}"
        assert hits == pytest.approx(float(expected), rel=1e-9, abs=slack), where
        assert chance == pytest.approx(float(probability), rel=1e-9, abs=max(slack, 1e-12)), where


def test_the_tradeoff_agrees_with_slth(page: Page) -> None:
    gamma, z, constant = (
        axis.ravel()
        for axis in np.meshgrid([0.5, 0.2, 1e-2, 1e-4], [200, 1e4, 1e10], [0.1, 1.0, 10.0])
    )
    ask = "([g, z, c]) => g.map((x, i) => Explorer.tradeoff.NAME(x, z[i], c[i]))"
    arguments = [gamma.tolist(), z.tolist(), constant.tolist()]
    wide = gamma * z > 1
    expected = {
        "multiplicity": overparameterization.multiplicity(gamma[wide], z[wide], constant[wide]),
        "oneLogMultiplicity": overparameterization.one_log_multiplicity(
            gamma[wide], z[wide], constant[wide]
        ),
        "closedForm": overparameterization.closed_form(gamma[wide], z[wide]),
        "firstMomentFloor": overparameterization.first_moment_floor(gamma[wide], z[wide]),
    }
    for name, values in expected.items():
        found = np.asarray(page.evaluate(ask.replace("NAME", name), arguments), dtype=np.float64)
        assert found[wide] == pytest.approx(values, rel=1e-10), name
    stars = page.evaluate(
        "z => z.map(z => [Explorer.tradeoff.malachPoint(z), Explorer.tradeoff.pensiaPoint(z)])",
        z.tolist(),
    )
    malach, pensia = np.moveaxis(np.asarray(stars, dtype=np.float64), 1, 0)
    assert malach == pytest.approx(np.transpose(overparameterization.malach_point(z)), rel=1e-12)
    assert pensia == pytest.approx(np.transpose(overparameterization.pensia_point(z)), rel=1e-12)
    assert page.evaluate("() => Number.isNaN(Explorer.tradeoff.multiplicity(1e-9, 10))")


def test_both_numbers_of_logarithms_agree_with_slth_on_a_thousand_instances(page: Page) -> None:
    rng = np.random.default_rng(10)
    z = 10 ** rng.uniform(1, 15, 1000)
    gamma = np.minimum(0.5, z ** -rng.uniform(0, 2, 1000))
    ask = "rows => rows.map(row => Explorer.tradeoff.NAME(...row))"
    for constant in (0.01, 1.0, 1200.0):
        rows = np.transpose([gamma, z, np.full(1000, constant)]).tolist()
        answers = page.evaluate(ask.replace("NAME", "oneLogMultiplicity"), rows)
        one = np.asarray(answers, dtype=np.float64)
        known = np.asarray(overparameterization.one_log_multiplicity(gamma, z, constant))
        assert one == pytest.approx(known, rel=1e-9)
        if constant == 1:
            assert 100 < np.sum(gamma * one < 1 + 1e-9) < 900  # one term, and more
        answers = page.evaluate(ask.replace("NAME", "multiplicity"), rows)
        found = np.asarray(answers, dtype=np.float64)
        exists = np.isfinite(found)
        known = np.asarray(overparameterization.multiplicity(gamma[exists], z[exists], constant))
        assert found[exists] == pytest.approx(known, rel=1e-9)
        assert exists.sum() > 300


def test_the_lower_bound_agrees_with_slth(page: Page) -> None:
    """At the density k/n of the smallest integer n that satisfies Theorem 5, and just below."""
    cases = [(k, e, d) for k in (2, 9, 40, 400) for e in (0.05, 1e-3, 1e-6) for d in (1, 3, 8)]
    cases = [(k, e, d) for k, e, d in cases if d**2 <= 2 * k]
    least = [int(lower_bound.required_parameters(*case)) for case in cases]
    inside = [(*case, n) for case, n in zip(cases, least, strict=True) if 2 * case[0] < n]
    k, epsilon, d, n = np.transpose(inside)
    for size, sign in ((n, 1), (n - 1, -1)):
        rows = np.transpose([k / size, d**2, epsilon]).tolist()
        ask = "rows => rows.map(row => Explorer.tradeoff.lowerBound(...row))"
        found = np.asarray(page.evaluate(ask, rows))
        assert np.all(sign * (size - found) >= -1e-9 * size)
        left = found * np.asarray(binary_entropy(k / size))
        right = d**2 / 2 * np.log2(k / size * found / epsilon)
        assert left == pytest.approx(right, rel=1e-10)
    assert len(inside) >= 10


def test_measuring_finds_the_first_number_that_suffices(page: Page) -> None:
    rng = np.random.default_rng(9)
    samples = np.round(rng.uniform(-1, 1, (20, 14)) * GRID) / GRID
    for k in (None, 3):
        needed = page.evaluate(
            "([rows, k]) => rows.map(x => "
            "Explorer.measure.needed(Float64Array.from(x), k, 0.3, 0.01, 9))",
            [samples.tolist(), k],
        )
        for x, found in zip(samples, needed, strict=True):
            first = k or 1
            hits = [subset_sum.solve(x[:n], 0.3, size=k).error <= 0.01 for n in range(first, 15)]
            assert found == (first + hits.index(True) if any(hits) else 15)
    share, low, high = page.evaluate(
        "() => Explorer.measure.share({trials: 40, first: [0, 5, 8, 27]}, 2)"
    )
    limits = binomtest(13, 40).proportion_ci(0.95, method="wilson")
    assert (share, low, high) == pytest.approx((13 / 40, limits.low, limits.high))


def test_what_is_measured_agrees_with_the_prediction(explorer: Callable[..., Page]) -> None:
    """And does not where the law is broken."""
    for settings, law in (("law=uniform&n=12&e=-3", "uniform"), ("law=lattice&n=12&e=-2", "")):
        page = explorer(settings)
        page.wait_for_function(
            "document.querySelector('#sums-progress').textContent.includes('1,000 of 1,000')",
            timeout=60_000,
        )
        measured, theory = (
            float(re.findall(r"([\d.]+) %", text(page, name))[0]) / 100
            for name in ("sums-chance", "sums-theory")
        )
        assert (abs(measured - theory) < 0.08) == bool(law)
        assert page.locator("#sums-pause").is_hidden()


def test_the_keyboard_moves_the_target(explorer: Callable[..., Page]) -> None:
    page = explorer()
    target = page.get_by_role("slider", name="Target z")
    before = text(page, "sums-hits"), text(page, "sums-error")
    target.focus()
    outline = target.evaluate(
        "e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth"
    )
    assert outline == "solid3px"
    moves = {
        "ArrowRight": 0.31,
        "Shift+ArrowRight": 0.41,
        "PageDown": 0.31,
        "ArrowLeft": 0.3,
        "Home": -5,
        "End": 5,
    }
    for key, value in moves.items():
        page.keyboard.press(key)
        expect(target).to_have_attribute("aria-valuenow", str(value))
    page.wait_for_function("document.querySelector('#sums-hits').textContent === '0'")
    assert (text(page, "sums-hits"), text(page, "sums-error")) != before
    assert target.get_attribute("aria-valuetext") == "5.00"
    assert page.url.split("/")[-1].startswith("explorer.html")  # the theme did not turn the page
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement !== document.querySelector('#sums-target')")


def test_mouse_and_finger_move_the_target(explorer: Callable[..., Page]) -> None:
    page = explorer()
    box = page.locator("#sums-line").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    page.locator("#sums-target").hover()
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 60, steps=4)
    page.mouse.up()
    page.mouse.move(middle + 90, box["y"] + 60)
    expect(page.locator("#sums-target")).to_have_attribute(
        "aria-valuenow", re.compile(r"^-?0(\.0[0-4])?$")
    )
    phone = explorer(viewport=PHONE, has_touch=True, is_mobile=True)
    line = phone.locator("#sums-line")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    phone.touchscreen.tap(box["x"] + 16, box["y"] + 60)
    expect(phone.locator("#sums-target")).to_have_attribute("aria-valuenow", "-5")
    chart = phone.locator("#trade-chart")
    chart.scroll_into_view_if_needed()
    before = text(phone, "trade-n")
    box = chart.bounding_box()
    assert box is not None
    phone.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 90)
    phone.wait_for_function(f"document.querySelector('#trade-n').textContent !== '{before}'")


def test_settings_change_what_is_shown(built: Book, explorer: Callable[..., Page]) -> None:
    from book.extension import explorer_still

    page = explorer("n=18&k=9&z=0.25&e=-2&seed=5&law=uniform")
    x = explorer_still.sample(5, 18)
    assert text(page, "sums-hits") == f"{subset_sum.count(x, 0.25, tolerance=0.01, size=9):,}"
    assert "of 48,620" in text(page, "sums-total")
    page.get_by_label("any").check()
    page.get_by_role("slider", name="Numbers n").fill("10")
    page.locator("#explore-sums").get_by_role("slider", name="Tolerance").fill("-1")
    page.get_by_label("Seed").fill("6")
    hits = subset_sum.count(explorer_still.sample(6, 10), 0.25, tolerance=0.1)
    page.wait_for_function(f"document.querySelector('#sums-hits').textContent === '{hits}'")
    page.wait_for_function("location.hash.includes('k=any') && location.hash.includes('seed=6')")
    again = explorer(page.url.partition("#")[2])
    assert text(again, "sums-hits") == text(page, "sums-hits")
    page.locator("#explore-sums").get_by_role("button", name="Draw anew").click()
    page.wait_for_function("location.hash.includes('seed=7')")
    page.locator("#sums-z").fill("")
    page.get_by_role("button", name="One sign").click()
    page.wait_for_function("document.querySelector('#sums-hits').textContent === '0'")
    assert "never negative" in text(page, "sums-note")
    page.get_by_role("button", name="Reset").first.click()
    page.wait_for_function("document.querySelector('#sums-note').hidden")


def test_a_foolish_address_does_no_harm(page: Page, explorer: Callable[..., Page]) -> None:
    foolish = explorer("law=__proto__&n=1e9&k=-3&z=NaN&e=&seed=-1&err=7&g=2&mt=<script>&logs=0")
    for name in ("sums-hits", "sums-error", "trade-n", "trade-least"):
        assert text(foolish, name) == text(page, name)


LAYOUTS = """async ([name, key, frames]) => {
  const handle = document.getElementById(name);
  for (let i = 0; i < frames; i++) {
    handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    await new Promise(requestAnimationFrame);
  }
}"""


@pytest.mark.parametrize("name", ["sums-target", "trade-density"])
def test_a_frame_lays_out_the_page_once(explorer: Callable[..., Page], name: str) -> None:
    """In a long chapter each time costs milliseconds; none is spent on asking for widths."""
    page = explorer()
    page.locator(f"#{name}").scroll_into_view_if_needed()
    page.wait_for_selector("#sums-pause", state="hidden", timeout=60_000)  # nothing else is drawn
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable")

    def layouts() -> float:
        found = meter.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in found if one["name"] == "LayoutCount")

    before = layouts()
    page.evaluate(LAYOUTS, [name, "ArrowLeft", 30])
    assert 25 <= layouts() - before <= 45


def test_results_are_announced_once_things_are_quiet(explorer: Callable[..., Page]) -> None:
    page = explorer()
    status = page.get_by_role("status").first
    page.evaluate(
        """() => { window.said = []; new MutationObserver(() =>
          window.said.push(document.querySelector('#sums-status').textContent)
        ).observe(document.querySelector('#sums-status'), {childList: true}); }"""
    )
    page.locator("#sums-target").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("window.said.length > 0")
    page.wait_for_timeout(900)
    assert len(page.evaluate("window.said")) <= 2
    assert "subsets hit" in status.inner_text()


def test_reduced_motion_shows_the_curve_when_it_is_done(explorer: Callable[..., Page]) -> None:
    page = explorer("n=8&e=-4&seed=3", reduced_motion="reduce")
    page.evaluate(
        """() => { window.drawn = 0; new MutationObserver(() => window.drawn++)
          .observe(document.querySelector('#sums-curve svg'), {childList: true}); }"""
    )
    page.wait_for_function(
        "document.querySelector('#sums-progress').textContent.includes('1,000 of 1,000')",
        timeout=60_000,
    )
    assert page.evaluate("window.drawn") <= 2


def test_the_marker_reads_off_theorem_3(explorer: Callable[..., Page]) -> None:
    page = explorer("err=-2&mt=2&g=-2&c=0")
    n = float(overparameterization.multiplicity(0.01, 1e4))
    assert text(page, "trade-n") == f"{n:,.0f}"
    assert text(page, "trade-factor") == f"{4 * n:,.0f}"
    marker = page.get_by_role("slider", name="Density γ")
    marker.focus()
    page.keyboard.press("End")
    n = float(overparameterization.multiplicity(0.5, 1e4))
    page.wait_for_function(f"document.querySelector('#trade-n').textContent === '{n:,.0f}'")
    expect(marker).to_have_attribute("aria-valuetext", re.compile(r"^density 0.5,"))
    page.keyboard.press("Home")
    expect(marker).to_have_attribute("aria-valuenow", "-8")
    page.get_by_role("slider", name="Error ε").fill("-6")
    page.get_by_role("slider", name="Target weights").fill("9")
    page.get_by_role("slider", name="Constant").fill("-2")
    page.wait_for_function("document.querySelector('#trade-c-out').textContent === '0.01'")
    assert page.locator("#trade-chart path[d*='NaN']").count() == 0


def test_the_marker_changes_to_one_logarithm_and_back(explorer: Callable[..., Page]) -> None:
    page = explorer("err=-2&mt=2&g=-6&c=0")
    red = page.locator("#trade-density").evaluate("e => getComputedStyle(e).borderColor")
    page.get_by_role("radio", name="Theorem 3").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="one logarithm")).to_be_checked()
    n = float(overparameterization.one_log_multiplicity(1e-6, 1e4))
    page.wait_for_function(f"document.querySelector('#trade-n').textContent === '{n:,.0f}'")
    assert text(page, "trade-k") == "1"  # one product of a million
    assert page.locator("#trade-density").evaluate("e => getComputedStyle(e).borderColor") != red
    words = page.locator("#trade-chart svg").get_attribute("aria-label") or ""
    assert "the marker is on One logarithm at density" in words
    page.wait_for_function("location.hash.includes('logs=1')")
    again = explorer(page.url.partition("#")[2])
    assert text(again, "trade-n") == text(page, "trade-n")
    page.get_by_role("slider", name="Constant").fill("3.1")
    page.get_by_role("slider", name="Density γ").focus()
    page.keyboard.press("End")
    n = float(overparameterization.one_log_multiplicity(0.5, 1e4, 10**3.1))
    page.wait_for_function(f"document.querySelector('#trade-n').textContent === '{n:,.0f}'")
    page.locator("#trade-reset").click()
    expect(page.get_by_role("radio", name="Theorem 3")).to_be_checked()


CONTRAST = """() => {
  const light = color => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.querySelector('.explorer')).backgroundColor);
  const contrast = color => {
    const own = light(color);
    return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
  };
  const all = [...document.querySelectorAll('.explorer *')].filter(e => e.getClientRects().length);
  const words = all.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
  const lines = all.filter(e => e.matches('svg :is(.sums, .best, .kept, .left-out, .dot, .axis,'
    + ' .covered, .fresh, .here, .line-red, .line-green, .line-blue, .line-purple, .line-grey)'));
  const ink = e => [getComputedStyle(e).stroke, getComputedStyle(e).fill];
  const paint = e => e instanceof SVGElement ? getComputedStyle(e).fill : getComputedStyle(e).color;
  return {
    words: words.filter(e => !e.disabled).map(e => [contrast(paint(e)), e.textContent.trim()]),
    lines: lines.map(e => [Math.max(...ink(e).filter(c => c !== 'none').map(contrast)),
                           e.getAttribute('class')]),
  };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_stands_out(explorer: Callable[..., Page], scheme: str) -> None:
    page = explorer(color_scheme=scheme)
    page.wait_for_selector("#sums-curve circle", state="attached")
    page.locator("[data-preset=sign]").click()
    found = page.evaluate(CONTRAST)
    assert len(found["words"]) > 60
    assert len(found["lines"]) > 30
    assert [one for one in found["words"] if one[0] < 4.5] == []
    assert [one for one in found["lines"] if one[0] < 3] == []
    page.add_style_tag(
        content=".explorer { --explorer-grey: #888; --explorer-blue: #7d7d7d; "
        "--pst-color-text-muted: #808080 }"
    )
    page.evaluate("document.querySelector('.explorer').style.background = '#777'")
    faulty = page.evaluate(CONTRAST)
    assert [one for one in faulty["words"] if one[0] < 4.5] != []
    assert [one for one in faulty["lines"] if one[0] < 3] != []


OVERFLOWING = """() => [...document.querySelectorAll('.explorer *')]
  .filter(e => !(e instanceof SVGElement))
  .filter(e => !e.matches('.visually-hidden, .explorer-handle'))
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
    && getComputedStyle(e).display !== 'inline')
  .map(e => e.id || e.className)"""


def nameless(page: Page) -> list[str]:
    """Return the controls and pictures of the explorers that have no accessible name."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('.explorer :is(input, select, button, [role])')]
          .filter(e => e.getAttribute('role') !== 'status')
          .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim()
            || [...(e.labels ?? [])].some(label => label.textContent.trim())))
          .map(e => e.outerHTML.slice(0, 80))"""
    )
    return found


def test_controls_have_names_and_nothing_overflows(explorer: Callable[..., Page]) -> None:
    for size in (DESK, PHONE):
        page = explorer("n=24&law=outlier&e=-6&mt=9&err=-6", viewport=size)
        assert nameless(page) == []
        assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.evaluate("document.querySelector('#sums-k').removeAttribute('aria-label')")
    assert len(nameless(page)) == 1


def test_fits_a_narrower_window_before_it_is_drawn_anew(explorer: Callable[..., Page]) -> None:
    """The drawings follow the window in the next frame, which here never comes."""
    page = explorer()
    page.wait_for_selector("#sums-line svg *", state="attached")
    page.evaluate("window.requestAnimationFrame = () => 0")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    drawn_for, width, over = page.evaluate(
        """[document.querySelector('#sums-line svg').viewBox.baseVal.width,
            document.querySelector('#sums-line').clientWidth,
            document.documentElement.scrollWidth - document.documentElement.clientWidth]"""
    )
    assert drawn_for > width
    assert over <= 0


def test_each_explorer_fits_on_one_screen(page: Page) -> None:
    for name in ("explore-sums", "explore-cover", "explore-trade"):
        box = page.locator(f"#{name}").bounding_box()
        assert box is not None
        assert box["height"] < DESK["height"] - 60, name  # the theme's header is 48 pixels high


def test_without_scripts_there_is_a_figure_and_a_table(
    page: Page, explorer: Callable[..., Page]
) -> None:
    from book.extension import explorer_still

    plain = explorer(java_script_enabled=False)
    assert plain.locator(".explorer").first.is_hidden()
    for still in ("still-sums", "still-cover", "still-trade"):
        box = plain.locator(f".{still}")
        assert "needs scripts, but no network" in box.inner_text()
        assert box.locator("img").is_visible()
        assert len((box.locator("img").get_attribute("alt") or "").split()) > 20
        assert box.locator("table").is_visible()
    first = explorer_still.Sums()
    x = explorer_still.sample(first.seed, first.n)
    hits = subset_sum.count(x, first.z, tolerance=10**first.e)
    assert f"{hits} of them hit" in plain.locator(".still-sums figcaption").inner_text()
    assert text(page, "sums-hits") == str(hits)
    assert page.locator(".still-sums").is_hidden()
    assert page.locator(".still-trade").is_hidden()


def test_paper_shows_the_still_figure(explorer: Callable[..., Page]) -> None:
    page = explorer()
    page.emulate_media(media="print")
    assert page.locator(".explorer:visible").count() == 0
    assert page.locator(".explorer-still img:visible").count() == 3


def test_the_scripts_are_loaded_where_there_is_an_explorer_only(built: Book) -> None:
    """As one file."""
    texts = {path: path.read_text("utf-8") for path in built.pages()}
    users = {path.stem for path, text in texts.items() if "_static/explorer.js" in text}
    assert users == {path.stem for path, text in texts.items() if 'id="explore-' in text}
    assert users == {"explorer", *(chapter for chapter, _ in PANELS)}
    assert not any(text.count("_static/explorer.js") > 1 for text in texts.values())
    wide = [path.stem for path, text in texts.items() if "_static/explorer-page.css" in text]
    assert wide == ["explorer"]


# What each panel of a chapter begins with: an element, and what it says.
PANELS: dict[tuple[str, str], dict[str, str]] = {
    ("random-subset-sum", "sums"): {"sums-n-out": "16", "sums-k-out": ""},
    ("fixed-size-subset-sum", "sums"): {"sums-n-out": "16", "sums-k-out": "5"},
    ("rss-proof", "cover"): {"cover-bits-out": "2⁻⁶", "cover-after": "after 3 samples"},
    ("figure-one", "trade"): {"trade-e-out": "0.01", "trade-m-out": "100"},
}


@pytest.mark.parametrize(("chapter", "name"), PANELS)
def test_a_chapter_has_a_panel_of_its_own(
    explorer: Callable[..., Page], chapter: str, name: str
) -> None:
    """It begins as the chapter wants, fits a phone, and leaves the chapter's address alone."""
    foreign = f"n=3&bits=2&err=-4&at={name}"
    page = explorer(foreign, f"notebooks/{chapter}", viewport=PHONE)
    panel = page.locator(f"#explore-{name}")
    assert panel.is_visible()
    assert page.locator(f".still-{name}").is_hidden()
    shown = {one: text(page, one) for one in PANELS[chapter, name]}
    assert shown == PANELS[chapter, name]
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    before = page.url
    slider = panel.locator("input[type=range]:visible").first
    slider.press("ArrowLeft")
    link = panel.get_by_role("link", name="Open in the explorer")
    expect(link).to_have_attribute("href", re.compile(f"book/explorer.html#at={name}&"))
    page.wait_for_timeout(400)  # the explorer's own page writes its address after 300
    assert page.url == before
    value = slider.input_value()
    link.click()
    page.wait_for_url("**/book/explorer.html*")
    assert page.locator(f"#{slider_name(name)}").input_value() == value
    assert page.evaluate("scrollY") > 100


def slider_name(panel: str) -> str:
    """Return the name of a panel's first slider."""
    return {"sums": "sums-n", "cover": "cover-t", "trade": "trade-e"}[panel]


def test_the_still_figure_of_a_chapter_has_its_settings(built: Book) -> None:
    from book.extension import explorer_still

    x = explorer_still.sample(1, 16)
    hits = subset_sum.count(x, 0.3, tolerance=1e-3, size=5)
    page = parsed(next(one for one in built.chapters() if one.stem == "fixed-size-subset-sum"))
    still = page.select_one(".still-sums")
    assert still is not None
    assert f"{hits} of them hit it within 0.001" in " ".join(still.get_text().split())
    assert "explorer.html" in str(still.select_one("a"))
    assert still.select_one(".caption-number") is None
    image = still.select_one("img")
    assert image is not None
    assert len(str(image["alt"]).split()) > 20


@pytest.mark.parametrize("settings", ["m=3", "n=", "n", "n=x"])
def test_settings_that_an_explorer_does_not_have_are_refused(settings: str) -> None:
    from book.extension import explorer_still

    with pytest.raises(ValueError, match=r"setting|could not convert|bad query"):
        explorer_still.read("subset-sums", settings)


FILM = """cases => cases.map(([x, near, cells]) => {
  const sets = Explorer.coverage.film(x, near, cells);
  return [sets.map(set => [...set]), sets.map(Explorer.coverage.drift)];
})"""


def test_the_covered_set_agrees_with_slth(page: Page) -> None:
    """Row by row, ties of the rounding and samples beyond the window among them."""
    rng = np.random.default_rng(11)
    cases: list[tuple[list[float], int, int]] = []
    for i in range(40):
        cells = int(rng.choice([16, 16, 64, 512]))
        real, tied = rng.uniform(-1, 1, 10), rng.integers(-5 * cells, 5 * cells, 10) / cells
        cases.append(((real if i % 3 else tied).tolist(), int(rng.integers(1, cells // 4)), cells))
    found = page.evaluate(FILM, cases)
    ties = 0
    for (x, near, cells), (rows, growth) in zip(cases, found, strict=True):
        window = coverage.Window(cells)
        sets = coverage.trajectory(x, window.near_zero(near * window.cell), window)
        expected = [window.as_array(one).astype(int).tolist() for one in sets]
        assert rows == expected[: len(rows)]
        assert len(rows) == len(expected) or sets[len(rows) - 1] == window.full
        ties += int(np.sum(np.asarray(x) * cells / 2 % 1 == 0.5))
        if cells == 16:
            chances = window.shift_probabilities(LAWS["uniform"].cdf)
            drifts = [float(coverage_gain(one, window) @ chances) / cells for one in sets]
            assert growth == pytest.approx(drifts[: len(rows)], rel=1e-12, abs=1e-15)
    assert ties > 20
    wrong = page.evaluate(FILM, [[[-value for value in x], *rest] for x, *rest in cases])
    assert [rows for rows, _ in wrong] != [rows for rows, _ in found]


def coverage_gain(covered: int, window: coverage.Window) -> NDArray[np.int64]:
    """Return how many cells each shift adds to a set."""
    shifts = range(-window.cells, window.cells + 1)
    moved = [covered << d if d >= 0 else covered >> -d for d in shifts]
    return np.array([(one & window.full & ~covered).bit_count() for one in moved])


def test_the_covered_set_is_stepped_through(explorer: Callable[..., Page]) -> None:
    """By button, by slider and on its own; the address follows."""
    page = explorer("bits=5&row=0&run=4")
    rows = page.get_by_role("slider", name="Samples")
    last = int(rows.get_attribute("max") or 0)
    assert text(page, "cover-after") == "before any sample"
    page.get_by_role("button", name="Next sample").press("Enter")
    page.wait_for_function("document.querySelector('#cover-t').value === '1'")
    assert text(page, "cover-after") == "after 1 sample"
    x = explorer_sample(4)
    window = coverage.Window(512)
    sets = coverage.trajectory(x, window.near_zero(2.0**-5), window)
    shares = [one.bit_count() / window.cells for one in sets]
    assert last == shares.index(1.0)
    rows.press("ArrowRight")
    page.wait_for_function("document.querySelector('#cover-t').value === '2'")
    volume = f"document.querySelector('#cover-volume').textContent === '{shares[2]:.3f}'"
    page.wait_for_function(volume)  # drawn in the next frame
    rows.press("End")
    page.wait_for_function("document.querySelector('#cover-volume').textContent === '1.000'")
    page.wait_for_function("location.hash.includes('run=4')")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('#cover-t').value === '0'")
    page.wait_for_function("document.querySelector('#cover-t').value === '1'")
    page.locator("#explore-cover").get_by_role("button", name="Stop").click()
    page.locator("#cover-back").click()
    page.wait_for_function("document.querySelector('#cover-t').value === '0'")
    assert page.locator("#cover-play").inner_text() == "Play"


def explorer_sample(run: int) -> NDArray[np.float64]:
    """Return the samples of the covered set."""
    from book.extension import explorer_still

    return explorer_still.sample(run, 24)
