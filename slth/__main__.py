"""The command line: tickets from target files, judged, shown and exported; the ledger's claims.

Exit codes: 0 if all is well; 1 if there is no ticket, or a ticket or a claim does not verify; 2 if
the command or a file is not understood; 130 if the user interrupts.
"""

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slth.claims_commands import group as claims_group
from slth.folders import module_names
from slth.objectives import OBJECTIVES
from slth.shell_words import in_shell
from slth.weight_laws import WEIGHT_LAWS

if TYPE_CHECKING:
    from torch import nn

    from slth.tickets import LearnedTicket, Subnetwork
    from slth.tickets.judges.observed import Recount

# torch takes seconds to load: what needs it is imported by the commands that do.


class _Commands(click.Group):
    """Commands whose errors are one line for a person, and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and translate what it raises."""
        try:
            return super().invoke(ctx)
        except (ValueError, OSError, MemoryError) as error:
            click.echo(f"Error: {in_shell(str(error)) or 'not enough memory'}", err=True)
            ctx.exit(_exit_code(error))
        except KeyboardInterrupt:
            click.echo(_interrupted(ctx.obj), err=True)
            ctx.exit(130)


def _state(path: Path) -> tuple[int, ...] | None:
    """Return what changes when somebody writes a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _interrupted(output: tuple[Path, tuple[int, ...] | None] | None) -> str:
    """Say what became of the output file, if the command has one."""
    if output is None:
        return "Interrupted"
    path, before = output
    return (
        "Interrupted: nothing was written"
        if _state(path) == before
        else f"Interrupted, but {path} was written"
    )


def _exit_code(error: Exception) -> int:
    """Return 1 for a ticket that is missing or wrong, 2 for what was asked or given."""
    from slth.constructions import TicketNotFound
    from slth.tickets import VerificationError

    return 1 if isinstance(error, TicketNotFound | VerificationError) else 2


def _numbers(number: Callable[[str], Any]) -> Callable[[click.Context, Any, str | None], Any]:
    """Read numbers separated by commas."""

    def read(context: click.Context, parameter: Any, text: str | None) -> Any:
        try:
            return None if text is None else tuple(number(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(
                f"expected numbers separated by commas, {parameter.metavar}, got {text!r}"
            ) from None

    return read


def _per_layer(number: Callable[[str], Any]) -> Callable[[click.Context, Any, str | None], Any]:
    """Read one number for all layers, or one for each."""

    def read(context: click.Context, parameter: Any, text: str | None) -> Any:
        numbers = _numbers(number)(context, parameter, text)
        return numbers[0] if numbers is not None and len(numbers) == 1 else numbers

    return read


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _output(required: bool) -> Callable[[Any], Any]:
    return click.option(
        "-o",
        "--output",
        required=required,
        type=click.Path(dir_okay=False, path_type=Path),
        help="File to write; it appears whole or not at all.",
    )


_FORCE = click.option("--force", is_flag=True, help="Overwrite the output file.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_INPUT_SHAPE = click.option(
    "--input-shape",
    callback=_numbers(int),
    metavar="C,H,W",
    help="Shape of an input; needed where the first layer is a convolution.",
)


def _rewriting(command: Any) -> Any:
    """Add the options that rewrite a target, in the order in which they apply."""
    for name, text in reversed(
        [
            ("--fold", "First fold BatchNorm into the layer before it."),
            ("--absorb-biases", "Then make biases weights of one more input, which is always 1."),
            ("--rescale", "Then move scales between layers until all weights are in [-1, 1]."),
        ]
    ):
        command = click.option(name, is_flag=True, help=text)(command)
    return command


def _example(*lines: str) -> str:
    """Show how a command is typed, below its options."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(
    cls=_Commands,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="slth")
def main() -> None:
    """Strong lottery tickets: networks found inside random ones, without training a weight."""


main.add_command(claims_group)


@main.command(
    epilog=_example(
        "slth prune target.pt --epsilon 0.01 -o out.ticket",
        "slth prune biased.pt --absorb-biases --rescale --epsilon 0.1 --plan",
    )
)
@click.argument("target", type=_FILE)
@_output(required=False)
@click.option("--epsilon", type=float, help="Bound on the error of the whole network.")
@click.option(
    "--weight-tolerance",
    callback=_per_layer(float),
    metavar="TAU[,TAU...]",
    help="Instead: bound on the error of each weight.",
)
@click.option(
    "--construction",
    type=click.Choice(module_names("slth.constructions.catalogue")),
    help="How a weight is put together; by default what --size says: malach, one product per "
    "weight, for 1; pensia, any number of them, for none; natale, exactly so many, otherwise.",
)
@click.option(
    "--size",
    callback=_per_layer(int),
    metavar="K[,K...]",
    help="Exactly this many products per weight.",
)
@click.option(
    "--samples",
    callback=_per_layer(int),
    metavar="N[,N...]",
    help="Hidden channels per input and half; by default, as many as theory asks for.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw.")
@click.option(
    "--law",
    type=click.Choice([*WEIGHT_LAWS]),
    default="uniform",
    show_default=True,
    help="Of the random weights.",
)
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    help="Which subset within tolerance to take; by default the best, if that takes seconds, "
    "and otherwise the first.",
)
@click.option("--nonnegative-inputs", is_flag=True, help="The target's inputs are never negative.")
@_INPUT_SHAPE
@_rewriting
@click.option(
    "--budget",
    type=float,
    default=3600.0,
    show_default=True,
    help="Seconds, estimated beforehand, that the search may take.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and stop.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Progress bars on standard error; by default, on a terminal only.",
)
@_FORCE
def prune(
    target: Path,
    output: Path | None,
    force: bool,
    fold: bool,
    absorb_biases: bool,
    rescale: bool,
    input_shape: tuple[int, ...] | None,
    only_plan: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Find a ticket for the network in TARGET.

    TARGET is a file written by torch.save(nn.Sequential(...), path), read with weights_only=True,
    or a .safetensors file with the weights 0.weight, 2.weight, ... of linear layers with ReLU
    between them.  A target that is rewritten on the way has a ticket of its own: verify it with
    the same options.
    """
    if not only_plan:
        if output is None:
            raise click.UsageError("Missing option '-o' / '--output'.")
        _check_output(output, force)
    network, shape = _rewritten(target, fold, absorb_biases, rescale, input_shape)
    from slth.constructions import plan
    from slth.constructions import prune as find
    from slth.constructions.plan_report import plan_text
    from slth.tickets import report

    options["input_shape"] = shape
    if only_plan or output is None:
        made = plan(network, **options)
        click.echo(plan_text(made))
        made.check()
        return
    show_bars = sys.stderr.isatty() if progress is None else progress
    ticket = find(network, progress=show_bars, **options)
    try:
        ticket.save(output, overwrite=force)
    except OSError as error:  # a search may have taken an hour: its result goes elsewhere
        elsewhere = (
            output.with_name(f"{output.name}.{os.getpid()}")
            if isinstance(error, FileExistsError)
            else Path(tempfile.mkdtemp(prefix="slth-")) / output.name
        )
        ticket.save(elsewhere, overwrite=False)
        raise OSError(f"{error}: this ticket is in {elsewhere}") from error
    click.echo(f"{output} is a strong lottery ticket\n{report.ticket_text(ticket)}")


@main.command(
    epilog=_example("slth verify out.ticket target.pt", "slth verify learned.ticket --data digits")
)
@click.argument("ticket", type=_FILE)
@click.argument("target", type=_FILE, required=False)
@click.option(
    "--data",
    metavar="NAME",
    help="For a learned ticket, instead of TARGET: the data whose test part it was observed on, "
    "such as digits or fashion-mnist.",
)
@_INPUT_SHAPE
@_rewriting
@click.option(
    "--observe/--no-observe",
    default=True,
    show_default=True,
    help="Search for inputs with large errors; the bound does not depend on it.",
)
@_JSON
def verify(
    ticket: Path,
    target: Path | None,
    data: str | None,
    input_shape: tuple[int, ...] | None,
    fold: bool,
    absorb_biases: bool,
    rescale: bool,
    observe: bool,
    as_json: bool,
) -> None:
    """Judge TICKET against the network in TARGET, or by counting again on the data of its promise.

    The random network is regenerated from the ticket's seed; bound and count come from its mask.
    """
    if target is not None and data is not None:
        raise click.UsageError("give TARGET or --data, not both: slth show TICKET says which")
    if data is not None and (input_shape or fold or absorb_biases or rescale):
        raise click.UsageError("options that rewrite or read a TARGET make no sense with --data")
    from slth.tickets import LearnedTicket, Ticket, VerificationError, report
    from slth.tickets import verify as judge

    stored = _ticket(ticket)
    try:
        if isinstance(stored, Ticket) and target is not None:
            network, _ = _rewritten(target, fold, absorb_biases, rescale, input_shape)
            certificate = judge(stored, network, observe=observe)
            facts = report.certificate_facts(stored, certificate)
            text = report.certificate_text(stored, certificate)
        elif isinstance(stored, LearnedTicket) and data is not None:
            found = _recount(stored, data)
            facts, text = report.recount_facts(stored, found), report.recount_text(stored, found)
        else:
            raise click.UsageError(f"{ticket} is a {stored.noun}: {_to_verify(stored, ticket)}")
    except VerificationError as error:
        if as_json:
            _print_json({"verified": False, "reason": str(error)})
        raise VerificationError(f"{ticket} is no ticket for {target or data}: {error}") from error
    if as_json:
        _print_json({"verified": True, **facts})
    else:
        click.echo(f"{ticket} is a ticket for {target or data}\n{text}")


@main.command(epilog=_example("slth show out.ticket"))
@click.argument("ticket", type=_FILE)
@_JSON
def show(ticket: Path, as_json: bool) -> None:
    """Say what TICKET is and what it promises; nothing of it is verified."""
    from slth.tickets import Ticket, report
    from slth.tickets.rows import lines

    stored, size = _ticket(ticket), ticket.stat().st_size
    if as_json:
        _print_json({"verified": None, **report.ticket_facts(stored), "file_bytes": size})
        return
    noun = "strong lottery ticket" if isinstance(stored, Ticket) else stored.noun
    click.echo(
        f"{ticket} says that it is a {noun}; nobody has verified it here:\n"
        f"{_to_verify(stored, ticket)}\n{report.ticket_text(stored)}\n"
        + lines({"file": f"{size:,} bytes"})
    )


@main.command(epilog=_example("slth export out.ticket --target target.pt -o model.pt2"))
@click.argument("ticket", type=_FILE)
@_output(required=True)
@click.option("--target", type=_FILE, help="First verify the ticket against this target.")
@_INPUT_SHAPE
@_rewriting
@_FORCE
def export(
    ticket: Path,
    output: Path,
    target: Path | None,
    input_shape: tuple[int, ...] | None,
    fold: bool,
    absorb_biases: bool,
    rescale: bool,
    force: bool,
) -> None:
    """Store TICKET as an ordinary model.

    The model is the random network with the mask applied: a .pt2 file for torch.export.load, or a
    .safetensors file with the state_dict.
    """
    _check_output(output, force)
    from slth.tickets import Ticket, check_export_path
    from slth.tickets import export as store
    from slth.tickets import verify as judge

    check_export_path(output)
    stored = _ticket(ticket)
    if target is None:
        store(stored, output, input_shape=input_shape, overwrite=force)
        verified = (
            "ticket that was not verified; --target TARGET verifies it first"
            if isinstance(stored, Ticket)
            else f"{stored.noun}; {_to_verify(stored, ticket)}"
        )
    elif isinstance(stored, Ticket):
        network, _ = _rewritten(target, fold, absorb_biases, rescale, input_shape)
        judge(stored, network, observe=False)
        store(stored, output, overwrite=force)
        verified = f"ticket that was verified against {target}"
    else:
        raise click.UsageError(f"{ticket} is a {stored.noun}, which has no target")
    click.echo(f"wrote {output}, the network of a {verified}")


def _check_output(path: Path, force: bool) -> None:
    """Refuse what could not be written, before any work."""
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no directory {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise click.UsageError(f"the directory {path.parent} is not writable")
    if os.path.lexists(path) and not force:
        raise click.UsageError(f"{path} exists; --force overwrites it")
    click.get_current_context().find_root().obj = path, _state(path)


def _rewritten(
    path: Path, fold: bool, absorb: bool, rescale: bool, shape: tuple[int, ...] | None
) -> tuple["nn.Sequential", tuple[int, ...] | None]:
    """Read a target and rewrite it as asked, saying what had to be assumed and what follows."""
    from slth import constructions
    from slth.networks import load_module, load_target

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network = load_module(path) if fold or absorb else load_target(path)
    for warning in caught:
        click.echo(f"Note: {warning.message}", err=True)
    if fold:
        network = constructions.fold_batch_norms(network)
    if absorb:
        network = constructions.absorb_biases(network, shape)
        shape = None if shape is None else (shape[0] + 1, *shape[1:])
        click.echo("Note: inputs have one more entry or channel, which is always 1", err=True)
    if rescale:
        rescaled = constructions.rescale(network, input_shape=shape)
        network = rescaled.network
        if rescaled.factor != 1.0:
            click.echo(
                f"Note: the ticket is for the target divided by {rescaled.factor:g}", err=True
            )
    return network, shape


def _recount(ticket: "LearnedTicket", name: str) -> "Recount":
    """Count again on the test part of named data, in the shape that the ticket takes."""
    from slth.targets import DATASETS
    from slth.tickets import recount

    if name not in DATASETS:
        raise click.UsageError(f"there are no data {name!r}; known are {', '.join(DATASETS)}")
    try:
        data = DATASETS[name]()
    except ModuleNotFoundError as error:
        raise ValueError(str(error)) from error
    x = data.x_test
    if x[0].numel() == prod(ticket.input_shape):
        x = x.reshape(-1, *ticket.input_shape)
    return recount(ticket, x, data.y_test)


def _to_verify(ticket: "Subnetwork", path: Path) -> str:
    """Say what a person types to have a ticket judged."""
    from slth.tickets import LearnedTicket, Ticket

    if isinstance(ticket, Ticket):
        return f"slth verify {path} TARGET does"
    if isinstance(ticket, LearnedTicket):
        return f"slth verify {path} --data NAME does"
    return "there is nothing to verify"


def _ticket(path: Path) -> "Subnetwork":
    """Read a ticket of any kind; say what another file is."""
    from slth.networks.file_kind import NAMES, file_kind
    from slth.tickets import Subnetwork, TicketFileError

    kind = file_kind(path)
    if kind in ("torch", "program", "tensors"):
        raise TicketFileError(
            f"{path} is {NAMES[kind]} and holds no ticket; the ticket is named first, then the "
            "target"
        )
    return Subnetwork.load(path)


def _print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
