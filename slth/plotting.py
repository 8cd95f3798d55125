"""One figure style for the book: SVG, colour-blind safe, readable in grey and on paper."""

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "grey": "#6E6E6E",
}
"""Okabe and Ito's palette, whose hues stay apart for the common colour-vision deficiencies."""

_STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "figure.figsize": (6.4, 3.6),
    "figure.constrained_layout.use": True,
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=list(COLORS.values())),
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "mathtext.fontset": "dejavusans",
    # Letters as outlines: an SVG inside <img> sees neither the page's fonts nor ours.
    "svg.fonttype": "path",
    # The same figure gives the same file.
    "svg.hashsalt": "slth",
}


def use_style() -> None:
    """Set the book's Matplotlib style for this process, with SVG output in a notebook.

    Examples
    --------
    >>> from slth import plotting
    >>> plotting.use_style()
    >>> import matplotlib as mpl
    >>> mpl.rcParams["svg.hashsalt"]
    'slth'
    """
    mpl.rcParams.update(_STYLE)
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})


def figure(
    rows: int = 1, columns: int = 1, *, height: float = 3.6, width: float = 6.4, **kwargs: Any
) -> tuple[Figure, Any]:
    """Return a new figure and its axes, ``width`` × ``height`` inches.

    Parameters
    ----------
    rows, columns
        Number of panels.
    height, width
        Size of the whole figure in inches; 6.4 inches fill the book's text column.
    **kwargs
        Passed to :func:`matplotlib.pyplot.subplots`.

    Returns
    -------
    tuple
        The figure, and one :class:`~matplotlib.axes.Axes` or an array of them.

    Examples
    --------
    >>> from slth import plotting
    >>> fig, axes = plotting.figure(1, 2)
    >>> len(axes)
    2
    """
    return plt.subplots(rows, columns, figsize=(width, height), **kwargs)


def direct_label(axes: Axes, x: float, y: float, text: str, color: str, **kwargs: Any) -> None:
    """Write ``text`` at data position ``(x, y)`` in ``color``: a label that needs no legend.

    Parameters
    ----------
    axes
        Where to write.
    x, y
        Position in data coordinates.
    text, color
        The label and its colour.
    **kwargs
        Passed to :meth:`matplotlib.axes.Axes.annotate`.

    Examples
    --------
    >>> from slth import plotting
    >>> fig, axes = plotting.figure()
    >>> plotting.direct_label(axes, 0.5, 0.5, "threshold", plotting.COLORS["red"])
    """
    axes.annotate(
        text,
        (x, y),
        xytext=kwargs.pop("xytext", (4, 4)),
        textcoords="offset points",
        color=color,
        **kwargs,
    )
