"""The command line: tickets from target files, judged, shown and exported.

Exit codes: 0 if all is well; 1 if there is no ticket or it does not verify; 2 if the command or a
file is not understood; 130 if the user interrupts.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from torch import nn

    from slth.tickets import Certificate, Ticket

# torch takes seconds to load: what needs it is imported by the commands that do.


class _Commands(click.Group):
    """Commands whose errors are one line for a person, and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and translate what it raises."""
        try:
            return super().invoke(ctx)
        except (ValueError, OSError, MemoryError) as error:
            click.echo(f"Error: {str(error) or 'not enough memory'}", err=True)
            ctx.exit(_exit_code(error))
        except KeyboardInterrupt:
            click.echo("Interrupted: nothing was written", err=True)
            ctx.exit(130)


def _exit_code(error: Exception) -> int:
    """Return 1 for a ticket that is missing or wrong, 2 for what was asked or given."""
    from slth.constructions import TicketNotFound
    from slth.tickets import VerificationError

    return 1 if isinstance(error, TicketNotFound | VerificationError) else 2


def _per_layer(number: Callable[[str], Any]) -> Callable[[click.Context, Any, str | None], Any]:
    """Read one number for all layers, or one for each layer separated by commas."""

    def read(context: click.Context, parameter: Any, text: str | None) -> Any:
        if text is None:
            return None
        try:
            numbers = tuple(number(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(
                f"expected a number, or one per layer separated by commas, got {text!r}"
            ) from None
        return numbers if len(numbers) > 1 else numbers[0]

    return read


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; it appears whole or not at all.",
)
_FORCE = click.option("--force", is_flag=True, help="Overwrite the output file.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(
    cls=_Commands,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="slth")
def main() -> None:
    """Strong lottery tickets: networks found inside random ones, without training a weight."""


@main.command()
@click.argument("target", type=_FILE)
@_OUTPUT
@click.option("--epsilon", type=float, help="Bound on the error of the whole network.")
@click.option("--weight-tolerance", type=float, help="Instead: bound on that of each weight.")
@click.option("--size", type=click.IntRange(1), help="Exactly this many products per weight.")
@click.option(
    "--samples",
    callback=_per_layer(int),
    metavar="N[,N...]",
    help="Hidden units per input and half; by default, as many as theory asks for.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw.")
@click.option("--law", type=click.Choice(["uniform", "normal"]), default="uniform")
@click.option(
    "--objective",
    type=click.Choice(["best", "feasible", "fewest"]),
    default="best",
    show_default=True,
    help="Which subset within tolerance to take.",
)
@click.option("--nonnegative-inputs", is_flag=True, help="The target's inputs are never negative.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Progress bars on standard error; by default, on a terminal only.",
)
@_FORCE
def prune(target: Path, output: Path, force: bool, progress: bool | None, **options: Any) -> None:
    """Find a ticket for the network in the file TARGET.

    TARGET is a .pt file written by torch.save(nn.Sequential(...), path), read with
    weights_only=True, or a .safetensors file with the weights 0.weight, 2.weight, ... of linear
    layers with ReLU between them.
    """
    _check_output(output, force)
    network = _target(target)
    from slth.constructions import prune as find

    show_bars = sys.stderr.isatty() if progress is None else progress
    ticket = find(network, progress=show_bars, **options)
    ticket.save(output)
    _print_description(output, ticket)


@main.command()
@click.argument("ticket", type=_FILE)
@click.argument("target", type=_FILE)
@_JSON
def verify(ticket: Path, target: Path, as_json: bool) -> None:
    """Judge TICKET, regenerated from its seed and mask alone, against the network in TARGET."""
    from slth.tickets import VerificationError
    from slth.tickets import verify as judge

    stored = _ticket(ticket)
    try:
        certificate = judge(stored, _target(target))
    except VerificationError as error:
        if as_json:
            _print_json({"verified": False, "reason": str(error)})
        raise VerificationError(f"{ticket} is no ticket for {target}: {error}") from error
    if as_json:
        _print_json({"verified": True, **_certified(stored, certificate)})
    else:
        _print_certificate(f"{ticket} is a ticket for {target}", stored, certificate)


@main.command()
@click.argument("ticket", type=_FILE)
@_JSON
def show(ticket: Path, as_json: bool) -> None:
    """Say what TICKET is: its random network, its mask, and what it promises."""
    stored = _ticket(ticket)
    if as_json:
        _print_json(_described(stored))
    else:
        _print_description(ticket, stored)


@main.command()
@click.argument("ticket", type=_FILE)
@_OUTPUT
@_FORCE
def export(ticket: Path, output: Path, force: bool) -> None:
    """Store TICKET as an ordinary model with the mask applied.

    OUTPUT is a .pt2 file for torch.export.load, or a .safetensors file with the state_dict.
    """
    _check_output(output, force)
    from slth.tickets import check_export_path
    from slth.tickets import export as store

    check_export_path(output)
    store(_ticket(ticket), output)
    click.echo(f"wrote {output}")


def _check_output(path: Path, force: bool) -> None:
    """Refuse what could not be written, before any work."""
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no directory {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise click.UsageError(f"the directory {path.parent} is not writable")
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists; --force overwrites it")


def _target(path: Path) -> "nn.Sequential":
    """Read a target, passing on what had to be assumed."""
    from slth.tickets import load_target

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network = load_target(path)
    for warning in caught:
        click.echo(f"Note: {warning.message}", err=True)
    return network


def _ticket(path: Path) -> "Ticket":
    from slth.tickets import Ticket

    return Ticket.load(path)


def _described(ticket: "Ticket") -> dict[str, Any]:
    """Collect what a ticket says of itself."""
    network = ticket.random_network
    return {
        "target_widths": ticket.target_widths,
        "target_digest": ticket.target_digest,
        "random_widths": network.widths,
        "seed": network.seed,
        "law": network.law,
        "random_digest": ticket.random_digest,
        "size": ticket.size,
        "objective": ticket.objective,
        "nonnegative_inputs": ticket.nonnegative_inputs,
        "epsilon": ticket.epsilon,
        "weight_tolerances": ticket.weight_tolerances,
        "kept": ticket.mask.kept,
        "total": ticket.mask.total,
        "density": ticket.density,
        "overparameterization": ticket.overparameterization,
    }


def _certified(ticket: "Ticket", certificate: "Certificate") -> dict[str, Any]:
    """Collect what was found out about a ticket."""
    return {
        "bound": certificate.bound,
        "epsilon": ticket.epsilon,
        "observed_error": certificate.observed_error,
        "max_weight_error": certificate.max_weight_error,
        "weight_tolerances": ticket.weight_tolerances,
        "spectral_norms": certificate.spectral_norms,
        "kept": certificate.kept,
        "total": certificate.total,
        "density": certificate.density,
        "overparameterization": certificate.overparameterization,
    }


def _print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, indent=1, allow_nan=False))


def _print_description(path: Path, ticket: "Ticket") -> None:
    network = ticket.random_network
    size = "any number of" if ticket.size is None else f"exactly {ticket.size}"
    _print_rows(
        f"{path}: a strong lottery ticket",
        {
            "target": f"{_widths(ticket.target_widths)}, sha256 {ticket.target_digest}",
            "random network": f"{_widths(network.widths)}, {network.law}, seed {network.seed}",
            "subsets": f"{size} products per weight, objective {ticket.objective}",
            "inputs": "non-negative" if ticket.nonnegative_inputs else "of any sign",
            "promise": _promise(ticket),
            **_counts(ticket),
        },
    )


def _promise(ticket: "Ticket") -> str:
    tolerances = ", ".join(f"{tolerance:.3g}" for tolerance in ticket.weight_tolerances)
    weights = f"weights within {tolerances} (layer by layer)"
    if ticket.epsilon is None:
        return weights
    return f"error at most {ticket.epsilon:g} on the unit ball; {weights}"


def _counts(ticket: "Ticket") -> dict[str, str]:
    return {
        "kept": f"{ticket.mask.kept:,} of {ticket.mask.total:,} random weights, "
        f"density {ticket.density:.4g}",
        "overparameterization": f"{ticket.overparameterization:.4g} random weights per weight",
    }


def _print_certificate(title: str, ticket: "Ticket", certificate: "Certificate") -> None:
    norms = ", ".join(f"{norm:.4g}" for norm in certificate.spectral_norms)
    _print_rows(
        title,
        {
            "promise": _promise(ticket),
            "error, bound": f"{certificate.bound:.4g} on the unit ball",
            "error, largest seen": f"{certificate.observed_error:.4g}",
            "error of a weight": f"{certificate.max_weight_error:.4g} at most",
            "norms of the layers": norms,
            **_counts(ticket),
        },
    )


def _widths(widths: tuple[int, ...]) -> str:
    return "-".join(map(str, widths))


def _print_rows(title: str, rows: dict[str, str]) -> None:
    click.echo(title)
    for name, text in rows.items():
        click.echo(f"  {name:<20}  {text}")


if __name__ == "__main__":
    main()
