"""One figure style for the book: SVG, colour-blind safe, readable in grey and on paper."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#E0442A",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "grey": "#6E6E6E",
}
"""Okabe and Ito's palette, whose hues stay apart for the common colour-vision deficiencies.

Its vermilion is a red here, as light as theirs, so that a caption may call it by its name.
"""

INK = {
    "blue": "#0072B2",
    "orange": "#8F5F00",
    "green": "#007A59",
    "red": "#C2361A",
    "purple": "#A2487C",
    "sky": "#1F78B0",
    "grey": "#5E5E5E",
}
"""The same hues, dark enough for words: a contrast of 4.5 on the page, in the light and in the
dark."""

_INK_OF = {COLORS[name]: INK[name] for name in COLORS}

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
    rows, columns : int
        Number of panels.
    height, width : float
        Size of the whole figure in inches; 6.4 inches fill the book's text column.
    **kwargs : object
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
    axes : Axes
        Where to write.
    x, y : float
        Position in data coordinates.
    text, color : str
        The label and its colour; a colour of :data:`COLORS` is written in its :data:`INK`.
    **kwargs : object
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
        color=_INK_OF.get(color, color),
        **kwargs,
    )


def draw_network(
    axes: Axes, weights: Sequence[ArrayLike], masks: Sequence[ArrayLike] | None = None
) -> None:
    """Draw a layered network from left to right: kept edges coloured by sign, removed ones faint.

    Blue edges are positive, red ones negative, and the wider the larger in magnitude.  A neuron
    that keeps no edge at all is drawn faint, too.

    Parameters
    ----------
    axes : Axes
        Where to draw; its frame is switched off.
    weights : sequence of array_like
        One matrix of shape ``(out, in)`` per layer.
    masks : sequence of array_like, optional
        Which weights are kept, 0/1 arrays of the same shapes; all of them by default.

    Raises
    ------
    ValueError
        If the shapes of consecutive layers, or of weights and masks, do not fit.

    Examples
    --------
    >>> from slth import plotting
    >>> fig, axes = plotting.figure()
    >>> plotting.draw_network(axes, [[[0.5], [-0.5]], [[1.0, 1.0]]], [[[1], [0]], [[1, 0]]])
    >>> kept, removed = sorted(axes.collections[:2], key=lambda lines: -lines.get_zorder())
    >>> len(kept.get_segments()), len(removed.get_segments())
    (2, 2)
    """
    layers: list[NDArray[np.float64]] = [np.asarray(layer, dtype=np.float64) for layer in weights]
    keep: list[NDArray[np.bool_]] = [np.ones(layer.shape, bool) for layer in layers]
    if masks is not None:
        keep = [np.asarray(mask, dtype=bool) for mask in masks]
    widths = [layers[0].shape[1], *(len(layer) for layer in layers)]
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    if any([array.shape for array in arrays] != shapes for arrays in (layers, keep)):
        raise ValueError("weights and masks need one matrix of shape (out, in) per layer")
    heights = [1.0 - (np.arange(width) + 0.5) / width for width in widths]
    used = [np.zeros(width, bool) for width in widths]
    edges: dict[bool, list[Any]] = {True: [], False: []}
    for depth, (layer, mask) in enumerate(zip(layers, keep, strict=True)):
        used[depth] |= mask.any(axis=0)
        used[depth + 1] |= mask.any(axis=1)
        for (row, column), weight in np.ndenumerate(layer):
            ends = [(depth, heights[depth][column]), (depth + 1, heights[depth + 1][row])]
            edges[bool(mask[row, column])].append((ends, weight))
    # The more faint lines overlap, the fainter each of them.
    faint = float(np.clip(200 / max(len(edges[False]), 1), 0.15, 0.8))
    axes.add_collection(
        LineCollection(
            [ends for ends, _ in edges[False]], colors="#BBBBBB", linewidths=0.4, alpha=faint
        )
    )
    signs = {True: COLORS["blue"], False: COLORS["red"]}
    axes.add_collection(
        LineCollection(
            [ends for ends, _ in edges[True]],
            colors=[signs[bool(weight > 0)] for _, weight in edges[True]],
            linewidths=[0.7 + 1.8 * min(abs(weight), 1.0) for _, weight in edges[True]],
            zorder=2,
        )
    )
    for depth, (height, alive) in enumerate(zip(heights, used, strict=True)):
        ink = np.where(alive, "#333333", "#CCCCCC")
        size = float(np.clip(600 / len(height), 8, 60))
        axes.scatter(np.full(len(height), depth), height, s=size, c=ink, zorder=3, linewidths=0)
    axes.set(xlim=(-0.1, len(layers) + 0.1), ylim=(-0.02, 1.02))
    axes.axis("off")
