"""The ledger of a build: whether the records bear out the registry, and nothing but it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from book.make.execute import Result
from book.make.project import write_atomically
from slth.claims import Claim, Record
from slth.claims.verdict import faults

SIGNS = {"computed": "✔", "simulated": "≈", "unchecked": "○"}
"""A sign for each state of a claim, so that colour is not needed to tell them apart."""


def problems(
    registry: Mapping[str, Claim], results: Mapping[str, Result], chapters: Iterable[str]
) -> list[str]:
    """Return what is missing or wrong, one line each, naming the chapter.

    Parameters
    ----------
    registry
        All claims.
    results
        The chapters that ran.
    chapters
        All chapters of the book.
    """
    found = []
    known = set(chapters)
    for claim in registry.values():
        if claim.chapter not in known:
            found.append(f"claim '{claim.id}' names chapter {claim.chapter}, which does not exist")
        if claim.unchecked is not None or claim.chapter not in results:
            continue
        records = [Record.from_dict(one) for one in results[claim.chapter].records]
        where = f"chapter {claim.chapter}: claim '{claim.id}'"
        found += [f"{where}: {fault}" for fault in faults(claim, records)]
    for name, result in results.items():
        for one in result.records:
            owner = registry[one["claim"]].chapter if one["claim"] in registry else None
            if owner != name:
                home = f"belongs to chapter {owner}" if owner else "is not in the registry"
                found.append(f"chapter {name}: claim '{one['claim']}' is recorded here but {home}")
    return list(dict.fromkeys(found))


def write(path: Path, profile: str, results: Mapping[str, Result]) -> None:
    """Write the collected results where the Sphinx extension reads them."""
    content = {
        "profile": profile,
        "chapters": {name: asdict(result) for name, result in results.items()},
    }
    write_atomically(path, json.dumps(content, indent=1))


def read(path: Path) -> dict[str, Any]:
    """Read the collected results: ``profile``, and ``chapters`` with their results."""
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def all_records(collected: Mapping[str, Any]) -> list[Record]:
    """Return every record of the collected results."""
    return [
        Record.from_dict(one)
        for result in collected["chapters"].values()
        for one in result["records"]
    ]
