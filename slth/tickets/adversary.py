"""The search for an input on which a ticket is as wrong as possible."""

from collections.abc import Sequence

import numpy as np

from slth.tickets.pruned_pair import Array, PrunedPair

_STARTS = 64
_STEPS = 200
_CHUNK = 512


def largest_error(
    pairs: Sequence[PrunedPair],
    goals: Sequence[Array],
    data: Array,
    *,
    nonnegative: bool,
    rng: np.random.Generator,
) -> float:
    r"""Largest :math:`\|g(x)-f(x)\|` seen on the unit sphere: on data and on adversarial inputs.

    The ascent starts from random directions and from the worst of the data.  It climbs on the
    slopes of the layers; the errors that count are measured by running the pruned random network
    itself, hidden units and all, in float64.

    Parameters
    ----------
    pairs : sequence of PrunedPair
        The layers of :math:`g`.
    goals : sequence of ndarray of float64, shape (halves, out, in)
        The slopes that they should have: the layers of :math:`f`.
    data : ndarray of float64, shape (d, N)
        Unit vectors, one per column.
    nonnegative : bool
        Whether the domain is the orthant :math:`x \ge 0`.
    rng : numpy.random.Generator
        Random directions.
    """
    random = rng.standard_normal((goals[0].shape[2], _STARTS))
    on_data = _errors(pairs, goals, data)
    worst = data[:, np.argsort(on_data)[::-1][:_STARTS]]
    starts = np.hstack([_project(np.abs(random) if nonnegative else random, nonnegative), worst])
    slopes = [pair.slopes(signed=len(goal) == 2) for pair, goal in zip(pairs, goals, strict=True)]
    found = worst_inputs(slopes, goals, starts, nonnegative=nonnegative)
    return max(float(_errors(pairs, goals, found).max()), float(on_data.max(initial=0.0)))


def worst_inputs(
    slopes: Sequence[Array], goals: Sequence[Array], starts: Array, *, nonnegative: bool
) -> Array:
    r"""Projected gradient ascent on :math:`\|g(x)-f(x)\|` over the unit sphere, from many starts.

    Both networks are bias-free ReLU networks, so the error is positively homogeneous and its
    supremum over the unit ball is attained on the sphere.  Each start has its own step length: it
    doubles after a success and halves after a failure, and the error never decreases.

    Parameters
    ----------
    slopes, goals : sequence of ndarray of float64, shape (halves, out, in)
        The layers of :math:`g` and of :math:`f`; a layer maps :math:`x` to its first half times
        :math:`x^+` plus its second half, if there is one, times :math:`x^-`.
    starts : ndarray of float64, shape (d, N)
        Unit vectors, one per column.
    nonnegative : bool
        Whether to stay in the orthant :math:`x \ge 0`.

    Returns
    -------
    ndarray of float64, shape (d, N)
        Unit vectors at which the error is at least that of the starts.
    """
    points, lengths = starts, np.ones(starts.shape[1])
    errors, gradients = _error_and_gradient(slopes, goals, points)
    for _ in range(_STEPS):
        candidates = _project(points + lengths * _unit(gradients), nonnegative)
        new_errors, new_gradients = _error_and_gradient(slopes, goals, candidates)
        better = new_errors > errors
        points = np.where(better, candidates, points)
        gradients = np.where(better, new_gradients, gradients)
        errors = np.where(better, new_errors, errors)
        lengths = np.where(better, 2.0 * lengths, 0.5 * lengths)
    return points


def _error_and_gradient(
    slopes: Sequence[Array], goals: Sequence[Array], points: Array
) -> tuple[Array, Array]:
    """Norms of the output differences and a gradient of half their squares, per column."""
    inputs, outputs = _forward(slopes, points)
    goal_inputs, goal_outputs = _forward(goals, points)
    difference = outputs - goal_outputs
    gradient = _pull_back(slopes, inputs, difference)
    gradient -= _pull_back(goals, goal_inputs, difference)
    return np.linalg.norm(difference, axis=0), gradient


def _forward(layers: Sequence[Array], points: Array) -> tuple[list[Array], Array]:
    """Return the input of every layer, before the ReLU of the layer below, and the output."""
    inputs, current = [], points
    for layer in layers:
        inputs.append(current)
        output = layer[0] @ np.maximum(current, 0.0)
        if len(layer) == 2:
            output += layer[1] @ np.maximum(-current, 0.0)
        current = output
    return inputs, current


def _pull_back(layers: Sequence[Array], inputs: Sequence[Array], vector: Array) -> Array:
    """Transposed Jacobian times vector; at a kink the slope on the positive side counts."""
    for layer, current in zip(reversed(layers), reversed(inputs), strict=True):
        pulled = (layer[0].T @ vector) * (current >= 0)
        if len(layer) == 2:
            pulled -= (layer[1].T @ vector) * (current < 0)
        vector = pulled
    return vector


def _unit(columns: Array) -> Array:
    """Scale columns to unit norm, leaving zero columns alone."""
    norms = np.linalg.norm(columns, axis=0)
    return np.asarray(columns / np.where(norms > 0, norms, 1.0))


def _project(points: Array, nonnegative: bool) -> Array:
    """Return the nearest unit vectors of the domain (0, where the error is 0, if there is none)."""
    return _unit(np.maximum(points, 0.0) if nonnegative else points)


def _errors(pairs: Sequence[PrunedPair], goals: Sequence[Array], points: Array) -> Array:
    """‖g(x) − f(x)‖ per column, in chunks because the hidden layers are wide."""
    errors = np.empty(points.shape[1])
    for start in range(0, points.shape[1], _CHUNK):
        columns = slice(start, start + _CHUNK)
        output = goal = points[:, columns]
        for index, (pair, slopes) in enumerate(zip(pairs, goals, strict=True)):
            output = pair.run(np.maximum(output, 0.0) if index else output)
            goal = slopes[0] @ (np.maximum(goal, 0.0) if index else goal)
        errors[columns] = np.linalg.norm(output - goal, axis=0)
    return errors
