"""The served book: an edit of prose shows, an error leaves the old page, Ctrl-C stops it."""

import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from book.make import project
from book.make.sphinx_run import frame_digest
from tests.book.conftest import TinyBook

PATIENCE = 240  # seconds, on a machine that does much else

CHAPTER = "# A chapter\n\nThe old sentence.\n\n```{code-cell} ipython3\nprint(40000 + 1)\n```\n"


@dataclass
class Served:
    """A book that is being served, and what the server has said so far."""

    address: str
    process: subprocess.Popen[str]
    said: "queue.Queue[str]"

    def page(self, name: str) -> str:
        """Fetch a page as a browser would; nothing while the pages are being exchanged."""
        try:
            with urllib.request.urlopen(f"{self.address}/{name}", timeout=PATIENCE) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            return ""

    def wait_for(self, name: str, text: str) -> float:
        """Wait until a page holds a text; return how many seconds that took."""
        start = time.perf_counter()
        while text not in self.page(name):
            assert time.perf_counter() - start < PATIENCE, f"{name} never says {text!r}"
            time.sleep(0.1)
        return time.perf_counter() - start

    def hear(self, text: str) -> str:
        """Wait until the server says something, and return the line."""
        end = time.monotonic() + PATIENCE
        while text not in (line := self.said.get(timeout=max(end - time.monotonic(), 0))):
            assert line, f"the server ends without saying {text!r}"
        return line


def listen(stream: Iterable[str], said: "queue.Queue[str]") -> None:
    """Pass on each line, and an empty one at the end."""
    for line in stream:
        said.put(line)
    said.put("")


@contextmanager
def serve(tiny: TinyBook, *arguments: str) -> Iterator[Served]:
    """Serve a book on a free port until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "book.make.serve", "--port", str(port), *arguments],
        cwd=tiny.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=listen, args=(process.stdout, said)).start()
    try:
        yield Served(f"http://127.0.0.1:{port}", process, said)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("only", [[], ["--chapter", "01-a"]])
def test_an_edit_shows_and_an_error_does_not(
    tiny: TinyBook, only: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.write({"01-a": CHAPTER, "02-b": "# Another one\n\nMore.\n"})
    source, name = tiny.chapter("01-a"), "notebooks/01-a.html"
    start = time.perf_counter()
    with serve(tiny, *only) as served:
        assert served.hear("http://127.0.0.1").strip().startswith(served.address)
        first = time.perf_counter() - start
        served.wait_for(name, "The old sentence.")
        assert "livereload.js" in served.page(name)

        source.write_text(source.read_text("utf-8").replace("old", "new"), "utf-8")
        prose = served.wait_for(name, "The new sentence.")
        assert "40001" in served.page(name)
        assert prose < first, "the first build runs the chapters, this one must not"

        source.write_text(source.read_text("utf-8").replace("40000 + 1", "40000 + 2"), "utf-8")
        code = served.wait_for(name, "40002")

        source.write_text(source.read_text("utf-8").replace("40000 + 2", "1 / 0"), "utf-8")
        served.hear("chapter 01-a: ZeroDivisionError")
        assert "40002" in served.page(name), "the old page stays"

        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(PATIENCE) == 0
        served.hear("Stopped.")
    with capsys.disabled():
        print(f"\nfirst page {first:.1f} s, prose {prose:.1f} s, code {code:.1f} s", end=" ")


@pytest.mark.slow
def test_a_book_that_does_not_build_is_not_served(tiny: TinyBook) -> None:
    tiny.write({"01-a": CHAPTER})
    with serve(tiny, "--chapter", "07-nowhere") as served:
        assert served.process.wait(PATIENCE) == 1
        served.hear("there is no notebooks/07-nowhere.md")


def test_prose_is_no_reason_to_make_every_page_anew(tiny: TinyBook) -> None:
    tiny.write({"01-a": CHAPTER}, {"01-a": ""})
    book = project.Project(tiny.root)
    results, toc = tiny.root / "results.json", tiny.root / "_toc.yml"
    results.write_text("{}", "utf-8")
    before = frame_digest(book, results, toc)
    for path, same in [
        (tiny.chapter("01-a"), True),
        (tiny.root / "book" / "index.md", True),
        (tiny.root / "book" / "claims" / "01-a.yml", False),
        (tiny.root / "book" / "_static" / "book.css", False),
        (tiny.root / "book" / "extension" / "footer.py", False),
        (results, False),
        (toc, False),
    ]:
        text = path.read_text("utf-8")
        path.write_text(f"{text}\n", "utf-8")
        assert (frame_digest(book, results, toc) == before) == same, path
        path.write_text(text, "utf-8")
