"""What all tests rely on, wherever they are started."""

import json
import os
import signal
from pathlib import Path

import pytest

# A shell ignores Ctrl-C on behalf of what it runs in the background; without this, so would every
# process that a test starts and then interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

COLLECTED = Path(__file__).parents[1] / "_build" / "fast" / "claims.json"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List in CI how long each chapter took when it last ran in the fast profile."""
    if os.environ.get("CI") and COLLECTED.is_file():
        terminalreporter.section("seconds of the chapters, fast profile")
        terminalreporter.write_line(chapter_seconds(COLLECTED.read_text("utf-8")))


def chapter_seconds(collected: str) -> str:
    """Return a line for each chapter, the longest first, and their sum."""
    chapters = json.loads(collected)["chapters"]
    seconds = {name: one["seconds"] for name, one in chapters.items()}
    lines = sorted(seconds.items(), key=lambda one: -one[1])
    return "\n".join(
        f"{time:6.1f} {name}" for name, time in [*lines, ("all", sum(seconds.values()))]
    )
