"""Running what changed: chapters in parallel, each result kept as soon as it is there."""

import copy
import json
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from tqdm import tqdm

from book.make.project import BuildError, Project, chapter_digest, write_atomically
from slth import claims
from slth.claims import chapters
from slth.claims.chapters import Chapter, Run, code_cells


@dataclass(frozen=True)
class Result:
    """What a finished run of a chapter left.

    Attributes
    ----------
    chapter, digest
        Which chapter, and the digest of all that the run depended on.
    seconds
        How long it took, kernel included.
    parameters, overrides
        The chapter's own parameters, and those that the profile changed.
    records
        Claims and controls, in the order in which they were recorded.
    """

    chapter: str
    digest: str
    seconds: float
    parameters: dict[str, Any]
    overrides: dict[str, Any]
    records: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Plan:
    """A chapter as it is to be run now."""

    chapter: Chapter
    overrides: dict[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """The stem of the chapter."""
        return self.chapter.name

    @property
    def notebook(self) -> Any:
        """The chapter's cells."""
        return self.chapter.notebook


class Runs:
    """The runs of one profile: results, and the cache that Sphinx reads.

    Parameters
    ----------
    project
        The book.
    profile
        ``"full"`` or ``"fast"``.
    """

    def __init__(self, project: Project, profile: str) -> None:
        self.project = project
        self.profile = profile
        self.folder = project.build / profile
        self.cache_path = self.folder / "jupyter_cache"

    def plan(self, names: Sequence[str]) -> list[Plan]:
        """Read the chapters and work out the digests of their next runs.

        Raises
        ------
        BuildError
            If a chapter is missing, or not written as chapters are.
        """
        registry = claims.load(self.project.registry)
        plans = []
        for name in names:
            chapter = self.project.chapter(name)
            changed = chapter.overrides(self.profile)
            rules = [asdict(claim) for claim in registry.values() if claim.chapter == name]
            cells = [cell.source for cell in code_cells(chapter.notebook)]
            digest = chapter_digest(self.project, name, cells, changed, rules)
            plans.append(Plan(chapter, changed, digest))
        return plans

    def result(self, plan: Plan) -> Result | None:
        """Return the stored result if it is as new as all that it depends on."""
        path = self._result_path(plan.name)
        if not path.is_file():
            return None
        stored = json.loads(path.read_text("utf-8"))
        if stored["digest"] != plan.digest:
            return None
        try:
            get_cache(self.cache_path).match_cache_notebook(plan.notebook)
        except KeyError:
            if not self._carry_over(plan):
                return None
        return Result(**{**stored, "records": tuple(stored["records"])})

    def _carry_over(self, plan: Plan) -> bool:
        """Keep the outputs of the same code under other options, such as a new caption or alt text.

        The cache looks at the options of cells too, although they are no part of the digest.
        """
        cache = get_cache(self.cache_path)
        cells = code_cells(plan.notebook)
        records = [one for one in cache.list_cache_records() if Path(one.uri).stem == plan.name]
        for record in sorted(records, key=lambda one: one.created, reverse=True):
            bundle = cache.get_cache_bundle(record.pk)
            ran = code_cells(bundle.nb)
            if [cell.source for cell in cells] != [cell.source for cell in ran]:
                continue
            notebook = copy.deepcopy(plan.notebook)
            for cell, done in zip(code_cells(notebook), ran, strict=True):
                cell.outputs, cell.execution_count = done.outputs, done.execution_count
            notebook.metadata["language_info"] = bundle.nb.metadata["language_info"]
            cache.cache_notebook_bundle(
                CacheBundleIn(notebook, str(plan.chapter.path), data=record.data),
                check_validity=False,
            )
            return True
        return False

    def execute(self, plans: Sequence[Plan], workers: int) -> dict[str, Result]:
        """Run the chapters whose results are missing or old; return the results of all.

        Finished chapters are stored at once, so that a run that is interrupted, or in which another
        chapter fails, is continued by the next one.

        Raises
        ------
        BuildError
            Naming every chapter that failed.
        """
        results = {plan.name: self.result(plan) for plan in plans}
        waiting = [plan for plan in plans if results[plan.name] is None]
        # The longest first: none is left alone on one core at the end.
        waiting.sort(key=self._expected, reverse=True)
        failures = []
        if waiting:
            with closing(self._run_all(waiting, workers)) as finished:
                for plan, done in finished:
                    if done.stopped is None:
                        results[plan.name] = self._store(plan, done)
                    else:
                        failures.append(f"chapter {plan.name}: {done.details}")
        if failures:
            raise BuildError("\n".join(failures))
        return {name: result for name, result in results.items() if result is not None}

    def _run_all(self, plans: Sequence[Plan], workers: int) -> Generator[tuple[Plan, Run]]:
        """Yield each plan with its run, in the order in which they end."""
        by_name = {plan.name: plan for plan in plans}
        running = chapters.run(
            [(plan.chapter, plan.overrides) for plan in plans],
            self.project.registry,
            workers=workers,
            log=self.folder / "kernels.log",
        )
        bar = tqdm(total=len(plans), desc="chapters", unit="chapter")
        with closing(running), bar:
            for chapter, done in running:
                yield by_name[chapter.name], done
                bar.set_postfix_str(chapter.name)
                bar.update()

    def _store(self, plan: Plan, done: Run) -> Result:
        """Put outputs into the cache, then the result beside it; only the result makes it count."""
        get_cache(self.cache_path).cache_notebook_bundle(
            CacheBundleIn(
                done.notebook,
                str(plan.chapter.path),
                data={"execution_seconds": round(done.seconds, 2)},
            ),
            check_validity=False,
            overwrite=True,
        )
        result = Result(
            chapter=plan.name,
            digest=plan.digest,
            seconds=round(done.seconds, 2),
            parameters=plan.chapter.parameters,
            overrides=plan.overrides,
            records=tuple(chapters.records(done.notebook)),
        )
        write_atomically(self._result_path(plan.name), json.dumps(asdict(result), indent=1))
        return result

    def _expected(self, plan: Plan) -> float:
        seconds = chapters.expected_seconds(plan.name, self.profile)
        return math.inf if seconds is None else seconds

    def _result_path(self, name: str) -> Path:
        return self.folder / "results" / f"{name}.json"
