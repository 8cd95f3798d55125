"""Access: what axe-core finds, headings, the keyboard, spoken formulas, motion."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.book.conftest import DESK, PARTS, PHONE, ROOT, Book, show, watched

pytestmark = pytest.mark.book
group = pytest.mark.xdist_group("book")

AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"

# Formulas are thousands of elements that are hidden from assistive technology; what is told in
# their place has a test of its own, and axe does not know that MathML is text.
RUN_AXE = """(skipped) =>
axe.run({exclude: skipped.map((what) => [what])}, {resultTypes: ['violations']}).then((found) =>
  found.violations.flatMap((rule) => rule.nodes
    .filter((node) => !(rule.id === 'empty-table-header' &&
                        document.querySelector(node.target[0]).querySelector('math')))
    .map((node) =>
      `${rule.impact}: ${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))"""

OUTLINE = """() => [document.documentElement.lang,
  [...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')]
    .filter((one) => one.checkVisibility())
    .map((one) => [Number(one.tagName[1]), one.textContent.replace(/#$/, '').trim()])]"""

FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const room = one.getBoundingClientRect();
  return {
    tag: one.tagName, name: (one.getAttribute('aria-label') || one.textContent).trim(),
    math: one.closest('mjx-container') !== null,
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: room.width > 0 && room.bottom > 0 && room.top < innerHeight && room.right > 0,
    article: one.closest('article') !== null,
  };
}"""


# What moves has come to rest in the next frame; a browser that is busy may draw none for long.
AT_REST = "() => new Promise((go) => { requestAnimationFrame(go); setTimeout(go, 2000); })"


@pytest.fixture(scope="module")
def axe() -> str:
    """Return axe-core; ``make test`` installs it, and under CI it must be there."""
    if not AXE.is_file():
        reason = "axe-core is missing: npm ci --prefix tests"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return AXE.read_text("utf-8")


def violations(page: Page, axe: str, *skipped: str) -> list[str]:
    """Return what axe-core finds on the open page, of any impact, outside formulas."""
    page.evaluate(axe)
    found: list[str] = page.evaluate(RUN_AXE, ["mjx-container", *skipped])
    return [f"{Path(page.url).name}: {' '.join(one.split())}" for one in found]


@pytest.mark.parametrize("part", range(PARTS))
def test_axe_finds_nothing_and_headings_are_in_order(
    built: Book, browser: Browser, axe: str, part: int
) -> None:
    """Quickly: formulas stay TeX, and code, which has the same colours everywhere, is left out.

    One program makes all pages of the reference, another one those of the ledger; one page of each
    stands for all but their headings.
    """
    page = watched(browser, DESK, [])
    page.route("**/mathjax/**", lambda route: route.abort())
    found = []
    for path in built.pages()[part::PARTS]:
        page.goto(path.as_uri(), wait_until="load")
        if path.parent.name not in ("api", "claims") or path.stem in ("subset-sum", "relu-trick"):
            found += violations(page, axe, "pre")
        found += [f"{path.name}: {one}" for one in outline(*page.evaluate(OUTLINE))]
    page.context.close()
    assert found == []


@group
@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE], ids=str)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_size_and_theme(
    built: Book,
    browser: Browser,
    axe: str,
    size: dict[str, int],
    scheme: Literal["light", "dark"],
) -> None:
    page = watched(browser, size, [])
    page.emulate_media(color_scheme=scheme)
    found = []
    for path in built.pages():
        show(page, path)
        found += violations(page, axe)
    page.context.close()
    assert found == []


@group
def test_axe_sees_what_is_wrong(browser: Browser, axe: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.html"
    path.write_text(
        """<html><head><title>x</title></head><body><main><h1>Title</h1><h3>Skipped</h3>
        <button></button><img src="data:,"><p style="color: #999; background: #fff">Pale</p>
        <div style="height: 20px; overflow: auto"><p style="height: 90px">Far</p></div>
        <ul><p>no item</p></ul><a href="#"></a></main><p>Outside</p></body></html>"""
    )
    page = watched(browser, DESK, [])
    page.goto(path.as_uri())
    found = "\n".join(violations(page, axe))
    page.context.close()
    for rule in (
        "html-has-lang",
        "button-name",
        "image-alt",
        "color-contrast",
        "heading-order",
        "scrollable-region-focusable",
        "list",
        "link-name",
        "region",
    ):
        assert f" {rule}:" in found, f"{rule} is not in\n{found}"


def outline(language: str, headings: list[tuple[int, str]]) -> list[str]:
    """Return what is wrong with the language and the headings of a page."""
    wrong = [] if language == "en" else [f"the language is '{language}'"]
    levels = [level for level, _ in headings]
    if levels.count(1) != 1 or levels[:1] != [1]:
        wrong.append(f"the headings have the levels {levels}, not 1 once, at first")
    wrong += [
        f"'{text}' skips a level"
        for (before, _), (level, text) in pairwise(headings)
        if level > before + 1
    ]
    return wrong + ["an empty heading" for _, text in headings if not text]


def test_the_outline_sees_what_is_wrong() -> None:
    found = " ".join(outline("", [(2, "A"), (1, "B"), (3, "C"), (4, "")]))
    for fault in ("the language is ''", "not 1 once", "'C' skips", "an empty heading"):
        assert fault in found
    assert outline("en", [(1, "A"), (2, "B"), (3, "C"), (2, "D")]) == []


def stops(page: Page, number: int) -> list[dict[str, Any]]:
    """Press Tab so often and return where the focus was, until it leaves the page."""
    found: list[dict[str, Any]] = []
    for _ in range(number):
        page.keyboard.press("Tab")
        page.evaluate(AT_REST)
        stop = page.evaluate(FOCUS)
        if stop["tag"] == "BODY":
            break
        found.append(stop)
    return found


def focus_faults(found: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with tab stops: unseen, unnamed, or single formulas."""
    return [
        f"{stop['tag']} '{stop['name'][:30]}' {fault}"
        for stop in found
        for fault, wrong in (
            ("has no ring", not stop["ring"]),
            ("is out of sight", not stop["seen"]),
            ("has no name", not stop["name"]),
            ("is a formula", stop["math"]),
        )
        if wrong
    ]


@group
def test_the_keyboard_reaches_everything_and_is_seen(built: Book, browser: Browser) -> None:
    """The skip link first, then navigation, then the article in the order of the page."""
    page = watched(browser, DESK, [])
    page.emulate_media(reduced_motion="reduce")
    show(page, built.chapters()[0])
    found = stops(page, 70)
    assert found[0]["name"] == "Skip to main content"
    assert focus_faults(found) == []
    inside = [stop["article"] for stop in found]
    first = inside.index(True)
    assert all(inside[first : first + 15]), "the focus leaves the article and comes back"
    assert {"A", "BUTTON", "SUMMARY"} <= {stop["tag"] for stop in found}
    page.reload()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#main-content, main') !== null")
    page.context.close()


@group
def test_the_keyboard_test_sees_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "faulty.html"
    path.write_text(
        """<style>* {outline: none !important}</style><button></button>
        <a href="#" style="position: fixed; left: -999px">off</a>
        <mjx-container tabindex="0">x</mjx-container>"""
    )
    page = watched(browser, DESK, [])
    page.goto(path.as_uri())
    text = " ".join(focus_faults(stops(page, 9)))
    page.context.close()
    for fault in ("no ring", "out of sight", "no name", "is a formula"):
        assert fault in text


@group
def test_controls_open_by_keyboard(built: Book, browser: Browser) -> None:
    """Hidden cells, solutions, the theme and the search: with no mouse."""
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    show(page, built.chapters()[0])

    hidden = page.locator("details.hide").first
    assert not hidden.evaluate("one => one.open")
    hidden.locator("summary").press("Enter")
    assert hidden.evaluate("one => one.open")

    solution = page.locator(".solution.dropdown").first
    height = solution.bounding_box()
    solution.locator(".toggle-button").press("Enter")
    page.wait_for_timeout(300)
    opened = solution.bounding_box()
    assert height is not None
    assert opened is not None
    assert opened["height"] > height["height"] + 50

    before = page.evaluate("document.documentElement.dataset.mode")
    page.locator(".theme-switch-button:visible").press("Enter")
    assert page.evaluate("document.documentElement.dataset.mode") != before

    page.keyboard.press("Control+k")
    page.wait_for_selector("dialog[open] input[type=search]")
    page.keyboard.type("subset")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached", timeout=5000)
    page.context.close()
    assert complaints == []


@group
def test_formulas_can_be_spoken(built: Book, browser: Browser) -> None:
    page = watched(browser, DESK, [])
    show(page, built.html / "book" / "notation.html")
    formulas = page.locator("mjx-container").count()
    assert formulas > 0
    assert page.locator("mjx-container > mjx-assistive-mml > math").count() == formulas
    assert page.locator("mjx-container > mjx-math[aria-hidden=true]").count() == formulas
    page.context.close()


@group
def test_less_motion_is_no_motion(built: Book, browser: Browser) -> None:
    page = watched(browser, DESK, [])
    moving = """() => [...document.querySelectorAll('*')].filter((one) => {
      const style = getComputedStyle(one);
      const longest = (text) => Math.max(...text.split(',').map(parseFloat));
      return longest(style.transitionDuration) > 0 || longest(style.animationDuration) > 0
        || style.scrollBehavior === 'smooth';
    }).length"""
    page.emulate_media(reduced_motion="no-preference")
    show(page, built.html / "book" / "differences.html")
    assert page.evaluate(moving) > 0, "the measure sees motion where it is allowed"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
    page.context.close()


@group
def test_wide_formulas_are_scrolled_by_keyboard(built: Book, browser: Browser) -> None:
    """What holds a formula is a tab stop exactly where it scrolls, and scrolls where it is cut."""
    page = watched(browser, {"width": 300, "height": 800}, [])
    show(page, built.html / "notebooks" / "dense-networks.html")
    counts = """() => {
      const holders = [...document.querySelectorAll('mjx-container[display="true"], span.math')];
      const wide = holders.filter((one) => one.clientWidth > 0 &&
        one.querySelector('mjx-math').getBoundingClientRect().width > one.clientWidth + 2);
      const stops = holders.filter((one) => one.tabIndex === 0 &&
        getComputedStyle(one).overflowX === 'auto');
      return [wide.length, stops.length];
    }"""
    page.wait_for_selector(".scrolls")
    wide, reached = page.evaluate(counts)
    assert wide == reached > 0
    page.set_viewport_size({"width": 1800, "height": 800})
    page.wait_for_selector(".scrolls", state="detached")
    assert page.evaluate(counts) == [0, 0]
    page.context.close()
