"""The palette of the figures as inks: dark enough to be read on paper, light enough at night."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slth.plotting import COLORS

CONTRAST = 4.6
"""A little above what WCAG asks of text."""

_STYLE = Path(__file__).resolve().parents[1] / "_static" / "book.css"


def ink(color: str, ground: str) -> str:
    """Return a colour mixed with black or white, whichever stands out, until it can be read.

    >>> ink("#0072B2", "#ffffff"), ink("#0072B2", "#1a1a1a")
    ('#0072b2', '#2e8bc0')
    """
    own, paper = _rgb(color), _rgb(ground)
    end = np.full(3, float(_luminance(paper) < 0.18))
    mixed = (own + share * (end - own) for share in np.linspace(0, 1, 101))
    found = next(one for one in mixed if _contrast(one, paper) >= CONTRAST)
    return "#" + "".join(f"{round(255 * part):02x}" for part in found)


def variables(prefix: str) -> str:
    """Return a style sheet that defines every ink of the palette, in the light and in the dark."""
    papers = re.findall(r"--paper: (#\w{6});", _STYLE.read_text("utf-8"))
    rules = []
    for theme, paper in zip(("light", "dark"), papers, strict=True):
        inks = " ".join(f"--{prefix}-{name}: {ink(COLORS[name], paper)};" for name in COLORS)
        rules.append(f'html[data-theme="{theme}"] {{ {inks} }}\n')
    return "".join(rules)


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])


def _luminance(color: NDArray[np.float64]) -> float:
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)
