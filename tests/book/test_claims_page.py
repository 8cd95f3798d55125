"""What the pages of claims say and draw, from a registry and records made by hand."""

import re
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

from book.extension import claims_graph, claims_page
from book.make.project import Project
from slth import claims
from tests.book.conftest import ROOT


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


PAGES = {"a": ("A & B", "claims/a.html")}


def test_the_overview_counts_and_leads_to_what_it_counts() -> None:
    groups = claims_page.by_chapter(REGISTRY, ["a"])
    records = [record("even", 0.99, "not refuted"), *CONTROLS]
    _, heads, _, chapter, every, _ = claims_page.overview(groups, records, PAGES).splitlines()
    assert heads == "| Chapter | claims | observed | simulated | not checked |"
    assert re.findall(r"([^>]+)</a>", chapter) == ["A &amp; B", "2", "1", "1"]
    assert re.findall(r'href="claims/a.html(.*?)"', chapter) == [
        "",
        "?known=observed-not-proved",
        "?checked=simulated",
        "?checked=unchecked",
    ]
    assert every == "| all | 2 | 2 | 1 | 1 |"


def test_entry_index_and_filter_agree_on_the_states() -> None:
    records = [record("even", 0.99, "not refuted"), *CONTROLS]
    index = BeautifulSoup(claims_page.index({"a": [*REGISTRY.values()]}, records, PAGES), "lxml")
    form = BeautifulSoup(claims_page.filter_form([*REGISTRY.values()], records), "lxml")
    assert [item["id"] for item in index.select("li")] == ["claim-even", "claim-often"]
    for name, number in (("known", 1), ("checked", 2)):
        values = [str(one["value"]) for one in form.select(f"select[name={name}] option")][1:]
        assert len(values) == number
        found = [len(index.select(f"li.{name}-{value}")) for value in values]
        assert found == ([2] if name == "known" else [1, 1])
    assert form.form.has_attr("hidden"), "without scripts there is nothing to choose"


def test_an_entry_says_what_rests_on_it() -> None:
    other = claims.Claim("more", "a", "s", "More", "s", "conjecture", uses=("even",), unchecked="x")
    registry = {**REGISTRY, "more": other}
    assert "*Used by:* {ref}`More <claim-more>`" in claims_page.entry(
        registry["even"], [], registry
    )
    text = claims_page.entry(other, [], registry)
    assert "*Rests on:* {ref}`Title <claim-even>`" in text
    assert "Negative control" not in text
    assert "slth claims verify" not in text


@pytest.mark.parametrize("chapter", Project(ROOT).chapter_names())
def test_rails_do_not_meet_and_lead_down_to_each_user(chapter: str) -> None:
    registry = claims.load(Project(ROOT).registry)
    shown = claims_graph.rows(registry, chapter)
    rails = claims_graph.rails(shown, chapter)
    drawn = {(shown[rail.start].id, shown[end].id) for rail in rails for end in rail.ends}
    uses = {
        (used, claim.id)
        for claim in registry.values()
        if claim.chapter == chapter
        for used in claim.uses
    }
    assert drawn == uses
    assert all(rail.start < min(rail.ends) for rail in rails)
    places = [(rail.lane, row) for rail in rails for row in range(rail.start, rail.ends[-1] + 1)]
    assert len(set(places)) == len(places)


def test_a_drawing_leads_to_other_chapters_and_there_is_none_without_uses() -> None:
    used = claims.Claim("far", "b", "s", "Far & wide", "s", "conjecture", unchecked="x")
    user = claims.Claim("near", "a", "s", "Near", "s", "conjecture", uses=("far",), unchecked="x")
    registry = {"far": used, "near": user}
    drawing = BeautifulSoup(claims_graph.graph(registry, [], "a", {"b": "b.html"}), "lxml")
    assert [link["href"] for link in drawing.select("a")] == ["b.html#claim-far", "#claim-near"]
    assert drawing.desc.get_text() == "Near uses Far & wide"
    assert drawing.select("rect.elsewhere, rect.claim-unchecked")
    assert claims_graph.graph(registry, [], "b", {}) == ""


def test_a_page_has_a_drawing_where_there_is_something_to_draw() -> None:
    with_uses, without = (claims_page.page("a", 'A "b"', 2, drawn) for drawn in (True, False))
    assert "## What rests on what" in with_uses
    assert with_uses.startswith(without.rstrip("\n"))
    front = yaml.safe_load(with_uses.split("---\n")[1])
    assert 'The 2 claims of the chapter “A "b"”' in front["myst"]["html_meta"]["description"]
