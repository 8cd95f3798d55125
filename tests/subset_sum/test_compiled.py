"""Machine code that cannot be kept, or was kept and damaged, costs time; none is ever stale."""

import importlib.util
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numba
import pytest
from numba.core.dispatcher import Dispatcher

import slth
from slth.subset_sum import _compiled

SOURCE = """
from slth.subset_sum._compiled import compiled

@compiled
def inner(x):
    return x + 1

@compiled
def double(x):
    return 2 * inner(x)
"""
USE = """
from slth.subset_sum import covering_radius_bounds
low, high = covering_radius_bounds([0.5, 0.25], cells=4)
assert 0 < low <= high
print("good")
"""


def use(**environment: str) -> list[str]:
    """Compile in a process of its own; returns its warnings."""
    done = subprocess.run(
        [sys.executable, "-c", USE], env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "good\n"), done.stderr
    return [line for line in done.stderr.splitlines() if "Warning" in line]


def test_without_any_folder_that_can_be_written_to() -> None:
    """As in a container that runs as another user: no place that Numba looks at will do."""
    found = use(NUMBA_CACHE_LOCATOR_CLASSES="UserWideCacheLocator", XDG_CACHE_HOME="/dev/null/no")
    assert len(found) == 1
    assert "so that every process compiles it anew: set NUMBA_CACHE_DIR" in found[0]


def test_the_package_survives_files_that_were_cut_off(tmp_path: Path) -> None:
    assert use(NUMBA_CACHE_DIR=str(tmp_path)) == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".nbi", ".nbc"}
    for path in files:
        os.truncate(path, path.stat().st_size // 2)
    found = use(NUMBA_CACHE_DIR=str(tmp_path))
    assert len(found) == 1
    assert "is damaged: compiling anew" in found[0]
    assert use(NUMBA_CACHE_DIR=str(tmp_path)) == []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[bool, list[str]]]:
    """Import two compiled functions anew and call them; tells whether their code had been kept."""
    source = tmp_path / "two_functions.py"
    source.write_text(SOURCE)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def call() -> tuple[bool, list[str]]:
        _compiled._warn_once.cache_clear()
        spec = importlib.util.spec_from_file_location("two_functions", source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            spec.loader.exec_module(module)
            assert [module.double(2), module.double(2.0)] == [6, 6.0]
        kept = module.double.stats.cache_hits
        return sum(kept.values()) == 2, [str(warning.message) for warning in caught]

    return call


def cut_to(part: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(path.stat().st_size * part))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": cut_to(0),
    "a byte is left": lambda path: os.truncate(path, 1),
    "half is left": cut_to(0.5),
    "the last byte is missing": lambda path: os.truncate(path, path.stat().st_size - 1),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "noise": lambda path: path.write_bytes(b"\x80\x04" + os.urandom(64)),
    "another type": lambda path: path.write_bytes(b"\x80\x04K\x01."),
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_replaced(
    damage: str, suffix: str, run: Callable[[], tuple[bool, list[str]]], tmp_path: Path
) -> None:
    assert run() == (False, [])
    assert run() == (True, [])
    for path in tmp_path.rglob("*double*" + suffix):
        DAMAGE[damage](path)
    kept, messages = run()
    assert not kept
    if (damage, suffix) != ("another type", ".nbi"):  # which is what another version looks like
        assert len(messages) == 1
        assert "is damaged: compiling anew" in messages[0]
    assert run() == (True, [])


def test_folders_that_cannot_be_used(
    run: Callable[[], tuple[bool, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Numba could write to when the package was imported, it may not be able to later."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
        kept, messages = run()
        assert not kept
        assert len(messages) == 1
        assert "No space left on device), so that every process compiles it anew" in messages[0]
    run()
    for path in tmp_path.rglob("*.nbi"):
        path.unlink()
        path.mkdir()
    kept, messages = run()
    assert not kept
    assert all("Is a directory" in message for message in messages)
    assert 1 <= len(messages) <= 2  # one a file


PACKAGE = Path(slth.__file__).parent
COMPILED = [
    ".".join(("slth", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in sorted(PACKAGE.rglob("*.py"))
    if "\n@compiled\n" in path.read_text("utf-8")
]


def foreign(module: ModuleType) -> list[str]:
    """Names of compiled functions, of classes and of modules with code that are from elsewhere."""
    return [
        name
        for name, value in vars(module).items()
        if (isinstance(value, Dispatcher) and value.py_func.__module__ != module.__name__)
        or (isinstance(value, type) and value.__module__.startswith("slth.")
            and value.__module__ != module.__name__)
        or (isinstance(value, ModuleType) and value.__name__.startswith("slth."))
    ]  # fmt: skip


@pytest.mark.parametrize("name", COMPILED)
def test_a_file_with_compiled_functions_holds_all_that_they_use(name: str) -> None:
    """Numba's cache watches the file of the called function and no other."""
    assert foreign(import_module(name)) == []


def test_what_is_borrowed_is_seen() -> None:
    assert len(COMPILED) >= 3
    module = ModuleType("slth.borrower")
    kernels = import_module(COMPILED[0])
    one = next(name for name, value in vars(kernels).items() if isinstance(value, Dispatcher))
    vars(module).update({one: vars(kernels)[one], "kernels": kernels})
    assert foreign(module) == [one, "kernels"]
