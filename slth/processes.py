"""Processes that leave nothing running behind them."""

import multiprocessing
import os
import threading


def follow_parent() -> None:
    """End this process when the one that started it ends, even by SIGKILL."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
