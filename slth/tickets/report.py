"""Tickets and certificates in words: for programs (JSON) and for people (lines of text)."""

from math import ceil, isfinite
from typing import Any

from slth.tickets.certificate import Certificate
from slth.tickets.judges.observed import Recount
from slth.tickets.learned_ticket import LearnedTicket
from slth.tickets.rows import by_layer, lines, short
from slth.tickets.subnetwork import Subnetwork
from slth.tickets.ticket import Ticket


def ticket_facts(ticket: Subnetwork) -> dict[str, Any]:
    """Collect what a ticket of any kind says of itself, ready for JSON.

    Examples
    --------
    >>> from slth.networks import RandomNetwork
    >>> from slth.tickets import Mask, PairPromise
    >>> net, mask = RandomNetwork.dense(widths=(1, 1, 1), seed=3), Mask([[[1]], [[1]]])
    >>> promise = PairPromise("malach", "best", (1,), (0.1,))
    >>> facts = ticket_facts(Ticket(net, mask, "…", net.digest(), (1,), True, promise))
    >>> facts["target_layers"], facts["construction"], facts["kept"]
    ([{'kind': 'Dense', 'inputs': 1, 'outputs': 1}], 'malach', 2)
    """
    network = ticket.random_network
    facts = {
        "kind": type(ticket).__name__,
        **{name: getattr(ticket, name) for name in ticket.forms if name != "promise"},
        "random_layers": network.architecture.to_json(),
        "seed": network.seed,
        "law": network.law,
        "kept": ticket.mask.kept,
        "total": ticket.mask.total,
        "density": ticket.density,
        "densities": ticket.densities,
        "entropy_bytes": ticket.mask.entropy_bytes,
    }
    if isinstance(ticket, Ticket | LearnedTicket):
        facts |= _promise(ticket)
    if isinstance(ticket, Ticket):
        facts["target_layers"] = ticket.target_architecture.to_json()
        facts["overparameterization"] = ticket.overparameterization
    return facts


def ticket_text(ticket: Subnetwork) -> str:
    """Say to a person what a ticket of any kind is and what it promises."""
    network = ticket.random_network
    rows: dict[str, str | list[str]] = {}
    if isinstance(ticket, Ticket):
        rows["target"] = [short(layer) for layer in ticket.target_layers]
        rows["target's sha256"] = ticket.target_digest
        sign = "non-negative" if ticket.nonnegative_inputs else "of any sign"
        rows["inputs"] = f"shape {ticket.input_shape}, {sign}"
    elif isinstance(ticket, LearnedTicket):
        rows["inputs"] = f"shape {ticket.input_shape}"
    rows["random network"] = [short(layer) for layer in network.layers]
    rows["random weights"] = f"{network.law}, seed {network.seed}"
    if isinstance(ticket, Ticket | LearnedTicket):
        rows |= ticket.promise.terms()
    if isinstance(ticket, Ticket):
        rows["in float32"] = "rounding comes on top: verify bounds it"
    rows |= _counts(ticket)
    rows["density by layer"] = ", ".join(f"{density:.4g}" for density in ticket.densities)
    entropy = ceil(ticket.mask.entropy_bytes)
    rows["mask's entropy"] = f"{entropy:,} bytes on average, for masks of these densities"
    return lines(rows)


def certificate_facts(ticket: Ticket, certificate: Certificate) -> dict[str, Any]:
    """Collect what :func:`slth.verify` found out about a ticket, ready for JSON."""
    return {
        **_promise(ticket),
        "bound": certificate.bound,
        "float32_bound": certificate.float32_bound if isfinite(certificate.float32_bound) else None,
        "observed_error": certificate.observed_error,
        "max_weight_error": certificate.max_weight_error,
        "norms": certificate.norms,
        "empty_subsets": certificate.empty_subsets,
        "kept": certificate.kept,
        "total": certificate.total,
        "density": certificate.density,
        "overparameterization": certificate.overparameterization,
    }


def certificate_text(ticket: Ticket, certificate: Certificate) -> str:
    """Say to a person what :func:`slth.verify` found out about a ticket."""
    seen = certificate.observed_error
    return lines(
        {
            **ticket.promise.terms(),
            "bound on the error": f"{certificate.bound:.4g} on the unit ball",
            "bound in float32": f"{certificate.float32_bound:.4g}, for the network as it runs",
            "largest error seen": "nobody looked" if seen is None else f"{seen:.4g}",
            "errors of weights": f"at most {certificate.max_weight_error:.4g}",
            "slopes that are 0": f"{certificate.empty_subsets:,} keep no product",
            "norms of the layers": by_layer(f"{norm:.4g}" for norm in certificate.norms),
            **_counts(ticket),
        }
    )


def recount_facts(ticket: LearnedTicket, found: Recount) -> dict[str, Any]:
    """Collect what :func:`slth.tickets.recount` found out about a ticket, ready for JSON."""
    return {
        **_promise(ticket),
        "tested": found.tested,
        "correct": found.correct,
        "accuracy": found.accuracy,
        "interval": found.interval,
        "margin": found.margin,
        "kept": found.kept,
        "total": found.total,
        "density": found.density,
    }


def recount_text(ticket: LearnedTicket, found: Recount) -> str:
    """Say to a person what :func:`slth.tickets.recount` found out about a ticket."""
    low, high = found.interval
    return lines(
        {
            **ticket.promise.terms(),
            "counted again": f"{found.correct:,} of {found.tested:,}",
            "accuracy": f"{100 * low:.4g} % to {100 * high:.4g} % on the population (99 %), "
            "if the search has not seen these inputs",
            **_counts(ticket),
        }
    )


def _promise(ticket: Ticket | LearnedTicket) -> dict[str, Any]:
    fields = ticket.promise.to_json()
    return {"promise": fields.pop("kind"), **fields}


def _counts(ticket: Subnetwork) -> dict[str, str]:
    counts = {
        "kept": f"{ticket.mask.kept:,} of {ticket.mask.total:,} random weights",
        "density": f"{ticket.density:.4g}",
    }
    if isinstance(ticket, Ticket):
        over = f"{ticket.overparameterization:.4g} random weights per weight"
        counts["overparameterization"] = over
    return counts
