"""The registry of claims: reading ``claims/CHAPTER.yml``, refusing what is not well formed."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from slth import resources

KINDS = ("computed", "simulated", "illustration")
"""How a claim is checked: by arithmetic, by random trials, or not at all."""

RELATIONS = ("==", "<=", ">=")
"""What a claim may state between what is measured, on the left, and its bound."""

KNOWN = (
    "proved on this page",
    "proved in the cited paper",
    "observed, not proved",
    "conjecture",
    "refuted on this page",
)
"""How a claim is known: the first half of its badge; a check is the second."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class RegistryError(ValueError):
    """The registry of claims is not well formed."""


@dataclass(frozen=True)
class Claim:
    """One statement the book rests on, and the rule that decides its check.

    Attributes
    ----------
    id : str
        Lower-case words joined by hyphens, unique in the registry.
    chapter : str
        Stem of the notebook that records the claim, and of the file that states it.
    source : str
        Where the statement comes from: paper and number, or ``"this book"``.
    title : str
        A few plain words (no mathematics).
    statement : str
        The statement in MyST Markdown.
    known : str
        How it is known, apart from the check: one of :data:`KNOWN`.
    assumptions : tuple of str
        What the statement assumes, one entry each.
    uses : tuple of str
        Identifiers of the claims whose truth this one relies on.
    kind : str or None
        ``"computed"``, ``"simulated"`` or ``"illustration"``.
    relation : str or None
        ``"=="``, ``"<="`` or ``">="``: what is measured, on the left, against its bound.
    tolerance : float
        Slack of the relation, in the unit of what is measured; none for simulated inequalities.
    exhaustive : bool
        Whether the check goes through every case of a finite statement, in exact arithmetic.
    control : str or None
        Which assumption the negative control breaks, in words.
    chosen : str or None
        What was chosen after seeing the data (a bound, a tolerance, a range), if anything was.
    blind : str or None
        What the check cannot see, if it is saturated.
    label : str or None
        Label of the theorem directive that states the claim, if there is one.
    unchecked : str or None
        Why the claim is not checked; such a claim has no record.
    """

    id: str
    chapter: str
    source: str
    title: str
    statement: str
    known: str
    assumptions: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    kind: str | None = None
    relation: str | None = None
    tolerance: float = 0.0
    exhaustive: bool = False
    control: str | None = None
    chosen: str | None = None
    blind: str | None = None
    label: str | None = None
    unchecked: str | None = None

    @property
    def needs_control(self) -> bool:
        """Whether a check of this claim counts only beside a negative control."""
        return self.unchecked is None and self.kind != "illustration"


def registry_path() -> Path:
    """Return the folder in use: ``$SLTH_CLAIMS``, the packaged one, or the repository's.

    Raises
    ------
    RegistryError
        If none of them exists.

    Examples
    --------
    >>> from slth import claims
    >>> claims.registry_path().name
    'claims'
    """
    if "SLTH_CLAIMS" in os.environ:
        chosen = Path(os.environ["SLTH_CLAIMS"])
        if not chosen.is_dir():
            raise RegistryError(f"no folder of claims at {chosen}")
        return chosen
    try:
        return resources.path("registry")
    except FileNotFoundError as error:
        raise RegistryError(f"no registry of claims: {error}") from None


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, which YAML would silently overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            keys = [self.construct_object(key) for key, _ in node.value]
            twice = sorted({str(key) for key in keys if keys.count(key) > 1})
            raise RegistryError(f"key given twice in the registry: {', '.join(twice)}")
        return mapping


def load(path: str | os.PathLike[str] | None = None) -> dict[str, Claim]:
    """Read and validate a registry of claims.

    Parameters
    ----------
    path : str or os.PathLike[str], optional
        A folder with one file ``CHAPTER.yml`` for each chapter; :func:`registry_path` by default.

    Returns
    -------
    dict
        Identifier → :class:`Claim`, chapter by chapter, each in the order of its file.

    Raises
    ------
    RegistryError
        Unknown or missing keys, kinds or relations, an exhaustive check that is not exact, a
        dangling or circular ``uses``, a check without control, a claim that two chapters state.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from slth import claims
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "counting.yml").write_text('''
    ... pascal:
    ...   source: this book
    ...   title: Pascal's rule
    ...   statement: Each inner entry is the sum of the two above it.
    ...   known: proved on this page
    ...   kind: computed
    ...   relation: "=="
    ...   control: one entry is changed
    ... ''')
    ...     claims.load(folder)["pascal"].chapter
    'counting'
    """
    folder = Path(path) if path is not None else registry_path()
    if not folder.is_dir():
        raise RegistryError(f"no folder of claims at {folder}")
    claims: dict[str, Claim] = {}
    for file in sorted(folder.glob("*.yml")):
        for claim in _chapter(file):
            if claim.id in claims:
                where = f"{claims[claim.id].chapter}.yml and {file.name}"
                raise RegistryError(f"claim '{claim.id}' is stated twice, in {where}")
            claims[claim.id] = claim
    _check_uses(claims)
    return claims


def _chapter(file: Path) -> Iterator[Claim]:
    """Read the claims of one chapter."""
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise RegistryError(f"{file.name} is not valid YAML: {error}") from error
    if raw is None:
        return
    if not isinstance(raw, dict):
        raise RegistryError(f"{file.name} must map identifiers to claims")
    for key, entry in raw.items():
        yield _claim(str(key), file.stem, entry)


def _claim(identifier: str, chapter: str, entry: Any) -> Claim:
    where = f"claim '{identifier}'"
    if not _ID.fullmatch(identifier):
        raise RegistryError(f"{where}: an identifier is lower-case words joined by hyphens")
    if not isinstance(entry, dict):
        raise RegistryError(f"{where}: expected a mapping of keys, got {entry!r}")
    known = [field.name for field in fields(Claim) if field.name not in ("id", "chapter")]
    if unknown := sorted(set(map(str, entry)) - set(known)):
        raise RegistryError(
            f"{where}: unknown key {', '.join(unknown)}; the keys are {', '.join(known)}"
        )
    values: dict[str, Any] = {"id": identifier, "chapter": chapter}
    for name in ("source", "title", "statement", "known"):
        if name not in entry:
            raise RegistryError(f"{where}: '{name}' is missing")
    for name, value in entry.items():
        if name in ("assumptions", "uses"):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise RegistryError(f"{where}: '{name}' must be a list of strings")
            values[name] = tuple(value)
        elif name == "tolerance":
            values[name] = _tolerance(where, value)
        elif name == "exhaustive":
            if not isinstance(value, bool):
                raise RegistryError(f"{where}: 'exhaustive' must be true or false, got {value!r}")
            values[name] = value
        elif not isinstance(value, str) or not value.strip():
            raise RegistryError(f"{where}: '{name}' must be a non-empty string, got {value!r}")
        else:
            values[name] = value.strip()
    claim = Claim(**values)
    _check_rule(where, claim)
    return claim


def _tolerance(where: str, value: Any) -> float:
    try:  # YAML reads 1e-9 as a string
        tolerance = float(value)
    except (TypeError, ValueError):
        tolerance = math.nan
    if isinstance(value, bool) or not (math.isfinite(tolerance) and tolerance >= 0):
        raise RegistryError(f"{where}: tolerance must be a number ≥ 0, got {value!r}")
    return tolerance


def _check_rule(where: str, claim: Claim) -> None:
    if "$" in claim.title or "\n" in claim.title:
        raise RegistryError(f"{where}: 'title' is one line of plain words, without mathematics")
    if claim.known not in KNOWN:
        raise RegistryError(
            f"{where}: known must be one of: {'; '.join(KNOWN)}; got {claim.known!r}"
        )
    if claim.unchecked is not None:
        if surplus := _given(claim, "kind", *_OF_A_CHECK):
            raise RegistryError(f"{where}: is unchecked, so it has no {surplus}")
        return
    if claim.kind not in KINDS:
        raise RegistryError(
            f"{where}: kind must be one of {', '.join(KINDS)} (or give the reason under "
            f"'unchecked'), got {claim.kind!r}"
        )
    if claim.kind == "illustration":
        if surplus := _given(claim, *_OF_A_CHECK):
            raise RegistryError(f"{where}: an illustration decides nothing, so it has no {surplus}")
        return
    if claim.relation not in RELATIONS:
        raise RegistryError(
            f"{where}: relation must be {' or '.join(RELATIONS)}, got {claim.relation!r}"
        )
    if claim.kind == "simulated" and claim.relation != "==" and claim.tolerance:
        raise RegistryError(
            f"{where}: a simulated inequality has no tolerance, its interval is the slack"
        )
    if claim.exhaustive and (claim.kind != "computed" or claim.tolerance):
        raise RegistryError(
            f"{where}: an exhaustive check goes through every case in exact arithmetic, so its "
            f"kind is computed and its tolerance 0"
        )
    if claim.control is None:
        raise RegistryError(
            f"{where}: 'control' is missing: which assumption does the negative control break?"
        )


_OF_A_CHECK = ("relation", "tolerance", "exhaustive", "control", "blind")


def _given(claim: Claim, *keys: str) -> str:
    """Return which of these keys a claim has, with commas."""
    return ", ".join(key for key in keys if getattr(claim, key))


def _check_uses(claims: Mapping[str, Claim]) -> None:
    for claim in claims.values():
        if dangling := [used for used in claim.uses if used not in claims]:
            raise RegistryError(f"claim '{claim.id}': uses unknown claim {', '.join(dangling)}")
    try:
        TopologicalSorter({claim.id: claim.uses for claim in claims.values()}).prepare()
    except CycleError as error:
        raise RegistryError(
            f"claims use one another in a circle: {' → '.join(error.args[1])}"
        ) from None
