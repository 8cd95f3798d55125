"""Tickets and certificates in words: for programs (JSON) and for people (lines of text)."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from math import isfinite
from typing import Any

from slth.networks.layers import Layer
from slth.tickets.certificate import Certificate
from slth.tickets.ticket import Ticket


def ticket_facts(ticket: Ticket) -> dict[str, Any]:
    """Collect what a ticket says of itself, ready for JSON.

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
    return {
        "target_layers": ticket.target_architecture.to_json(),
        "target_digest": ticket.target_digest,
        "input_shape": ticket.input_shape,
        "nonnegative_inputs": ticket.nonnegative_inputs,
        "random_layers": network.architecture.to_json(),
        "seed": network.seed,
        "law": network.law,
        "random_digest": ticket.random_digest,
        **_promise(ticket),
        "kept": ticket.mask.kept,
        "total": ticket.mask.total,
        "density": ticket.density,
        "overparameterization": ticket.overparameterization,
    }


def ticket_text(ticket: Ticket) -> str:
    """Say to a person what a ticket is and what it promises."""
    network = ticket.random_network
    sign = "non-negative" if ticket.nonnegative_inputs else "of any sign"
    return lines(
        {
            "target": [short(layer) for layer in ticket.target_layers],
            "target's sha256": ticket.target_digest,
            "inputs": f"shape {ticket.input_shape}, {sign}",
            "random network": [short(layer) for layer in network.layers],
            "random weights": f"{network.law}, seed {network.seed}",
            **ticket.promise.terms(),
            "in float32": "rounding comes on top: verify bounds it",
            **_counts(ticket),
        }
    )


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


def _promise(ticket: Ticket) -> dict[str, Any]:
    fields = ticket.promise.to_json()
    return {"promise": fields.pop("kind"), **fields}


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
    >>> from slth.networks.layers import Conv
    >>> short(Conv(1, 6, kernel=(5, 5), padding=(2, 2)))
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
