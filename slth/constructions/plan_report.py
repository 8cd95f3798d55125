"""A plan in words, for people."""

from slth.constructions.plan import Plan
from slth.tickets.rows import by_layer, lines, short


def plan_text(plan: Plan) -> str:
    """Say what :func:`slth.prune` is about to do, and what it costs."""
    free = "any number"
    sizes = [free if layer.size is None else f"exactly {layer.size}" for layer in plan.layers]
    seconds = plan.seconds
    taking = f"about {seconds:.2g} s on one core" if seconds < float("inf") else "out of reach"
    return lines(
        {
            "target": [short(layer) for layer in plan.target.layers],
            "random network": [short(layer) for layer in plan.network.layers],
            "random weights": f"{plan.network.n_parameters:,}, {plan.network.law}, seed "
            f"{plan.network.seed}",
            "construction": f"{plan.construction.name()}, objective {plan.objective}",
            "products per weight": by_layer(sizes),
            "samples": f"{by_layer(map(str, plan.samples))} per input and half, half of them live",
            "largest weight": by_layer(f"{layer.largest:.4g}" for layer in plan.layers),
            "errors of weights": "at most "
            + by_layer(f"{layer.tolerance:.4g}" for layer in plan.layers),
            "search": f"{plan.instances:,} subset sums, {taking}, {plan.memory >> 20:,} MiB",
        }
    )
