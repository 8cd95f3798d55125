"""The look: the cover's drawing is the true ticket; figures are legible in the dark and in grey."""

import colorsys
import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

import slth
from book.extension.cover import card
from book.extension.footer import footer
from book.make import drawing
from slth.plotting import COLORS, INK
from tests.book.conftest import ROOT

STYLE = (ROOT / "book" / "_static" / "book.css").read_text("utf-8")

# The matrix of hue-rotate(180deg) in the specification of CSS filters.
HALF_TURN = np.array([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]])


def rgb(color: str) -> NDArray[np.float64]:
    """Return the three parts of ``#rrggbb``, between 0 and 1."""
    return np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def luminance(color: NDArray[np.float64]) -> float:
    """Return the relative luminance of WCAG."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the contrast ratio of WCAG."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def at_night(color: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the filter of the style sheet makes of a colour."""
    match = re.search(r"filter: invert\(([\d.]+)\) hue-rotate\(180deg\)", STYLE)
    assert match is not None
    amount = float(match[1])
    inverted = amount - (2 * amount - 1) * color
    turned: NDArray[np.float64] = np.clip(HALF_TURN @ np.clip(inverted, 0, 1), 0, 1)
    return turned


def variable(name: str) -> list[NDArray[np.float64]]:
    """Return the colour of a variable in the light and in the dark."""
    return [rgb(color) for color in re.findall(rf"--{name}: (#\w{{6}});", STYLE)]


def hue_moves(color: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return by how many degrees two hues differ."""
    one, two = (360 * colorsys.rgb_to_hsv(*map(float, each))[0] for each in (color, other))
    return abs((one - two + 180) % 360 - 180)


def test_the_cover_shows_the_true_ticket() -> None:
    found = drawing.ticket()
    picture = drawing.PICTURE.read_text("utf-8")
    assert drawing.draw(found) == picture, "run python -m book.make.drawing"
    assert slth.verify(found, drawing.target()).max_weight_error <= drawing.TOLERANCE
    drawn = {tuple(map(int, at.split())) for at in re.findall(r'data-edge="([\d ]+)"', picture)}
    kept = {
        (layer, int(row), int(column))
        for layer, mask in enumerate(found.mask.layers)
        for row, column in np.argwhere(mask)
    }
    assert drawn == kept
    removed = sum(map(int, re.findall(r'data-edges="(\d+)"', picture)))
    curves = len(re.findall(r"M[\d.]+ [\d.]+C", picture))
    assert removed + len(kept) == found.mask.total == curves - 6, "six belong to the target"


def test_a_drawing_of_another_mask_is_noticed() -> None:
    other = slth.prune(drawing.target(), weight_tolerance=0.1, objective="fewest", seed=1)
    assert drawing.draw(other) != drawing.PICTURE.read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in COLORS if name != "grey"])
def test_figures_keep_their_hues_in_the_dark(name: str) -> None:
    color = rgb(COLORS[name])
    assert hue_moves(color, at_night(color)) < 5
    assert hue_moves(color, 1 - color) > 90, "without the half turn the hue would be lost"


@pytest.mark.parametrize("name", COLORS)
def test_figures_stand_out_in_the_dark(name: str) -> None:
    assert contrast(at_night(rgb(COLORS[name])), at_night(np.ones(3))) >= 3


@pytest.mark.parametrize("name", COLORS)
def test_words_in_figures_can_be_read(name: str) -> None:
    ink, light = rgb(INK[name]), variable("paper")[0]
    assert contrast(ink, light) >= 4.5
    assert contrast(at_night(ink), at_night(np.ones(3))) >= 4.5
    if name != "grey":
        assert hue_moves(ink, rgb(COLORS[name])) < 12


def test_the_ground_of_a_figure_is_the_page() -> None:
    dark = variable("paper")[1]
    np.testing.assert_allclose(at_night(np.ones(3)), dark, atol=1 / 255)


def test_colours_of_the_first_lines_differ_in_grey() -> None:
    """Lines that share a figure differ in grey, or chapters give them markers and dashes."""
    greys = {name: luminance(rgb(color)) ** (1 / 2.2) for name, color in COLORS.items()}
    alike = {
        (one, two)
        for (one, light), (two, other) in combinations(greys.items(), 2)
        if abs(light - other) < 0.03
    }
    assert alike == {("blue", "grey"), ("orange", "sky")}


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("ink", "panel"),
        ("ink-soft", "paper"),
        ("ink-soft", "panel"),
        ("link", "paper"),
        ("link", "panel"),
        ("warm", "paper"),
        ("computed", "computed-ground"),
        ("simulated", "simulated-ground"),
        ("unchecked", "unchecked-ground"),
    ],
)
def test_text_has_contrast_in_both_themes(text: str, ground: str) -> None:
    pairs = list(zip(variable(text), variable(ground), strict=True))
    assert len(pairs) == 2
    for one, other in pairs:
        assert contrast(one, other) >= 4.5, f"{text} on {ground}"


def test_contrast_is_measured() -> None:
    assert contrast(np.zeros(3), np.ones(3)) == pytest.approx(21)
    assert contrast(rgb("#777777"), np.ones(3)) < 4.5


def test_a_card_leads_to_its_chapter() -> None:
    text = card("/notebooks/01-one", 1, "One", "Why $k$?", "3 min to read")
    assert ":link: /notebooks/01-one" in text
    assert "Why $k$?" in text


def test_the_footer_says_how_and_from_what() -> None:
    result = {
        "seconds": 12.4,
        "digest": "0123456789abcdef",
        "parameters": {"seed": 7, "trials": 100},
        "overrides": {"trials": 10},
    }
    text = footer("01-one", "fast", result, "owner/name")
    for part in ("**12 s**", "**fast** profile", "seed **7**", "`0123456789ab`"):
        assert part in text
    assert "https://github.com/owner/name/blob/HEAD/notebooks/01-one.md" in text
    assert "github" not in footer("01-one", "fast", result)
