"""Every page as it is seen, at three widths: kept as pictures, and judged by what is wrong in them.

The pictures are not compared with earlier ones, which every change of prose would break.  A page is
at fault if something leaves the window, covers something else, is cut off, or is not there.
"""

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.book.conftest import ROOT, Book, show, watched

pytestmark = [pytest.mark.book, pytest.mark.slow, pytest.mark.xdist_group("screenshots")]

PICTURES = ROOT / "_build" / "screenshots"
BLANK = 700
"""Height in pixels of a band without ink that no page has on purpose."""

SLICE = 8000
"""Height in pixels of one shot: Chromium leaves blank what is beyond 16384."""

VIEWS: list[tuple[int, Literal["light", "dark"]]] = [
    (390, "light"),
    (390, "dark"),
    (820, "light"),
    (1280, "light"),
    (1280, "dark"),
]

# What the layout itself tells.  Boxes in a scroller may be wider than the window, and whatever is
# hidden from the eye on purpose (a name for screen readers, a closed menu) is left out.
LAYOUT = """() => {
  const found = [];
  const room = document.documentElement.clientWidth;
  const article = document.querySelector('article, main') || document.body;
  const tell = (one, fault) => {
    const text = (one.id || one.textContent).trim().replace(/\\s+/g, ' ').slice(0, 40);
    found.push(`${one.tagName.toLowerCase()}.${one.classList[0] || ''} '${text}' ${fault}`);
  };
  const seen = (one) => one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const scrolls = (one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
  const scroller = (one) => {
    for (let up = one.parentElement; up; up = up.parentElement) if (scrolls(up)) return up;
    return null;
  };
  const spoken = 'mjx-assistive-mml, mjx-assistive-mml *, .visually-hidden, .sr-only';
  for (const one of article.querySelectorAll('*')) {
    if (one.ownerSVGElement || one.matches(spoken) || !seen(one)) continue;
    const box = one.getBoundingClientRect();
    if (!box.width || !box.height) {
      if (one.matches('img, svg, video, canvas')) tell(one, 'has no size');
      continue;
    }
    if (one.matches('img') && !one.naturalWidth) tell(one, 'is an image that is not there');
    const outside = box.right > room + 1 || box.left < -1;
    if (outside && !scroller(one) && !one.closest('mjx-container *')) {
      tell(one, `reaches from ${Math.round(box.left)} to ${Math.round(box.right)} of ${room}`);
    }
    const style = getComputedStyle(one);
    const cut = ['hidden', 'clip'].includes(style.overflowX) && style.display !== 'inline' &&
      style.textOverflow !== 'ellipsis';
    // Beside a formula stands a copy for screen readers, which widens what its box could scroll.
    const formula = one.querySelector(':scope > mjx-container > mjx-math');
    const width = formula ? formula.getBoundingClientRect().width : one.scrollWidth;
    if (cut && width > one.clientWidth + 2 && one.textContent.trim() &&
        !one.closest('mjx-container')) tell(one, 'is cut off');
  }
  const blocks = [...article.querySelectorAll(
    'p, h1, h2, h3, h4, li > p, table, figure, pre, div.math, .admonition-title')].filter(seen);
  for (const [index, one] of blocks.entries()) {
    const box = one.getBoundingClientRect();
    for (const other of blocks.slice(index + 1, index + 6)) {
      if (one.contains(other) || other.contains(one)) continue;
      const next = other.getBoundingClientRect();
      const down = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
      const across = Math.min(box.right, next.right) - Math.max(box.left, next.left);
      if (down > 4 && across > 4 && box.height && next.height) {
        tell(one, `covers '${other.textContent.trim().slice(0, 30)}'`);
      }
    }
  }
  return found;
}"""

# Where an anchor leads must not lie below what sticks to the top.
COVERED = """(id) => {
  const one = document.getElementById(id);
  one.scrollIntoView();
  const heading = one.querySelector('h1, h2, h3') || one;
  const box = heading.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + 8, box.top + Math.min(box.height, 30) / 2);
  return top !== null && (heading.contains(top) || top.contains(heading));
}"""


def picture(page: Page, path: Path) -> Image.Image:
    """Take a picture of the whole page, and keep it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = page.evaluate(
        "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
    )
    whole = Image.new("RGB", (width, height))
    for top in range(0, height, SLICE):
        part = page.screenshot(
            clip={"x": 0, "y": top, "width": width, "height": min(SLICE, height - top)},
            full_page=True,
            animations="disabled",
            timeout=180_000,
        )
        whole.paste(Image.open(io.BytesIO(part)), (0, top))
    whole.save(path, compress_level=1)
    return whole


def blank_bands(image: Any, longest: int = BLANK) -> list[str]:
    """Return the bands of a picture in which nothing is to be seen.

    Parameters
    ----------
    image
        Height by width by colours, from 0 to 255.
    longest
        How high a band may be.
    """
    spread = np.ptp(image[..., :3], axis=1).max(axis=1)
    ink = np.flatnonzero(spread > 12)
    if not len(ink):
        return ["nothing is to be seen"]
    edges = np.concatenate([[0], ink, [len(image)]])
    gaps = np.diff(edges)
    return [
        f"{gap} pixels from {edges[index]} on are blank"
        for index, gap in enumerate(gaps)
        if gap > longest
    ]


def article_faults(page: Page, image: Image.Image) -> list[str]:
    """Return what is blank in the part of the picture that is the article."""
    box = page.locator("article, main").last.bounding_box()
    assert box is not None
    x, y = int(box["x"]), int(box["y"])
    return blank_bands(
        np.asarray(image)[y : y + int(box["height"]), max(x, 0) : x + int(box["width"])]
    )


def faults(page: Page, path: Path, image: Path) -> list[str]:
    """Open a page, keep its picture, return what is wrong with how it looks."""
    show(page, path)
    page.evaluate("window.scrollTo(0, 0)")
    found: list[str] = page.evaluate(LAYOUT)
    found += article_faults(page, picture(page, image))
    headings = page.evaluate(
        "[...document.querySelectorAll('article section[id] > :is(h2, h3)')]"
        ".map((one) => one.parentElement.id)"
    )
    found += [
        f"'#{name}' leads below what sticks to the top"
        for name in headings
        if not page.evaluate(COVERED, name)
    ]
    return [f"{path.name}: {one}" for one in found]


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_every_page_is_whole(
    built: Book, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = watched(browser, {"width": width, "height": 900}, [])
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found = []
    for path in built.pages():
        name = "-".join(path.relative_to(built.html).with_suffix("").parts)
        image = PICTURES / f"{name}-{width}-{scheme}.png"
        found += faults(page, path, image)
    page.context.close()
    assert found == []


def test_the_eye_sees_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """A page with each fault; what is at fault on purpose only is left alone."""
    path = tmp_path / "faulty.html"
    path.write_text(
        """<html><head><meta name="viewport" content="width=device-width"><style>
        * {margin: 0} header {position: fixed; top: 0; height: 60px; width: 100%; background: #ccc}
        </style></head><body><header>bar</header><article>
        <p style="position: absolute; left: 300px; width: 200px">wide</p>
        <div style="overflow-x: auto"><p style="width: 900px">scrolls, as it may</p></div>
        <p style="overflow: hidden; white-space: nowrap; width: 80px">this text is cut in two</p>
        <img src="gone.svg" width="9" height="9"><svg width="0" height="0"></svg>
        <p style="height: 30px">below</p><p style="margin-top: -20px">above</p>
        <div style="height: 900px"></div>
        <section id="part"><h2>Part</h2><p>Text</p></section><div style="height: 2000px"></div>
        </article></body></html>"""
    )
    page = watched(browser, {"width": 390, "height": 844}, [])
    text = "\n".join(faults(page, path, tmp_path / "faulty.png"))
    page.context.close()
    for fault in (
        "p. 'wide' reaches from 300 to 500 of 390",
        "p. 'this text is cut in two' is cut off",
        "'' is an image that is not there",
        "svg. '' has no size",
        "p. 'below' covers 'above'",
        "are blank",
        "'#part' leads below",
    ):
        assert fault in text, f"{fault} is not in\n{text}"
    assert "scrolls, as it may' reaches" not in text


def test_a_band_is_blank_only_without_ink() -> None:
    image = np.full((1000, 50, 3), 255, np.uint8)
    assert blank_bands(image) == ["nothing is to be seen"]
    image[100, 10], image[900, 10] = 0, 0
    assert blank_bands(image) == ["800 pixels from 100 on are blank"]
    image[500, 3] = 128
    assert blank_bands(image) == []
    assert blank_bands(np.full((9, 9, 3), 25, np.uint8)) == ["nothing is to be seen"]
