"""The drawing of what rests on what: a claim a row, a rail from each to those that use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from book.extension.claims_page import anchor
from book.make.ledger import SIGNS
from slth.claims import Claim, Record, status

_ROW, _LANE, _PAD, _LETTER = 34, 16, 12, 7.3


@dataclass(frozen=True)
class Rail:
    """The way from a claim down to those that use it: rows, and the column, from right to left."""

    start: int
    ends: tuple[int, ...]
    lane: int


def rows(registry: Mapping[str, Claim], chapter: str) -> list[Claim]:
    """Return the claims of a chapter that use others or are used, with the others that they use.

    Each stands below all that it uses.
    """
    own = [claim for claim in registry.values() if claim.chapter == chapter]
    used = {one for claim in own for one in claim.uses}
    found: dict[str, Claim] = {}

    def put(claim: Claim) -> None:
        if claim.chapter == chapter:
            for one in claim.uses:
                put(registry[one])
        found.setdefault(claim.id, claim)

    for claim in own:
        if claim.uses or claim.id in used:
            put(claim)
    return list(found.values())


def rails(shown: Sequence[Claim], chapter: str) -> list[Rail]:
    """Return a rail for each claim that is used; two that share a row are in different lanes.

    Short ones come first and lie inside, so that few of the longer ones' branches cross them.
    """
    row = {claim.id: place for place, claim in enumerate(shown)}
    ends: dict[str, list[int]] = {}
    for claim in shown:
        if claim.chapter == chapter:
            for used in claim.uses:
                ends.setdefault(used, []).append(row[claim.id])
    taken: list[set[int]] = []
    found = []
    for used, below in sorted(ends.items(), key=lambda one: max(one[1]) - row[one[0]]):
        covered = set(range(row[used], max(below) + 1))
        lane = next((i for i, busy in enumerate(taken) if not busy & covered), len(taken))
        if lane == len(taken):
            taken.append(set())
        taken[lane] |= covered
        found.append(Rail(row[used], tuple(sorted(below)), lane))
    return sorted(found, key=lambda one: one.start)


def graph(
    registry: Mapping[str, Claim],
    records: Sequence[Record],
    chapter: str,
    address: Mapping[str, str],
) -> str:
    """Return an SVG of a chapter's claims that use others, or are used.

    Parameters
    ----------
    registry
        All claims.
    records
        Records of all claims, for the states.
    chapter
        Stem of the chapter.
    address
        The page of the claims of each other chapter.

    Returns
    -------
    str
        Inline SVG with a title, a description in words, and a link on every row; empty if no claim
        uses another.
    """
    shown = rows(registry, chapter)
    if not shown:
        return ""
    lines = rails(shown, chapter)
    left = _LANE * (1 + max(line.lane for line in lines)) + _PAD
    titles = [_title(claim, records, chapter) for claim in shown]
    width = left + 2 * _PAD + _LETTER * max(map(len, titles))
    height = _ROW * len(shown)
    words = "; ".join(
        f"{claim.title} uses {', '.join(registry[used].title for used in claim.uses)}"
        for claim in shown
        if claim.uses and claim.chapter == chapter
    )
    boxes = [
        _box(claim, title, left, row, width, _kind(claim, records, chapter), address)
        for row, (claim, title) in enumerate(zip(shown, titles, strict=True))
    ]
    return (
        f'<div class="claims-graph" tabindex="0"><svg viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" role="group" '
        f'aria-labelledby="claims-graph-title claims-graph-words" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="claims-graph-title">Which claims use which</title>'
        f'<desc id="claims-graph-words">{escape(words)}</desc>'
        f'<defs><marker id="claims-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(_rail(line, left) for line in lines)}{''.join(boxes)}</svg></div>"
    )


def _title(claim: Claim, records: Sequence[Record], chapter: str) -> str:
    sign = f"{SIGNS[status(claim, records).name]} " if claim.chapter == chapter else "↗ "
    return sign + claim.title


def _kind(claim: Claim, records: Sequence[Record], chapter: str) -> str:
    return f"claim-{status(claim, records).name}" if claim.chapter == chapter else "elsewhere"


def _middle(row: int) -> float:
    return _ROW * (row + 0.5)


def _rail(line: Rail, left: float) -> str:
    """Draw a rail: out of its claim, down, and with a dot and an arrow into each that uses it."""
    x, bend = left - _PAD - _LANE * line.lane, 5
    start, last = _middle(line.start) + 5, _middle(line.ends[-1]) - 5
    path = (
        f"M{left} {start}H{x + bend}Q{x} {start} {x} {start + bend}"
        f"V{last - bend}Q{x} {last} {x + bend} {last}"
    )
    drawn = f'<path class="edge" d="{path}H{left}" marker-end="url(#claims-arrow)"/>'
    for end in line.ends[:-1]:
        y = _middle(end) - 5
        drawn += f'<path class="edge" d="M{x} {y}H{left}" marker-end="url(#claims-arrow)"/>'
        drawn += f'<circle cx="{x}" cy="{y}" r="2.6"/>'
    return drawn


def _box(
    claim: Claim,
    title: str,
    left: float,
    row: int,
    width: float,
    kind: str,
    address: Mapping[str, str],
) -> str:
    y = _middle(row)
    return (
        f'<a href="{escape(address.get(claim.chapter, ""))}#{anchor(claim.id)}">'
        f'<rect class="{kind}" x="{left}" y="{y - 13}" width="{width - left - 2:.0f}" '
        f'height="26" rx="5"/><text x="{left + _PAD}" y="{y + 4.5}">{escape(title)}</text></a>'
    )
