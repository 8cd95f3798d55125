"""The project's own files agree with one another."""

import re
import tomllib
from importlib import import_module
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _pins() -> dict[str, str]:
    requirements = map(Requirement, (ROOT / "constraints.txt").read_text().split())
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in requirements}


def requirements_of(wanted: set[tuple[str, str]]) -> set[str]:
    """Return every distribution that installing these, each with an extra or "", brings."""
    found = {name for name, _ in wanted}
    queue, seen = list(wanted), set(wanted)
    while queue:
        name, extra = queue.pop()
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                key = canonicalize_name(needed.name)
                found.add(key)
                new = {(key, e) for e in ("", *needed.extras)} - seen
                seen |= new
                queue.extend(new)
    return found


def test_constraints_pin_the_whole_tree_to_what_is_installed() -> None:
    pins = _pins()
    tree = requirements_of({("slth", extra) for extra in ("", "book", "cluster", "test")})
    tree -= {"slth"}  # whose extras name one another
    assert "distributed" in tree
    assert "numpy" in tree
    assert "jupyter-book" in tree
    assert tree - pins.keys() == set()
    installed = {name: version(name).split("+")[0] for name in tree}
    assert installed == {name: pins[name] for name in tree}


def test_environment_installs_the_project_with_the_same_constraints() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    python = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert conda == [f"python={python}", "pip"]
    constraint, editable = pip["pip"]
    assert constraint == "--constraint constraints.txt"
    requirement = Requirement(editable.replace("--editable .", "slth"))
    makefile = re.search(r"--editable '\.\[([\w,]+)\]'", (ROOT / "Makefile").read_text())
    assert makefile is not None
    assert requirement.extras == set(makefile[1].split(","))
    assert requirement.extras <= PYPROJECT["project"]["optional-dependencies"].keys()


def test_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PYPROJECT["project"]["version"] == version("slth")


def test_ci_runs_the_readme_test_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make book" in readme
    assert "make test" in readme
    script = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^exec make [a-z-]+", script, re.M) == ["exec make test"]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "bash .ci/run" in workflow
    assert "make test-slow" in workflow
    assert "make book" in workflow


def test_the_script_is_there() -> None:
    [(name, where)] = PYPROJECT["project"]["scripts"].items()
    module, function = where.split(":")
    assert name == "slth"
    assert callable(getattr(import_module(module), function))


@pytest.mark.xdist_group("alone")
def test_groups_stay_together(request: pytest.FixtureRequest) -> None:
    """By their names; otherwise every worker builds the book and starts a browser."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("there is one process only")
    assert request.node.nodeid.endswith("@alone")
