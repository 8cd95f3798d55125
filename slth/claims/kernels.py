"""Kernels that need not import what every chapter imports; papermill runs them as any other."""

import json
import os
import select
import subprocess
import sys
from functools import cache
from typing import Any, cast

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from slth.claims import fork_server


@cache
def server() -> subprocess.Popen[str]:
    """Return this process's server of kernels, started by the first call; it ends with us."""
    return subprocess.Popen(
        [sys.executable, "-m", fork_server.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is not for kernels
    )


class _Forked:
    """A kernel that the server forked, with what a provisioner asks of ``subprocess.Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._end = os.pidfd_open(pid)  # the server never reaps, so that it is still there

    def poll(self) -> int | None:
        """Return None while it runs."""
        ended, _, _ = select.select([self._end], [], [], 0)
        return 1 if ended else None

    def wait(self) -> int:
        """Wait for its end."""
        select.select([self._end], [], [])
        os.close(self._end)
        return 1

    def send_signal(self, number: int) -> None:
        """Send a signal to it alone."""
        os.kill(self.pid, number)


class _Provisioner(LocalProvisioner):
    """Has the server start the kernel."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        asked, answers = server().stdin, server().stdout
        assert asked is not None
        assert answers is not None
        argv = cmd[cmd.index("-m") + 2 :]
        asking = {"argv": argv, "cwd": os.getcwd(), "env": kwargs["env"]}
        print(json.dumps(asking), file=asked, flush=True)
        kernel = _Forked(int(answers.readline()))
        self.process = cast(subprocess.Popen[bytes], kernel)
        self.pid = self.pgid = kernel.pid
        return self.connection_info


class Manager(AsyncKernelManager):
    """Manages a kernel that is forked from the server of this process."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.provisioner = _Provisioner(kernel_spec=self.kernel_spec, parent=self)
