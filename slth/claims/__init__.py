"""The ledger: claims are data, checks are cells.

The registry (``book/claims/``, a file a chapter, shipped with the package) lists every statement
the book rests on.  A chapter's cell calls :func:`record` with what it measured; the registry's
rule decides, and a claim that does not hold raises :class:`ClaimFailed`.  :func:`control` runs the
same rule on the same check with one assumption broken, and raises unless the claim then clearly
fails.
"""

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
from slth.claims.registry import Claim, RegistryError, load, registry_path
from slth.claims.rules import (
    Interval,
    Record,
    mean_interval,
    proportion_interval,
    quantile_interval,
)

__all__ = [
    "MIME",
    "Claim",
    "ClaimFailed",
    "ControlPassed",
    "Interval",
    "Record",
    "RegistryError",
    "Status",
    "control",
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
