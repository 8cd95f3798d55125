"""The ledger: claims are data, checks are cells.

The registry (``book/claims/``, a file a chapter, shipped with the package) lists every statement
the book rests on.  A chapter's cell calls :func:`record` with what it measured; the registry's
rule decides, and a claim that does not hold raises :class:`ClaimFailed`.  :func:`control` runs the
same rule on the same check with one assumption broken, and raises unless the claim then clearly
fails.
"""

from slth.claims.chance import ErrorRates, error_rates
from slth.claims.ledger import (
    MIME,
    ClaimFailed,
    ControlPassed,
    Status,
    control,
    markdown,
    record,
    relation_text,
    status,
)
from slth.claims.registry import KNOWN, Claim, RegistryError, load, registry_path
from slth.claims.rules import (
    Interval,
    Record,
    mean_interval,
    proportion_interval,
    quantile_interval,
)

__all__ = [
    "KNOWN",
    "MIME",
    "Claim",
    "ClaimFailed",
    "ControlPassed",
    "ErrorRates",
    "Interval",
    "Record",
    "RegistryError",
    "Status",
    "control",
    "error_rates",
    "load",
    "markdown",
    "mean_interval",
    "proportion_interval",
    "quantile_interval",
    "record",
    "registry_path",
    "relation_text",
    "status",
]
