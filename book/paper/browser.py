"""The browser of this machine, which opens the built pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from book.make.project import BuildError

NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
)
"""What it may be called.  Those without windows come first: with windows, the same Chromium takes
three times as long, and sometimes never answers when a page is closed."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the first browser of `NAMES` that is installed.

    Raises
    ------
    BuildError
        If there is none.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise BuildError(f"no browser: none of {', '.join(NAMES)} is installed; try `make browser`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield running
        finally:
            running.close()
