"""Chapters are read and run by one code, whoever asks."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient

import slth
from slth.claims import chapters
from slth.claims.chapters import Chapter, ChapterError, Run

TEXT = """---
kernelspec: {{display_name: Python 3, name: python3}}
{front}
---

# A

```{{code-cell}} ipython3
:tags: [parameters]

{parameters}
```

```{{code-cell}} ipython3
{code}
```
"""


def written(
    folder: Path, code: str = "1", front: str = "fast: {n: 2}", parameters: str = "n = 1"
) -> Chapter:
    """Write a chapter and read it."""
    path = folder / "01-a.md"
    path.write_text(TEXT.format(code=code, front=front, parameters=parameters), "utf-8")
    return chapters.read(path)


def ran(chapter: Chapter, changed: Mapping[str, Any]) -> Run:
    """Run a chapter alone."""
    [(same, run)] = chapters.run([(chapter, changed)], Path("some", "registry"))
    assert same is chapter
    return run


def test_a_chapter_is_read_with_its_parameters(tmp_path: Path) -> None:
    chapter = written(tmp_path, parameters="n = 1\nnames = ['a', \"b\"]")
    assert (chapter.name, chapter.parameters) == ("01-a", {"n": 1, "names": ["a", "b"]})
    assert (chapter.overrides("full"), chapter.overrides("fast")) == ({}, {"n": 2})
    assert [cell.source for cell in chapters.code_cells(chapter.notebook)][-1] == "1"
    assert written(tmp_path, front="").overrides("fast") == {}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"front": "fast: {n: 2"}, "chapter 01-a: its front matter is no YAML"),
        ({"front": "fast: [n]"}, r"'fast' maps parameters to values, got \['n'\]"),
        ({"front": "fast: {m: 2}"}, "unknown parameter m; it has n"),
        ({"parameters": "n ="}, "the parameters cell is no Python: invalid syntax"),
        ({"parameters": "n = len('a')"}, "lines like 'trials = 1000', not \"n = len"),
    ],
)
def test_what_is_no_chapter_is_refused(tmp_path: Path, part: dict[str, str], words: str) -> None:
    with pytest.raises(ChapterError, match=words):
        written(tmp_path, **part)


def test_a_chapter_runs_in_an_empty_folder_with_this_package(tmp_path: Path) -> None:
    code = """import json, os, slth, tempfile
print(json.dumps([n, os.listdir(), slth.__file__, tempfile.gettempdir(), dict(os.environ)]))"""
    run = ran(written(tmp_path, code), {"n": 3})
    assert run.stopped is None
    told = json.loads(run.notebook.cells[-1].outputs[0].text)
    n, beside, package, temporary, environment = told
    assert (n, beside, package) == (3, [], slth.__file__)
    assert environment["SLTH_CLAIMS"] == str(Path("some", "registry"))
    assert int(environment["OMP_NUM_THREADS"]) <= (os.cpu_count() or 1)
    assert not Path(temporary).exists(), "it went with the run"
    assert [cell.source for cell in run.notebook.cells[-2:]] == ["n = 1", code]


def test_a_cell_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapters, "CELL_TIMEOUT", 1)
    run = ran(written(tmp_path, "import time\ntime.sleep(600)"), {})
    assert run.stopped is not None
    assert run.stopped.startswith("CellTimeoutError")
    assert not run.died


FRESH = """import json, os, random, signal, sys
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets
import torch
fresh = {
    "program": sys.argv[0],
    "path": sys.path,
    "flags": str(sys.flags),
    "environment": sorted(set(os.environ) - {"COLUMNS", "LINES"}),  # readline's, behind our back
    "names": sorted(globals()),
    "files": sorted(os.listdir("/proc/self/fd"))[:3],
    "signals": [str(signal.getsignal(one)) for one in (signal.SIGTERM, signal.SIGCHLD)],
    "matplotlib": {key: str(value) for key, value in mpl.rcParams.items()},
    "torch": [torch.get_num_threads(), str(torch.get_default_dtype())],
}
print(json.dumps([fresh, [random.random(), np.random.random(), torch.rand(1).item()]]))
plt.plot([1, 3]);"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel is forked")
def test_a_forked_kernel_is_as_fresh_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server forks two, and Jupyter alone starts a third."""
    first, second = written(tmp_path, FRESH), tmp_path / "02-b.md"
    second.write_text(first.path.read_text("utf-8"), "utf-8")
    registry = Path("some", "registry")
    runs = [run for _, run in chapters.run([(first, {}), (chapters.read(second), {})], registry)]
    assert [run.stopped for run in runs] == [None, None]

    for name, value in chapters._environment(str(tmp_path), registry, 1).items():
        monkeypatch.setenv(name, value)
    plain = chapters.read(second).notebook
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(plain, kernel_name="python3", resources=where).execute()

    outputs = [one.cells[-1].outputs for one in (*(run.notebook for run in runs), plain)]
    fresh, drawn = zip(*(json.loads(text.text) for text, _ in outputs), strict=True)
    figures = {figure.data["image/png"] for _, figure in outputs}
    assert len(figures) == 1, "each shows the same figure"
    assert fresh[0] == fresh[1]
    assert fresh[0] == fresh[2]
    for numbers in zip(*drawn, strict=True):
        assert len(set(numbers)) == 3, "global generators are seeded for each kernel"
