"""The claims page: the table and the graph, as text made from registry and results."""

from collections import Counter
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from html import escape
from itertools import chain
from textwrap import indent, wrap

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from book.make.ledger import SIGNS
from slth.claims import KNOWN, Claim, Record, error_rates, relation_text, status

_STATES = {"computed": "computed", "simulated": "simulated", "unchecked": "not checked"}
_BOX_WIDTH, _BOX_HEIGHT, _GAP_X, _GAP_Y, _LINE = 180, 56, 48, 18, 15


def badge_text(claim: Claim, records: Sequence[Record]) -> str:
    """Return what a badge says: how the claim is known and how it was checked, without reasons."""
    state = status(claim, records)
    checked = _STATES["unchecked"] if state.name == "unchecked" else state.checked
    return f"{SIGNS[state.name]} {state.known}; {checked}"


def summary(registry: Mapping[str, Claim], records: Sequence[Record]) -> str:
    """Return the number of claims that are known in each way, and of those in each state."""
    known = Counter(claim.known for claim in registry.values())
    states: Counter[str] = Counter(status(claim, records).name for claim in registry.values())
    number = f"{len(registry)} {'claim' if len(registry) == 1 else 'claims'}"
    return (
        f"{number}, by how they are known: {_counts({one: one for one in KNOWN}, known)}.\n"
        f"By how they are checked: {_counts(_STATES, states)}."
    )


def _counts(words: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    return "; ".join(f"{numbers[name]} {text}" for name, text in words.items() if numbers[name])


def chance(registry: Mapping[str, Claim], records: Sequence[Record]) -> str:
    """Return what chance can do to the simulated checks, counted from the records.

    Parameters
    ----------
    registry
        All claims.
    records
        Their records.

    Returns
    -------
    str
        A paragraph in Markdown, empty if nothing was simulated.
    """
    rates = error_rates(registry, records)
    lines = []
    if rates.equalities:
        lines.append(
            f"{_records(rates.equalities, 'test', 'tests')} an equality without tolerance, "
            f"{_levels(rates.equalities)}: if all of them are true, we expect "
            f"{rates.false_alarms:.2g} of them to be refuted by chance."
        )
    if rates.inequalities:
        lines.append(
            f"{_records(rates.inequalities, 'decide', 'decides')} an inequality, or an equality "
            f"up to a tolerance, {_levels(rates.inequalities)}: where it is false, a record passes "
            f"by chance with probability at most {100 * rates.false_pass:.2g} %."
        )
    if rates.worst_of:
        lines.append(
            f"Records that stand for the worst of several simulations: {len(rates.worst_of)}, of "
            f"up to {max(rates.worst_of)} each; their intervals are wide enough to hold for all of "
            "these at once, at the level that is counted here."
        )
    return "\n".join(lines)


def _records(numbers: Mapping[float, int], many: str, one: str) -> str:
    number = sum(numbers.values())
    return f"1 record {one}" if number == 1 else f"{number} records {many}"


def _levels(numbers: Mapping[float, int]) -> str:
    return ", ".join(f"{numbers[one]} at {round(100 * one, 6):g} %" for one in sorted(numbers))


def by_chapter(registry: Mapping[str, Claim], order: Sequence[str]) -> dict[str, list[Claim]]:
    """Return the claims of each chapter, chapters in the book's order, others last."""
    names = dict.fromkeys([*order, *(claim.chapter for claim in registry.values())])
    groups = {
        name: [claim for claim in registry.values() if claim.chapter == name] for name in names
    }
    return {name: group for name, group in groups.items() if group}


def table(claims: Sequence[Claim], records: Sequence[Record]) -> str:
    """Return a MyST table of claims: the statement, its check, its negative control.

    Parameters
    ----------
    claims
        The rows.
    records
        Records of all claims.
    """
    rows = [_row("Claim", "Check", "Negative control")]
    rows += [_row(_statement(claim), *_checks(claim, records)) for claim in claims]
    head = ["::::{list-table}", ":header-rows: 1", ":widths: 40 34 26", ":class: claims-table", ""]
    return "\n".join([*head, *rows, "::::"])


def _row(*cells: str) -> str:
    text = "\n".join(f"- {indent(cell, '    ').lstrip()}" for cell in cells)
    return f"* {indent(text, '  ').lstrip()}"


def _statement(claim: Claim) -> str:
    lines = [
        f"({anchor(claim.id)})=",
        f"**{claim.title}** {{claim}}`{claim.id}`",
        "",
        claim.statement,
        "",
        f"*Source:* {claim.source}.",
    ]
    if claim.assumptions:
        lines[-1] += f" *Assumes:* {'; '.join(claim.assumptions)}."
    if claim.chosen:
        lines += ["", f"*Chosen after seeing the data:* {claim.chosen}."]
    if claim.label:
        lines += ["", f"{{prf:ref}}`Where it is stated <{claim.label}>`"]
    else:
        lines += ["", f"{{doc}}`Where it is discussed </notebooks/{claim.chapter}>`"]
    return "\n".join(lines)


def _checks(claim: Claim, records: Sequence[Record]) -> tuple[str, str]:
    own = [one for one in records if one.claim == claim.id]
    checks = [relation_text(claim, one) for one in own if one.role == "record"]
    controls = [
        f"{relation_text(claim, one)} {'fails, as it must' if one.outcome == 'fails' else 'passes'}"
        for one in own
        if one.role == "control"
    ]
    state = status(claim, records)
    check = "\n\n".join([state.known, state.checked, *checks])
    if claim.blind:
        check += f"\n\n*What it cannot see:* {claim.blind}."
    if claim.unchecked is None:
        check += f"\n\n*Repeat it:*\n\n```sh\nslth claims verify {claim.id}\n```"
    control = "\n\n".join([f"Breaks: {claim.control}.", *controls])
    return check, control if claim.control else "—"


def anchor(claim_id: str) -> str:
    """Return the label of a claim on the claims page."""
    return f"claim-{claim_id}"


def graph(registry: Mapping[str, Claim], records: Sequence[Record]) -> str:
    """Return an SVG of the claims that use others, or are used, in layers from left to right.

    Parameters
    ----------
    registry
        All claims.
    records
        Records of all claims, for the states.

    Returns
    -------
    str
        Inline SVG with a title, a description in words, and a link on every box; empty if no claim
        uses another.
    """
    layers = _layers(registry)
    if not layers:
        return ""
    rows = _rows(layers)
    place = {
        claim.id: (column * (_BOX_WIDTH + _GAP_X), rows[claim.id] * (_BOX_HEIGHT + _GAP_Y))
        for column, layer in enumerate(layers)
        for claim in layer
    }
    width = len(layers) * (_BOX_WIDTH + _GAP_X) - _GAP_X
    height = (1 + max(rows.values())) * (_BOX_HEIGHT + _GAP_Y) - _GAP_Y
    shown = [claim for layer in layers for claim in layer]
    edges = [_edge(place[used], place[claim.id]) for claim in shown for used in claim.uses]
    boxes = [_box(claim, place[claim.id], status(claim, records).name) for claim in shown]
    words = "; ".join(
        f"{claim.title} uses {', '.join(registry[used].title for used in claim.uses)}"
        for claim in shown
        if claim.uses
    )
    return (
        f'<div class="claims-graph" tabindex="0"><svg viewBox="-2 -2 {width + 4} {height + 4}" '
        f'width="{width + 4}" style="min-width: {0.8 * width:.0f}px" role="group" '
        f'aria-labelledby="claims-graph-title claims-graph-words" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="claims-graph-title">Which claims use which</title>'
        f'<desc id="claims-graph-words">{escape(words)}</desc>'
        f'<defs><marker id="claims-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(edges)}{''.join(boxes)}</svg></div>"
    )


def _layers(registry: Mapping[str, Claim]) -> list[list[Claim]]:
    """Return the connected claims, each in the first layer after all that it uses."""
    linked = {used for claim in registry.values() for used in claim.uses}
    linked |= {claim.id for claim in registry.values() if claim.uses}
    order = TopologicalSorter({claim.id: claim.uses for claim in registry.values()}).static_order()
    depth: dict[str, int] = {}
    for identifier in order:
        depth[identifier] = 1 + max((depth[used] for used in registry[identifier].uses), default=-1)
    layers: list[list[Claim]] = [
        [] for _ in range(1 + max((depth[one] for one in linked), default=-1))
    ]
    for claim in registry.values():
        if claim.id in linked:
            layers[depth[claim.id]].append(claim)
    return layers


def _rows(layers: Sequence[Sequence[Claim]]) -> dict[str, int]:
    """Row of each claim: connected parts one below the other, users beside what they use."""
    index = {claim.id: i for i, claim in enumerate(chain.from_iterable(layers))}
    links = [
        (index[claim.id], index[used])
        for claim in chain.from_iterable(layers)
        for used in claim.uses
    ]
    ones = np.ones(len(links), dtype=np.int8)
    matrix = coo_array((ones, np.transpose(links)), shape=(len(index), len(index)))
    number, part = connected_components(matrix, directed=False)
    rows: dict[str, int] = {}
    for one in range(number):
        top = 1 + max(rows.values(), default=-1)
        for layer in layers:
            own = [claim for claim in layer if part[index[claim.id]] == one]
            own.sort(key=lambda claim: float(np.mean([rows[used] for used in claim.uses] or [0])))
            rows |= {claim.id: top + row for row, claim in enumerate(own)}
    return rows


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x0, y0 = start[0] + _BOX_WIDTH, start[1] + _BOX_HEIGHT // 2
    x1, y1 = end[0], end[1] + _BOX_HEIGHT // 2
    bend = x0 + _GAP_X // 2, x1 - _GAP_X // 2
    return (
        f'<path class="edge" d="M{x0} {y0}C{bend[0]} {y0} {bend[1]} {y1} {x1} {y1}" '
        f'marker-end="url(#claims-arrow)"/>'
    )


def _box(claim: Claim, place: tuple[int, int], state: str) -> str:
    x, y = place
    lines = wrap(f"{SIGNS[state]} {claim.title}", 26)
    lines = lines if len(lines) <= 3 else [*lines[:2], f"{lines[2][:24]}…"]
    first = y + _BOX_HEIGHT / 2 - _LINE * (len(lines) - 1) / 2 + 4
    text = "".join(
        f'<text x="{x + _BOX_WIDTH / 2}" y="{first + _LINE * row}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    return (
        f'<a href="#{anchor(claim.id)}"><title>{escape(claim.title)}</title>'
        f'<rect class="claim-{state}" x="{x}" y="{y}" width="{_BOX_WIDTH}" '
        f'height="{_BOX_HEIGHT}" rx="6"/>{text}</a>'
    )
