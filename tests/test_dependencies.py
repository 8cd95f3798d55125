"""The package proper works with its own dependencies alone; what chapters need is an extra."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_project import requirements_of

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

ALONE = """
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from pkgutil import walk_packages

class Refuse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
import slth
extra = []
for module in walk_packages(slth.__path__, "slth.", onerror=lambda name: None):
    try:
        import_module(module.name)
    except ModuleNotFoundError as error:
        _, part, *rest = module.name.split(".")
        extra.append(".".join([part, *rest]) if part == "claims" else part)
print(*sorted(set(extra)))

from click.testing import CliRunner
from slth.__main__ import main
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False))
torch.nn.init.uniform_(net[0].weight, -0.5, 0.5)
torch.save(net, "net.pt")
for line in (
    "prune net.pt --size 3 --epsilon 0.1 --seed 0 -o net.ticket", "verify net.ticket net.pt",
    "show net.ticket", "export net.ticket -o net.safetensors", "claims list",
):
    result = CliRunner().invoke(main, line.split())
    assert result.exit_code == 0, (line, result.output, result.exception)
"""


def _distributions(*extras: str) -> set[str]:
    """Return every distribution that the project needs, as its own file says."""
    needed = list(PROJECT["dependencies"])
    for extra in extras:
        needed += PROJECT["optional-dependencies"][extra]
    names = [Requirement(line) for line in needed if not line.startswith("slth[")]
    return requirements_of({(canonicalize_name(r.name), e) for r in names for e in ("", *r.extras)})


def test_the_package_proper_needs_no_extra(tmp_path: Path) -> None:
    own = _distributions()
    assert {"numpy", "scipy", "torch", "numba"} <= own
    refused = [
        module
        for module, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & (own | {"slth", "pip"})
    ]
    assert {"matplotlib", "pandas", "sklearn", "papermill", "dask"} <= set(refused)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, ",".join(refused)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        *("claims.kernels", "experiments", "learning", "plotting", "sweep", "targets")
    ]


def test_the_extra_of_the_chapters_is_what_is_missing_there() -> None:
    extra = PROJECT["optional-dependencies"]["chapters"]
    assert {canonicalize_name(Requirement(line).name) for line in extra} & _distributions() == set()
    assert "slth[chapters]" in PROJECT["optional-dependencies"]["notebook"]
    assert "slth[notebook]" in PROJECT["optional-dependencies"]["book"]


def test_nobody_is_told_to_install_a_strangers_package() -> None:
    """The name is not ours on any index: the package comes from a clone or from its repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    wrong = re.compile(r"pip install\b[^\n`]*?[\s'\"]slth(\[[\w,]+\])?(?![\w\[./-]| @)")
    assert wrong.search("pip install 'slth[cluster]'")
    assert wrong.search("pip install --quiet slth")
    assert not wrong.search("pip install 'slth[cluster] @ git+https://x'")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".md", ".py", ".yml", ".toml", ".ipynb", ""} and path.is_file():
            found = wrong.search(path.read_text("utf-8", errors="replace"))
            if path != Path(__file__):
                assert found is None, f"{name}: {found and found[0]}"
