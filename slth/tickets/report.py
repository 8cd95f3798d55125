"""Tickets and certificates in words: for programs (JSON) and for people (lines of text)."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from math import isfinite
from typing import Any

from slth.networks import layers
from slth.networks.layers import Layer
from slth.tickets.certificate import Certificate
from slth.tickets.ticket import Ticket


def ticket_facts(ticket: Ticket) -> dict[str, Any]:
    """Collect what a ticket says of itself, ready for JSON.

    Examples
    --------
    >>> from slth.networks import RandomNetwork
    >>> from slth.tickets import Mask
    >>> net, mask = RandomNetwork.dense(widths=(1, 1, 1), seed=3), Mask([[[1]], [[1]]])
    >>> ticket = Ticket(net, mask, "…", net.digest(), (1,), True, "malach", "best", (1,), (0.1,))
    >>> facts = ticket_facts(ticket)
    >>> facts["target_layers"], facts["construction"], facts["kept"]
    ([{'kind': 'Dense', 'inputs': 1, 'outputs': 1}], 'malach', 2)
    """
    network = ticket.random_network
    return {
        "target_layers": [layers.to_json(layer) for layer in ticket.target_layers],
        "target_digest": ticket.target_digest,
        "input_shape": ticket.input_shape,
        "nonnegative_inputs": ticket.nonnegative_inputs,
        "random_layers": [layers.to_json(layer) for layer in network.layers],
        "seed": network.seed,
        "law": network.law,
        "random_digest": ticket.random_digest,
        "construction": ticket.construction,
        "sizes": ticket.sizes,
        "objective": ticket.objective,
        "epsilon": ticket.epsilon,
        "weight_tolerances": ticket.weight_tolerances,
        "kept": ticket.mask.kept,
        "total": ticket.mask.total,
        "density": ticket.density,
        "overparameterization": ticket.overparameterization,
    }


def ticket_text(ticket: Ticket) -> str:
    """Say to a person what a ticket is and what it promises."""
    network = ticket.random_network
    sign = "non-negative" if ticket.nonnegative_inputs else "of any sign"
    sizes = ["any number" if size is None else f"exactly {size}" for size in ticket.sizes]
    return lines(
        {
            "target": [short(layer) for layer in ticket.target_layers],
            "target's sha256": ticket.target_digest,
            "inputs": f"shape {ticket.input_shape}, {sign}",
            "random network": [short(layer) for layer in network.layers],
            "random weights": f"{network.law}, seed {network.seed}",
            "construction": f"{ticket.construction}, objective {ticket.objective}",
            "products per weight": by_layer(sizes),
            **_promises(ticket),
            "in float32": "rounding comes on top: verify bounds it",
            **_counts(ticket),
        }
    )


def certificate_facts(ticket: Ticket, certificate: Certificate) -> dict[str, Any]:
    """Collect what :func:`slth.verify` found out about a ticket, ready for JSON."""
    return {
        "epsilon": ticket.epsilon,
        "bound": certificate.bound,
        "float32_bound": certificate.float32_bound if isfinite(certificate.float32_bound) else None,
        "observed_error": certificate.observed_error,
        "weight_tolerances": ticket.weight_tolerances,
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
            **_promises(ticket),
            "bound on the error": f"{certificate.bound:.4g} on the unit ball",
            "bound in float32": f"{certificate.float32_bound:.4g}, for the network as it runs",
            "largest error seen": "nobody looked" if seen is None else f"{seen:.4g}",
            "errors of weights": f"at most {certificate.max_weight_error:.4g}",
            "slopes that are 0": f"{certificate.empty_subsets:,} keep no product",
            "norms of the layers": by_layer(f"{norm:.4g}" for norm in certificate.norms),
            **_counts(ticket),
        }
    )


def _promises(ticket: Ticket) -> dict[str, str]:
    tolerances = by_layer(f"{tolerance:.4g}" for tolerance in ticket.weight_tolerances)
    promises = {"promise for weights": f"errors at most {tolerances}"}
    if ticket.epsilon is not None:
        promises["promise"] = f"error at most {ticket.epsilon:g} on the unit ball, exact arithmetic"
    return promises


def _counts(ticket: Ticket) -> dict[str, str]:
    return {
        "kept": f"{ticket.mask.kept:,} of {ticket.mask.total:,} random weights",
        "density": f"{ticket.density:.4g}",
        "overparameterization": f"{ticket.overparameterization:.4g} random weights per weight",
    }


def short(layer: Layer) -> str:
    """Leave out what has its usual value.

    Examples
    --------
    >>> short(layers.Conv(1, 6, kernel=(5, 5), padding=(2, 2)))
    'Conv(inputs=1, outputs=6, kernel=(5, 5), padding=(2, 2))'
    """
    values = [(field, getattr(layer, field.name)) for field in fields(layer)]  # type: ignore[arg-type]
    told = [f"{field.name}={value}" for field, value in values if value != field.default]
    return f"{type(layer).__name__}({', '.join(told)})"


def by_layer(values: Iterable[str]) -> str:
    """Say a value once if all layers share it."""
    each = list(values)
    return each[0] if len(set(each)) == 1 else f"{', '.join(each)} (layer by layer)"


def lines(rows: Mapping[str, str | list[str]]) -> str:
    """Put one quantity on a line, a list on several."""
    told = []
    for name, text in rows.items():
        for line in [text] if isinstance(text, str) else text:
            told.append(f"  {name:<20}  {line}")
            name = ""
    return "\n".join(told)
