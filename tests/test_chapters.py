"""Chapters are read and run by one code, whoever asks."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

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
