"""The social card: the picture that other sites show beside a link to the book."""

import io
from itertools import pairwise
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH, HEIGHT = 1200, 630
DPI = 100
INK, PAPER, MUTED, FADED = "#16202b", "#fbfaf7", "#5b6570", "#c9ced4"
BLUE, ORANGE = "#0072b2", "#d55e00"
LAYERS = (3, 9, 5, 9, 2)
KEPT = 0.13
"""The fraction of the edges of the drawing that its mask keeps."""


def card(title: str, text: str, foot: str) -> bytes:
    """Draw the card: the title at the left, a random network with its ticket at the right.

    Parameters
    ----------
    title, text, foot
        What it says: in large letters, in small ones, and in the last line.

    Returns
    -------
    bytes
        PNG of 1200 by 630 pixels; the same words give the same bytes.
    """
    with mpl.rc_context({"font.family": "STIXGeneral", "figure.constrained_layout.use": False}):
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
        head = figure.text(0.06, 0.86, fill(title, 17), size=56, weight="bold", color=INK, va="top")
        head.set_linespacing(1.0)
        figure.text(0.06, 0.40, fill(text, 42), size=23, color=MUTED, va="top", linespacing=1.35)
        figure.text(0.06, 0.08, foot, size=18, color=BLUE)
        axes = figure.add_axes((0.57, 0.06, 0.40, 0.88))
        axes.set_axis_off()
        _network(axes)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _network(axes: Axes) -> None:
    """Draw all edges faint, and those of a random mask in the colours of the book's figures."""
    rng = np.random.default_rng(2024)
    places = [
        [(column, row - (size - 1) / 2) for row in range(size)]
        for column, size in enumerate(LAYERS)
    ]
    for left, right in pairwise(places):
        for start in left:
            for end in right:
                kept, positive = rng.random() < KEPT, rng.random() < 0.5
                x, y = zip(start, end, strict=True)
                colour = (BLUE if positive else ORANGE) if kept else FADED
                axes.plot(x, y, color=colour, lw=3.4 if kept else 0.9, zorder=2 if kept else 1)
    for place in (place for column in places for place in column):
        axes.plot(*place, "o", ms=15, mfc=PAPER, mec=INK, mew=2.2, zorder=3)
