"""The command line: what a person types, what it answers, and with which exit code."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file
from torch import nn

import slth
from slth import __main__ as command_line
from slth import targets
from slth.constructions import (
    absorb_biases,
    construction_names,
    fold_batch_norms,
    plan,
    rescale,
)
from slth.networks import Network, RandomNetwork, WeightLaw
from slth.networks.layers import Conv, Dense, Flatten
from slth.tickets import Mask, Objective, Subnetwork, observe, recount, ticket_file

Run = Callable[..., Result]


def _target(*widths: int, seed: int = 0) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        linear = nn.Linear(inputs, outputs, bias=False)
        linear.weight.data = torch.rand(outputs, inputs, generator=generator) - 0.5
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1]).requires_grad_(False)


TARGET = _target(3, 4, 2)
ARGUMENTS = ("--size", "2", "--epsilon", "0.3", "--seed", "5", "--samples", "80")
OPTIONS: dict[str, Any] = {"size": 2, "epsilon": 0.3, "seed": 5, "samples": 80}


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a folder with a target and its ticket; never a traceback."""
    monkeypatch.chdir(tmp_path)
    torch.save(TARGET, "target.pt")
    slth.prune(TARGET, **OPTIONS).save("out.ticket")

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(command_line.main, arguments, prog_name="slth")
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


# prune


def test_prune_writes_the_ticket_that_prune_returns(run: Run) -> None:
    result = run("prune", "target.pt", *ARGUMENTS, "-o", "again.ticket")
    assert Path("again.ticket").read_bytes() == Path("out.ticket").read_bytes()
    assert result.stdout.startswith("again.ticket is a strong lottery ticket\n")
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (
            ("--weight-tolerance", "0.05,0.1", "--samples", "50"),
            {"weight_tolerance": (0.05, 0.1), "samples": 50},
        ),
        (
            ("--epsilon", "2", "--construction", "natale", "--size", "2,3", "--samples", "60"),
            {"epsilon": 2.0, "construction": "natale", "size": (2, 3), "samples": 60},
        ),
        (
            ("--weight-tolerance", "0.1", "--construction", "malach", "--samples", "200"),
            {"weight_tolerance": 0.1, "construction": "malach", "samples": 200},
        ),
        (
            (
                "--epsilon",
                "0.5",
                "--construction",
                "pensia",
                "--objective",
                "feasible",
                "--input-shape",
                "3",
                "--samples",
                "60",
            ),
            {"epsilon": 0.5, "objective": "feasible", "input_shape": (3,), "samples": 60},
        ),
        (
            ("--epsilon", "0.5", "--samples", "60,50", "--objective", "fewest"),
            {"epsilon": 0.5, "samples": (60, 50), "objective": "fewest"},
        ),
        (
            ("--epsilon", "0.5", "--law", "normal", "--nonnegative-inputs", "--samples", "40"),
            {"epsilon": 0.5, "law": "normal", "nonnegative_inputs": True, "samples": 40},
        ),
    ],
)
def test_prune_passes_every_option_on(
    run: Run, arguments: tuple[str, ...], options: dict[str, Any]
) -> None:
    run("prune", "target.pt", *arguments, "-o", "again.ticket")
    assert slth.Ticket.load("again.ticket") == slth.prune(TARGET, **options)


def test_choices_are_those_of_the_package() -> None:
    prune = command_line.main.commands["prune"]
    choices = {
        option.name: tuple(option.type.choices)
        for option in prune.params
        if isinstance(option.type, click.Choice)
    }
    assert choices == {
        "construction": tuple(construction_names()),
        "law": get_args(WeightLaw),
        "objective": get_args(Objective),
    }


def test_progress_is_shown_on_standard_error(run: Run) -> None:
    result = run("prune", "target.pt", *ARGUMENTS, "-o", "again.ticket", "--progress")
    assert "weight/s" in result.stderr
    assert "weight/s" not in result.stdout


def test_a_weight_out_of_reach_is_named(run: Run) -> None:
    arguments = ("--size", "2", "--epsilon", "1e-5", "--samples", "9")
    result = run("prune", "target.pt", *arguments, "-o", "again.ticket", code=1)
    assert result.stdout == ""
    assert "Error: target layer 0, weight (" in result.stderr
    assert "is allowed; theory asks for n=" in result.stderr
    assert not Path("again.ticket").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give exactly one of --epsilon and --weight-tolerance"),
        (("--epsilon", "0.1", "--weight-tolerance", "0.1"), "give exactly one of --epsilon"),
        (("--epsilon", "-1"), "epsilon must be finite and > 0"),
        (("--epsilon", "nan"), "epsilon must be finite and > 0"),
        (("--epsilon", "small"), "'small' is not a valid float"),
        (("--epsilon", "0.1", "--size", "0"), "size must be an integer >= 1"),
        (("--epsilon", "0.1", "--size", "2,2,2"), "3 sizes for a target of 2 layers"),
        (("--epsilon", "0.1", "--construction", "natale"), "give --size K"),
        (("--epsilon", "0.1", "--construction", "natural"), "'natural' is not one of"),
        (("--epsilon", "0.1", "--input-shape", "4"), "takes vectors of length 3"),
        (("--epsilon", "0.1", "--samples", "3,x"), "separated by commas, N[,N...], got '3,x'"),
        (("--epsilon", "0.1", "--samples", "3,4,5"), "3 sample counts for a target of 2 layers"),
        (("--epsilon", "0.1", "--size", "5", "--samples", "3"), "size k=5 exceeds the n=3"),
        (("--epsilon", "0.1", "--size", "5", "--objective", "fewest"), "size k=5 fixes it"),
        (("--epsilon", "0.1", "--objective", "worst"), "'worst' is not one of"),
        (("--epsilon", "0.1", "--seed", str(2**64)), "seed must be"),
    ],
)
def test_prune_refuses_what_makes_no_sense(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run("prune", "target.pt", *arguments, "-o", "again.ticket", code=2)
    assert message in result.stderr
    assert not Path("again.ticket").exists()


def test_targets_that_hold_weights_only_come_with_a_note(run: Run) -> None:
    save_file(TARGET.state_dict(), "target.safetensors")
    result = run("prune", "target.safetensors", *ARGUMENTS, "-o", "again.ticket")
    assert result.stderr.startswith("Note: target.safetensors holds weights only: taken for linear")
    assert Path("again.ticket").read_bytes() == Path("out.ticket").read_bytes()


def test_targets_that_cannot_be_read_are_refused(run: Run) -> None:
    torch.save(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), "tanh.pt")
    torch.save(nn.Sequential(nn.Linear(2, 2)), "bias.pt")
    Path("truncated.pt").write_bytes(Path("target.pt").read_bytes()[:300])
    Path("folder.pt").mkdir()
    for name, message in [
        ("tanh.pt", "torch.nn.modules.activation.Tanh, but only supported modules are read"),
        ("bias.pt", "has a bias"),
        ("truncated.pt", "truncated.pt is damaged or was not written by torch.save"),
        ("folder.pt", "File 'folder.pt' is a directory"),
        ("missing.pt", "File 'missing.pt' does not exist"),
        ("out.ticket", "out.ticket is a ticket, not a target"),
    ]:
        assert message in run("prune", name, *ARGUMENTS, "-o", "again.ticket", code=2).stderr


# plans and rewritten targets


def test_a_plan_is_told_and_nothing_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slth.networks.RandomNetwork, "rows", None)
    before = sorted(Path().iterdir())
    text = run("prune", "target.pt", "--epsilon", "0.3", "--size", "2", "--plan").stdout
    made = plan(TARGET, epsilon=0.3, size=2)
    for expected in (
        "Dense(inputs=3, outputs=4)", "natale, objective best", "exactly 2\n",
        f"{made.samples[0]}, {made.samples[1]} (layer by layer) per input and half",
        f"{made.network.n_parameters:,}", "32 subset sums, about",
    ):  # fmt: skip
        assert expected in text
    result = run(
        "prune", "target.pt", "--epsilon", "1e-4", "--objective", "best", "--budget", "0.5",
        "--plan", code=2,
    )  # fmt: skip
    assert "subset sums, about" in result.stdout
    assert "more than the 0.5 s allowed; what helps: --objective feasible" in result.stderr
    assert sorted(Path().iterdir()) == before


def test_hopeless_calls_are_told_what_helps_in_options(run: Run) -> None:
    torch.save(nn.Sequential(nn.Linear(1, 1, bias=False)).requires_grad_(False), "one.pt")
    arguments = ("prune", "one.pt", "-o", "again.ticket")
    for given, message in [
        (
            ("--epsilon", "1e-13"),
            "out of reach of the objective 'feasible'; what helps: an --epsilon",
        ),
        (("--epsilon", "1e-6", "--size", "1"), "what helps: --size 3, or --size 5"),
        (("--weight-tolerance", "-1"), "--weight-tolerance must be finite and > 0"),
        (("--epsilon", "0.1", "--budget", "0"), "--budget must be finite and > 0"),
    ]:
        assert message in run(*arguments, *given, code=2).stderr
    torch.save(nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2)), "normed.pt")
    torch.save(nn.Sequential(nn.Linear(2, 2)), "biased.pt")
    for name, message in [
        ("biased.pt", "has a bias; the random networks of the theorems have none: --absorb-biases"),
        ("normed.pt", "is a BatchNorm1d; supported are .*; --fold folds it into the layer before"),
    ]:
        result = run("prune", name, "--epsilon", "1", "-o", "again.ticket", code=2)
        assert re.search(message, result.stderr)
    assert not Path("again.ticket").exists()


def _biased(*, images: bool) -> nn.Sequential:
    torch.manual_seed(0)
    modules: list[nn.Module] = (
        [nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1)]
        if images
        else [nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1)]
    )
    norm = modules[1]
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    norm.running_mean = torch.randn(norm.num_features)
    norm.weight.data.mul_(5.0)
    return nn.Sequential(*modules).requires_grad_(False)


@pytest.mark.parametrize("images", [False, True])
def test_rewriting_does_what_the_functions_do(run: Run, images: bool) -> None:
    target = _biased(images=images)
    torch.save(target, "biased.pt")
    shape = ("--input-shape", "1,3,3") if images else ()
    options = ("--fold", "--absorb-biases", "--rescale", *shape)
    promise = ("--epsilon", "2", "--size", "2", "--samples", "150")
    result = run("prune", "biased.pt", *options, *promise, "-o", "biased.ticket")
    absorbed = absorb_biases(fold_batch_norms(target), (1, 3, 3) if images else None)
    whole = (2, 3, 3) if images else None
    rescaled = rescale(absorbed, input_shape=whole)
    expected = slth.prune(rescaled.network, epsilon=2.0, size=2, samples=150, input_shape=whole)
    assert slth.Ticket.load("biased.ticket") == expected
    assert "Note: inputs have one more entry or channel, which is always 1" in result.stderr
    factor = f"Note: the ticket is for the target divided by {rescaled.factor:g}"
    assert (factor in result.stderr) == (rescaled.factor != 1.0)
    verified = run("verify", "biased.ticket", "biased.pt", *options, "--no-observe")
    assert verified.stdout.startswith("biased.ticket is a ticket for biased.pt\n")
    assert (
        "the ticket is for the target"
        in run("verify", "biased.ticket", "biased.pt", *options[:2], *shape, code=1).stderr
    )
    exported = run("export", "biased.ticket", "--target", "biased.pt", *options, "-o", "m.pt2")
    assert "verified against biased.pt" in exported.stdout


def test_rewriting_what_needs_none_is_refused(run: Run) -> None:
    for option, message in [
        ("--fold", "no batch normalisation: there is nothing to fold"),
        ("--absorb-biases", "no bias: there is nothing to absorb"),
    ]:
        assert message in run("prune", "target.pt", option, "--plan", code=2).stderr


# outputs


@pytest.mark.parametrize(
    "command", [("prune", "target.pt", *ARGUMENTS), ("export", "out.ticket")], ids=lambda c: c[0]
)
def test_outputs_are_refused_before_any_work(
    run: Run, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slth.networks.load_target", None)
    monkeypatch.setattr("slth.tickets.Subnetwork.load", None)
    Path("model.pt2").write_text("precious")
    Path("folder").mkdir()
    assert "model.pt2 exists; --force" in run(*command, "-o", "model.pt2", code=2).stderr
    assert "'folder' is a directory" in run(*command, "-o", "folder", code=2).stderr
    assert "there is no directory nowhere" in run(*command, "-o", "nowhere/x.pt2", code=2).stderr
    assert "Missing option '-o'" in run(*command, code=2).stderr
    assert Path("model.pt2").read_text() == "precious"


def test_force_overwrites(run: Run) -> None:
    before = Path("out.ticket").read_bytes()
    run("prune", "target.pt", *ARGUMENTS, "--seed", "6", "-o", "out.ticket", "--force")
    assert Path("out.ticket").read_bytes() != before
    Path("model.safetensors").write_text("old")
    run("export", "out.ticket", "-o", "model.safetensors", "--force")
    assert load_file("model.safetensors")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_command_leaves_the_old_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    before = Path("out.ticket").read_bytes()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    interrupted = error is KeyboardInterrupt
    result = run(
        "prune", "target.pt", *ARGUMENTS, "--seed", "6", "-o", "out.ticket", "--force",
        code=130 if interrupted else 2,
    )  # fmt: skip
    assert ("Interrupted" if interrupted else "No space left on device") in result.stderr
    assert Path("out.ticket").read_bytes() == before
    assert {path.name for path in Path().iterdir()} == {"target.pt", "out.ticket"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interruption_says_whether_something_was_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Also when the interruption comes between the last byte and the last word."""
    save = slth.Ticket.save

    def interrupted(ticket: slth.Ticket, path: Path, **options: Any) -> None:
        if when == "after":
            save(ticket, path, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(slth.Ticket, "save", interrupted)
    result = run("prune", "target.pt", *ARGUMENTS, "-o", "new.ticket", code=130)
    said = {"before": "Interrupted: nothing was written", "after": "but new.ticket was written"}
    assert said[when] in result.stderr
    assert Path("new.ticket").exists() == (when == "after")


def test_an_interruption_of_what_writes_nothing_says_nothing_of_writing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(slth.tickets.Subnetwork, "load", interrupted)
    assert run("show", "out.ticket", code=130).stderr == "Interrupted\n"


def test_a_file_that_appears_during_the_search_stays(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = slth.constructions.prune

    def slow(*arguments: Any, **options: Any) -> slth.Ticket:
        Path("again.ticket").write_text("precious")
        return find(*arguments, **options)

    monkeypatch.setattr(slth.constructions, "prune", slow)
    result = run("prune", "target.pt", *ARGUMENTS, "-o", "again.ticket", code=2)
    assert Path("again.ticket").read_text() == "precious"
    [saved] = Path().glob("again.ticket.*")
    assert f"again.ticket exists by now, and was not overwritten: this ticket is in {saved}" in (
        result.stderr
    )
    assert slth.Ticket.load(saved) == slth.Ticket.load("out.ticket")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is Linux's")
def test_a_ticket_is_not_lost_on_a_full_disk(run: Run, tmp_path: Path) -> None:
    """A search may have taken an hour."""
    said = run("prune", "target.pt", *ARGUMENTS, "-o", "/dev/full", "--force", code=2).stderr
    assert "No space left on device" in said
    saved = Path(said.partition("this ticket is in ")[2].strip())
    assert slth.Ticket.load(saved) == slth.Ticket.load("out.ticket")
    saved.unlink()
    saved.parent.rmdir()


def test_links_and_devices_are_overwritten_with_care(run: Run) -> None:
    before = Path("out.ticket").read_bytes()
    Path("loose.ticket").symlink_to("elsewhere.ticket")
    command = ("prune", "target.pt", *ARGUMENTS, "-o")
    assert "loose.ticket exists; --force" in run(*command, "loose.ticket", code=2).stderr
    assert "/dev/null exists; --force" in run(*command, "/dev/null", code=2).stderr
    run(*command, "loose.ticket", "--force")
    run(*command, "/dev/null", "--force")
    assert Path("loose.ticket").is_symlink()
    assert Path("elsewhere.ticket").read_bytes() == before
    assert Path("/dev/null").is_char_device()


# verify, show, export


def test_verify_says_what_verify_finds(run: Run) -> None:
    certificate = slth.verify(slth.Ticket.load("out.ticket"), TARGET)
    found = json.loads(run("verify", "out.ticket", "target.pt", "--json").stdout)
    assert found["verified"] is True
    assert found["bound"] == certificate.bound <= found["epsilon"] == 0.3
    assert found["observed_error"] == certificate.observed_error
    assert found["max_weight_error"] == certificate.max_weight_error
    assert (found["kept"], found["total"]) == (certificate.kept, certificate.total)
    text = run("verify", "out.ticket", "target.pt").stdout
    assert text.startswith("out.ticket is a ticket for target.pt\n")
    assert f"{certificate.bound:.4g} on the unit ball" in text


def test_verify_need_not_look_for_large_errors(run: Run) -> None:
    assert "nobody looked" in run("verify", "out.ticket", "target.pt", "--no-observe").stdout
    found = json.loads(run("verify", "out.ticket", "target.pt", "--no-observe", "--json").stdout)
    assert found["observed_error"] is None
    certificate = slth.verify(slth.Ticket.load("out.ticket"), TARGET)
    assert found["bound"] == certificate.bound


def test_verify_refuses_another_target(run: Run) -> None:
    torch.save(_target(3, 4, 2, seed=1), "other.pt")
    result = run("verify", "out.ticket", "other.pt", code=1)
    assert result.stdout == ""
    assert "out.ticket is no ticket for other.pt: the ticket is for the target" in result.stderr
    found = json.loads(run("verify", "out.ticket", "other.pt", "--json", code=1).stdout)
    assert found["verified"] is False
    assert found["reason"].startswith("the ticket is for the target")


def test_verify_refuses_a_ticket_that_breaks_its_promise(run: Run) -> None:
    """A forged ticket: its promise was tightened and its checksum made to match."""
    header, arrays = ticket_file.read(Path("out.ticket"))
    ticket_file.write(
        Path("forged.ticket"), {**header, "promise": {**header["promise"], "epsilon": 1e-9}}, arrays
    )
    result = run("verify", "forged.ticket", "target.pt", code=1)
    assert "exceeds the promised epsilon=1e-09" in result.stderr


@pytest.mark.parametrize("command", ["verify", "show", "export"])
def test_tickets_that_cannot_be_read_are_refused(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path("out.ticket").read_bytes()
    Path("truncated.ticket").write_bytes(data[:-10])
    Path("corrupted.ticket").write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
    header, arrays = ticket_file.read(Path("out.ticket"))
    newer = ticket_file.FORMAT_VERSION + 1
    with monkeypatch.context() as patch:
        patch.setattr(ticket_file, "FORMAT_VERSION", newer)
        ticket_file.write(Path("newer.ticket"), header, arrays)
    save_file(TARGET.state_dict(), "weights.ticket")
    rest = {"verify": ["target.pt"], "show": [], "export": ["-o", "model.pt2"]}[command]
    for name, message in [
        ("truncated.ticket", "truncated or no safetensors file"),
        ("corrupted.ticket", "its checksum does not match"),
        (
            "newer.ticket",
            f"has ticket format {newer}, this version of slth reads 2 and 3",
        ),
        ("weights.ticket", "holds no ticket"),
        ("target.pt", "is what torch.save wrote and holds no ticket; the ticket is named first"),
        ("missing.ticket", "does not exist"),
        (".", "is a directory"),
    ]:
        result = run(command, name, *rest, code=2)
        assert message in result.stderr
        assert name in result.stderr
        assert result.stdout == ""


def test_show_says_what_the_ticket_is(run: Run) -> None:
    ticket = slth.Ticket.load("out.ticket")
    found = json.loads(run("show", "out.ticket", "--json").stdout)
    assert found["target_digest"] == ticket.target_digest
    assert (found["seed"], found["sizes"], found["epsilon"]) == (5, [2, 2], 0.3)
    assert found["target_layers"][0] == {"kind": "Dense", "inputs": 3, "outputs": 4}
    assert found["density"] == ticket.density
    assert found["weight_tolerances"] == list(ticket.promise.weight_tolerances)
    text = run("show", "out.ticket").stdout
    for expected in (
        "Dense(inputs=3, outputs=4)", ticket.target_digest, "shape (3,), of any sign",
        "uniform, seed 5", "natale, objective best", "exactly 2\n", "error at most 0.3 on the unit",
    ):  # fmt: skip
        assert expected in text


def _forged() -> None:
    """Write a ticket with another mask, and everything else as it should be."""
    header, arrays = ticket_file.read(Path("out.ticket"))
    ticket_file.write(Path("forged.ticket"), header, [np.bitwise_not(array) for array in arrays])


def test_show_says_that_nobody_verified(run: Run) -> None:
    _forged()
    for name in ("out.ticket", "forged.ticket"):
        result = run("show", name)
        assert result.stdout.startswith(f"{name} says that it is a strong lottery ticket; nobody")
        assert f"slth verify {name} TARGET does" in result.stdout
        assert json.loads(run("show", name, "--json").stdout)["verified"] is None


def test_export_verifies_first_if_it_is_told_the_target(run: Run) -> None:
    _forged()
    arguments = ("export", "forged.ticket", "-o", "model.safetensors")
    result = run(*arguments, "--target", "target.pt", code=1)
    assert "weight" in result.stderr
    assert not Path("model.safetensors").exists()
    assert "that was not verified; --target TARGET" in run(*arguments).stdout


def test_files_are_called_what_they_are(run: Run) -> None:
    Path("tickets.safetensors").write_bytes(Path("out.ticket").read_bytes())
    Path("target").write_bytes(Path("target.pt").read_bytes())
    assert "out.ticket is a ticket" in run("verify", "out.ticket", "target").stdout
    assert "is a ticket for target" in run("verify", "tickets.safetensors", "target").stdout
    run("export", "out.ticket", "-o", "model.pt2")
    save_file(TARGET.state_dict(), "weights.safetensors")
    for command, message in [
        (("verify", "target", "out.ticket"), "target is what torch.save wrote and holds no ticket"),
        (("verify", "out.ticket", "out.ticket"), "out.ticket is a ticket, not a target"),
        (("prune", "out.ticket", "--plan"), "out.ticket is a ticket, not a target"),
        (("prune", "model.pt2", "--plan"), "model.pt2 is an exported program, which no longer"),
        (("show", "model.pt2"), "model.pt2 is an exported program and holds no ticket"),
        (("show", "weights.safetensors"), "is a safetensors file of tensors and holds no ticket"),
    ]:
        assert message in run(*command, code=2).stderr


def test_nobody_is_advised_to_load_unsafely(run: Run) -> None:
    torch.save({"model": TARGET, "optimizer": slice(3)}, "foreign.pt")
    torch.save(_target, "function.pt")
    for name in ("foreign.pt", "function.pt"):
        told = run("prune", name, "--plan", code=2).stderr
        assert "torch.save(target, 'target.pt')" in told
        assert "weights_only" not in told
        assert "safe_globals" not in told


def test_every_help_shows_an_example() -> None:
    for name in ("prune", "verify", "show", "export"):
        text = CliRunner().invoke(command_line.main, [name, "--help"]).output
        assert re.search(rf"\n +Example:\n +slth {name} \S", text)


def test_show_tells_a_free_size_and_a_promise_on_weights(run: Run) -> None:
    slth.prune(TARGET, weight_tolerance=0.05, samples=40, nonnegative_inputs=True).save(
        "free.ticket"
    )
    text = run("show", "free.ticket").stdout
    assert "promise  " not in text
    for expected in ("pensia", "any number\n", "errors at most 0.05\n", "(3,), non-negative"):
        assert expected in text


@pytest.mark.parametrize("name", ["model.pt2", "model.safetensors"])
def test_export_writes_the_network(run: Run, name: str) -> None:
    told = run("export", "out.ticket", "-o", name).stdout
    assert told.startswith(f"wrote {name}, the network of a ticket that was not verified")
    told = run("export", "out.ticket", "--target", "target.pt", "-o", name, "--force").stdout
    assert told == f"wrote {name}, the network of a ticket that was verified against target.pt\n"
    network = slth.Ticket.load("out.ticket").network()
    if name.endswith(".pt2"):
        x = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)) - 0.5
        assert torch.equal(torch.export.load(name).module()(x), network(x))
    else:
        state = load_file(name)
        assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_export_refuses_another_kind_of_model(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slth.tickets.Subnetwork.load", None)
    result = run("export", "out.ticket", "-o", "model.onnx", code=2)
    assert "exported to a .pt2 or .safetensors file, not to model.onnx" in result.stderr


def test_a_convolutional_network_goes_all_the_way(run: Run) -> None:
    torch.manual_seed(0)
    target = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(), nn.Linear(8, 2, bias=False),
    ).requires_grad_(False)  # fmt: skip
    torch.save(target, "conv.pt")
    arguments = ("prune", "conv.pt", "--epsilon", "0.5", "--size", "2", "--samples", "90,60")
    result = run(*arguments, "-o", "conv.ticket", code=2)
    assert "give --input-shape C,H,W" in result.stderr
    run(*arguments, "-o", "conv.ticket", "--input-shape", "1,4,4")
    found = json.loads(run("verify", "conv.ticket", "conv.pt", "--json", "--no-observe").stdout)
    assert found["bound"] <= 0.5
    text = run("show", "conv.ticket").stdout
    assert "Conv(inputs=1, outputs=2, kernel=(3, 3), padding=(1, 1))\n" in text
    run("export", "conv.ticket", "-o", "conv.pt2")
    x = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0)) - 0.5
    expected = slth.Ticket.load("conv.ticket").network()(x)
    assert torch.equal(torch.export.load("conv.pt2").module()(x), expected)
    save_file(target.state_dict(), "conv.safetensors")
    result = run("verify", "conv.ticket", "conv.safetensors", code=2)
    assert "from tensors alone only dense networks are rebuilt" in result.stderr


# subnetworks and learned tickets


@pytest.fixture(name="learned")
def learned_fixture(run: Run) -> slth.tickets.LearnedTicket:
    """Put a subnetwork and a ticket observed on the digits beside the others."""
    network = RandomNetwork.dense((64, 20, 10), seed=1)
    rng = np.random.default_rng(0)
    found = Subnetwork(network, Mask([rng.random(shape) < 0.3 for shape in network.shapes]))
    found.save("found.ticket")
    data = targets.digits()
    learned = observe(found, data.x_test, data.y_test)
    learned.save("learned.ticket")
    return learned


def test_verify_counts_again(run: Run, learned: slth.tickets.LearnedTicket) -> None:
    data = targets.digits()
    counted = recount(learned, data.x_test, data.y_test)
    found = json.loads(run("verify", "learned.ticket", "--data", "digits", "--json").stdout)
    assert (found["verified"], found["promise"]) == (True, "observed")
    assert (found["correct"], found["tested"]) == (counted.correct, 450)
    assert (found["accuracy"], found["interval"]) == (counted.accuracy, [*counted.interval])
    text = run("verify", "learned.ticket", "--data", "digits").stdout
    assert text.startswith("learned.ticket is a ticket for digits\n")
    assert f"counted again         {counted.correct} of 450\n" in text


def test_verify_takes_images_as_the_ticket_does(run: Run) -> None:
    architecture = Network.chain([Flatten(), Dense(64, 10)])
    network = RandomNetwork(architecture, 0)
    images = targets.digits().images()
    found = Subnetwork(network, Mask([np.ones(shape) for shape in network.shapes]))
    observe(found, images.x_test, images.y_test).save("images.ticket")
    run("verify", "images.ticket", "--data", "digits")


def test_verify_refuses_other_data_counts_and_bits(
    run: Run, learned: slth.tickets.LearnedTicket, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, arrays = ticket_file.read(Path("learned.ticket"))
    promise = {**header["promise"], "correct": learned.promise.correct + 1}
    ticket_file.write(Path("count.ticket"), {**header, "promise": promise}, arrays)
    layers = [layer.copy() for layer in learned.mask.layers]
    layers[1].flat[7] ^= True
    dataclasses.replace(learned, mask=Mask(layers)).save("bit.ticket")
    for name, message in [
        ("count.ticket", f"the ticket says {learned.promise.correct + 1}"),
        ("bit.ticket", "the mask is another one"),
    ]:
        result = run("verify", name, "--data", "digits", code=1)
        assert result.stdout == ""
        assert f"{name} is no ticket for digits: " in result.stderr
        assert message in result.stderr
    told = run("verify", "bit.ticket", "--data", "digits", "--json", code=1).stdout
    assert json.loads(told)["verified"] is False
    other = partial(targets.digits, seed=1)
    monkeypatch.setattr(targets, "DATASETS", {"other": other})
    result = run("verify", "learned.ticket", "--data", "other", code=1)
    assert "the ticket was observed on the data" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("learned.ticket",), "is a learned ticket, observed on data: slth verify learned.ticket "),
        (("learned.ticket", "target.pt"), "slth verify learned.ticket --data NAME does"),
        (("out.ticket",), "is a ticket for a target: slth verify out.ticket TARGET does"),
        (("out.ticket", "--data", "digits"), "slth verify out.ticket TARGET does"),
        (("found.ticket", "--data", "digits"), "nothing is promised: there is nothing to verify"),
        (("learned.ticket", "target.pt", "--data", "digits"), "TARGET or --data, not both"),
        (("learned.ticket", "--data", "digits", "--fold"), "make no sense with --data"),
        (("learned.ticket", "--data", "nothing"), "no data 'nothing'; known are digits, "),
    ],
)
@pytest.mark.usefixtures("learned")
def test_verify_says_what_a_kind_of_ticket_needs(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run("verify", *arguments, code=2)
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("error", [ModuleNotFoundError, ConnectionError, FileNotFoundError])
@pytest.mark.usefixtures("learned")
def test_data_that_are_not_to_be_had_are_named(
    run: Run, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> targets.Dataset:
        raise error("these data are to be had by other means")

    monkeypatch.setattr(targets, "DATASETS", {"absent": load})
    result = run("verify", "learned.ticket", "--data", "absent", code=2)
    assert result.stderr == "Error: these data are to be had by other means\n"


@pytest.mark.parametrize("name", ["out.ticket", "learned.ticket", "found.ticket"])
@pytest.mark.usefixtures("learned")
def test_show_and_export_know_every_kind(run: Run, name: str) -> None:
    stored, size = Subnetwork.load(name), Path(name).stat().st_size
    found = json.loads(run("show", name, "--json").stdout)
    assert (found["kind"], found["verified"]) == (type(stored).__name__, None)
    assert found["densities"] == [*stored.densities]
    assert found["entropy_bytes"] == stored.mask.entropy_bytes
    assert found["file_bytes"] == size
    text = run("show", name).stdout
    assert f"file                  {size:,} bytes\n" in text
    assert ", ".join(f"{density:.4g}" for density in stored.densities) in text
    run("export", name, "-o", "model.safetensors")
    state = stored.network().state_dict()
    assert {**load_file("model.safetensors")}.keys() == state.keys()
    assert all(torch.equal(load_file("model.safetensors")[key], state[key]) for key in state)


@pytest.mark.usefixtures("learned")
def test_export_asks_for_a_shape_and_refuses_targets_of_none(run: Run) -> None:
    network = RandomNetwork(Network.chain([Conv(1, 1, (3, 3)), Flatten(), Dense(36, 2)]), 0)
    Subnetwork(network, Mask([np.ones(shape) for shape in network.shapes])).save("conv.ticket")
    arguments = ("export", "conv.ticket", "-o", "conv.pt2")
    assert "input" in run(*arguments, code=2).stderr
    run(*arguments, "--input-shape", "1,8,8")
    x = torch.ones(3, 1, 8, 8)
    expected = Subnetwork.load("conv.ticket").network()(x)
    assert torch.equal(torch.export.load("conv.pt2").module()(x), expected)
    result = run("export", "learned.ticket", "--target", "target.pt", "-o", "no.pt2", code=2)
    assert "learned.ticket is a learned ticket, observed on data, which has no" in result.stderr
    assert not Path("no.pt2").exists()


# processes


@pytest.mark.usefixtures("run")
def test_a_fresh_process_counts_the_same(learned: slth.tickets.LearnedTicket) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "slth", "verify", "learned.ticket", "--data", "digits", "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(slth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = json.loads(told.stdout)
    assert (found["correct"], found["kept"]) == (learned.promise.correct, learned.mask.kept)


def test_a_fresh_process_verifies_what_another_wrote(run: Run) -> None:
    verified = subprocess.run(
        [sys.executable, "-m", "slth", "verify", "out.ticket", "target.pt", "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(slth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    certificate = slth.verify(slth.Ticket.load("out.ticket"), TARGET)
    assert json.loads(verified.stdout)["bound"] == certificate.bound

    torch.save(_target(3, 4, 2, seed=1), "target.pt")
    refused = run("verify", "out.ticket", "target.pt", code=1)
    assert refused.stdout == ""
    assert refused.stderr.startswith("Error: out.ticket is no ticket for target.pt")
    assert refused.stderr.count("\n") == 1


def test_help_is_quick_because_torch_stays_out() -> None:
    code = (
        "import sys\nfrom slth.__main__ import main\n"
        "main(['prune', '--help'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--epsilon" in run.stdout


@pytest.mark.parametrize("command", [(), ("prune",), ("verify",), ("show",), ("export",)])
def test_every_command_has_help(run: Run, command: tuple[str, ...]) -> None:
    assert "Usage: slth" in run(*command, "-h").stdout


def test_version(run: Run) -> None:
    assert slth.__version__ in run("--version").stdout
