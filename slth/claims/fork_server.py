"""The process that kernels are forked from: it has imported what chapters import, and done nothing.

Imports take most of a short chapter's time.  A kernel that begins after them is as fresh as any
other: this process has one thread, starts no computation and seeds nothing.
"""

import json
import os
import sys
from contextlib import suppress
from importlib import import_module

LIBRARIES = (
    *("numpy", "scipy.stats", "numba", "torch", "matplotlib.pyplot", "pandas", "sklearn.datasets"),
    "ipykernel.kernelapp",
)
"""The outside libraries that take long to import; missing ones are for chapters to miss."""


def main() -> None:
    """Answer each line ``{"argv": …, "cwd": …, "env": …}`` with the number of a new kernel."""
    del sys.path[0]  # the working directory, as `python -m ipykernel_launcher` does
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Matplotlib and ipykernel read these when they are imported.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    for name in LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    for line in iter(sys.stdin.readline, ""):
        number = os.fork()
        if number == 0:
            answers.close()
            _become_kernel(**json.loads(line))
            return
        print(number, file=answers, flush=True)


def _become_kernel(argv: list[str], cwd: str, env: dict[str, str]) -> None:
    """Run a kernel as a process of its own session that ends when this server does."""
    import ipykernel_launcher
    import numpy as np
    import torch
    from ipykernel import kernelapp

    os.setsid()
    os.chdir(cwd)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.environ.update(env, JPY_PARENT_PID=os.environ["JPY_PARENT_PID"])
    np.random.seed()  # noqa: NPY002 (both seed themselves when imported, and not when forked)
    torch.default_generator.seed()
    sys.argv = [ipykernel_launcher.__file__, *argv]
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
