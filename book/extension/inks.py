"""The inks of the figures for what is drawn in the page, in the light and in the dark."""

import re
from pathlib import Path

import numpy as np

from slth.plotting import INK

_STYLE = Path(__file__).resolve().parents[1] / "_static" / "book.css"
_HALF_TURN = np.array([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]])
"""The matrix of ``hue-rotate(180deg)`` in the specification of CSS filters."""


def at_night(color: str, amount: float) -> str:
    """Return what the dark theme makes of a colour in a figure: inverted, and its hue turned back.

    Parameters
    ----------
    color
        ``#rrggbb``.
    amount
        How far it is inverted, between 0 and 1.

    Examples
    --------
    >>> at_night("#0072B2", 1.0)
    '#42b4f4'
    """
    light = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    inverted = amount - (2 * amount - 1) * light
    turned = np.clip(_HALF_TURN @ inverted, 0, 1)
    return "#" + "".join(f"{round(255 * part):02x}" for part in turned)


def variables(prefix: str) -> str:
    """Return a style sheet that names all inks, as they are on paper and in the dark theme."""
    style = _STYLE.read_text("utf-8")
    (amount,) = re.findall(r"filter: invert\(([\d.]+)\) hue-rotate\(180deg\)", style)
    dark = {name: at_night(color, float(amount)) for name, color in INK.items()}
    themes = {"light": INK, "dark": dark}
    return "".join(
        f'html[data-theme="{theme}"] {{ '
        + " ".join(f"--{prefix}-{name}: {color};" for name, color in inks.items())
        + " }\n"
        for theme, inks in themes.items()
    )
