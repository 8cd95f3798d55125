"""The ledger on the command line: list, show, and verify by running a chapter."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from slth import claims, resources
from slth.__main__ import main
from slth.claims import verification
from slth.claims.chapters import Run

ROOT = Path(__file__).parents[1]

REGISTRY = {
    "01-a": """
sum:
  source: this book
  title: One and one
  statement: $1+1=2$
  known: proved on this page
  assumptions: [numbers are added]
  kind: computed
  relation: "=="
  control: a number is changed
late:
  source: this book
  title: Two and two
  statement: $2+2=4$
  known: observed, not proved
  uses: [sum]
  kind: computed
  chosen: the numbers
  blind: other numbers
  relation: "=="
  control: a number is changed
""",
    "02-b": """
picture:
  source: this book
  title: A picture
  statement: It looks nice.
  known: observed, not proved
  kind: illustration
open:
  source: this book
  title: An open question
  statement: Nobody knows.
  known: conjecture
  unchecked: nobody knows how
""",
}

CHAPTER = """# A

```{{code-cell}} ipython3
:tags: [parameters]

one = 1
```

```{{code-cell}} ipython3
from slth import claims
claims.record("sum", measured=one + 1, bound=2)
claims.control("sum", measured=one + 2, bound=2);
```

```{{code-cell}} ipython3
{late}
```
"""
HOLDS = 'claims.record("late", measured=4, bound=4)\nclaims.control("late", measured=5, bound=4)'


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write(tmp_path / "claims")
    monkeypatch.setenv("SLTH_CLAIMS", str(folder))
    return folder


def write(folder: Path) -> Path:
    """Write the registry into a new folder."""
    folder.mkdir()
    for chapter, text in REGISTRY.items():
        (folder / f"{chapter}.yml").write_text(text)
    return folder


def run(*arguments: str, code: int = 0) -> Result:
    """Run the command line; never a traceback."""
    result = CliRunner().invoke(main, ["claims", *arguments], prog_name="slth")
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.mark.usefixtures("registry")
def test_list_shows_every_claim_or_those_of_a_chapter() -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["sum", "late", "picture", "open"]
    columns = [re.split(r"\s{2,}", line) for line in lines]
    assert columns[0] == ["sum", "proved on this page", "computed", "01-a", "One and one"]
    assert columns[3] == ["open", "conjecture", "not checked", "02-b", "An open question"]
    assert len(run("list", "--chapter", "01-a").stdout.splitlines()) == 2
    chosen = json.loads(run("list", "--chapter", "02-b", "--json").stdout)
    assert [one["id"] for one in chosen] == ["picture", "open"]
    refused = run("list", "--chapter", "3", code=2)
    assert "no chapter '3' records a claim; those that do: 01-a, 02-b" in refused.stderr


@pytest.mark.usefixtures("registry")
def test_show_says_all_that_the_registry_knows() -> None:
    text = run("show", "late").stdout
    for part in (
        "Two and two (late)",
        "$2+2=4$",
        "this book",
        "sum",
        "computed: measured == claimed",
    ):
        assert part in text
    assert "breaks: a number is changed" in text
    for line in ("known    observed, not proved", "chosen   the numbers", "blind    other numbers"):
        assert line in text
    assert "slth claims verify late" in text
    text = run("show", "open").stdout
    assert "not checked, because nobody knows how" in text
    assert "verify" not in text
    assert json.loads(run("show", "sum", "--json").stdout)["assumptions"] == ["numbers are added"]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_unknown_claim_is_refused_before_anything_runs(command: str) -> None:
    refused = run(command, "sums", code=2)
    assert "there is no claim 'sums' in the ledger; 'slth claims list' lists it" in refused.stderr


@pytest.mark.usefixtures("registry")
def test_verify_runs_each_chapter_once_and_answers_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def record(claim: str, role: str, outcome: str) -> claims.Record:
        bound = None if outcome == "shown" else 1 if outcome == "holds" else 2
        return claims.Record(claim, role, 1, bound, None, None, outcome)  # type: ignore[arg-type]

    def left(*made: claims.Record) -> Run:
        outputs = [{"data": {claims.MIME: one.as_dict()}} for one in made]
        return Run({"cells": [{"cell_type": "code", "outputs": outputs}]}, 1.0)

    ran: list[tuple[str, str]] = []
    results = {
        "01-a": left(
            record("sum", "record", "holds"),
            record("sum", "control", "fails"),
            record("late", "record", "fails"),
        ),
        "02-b": left(record("picture", "record", "shown")),
    }

    def fake(name: str, profile: str) -> Run:
        ran.append((name, profile))
        return results[name]

    monkeypatch.setattr(verification, "run_chapter", fake)
    text = run("verify", "sum").stdout
    assert "holds: every check bears it out, every control fails" in text
    assert "proved on this page; computed in 1 case" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Running chapter 01-a, full profile (its time is not stored)"
        in run("verify", "sum", "--profile", "full").stderr
    )
    ran.clear()
    both = run("verify", "sum", "late", "sum", "picture", "--profile", "fast", code=1)
    assert ran == [("01-a", "fast"), ("02-b", "fast")]
    assert both.stdout.count("One and one (this book)") == 1
    assert "fails: a check does not bear it out; it has no negative control" in both.stdout
    assert "○ picture" in run("verify", "picture", code=2).stdout
    ran.clear()
    assert "nobody knows how" in run("verify", "open", code=2).stdout
    assert ran == [], "what nobody checks needs no run"
    (verdict,) = json.loads(run("verify", "sum", "--json").stdout)
    assert (verdict["claim"], verdict["outcome"], len(verdict["records"])) == ("sum", "holds", 2)


@pytest.mark.parametrize(
    ("records", "stopped", "outcome"),
    [
        ([("record", "holds"), ("control", "fails")], None, "holds"),
        ([("record", "holds"), ("control", "fails")], "KeyError: 'x'", "fails"),
        ([("record", "holds"), ("record", "inconclusive"), ("control", "fails")], None, "fails"),
        ([("record", "not refuted"), ("control", "fails")], None, "holds"),
        ([("record", "holds"), ("control", "holds")], None, "fails"),
        ([("record", "not refuted"), ("control", "not refuted")], None, "fails"),
        ([("record", "holds"), ("control", "inconclusive")], None, "fails"),
        ([("record", "holds")], None, "fails"),
        ([("control", "fails")], None, "fails"),
        ([], None, "fails"),
    ],
)
def test_a_claim_holds_only_if_everything_does(
    registry: Path, records: list[tuple[str, str]], stopped: str | None, outcome: str
) -> None:
    equality = any(verdict == "not refuted" for _, verdict in records)
    claim = replace(
        claims.load(registry)["sum"], kind="simulated", relation="==" if equality else "<="
    )
    limits = {"holds": (0, 1), "not refuted": (0, 2), "inconclusive": (0, 2), "fails": (2, 3)}
    made = tuple(
        claims.Record("sum", role, 1, 1, 9, claims.Interval(*limits[verdict], 0.9), verdict)  # type: ignore[arg-type]
        for role, verdict in records
    )
    assert verification.judge(claim, made, stopped).outcome == outcome


def test_without_the_tools_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    refused = run("verify", "solve-cost", code=2)
    assert "jupytext is missing" in refused.stderr
    assert "extra 'notebook'" in refused.stderr


@pytest.mark.parametrize(
    ("late", "code", "words"),
    [
        (HOLDS, 0, "holds: every check bears it out"),
        ('claims.record("late", measured=3, bound=4)', 1, "claim 'late' does not hold: 3"),
    ],
)
def test_verify_runs_the_chapter_that_comes_with_the_package(
    installed: Path, late: str, code: int, words: str
) -> None:
    """An installed package: its files lie inside, and no clone is near."""
    (installed / "slth" / "chapters" / "01-a.md").write_text(
        "---\nkernelspec: {display_name: Python 3, name: python3}\nfast: {one: 1}\n---\n\n"
        + CHAPTER.format(late=late)
    )
    done = subprocess.run(
        [sys.executable, "-m", "slth", "claims", "verify", "late", "--profile", "fast"],
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return the folder of an installed package whose one chapter is still to be written."""
    package = tmp_path / "site" / "slth"
    shutil.copytree(ROOT / "slth", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "chapters").mkdir()
    write(package / "registry")
    return package.parent


@pytest.mark.parametrize(
    ("code", "sent", "exit_code", "words"),
    [
        ("os._exit(9)", None, 2, "Error: chapter 01-a did not run to its end, so nothing is dec"),
        ("time.sleep(99)", signal.SIGINT, 130, "Interrupted"),
        ("time.sleep(99)", signal.SIGTERM, 143, None),
    ],
)
def test_an_interruption_is_one_line_and_leaves_nothing(
    installed: Path, code: str, sent: int | None, exit_code: int, words: str | None
) -> None:
    """Ctrl-C reaches every process in front, SIGTERM the one that is asked."""
    (installed / "slth" / "chapters" / "01-a.md").write_text(
        "---\nkernelspec: {display_name: Python 3, name: python3}\n---\n\n"
        "```{code-cell} ipython3\nimport os, pathlib, time\n"
        f"pathlib.Path({str(installed / 'kernel')!r}).write_text(str(os.getpid()))\n{code}\n```\n"
    )
    temporary = installed / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "slth", "claims", "verify", "late"],
        cwd=installed,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(installed)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if sent is not None:
        while not (installed / "kernel").exists() and process.poll() is None:
            time.sleep(0.05)
        (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)
    _, errors = process.communicate()
    assert process.returncode == exit_code, errors
    running, *rest = errors.splitlines()
    assert running.startswith("Running chapter 01-a")
    assert len(rest) == (words is not None), errors
    assert words is None or rest[0].startswith(words)
    assert list(temporary.iterdir()) == []
    assert not psutil.pid_exists(int((installed / "kernel").read_text()))


def test_stored_times_are_those_of_chapters() -> None:
    times = json.loads(resources.path("run-times.json").read_text("utf-8"))
    chapters = {path.stem for path in resources.path("chapters").glob("*.md")}
    assert set(times) == {"full", "fast"}
    assert all(set(one) <= chapters and min(one.values()) > 0 for one in times.values())


@pytest.mark.slow
def test_a_real_claim_is_verified() -> None:
    done = run("verify", "solve-cost", "solve-true-optimum", "--profile", "fast")
    assert done.stdout.count("holds: every check bears it out, every control fails") == 2
