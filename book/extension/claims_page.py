"""The pages of claims, as text made from registry and results."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from book.make.ledger import SIGNS
from slth.claims import KNOWN, Claim, Record, error_rates, relation_text, status

_STATES = {"computed": "computed", "simulated": "simulated", "unchecked": "not checked"}
_KNOWN = {one: one.replace("on this page", "in the chapter") for one in KNOWN}
"""How a claim is known, said elsewhere than beside its badge."""

_SHORT = ("proved here", "proved in the paper", "observed", "conjecture", "refuted")
"""The headings for :data:`slth.claims.KNOWN`, in its order."""


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
        f"{number}, by how they are known: {_counts(_KNOWN, known)}.\n"
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


def anchor(claim_id: str) -> str:
    """Return the label of a claim on the page of its chapter's claims."""
    return f"claim-{claim_id}"


def slug(words: str) -> str:
    """Return words as part of the name of a class, or of an address.

    >>> slug("observed, not proved")
    'observed-not-proved'
    """
    return "-".join(re.findall(r"[a-z]+", words))


def classes(claim: Claim, records: Sequence[Record]) -> list[str]:
    """Return the classes by which the filter knows a claim."""
    state = status(claim, records)
    return ["claim-entry", f"known-{slug(state.known)}", f"checked-{state.name}"]


def by_chapter(registry: Mapping[str, Claim], order: Sequence[str]) -> dict[str, list[Claim]]:
    """Return the claims of each chapter, chapters in the book's order, others last."""
    names = dict.fromkeys([*order, *(claim.chapter for claim in registry.values())])
    groups = {
        name: [claim for claim in registry.values() if claim.chapter == name] for name in names
    }
    return {name: group for name, group in groups.items() if group}


def page(chapter: str, title: str, number: int, drawn: bool) -> str:
    """Return the page of a chapter's claims as MyST Markdown, its lists as directives.

    Parameters
    ----------
    chapter, title
        Stem and title of the chapter.
    number
        How many claims it has.
    drawn
        Whether one of them uses another, so that there is something to draw.
    """
    many = "claim" if number == 1 else f"{number} claims"
    description = (
        f"The {many} of the chapter “{title}”: what is stated, how it is known, what was computed "
        "to check it, and the negative control."
    )
    drawing = """
## What rests on what

A line leads from a claim down to those that use it, and a dot is where it branches.
An arrow ↗ before a title marks a claim of another chapter.

```{claims-graph}
```
"""
    return f"""---
myst:
  html_meta:
    description: {json.dumps(description, ensure_ascii=False)}
---

# Claims: {title}

What the chapter {{doc}}`{title} </notebooks/{chapter}>` states, and what we did to check it.
{{doc}}`The overview </book/claims>` says how to read an entry.

```{{claims-summary}}
```

## Each claim

```{{claims-entries}}
```
{drawing if drawn else ""}"""


def overview(
    groups: Mapping[str, Sequence[Claim]],
    records: Sequence[Record],
    pages: Mapping[str, tuple[str, str]],
) -> str:
    """Return a table that counts each chapter's claims by state, as MyST Markdown.

    Parameters
    ----------
    groups
        The claims by chapter.
    records
        Records of all claims.
    pages
        Title and address of the claims of each chapter; its numbers lead to what they count.
    """
    known = {f"?known={slug(one)}": name for one, name in zip(KNOWN, _SHORT, strict=True)}
    checked = {f"?checked={one}": name for one, name in _STATES.items()}
    counts = {
        chapter: Counter(
            query
            for claim in claims
            for query in (f"?known={slug(claim.known)}", f"?checked={status(claim, records).name}")
        )
        for chapter, claims in groups.items()
    }
    total: Counter[str] = sum(counts.values(), Counter())
    columns = {query: name for query, name in (known | checked).items() if total[query]}

    def row(chapter: str) -> list[str]:
        title, address = pages[chapter]
        cells = [_link(address, escape(title)), str(len(groups[chapter]))]
        numbers = (counts[chapter][query] for query in columns)
        return cells + [
            _link(f"{address}{query}", str(number)) if number else "–"
            for query, number in zip(columns, numbers, strict=True)
        ]

    every = ["all", str(sum(map(len, groups.values()))), *(str(total[query]) for query in columns)]
    table = [["Chapter", "claims", *columns.values()], ["--", *["--:"] * (1 + len(columns))]]
    table += [*map(row, groups), every]
    rows = (f"| {' | '.join(cells)} |" for cells in table)
    return "\n".join([":::{div} claims-counts", *rows, ":::"])


def index(
    groups: Mapping[str, Sequence[Claim]],
    records: Sequence[Record],
    pages: Mapping[str, tuple[str, str]],
) -> str:
    """Return the titles of all claims as HTML, each with the name of its entry and a link to it.

    The parameters are those of :func:`overview`.
    """
    found = []
    for chapter, claims in groups.items():
        title, address = pages[chapter]
        items = [
            f'<li class="{" ".join(classes(claim, records))}" id="{anchor(claim.id)}">'
            f"{SIGNS[status(claim, records).name]} "
            f"{_link(f'{address}#{anchor(claim.id)}', escape(claim.title))}</li>"
            for claim in claims
        ]
        content = f"<h3>{escape(title)}</h3><ul>{''.join(items)}</ul>"
        found.append(f'<section class="claims-of">{content}</section>')
    return f'<div class="claims-index">{"".join(found)}</div>'


def _link(address: str, text: str) -> str:
    return f'<a class="reference internal" href="{escape(address)}">{text}</a>'


def entry(claim: Claim, records: Sequence[Record], registry: Mapping[str, Claim]) -> str:
    """Return what stands below the title of a claim, as MyST Markdown.

    Parameters
    ----------
    claim
        The claim.
    records
        Records of all claims.
    registry
        All claims.
    """
    source = f"*Source:* {claim.source}."
    if claim.assumptions:
        source += f" *Assumes:* {'; '.join(claim.assumptions)}."
    lines = [f"{{claim}}`{claim.id}`", "", claim.statement, "", source]
    if claim.chosen:
        lines += ["", f"*Chosen after seeing the data:* {claim.chosen}."]
    users = [one.id for one in registry.values() if claim.id in one.uses]
    for words, others in (("Rests on", claim.uses), ("Used by", users)):
        if others:
            named = (f"{{ref}}`{registry[one].title} <{anchor(one)}>`" for one in others)
            lines += ["", f"*{words}:* {'; '.join(named)}."]
    if claim.label:
        lines += ["", f"{{prf:ref}}`Where it is stated <{claim.label}>`"]
    else:
        lines += ["", f"{{doc}}`Where it is discussed </notebooks/{claim.chapter}>`"]
    check, control = _checks(claim, records)
    lines += ["", "::::{div} claim-halves", ":::{div} claim-half", f"**Check**\n\n{check}", ":::"]
    if claim.control:
        lines += [":::{div} claim-half", f"**Negative control**\n\n{control}", ":::"]
    return "\n".join([*lines, "::::"])


def _checks(claim: Claim, records: Sequence[Record]) -> tuple[str, str]:
    own = [one for one in records if one.claim == claim.id]
    checks = [relation_text(claim, one) for one in own if one.role == "record"]
    controls = [
        f"{relation_text(claim, one)} {'fails, as it must' if one.outcome == 'fails' else 'passes'}"
        for one in own
        if one.role == "control"
    ]
    check = "\n\n".join([status(claim, records).checked, *checks])
    if claim.blind:
        check += f"\n\n*What it cannot see:* {claim.blind}."
    if claim.unchecked is None:
        check += f"\n\n*Repeat it:*\n\n```sh\nslth claims verify {claim.id}\n```"
    return check, "\n\n".join([f"Breaks: {claim.control}.", *controls])


def filter_form(claims: Sequence[Claim], records: Sequence[Record]) -> str:
    """Return the form that leaves some of the entries on a page; a script shows it."""
    known = Counter(claim.known for claim in claims)
    states: Counter[str] = Counter(status(claim, records).name for claim in claims)
    choices = {
        "known": ("How it is known", {slug(one): (_KNOWN[one], known[one]) for one in KNOWN}),
        "checked": (
            "How it was checked",
            {one: (words, states[one]) for one, words in _STATES.items()},
        ),
    }
    fields = "".join(
        f'<label>{label} <select name="{name}"><option value="">any ({len(claims)})</option>'
        + "".join(
            f'<option value="{value}">{words} ({number})</option>'
            for value, (words, number) in options.items()
            if number
        )
        + "</select></label>"
        for name, (label, options) in choices.items()
    )
    return (
        '<form class="claims-filter" role="search" aria-label="Choose claims" hidden>'
        f'<label>Words <input type="search" name="q" autocomplete="off"></label>{fields}'
        '<output aria-live="polite"></output></form>'
    )
