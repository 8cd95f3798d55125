"""Try the package on several versions of Python, each in an environment of its own.

``python tests/pythons.py 3.11 3.12 3.13`` installs the package for each of them that is there, as
``make test`` does, and runs the tests that need no browser. What is not installed is skipped, and
said. The exit code is 0 if all that could be tried passed, and there was one at least.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PASSED, FAILED, MISSING = "passed", "FAILED", "not installed: skipped"

Command = list[str]


def interpreter(version: str) -> str | None:
    """Return the path of a Python of this version that runs; a shim may be there and not run."""
    path = shutil.which(f"python{version}")
    if path is None:
        return None
    said = subprocess.run(
        [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return path if said.returncode == 0 and said.stdout.strip() == version else None


def steps(python: str, environment: Path) -> Iterator[Command]:
    """Yield the commands that make an environment and try the package in it."""
    own = str(environment / "bin" / "python")
    constraint = str(ROOT / "constraints.txt")
    yield [python, "-m", "venv", str(environment)]
    yield [own, "-m", "pip", "install", "--quiet", "--constraint", constraint, "--editable",
           f"{ROOT}[book,cluster,test]"]  # fmt: skip
    yield [own, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-m", "not slow and not book",
           "--ignore", "tests/book"]  # fmt: skip


def outcome(
    version: str,
    commands: Callable[[str, Path], Iterator[Command]] = steps,
    find: Callable[[str], str | None] = interpreter,
) -> str:
    """Try one version; returns what became of it."""
    python = find(version)
    if python is None:
        return MISSING
    with tempfile.TemporaryDirectory(prefix="slth-python-") as folder:
        for command in commands(python, Path(folder, "venv")):
            print("+", *command, flush=True)
            if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode != 0:
                return FAILED
    return PASSED


def main(versions: Sequence[str], attempt: Callable[[str], str] = outcome) -> int:
    """Try all versions, say what became of each; returns the exit code."""
    outcomes = {version: attempt(version) for version in versions}
    for version, became in outcomes.items():
        print(f"Python {version}: {became}")
    return 0 if PASSED in outcomes.values() and FAILED not in outcomes.values() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
