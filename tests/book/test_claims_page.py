"""What the claims page says in words, from a registry and records made by hand."""

from typing import Any

from book.extension import claims_page
from slth import claims


def simulated(name: str, relation: str) -> claims.Claim:
    """Return a claim that is decided by trials."""
    said: dict[str, Any] = {"kind": "simulated", "relation": relation, "control": "c"}
    return claims.Claim(name, "a", "s", "Title", "s", "observed, not proved", **said)


def record(name: str, level: float, outcome: Any, worst_of: int = 1) -> claims.Record:
    """Return a record with an interval at a joint level."""
    interval = claims.Interval(0.0, 1.0, 1 - (1 - level) / worst_of)
    return claims.Record(name, "record", 0.5, 0.5, 100, interval, outcome, worst_of=worst_of)


CONTROLS = [
    claims.Record(name, "control", 0.5, 0.9, 100, claims.Interval(0.4, 0.6, 0.99), "fails")
    for name in ("even", "often")
]
REGISTRY = {"even": simulated("even", "=="), "often": simulated("often", ">=")}


def test_chance_is_counted_from_the_records() -> None:
    records = [
        record("even", 0.99, "not refuted"),
        record("even", 0.999, "not refuted", worst_of=36),
        record("often", 0.95, "holds"),
        *CONTROLS,
    ]
    tests, decisions, worst = claims_page.chance(REGISTRY, records).splitlines()
    assert tests.startswith("2 records test an equality without tolerance, 1 at 99 %, 1 at 99.9 %")
    assert "we expect 0.011 of them" in tests
    assert decisions.startswith("1 record decides an inequality")
    assert "1 at 95 %" in decisions
    assert "at most 2.5 %" in decisions
    assert worst.startswith(
        "Records that stand for the worst of several simulations: 1, of up to 36"
    )
    assert claims_page.chance(REGISTRY, CONTROLS) == ""


def test_a_badge_has_two_halves() -> None:
    records = [record("even", 0.99, "not refuted"), *CONTROLS]
    text = claims_page.badge_text(REGISTRY["even"], records).replace("\N{NO-BREAK SPACE}", " ")
    assert text == "≈ observed, not proved; simulated: not refuted by 100 trials at 99 %"
    assert claims_page.badge_text(REGISTRY["often"], []) == "○ observed, not proved; not checked"
    summary = claims_page.summary(REGISTRY, records)
    assert "2 claims, by how they are known: 2 observed, not proved." in summary
    assert "By how they are checked: 1 simulated; 1 not checked." in summary
