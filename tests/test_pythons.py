"""The script that tries other versions of Python, on what is here."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import pythons

HERE = "{}.{}".format(*sys.version_info)
ROOT = Path(__file__).parents[1]


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_only_what_runs_and_is_that_version_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "python3.97", "echo 'not installed' >&2; exit 127")  # as pyenv's shims
    executable(tmp_path / "python3.98", f'exec {sys.executable} "$@"')  # says another version
    executable(tmp_path / f"python{HERE}", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert pythons.interpreter("3.97") is None
    assert pythons.interpreter("3.98") is None
    assert pythons.interpreter("3.99") is None
    assert pythons.interpreter(HERE) == str(tmp_path / f"python{HERE}")


@pytest.mark.parametrize(
    ("codes", "became", "ran"),
    [([0, 0], pythons.PASSED, 2), ([0, 3], pythons.FAILED, 2), ([3, 0], pythons.FAILED, 1)],
)
def test_the_first_failure_ends_the_trial(
    codes: list[int], became: str, ran: int, tmp_path: Path
) -> None:
    log = tmp_path / "log"

    def commands(python: str, environment: Path) -> Iterator[list[str]]:
        assert not environment.exists()
        for code in codes:
            yield [python, "-c", f"open({str(log)!r}, 'a').write('x'); raise SystemExit({code})"]

    assert pythons.outcome(HERE, commands, lambda _: sys.executable) == became
    assert log.read_text() == "x" * ran
    assert pythons.outcome("3.99", commands, lambda _: None) == pythons.MISSING


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([pythons.PASSED, pythons.MISSING], 0),
        ([pythons.PASSED, pythons.FAILED], 1),
        ([pythons.MISSING, pythons.MISSING], 1),
    ],
)
def test_what_is_said_at_the_end(
    outcomes: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    became = dict(zip(["3.11", "3.12"], outcomes, strict=True))
    assert pythons.main(list(became), became.__getitem__) == code
    assert capsys.readouterr().out.splitlines() == [
        f"Python {version}: {outcome}" for version, outcome in became.items()
    ]


def test_the_environment_is_the_one_of_make_test(tmp_path: Path) -> None:
    make, install, check = pythons.steps("pythonX", tmp_path)
    assert make == ["pythonX", "-m", "venv", str(tmp_path)]
    recipe = re.search(r"--editable '\.(\[.*\])'", (ROOT / "Makefile").read_text())
    assert recipe is not None
    assert install[-1] == f"{ROOT}{recipe[1]}"
    assert check[1:3] == ["-m", "pytest"]


def test_all_say_the_same_versions() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["pythons"]
    versions = job["strategy"]["matrix"]["python"]
    assert job["steps"][-1]["run"] == "python tests/pythons.py ${{ matrix.python }}"
    assert "schedule" in workflow[True]  # YAML takes `on` for a truth value
    listed = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert versions == listed
    assert f'requires-python = ">={versions[0]}"' in (ROOT / "pyproject.toml").read_text()
