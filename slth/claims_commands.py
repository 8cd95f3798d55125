"""The command line of the ledger: list the claims, show one, verify some by running chapters."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from slth.claims import Claim

# NumPy takes a moment to load: what needs it is imported by the commands that do.

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SIGNS = {"holds": "✔", "fails": "✘", "unchecked": "○"}


@click.group("claims")
def group() -> None:
    """List, show and verify the claims of the ledger on which the book rests."""


@group.command("list")
@click.option("--chapter", metavar="NAME", help="Only of this chapter.")
@_JSON
def list_claims(chapter: str | None, as_json: bool) -> None:
    """List the claims: identifier, how it is known, how it is checked, chapter, title."""
    from slth import claims

    known = list(claims.load().values())
    if chapter is not None:
        known = _of_chapter(known, chapter)
    if as_json:
        click.echo(json.dumps([asdict(claim) for claim in known], indent=1, ensure_ascii=False))
        return
    rows = [(one.id, one.known, _check(one), one.chapter, one.title) for one in known]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for *cells, title in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join([*padded, title]))


@group.command()
@click.argument("identifier", metavar="ID")
@_JSON
def show(identifier: str, as_json: bool) -> None:
    """Say what the claim ID states, where it comes from and how it is checked."""
    (claim,) = _claims([identifier])
    if as_json:
        click.echo(json.dumps(asdict(claim), indent=1, ensure_ascii=False))
        return
    rule = claim.unchecked and f"not checked, because {claim.unchecked}"
    if rule is None and claim.relation is not None:
        slack = f", tolerance {claim.tolerance:g}" if claim.tolerance else ""
        rule = f"{_check(claim)}: measured {claim.relation} claimed{slack}"
    facts = {
        "source": claim.source,
        "known": claim.known,
        "assumes": "; ".join(claim.assumptions),
        "uses": ", ".join(claim.uses),
        "check": rule or _check(claim),
        "chosen": claim.chosen,
        "blind": claim.blind,
        "control": claim.control and f"breaks: {claim.control}",
        "chapter": claim.chapter,
    }
    click.echo(f"{claim.title} ({claim.id})\n\n{claim.statement.strip()}\n")
    for name, value in facts.items():
        if value:
            click.echo(f"{name:8} {value}")
    if claim.unchecked is None:
        click.echo(f"{'verify':8} slth claims verify {claim.id}")


@group.command()
@click.argument("identifiers", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--profile",
    type=click.Choice(["full", "fast"]),
    default="full",
    show_default=True,
    help="The parameters of the published book, or those of its tests.",
)
@_JSON
@click.pass_context
def verify(
    context: click.Context, identifiers: tuple[str, ...], profile: str, as_json: bool
) -> None:
    """Run the chapters of the claims ID... anew and judge what they record.

    Needs the extra 'notebook'.  The exit code is 0 if every claim holds, 1 if one fails, 2 if one
    is unknown or registered as not checked.
    """
    from slth.claims import chapters, markdown, status, verification

    known = _claims(list(identifiers))

    def announce(chapter: str) -> None:
        seconds = chapters.expected_seconds(chapter, profile)
        time = "its time is not stored" if seconds is None else f"took {seconds:.0f} s last time"
        click.echo(f"Running chapter {chapter}, {profile} profile ({time}) …", err=True)

    verdicts = verification.verify(known, profile, announce)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in verdicts], indent=1, ensure_ascii=False))
    else:
        for claim, verdict in zip(known, verdicts, strict=True):
            click.echo(f"{_SIGNS[verdict.outcome]} {claim.id}: {claim.title} ({claim.source})")
            click.echo(f"  {status(claim, verdict.records).text}")
            for one in verdict.records:
                click.echo(f"  {markdown(claim, one).replace('**', '')}")
            word = "not checked" if verdict.outcome == "unchecked" else verdict.outcome
            click.echo(f"  {word}: {verdict.reason}")
    outcomes = {one.outcome for one in verdicts}
    context.exit(1 if "fails" in outcomes else 2 if "unchecked" in outcomes else 0)


def _check(claim: "Claim") -> str:
    """Return in a word or two how a claim is checked."""
    if claim.unchecked is not None:
        return "not checked"
    return "computed in every case" if claim.exhaustive else str(claim.kind)


def _claims(identifiers: Sequence[str]) -> "list[Claim]":
    """Return the claims of these identifiers, each once."""
    from slth import claims

    known = claims.load()
    if unknown := [one for one in identifiers if one not in known]:
        raise click.UsageError(
            f"there is no claim '{unknown[0]}' in the ledger; 'slth claims list' lists it"
        )
    return [known[one] for one in dict.fromkeys(identifiers)]


def _of_chapter(claims: "Sequence[Claim]", chapter: str) -> "list[Claim]":
    """Return the claims of a chapter."""
    if found := [claim for claim in claims if claim.chapter == chapter]:
        return found
    listed = ", ".join(sorted({claim.chapter for claim in claims})) or "none"
    raise click.UsageError(f"no chapter '{chapter}' records a claim; those that do: {listed}")
