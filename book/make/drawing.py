"""The picture of the cover: a target, and its ticket in a random network, as ``slth`` finds it.

python -m book.make.drawing            writes book/_static/ticket.svg anew
"""

from itertools import pairwise

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import slth
from book.make.project import ROOT, write_atomically
from slth.plotting import COLORS

PICTURE = ROOT / "book" / "_static" / "ticket.svg"
WIDTH, HEIGHT = 900, 392
TOLERANCE, SEED = 0.1, 0
_TOP, _BOTTOM = 8.0, 336.0
_TARGET_X = (24.0, 104.0, 184.0)
_NETWORK_X = (300.0, 470.0, 580.0, 740.0, 880.0)
_INK = (COLORS["blue"], COLORS["red"])


def target() -> nn.Sequential:
    """Return the target with six weights that the chapter on dense networks draws, too."""
    network = nn.Sequential(
        nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False)
    ).requires_grad_(False)
    weights = {"0.weight": [[0.4, -0.3], [0.2, 0.35]], "2.weight": [[0.3, -0.4]]}
    network.load_state_dict({name: torch.tensor(values) for name, values in weights.items()})
    return network


def ticket() -> slth.Ticket:
    """Return the target's ticket, with the fewest products for each weight."""
    return slth.prune(target(), weight_tolerance=TOLERANCE, objective="fewest", seed=SEED)


def draw(found: slth.Ticket) -> str:
    """Return the picture as SVG: every edge of both networks, removed ones faint.

    An edge has the colour of the neuron that it comes from or, in front of a wide layer, of the
    input that its hidden unit listens to.  The kept edges carry their place in the mask as
    ``data-edge="layer row column"``.

    Parameters
    ----------
    found
        The ticket of a target of widths 2, 2, 1.
    """
    small = [layer.weight.numpy() for layer in target() if isinstance(layer, nn.Linear)]
    columns = [_column(width) for width in found.random_network.widths]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" class="ticket" '
        f'role="img" aria-labelledby="ticket-title" data-target="{sum(map(np.size, small))}" '
        f'data-total="{found.mask.total}" data-kept="{found.mask.kept}">',
        '<title id="ticket-title">Left, a target network with six weights. Right, the fine web of '
        "a large random network, with two wide layers; a few of its edges are left in colour and "
        "lead from the two inputs through some of the hidden units to the output.</title>",
        *_target(),
        *(_removed(t, mask, columns) for t, mask in enumerate(found.mask.layers)),
        *_kept(found.mask.layers, columns),
        *_neurons(found, columns),
        _label(sum(_TARGET_X) / 3, "target", "f"),
        _label((_NETWORK_X[0] + _NETWORK_X[-1]) / 2, "random network and its ticket", "g"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _column(width: int) -> NDArray[np.float64]:
    """Return the heights of the neurons of one layer."""
    return _TOP + (_BOTTOM - _TOP) * (np.arange(width) + 0.5) / width


def _curve(x: tuple[float, float], y: tuple[float, float]) -> str:
    middle = sum(x) / 2
    return f"M{x[0]:g} {y[0]:.1f}C{middle:g} {y[0]:.1f} {middle:g} {y[1]:.1f} {x[1]:g} {y[1]:.1f}"


def _target() -> list[str]:
    columns = [_column(width) for width in (2, 2, 1)]
    edges = [
        f'<path class="edge from-{source}" fill="none" stroke="{_INK[source]}" stroke-width="3" '
        f'd="{_curve(x, (start, end))}"/>'
        for x, (left, right) in zip(pairwise(_TARGET_X), pairwise(columns), strict=True)
        for source, start in enumerate(left)
        for end in right
    ]
    dots = [
        _dot(x, y, 7, "neuron")
        for x, column in zip(_TARGET_X, columns, strict=True)
        for y in column
    ]
    return edges + dots


def _removed(layer: int, mask: NDArray[np.bool_], columns: list[NDArray[np.float64]]) -> str:
    ends = _NETWORK_X[layer], _NETWORK_X[layer + 1]
    lines = "".join(
        _curve(ends, (columns[layer][column], columns[layer + 1][row]))
        for row, column in np.argwhere(~mask)
    )
    return (
        f'<path class="removed" data-edges="{np.sum(~mask)}" fill="none" '
        f'stroke="#8a8378" stroke-width="0.5" stroke-opacity="0.35" d="{lines}"/>'
    )


def _kept(masks: tuple[NDArray[np.bool_], ...], columns: list[NDArray[np.float64]]) -> list[str]:
    paths = []
    for layer, mask in enumerate(masks):
        listens = masks[layer - 1].argmax(axis=1) if layer % 2 else np.arange(mask.shape[1])
        paths += [
            f'<path class="kept edge from-{listens[column]}" data-edge="{layer} {row} {column}" '
            f'fill="none" stroke="{_INK[listens[column]]}" stroke-width="2.2" '
            f'd="{_curve(ends, (columns[layer][column], columns[layer + 1][row]))}"/>'
            for ends in [(_NETWORK_X[layer], _NETWORK_X[layer + 1])]
            for row, column in np.argwhere(mask)
        ]
    return paths


def _neurons(found: slth.Ticket, columns: list[NDArray[np.float64]]) -> list[str]:
    dots = []
    for depth, (x, column) in enumerate(zip(_NETWORK_X, columns, strict=True)):
        alive: NDArray[np.bool_] = np.ones(len(column), dtype=bool)
        if depth % 2:
            alive = np.array([row.any() for row in found.mask.layers[depth - 1]])
        for y, used in zip(column, alive, strict=True):
            radius = 7.0 if depth % 2 == 0 else 3.2 if used else 0.8
            dots.append(_dot(x, y, radius, "neuron" if used else "neuron unused"))
    return dots


def _dot(x: float, y: float, radius: float, kind: str) -> str:
    ink = "#8a8378" if "unused" in kind else "#38332c"
    return f'<circle class="{kind}" cx="{x:g}" cy="{y:.1f}" r="{radius:g}" fill="{ink}"/>'


def _label(x: float, text: str, symbol: str) -> str:
    return (
        f'<text x="{x:g}" y="{HEIGHT - 14}" text-anchor="middle" font-size="20" fill="#5f584d" '
        f'font-family="serif">{text} <tspan font-style="italic">{symbol}</tspan></text>'
    )


@click.command(help=__doc__)
def main() -> None:
    """Prune the target, draw its ticket, write the picture."""
    write_atomically(PICTURE, draw(ticket()))
    click.echo(PICTURE)


if __name__ == "__main__":
    main()
