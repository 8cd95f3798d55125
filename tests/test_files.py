"""Files appear whole or not at all, and where nobody else's file is."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slth import files
from slth.files import write_atomically


def test_a_file_that_is_there_stays_unless_it_is_to_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"first", overwrite=False)
    with pytest.raises(FileExistsError, match="file exists by now, and was not overwritten"):
        write_atomically(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first"
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_at_once_one_succeeds(tmp_path: Path) -> None:
    code = (
        "import runpy, sys\nfrom pathlib import Path\n"
        "write = runpy.run_path(sys.argv[2])['write_atomically']\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "write(Path('file'), sys.argv[1].encode() * 10**6, overwrite=False)"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(number), files.__file__],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("\n")
        run.stdin.flush()
    errors = [run.communicate()[1] for run in runs]
    [winner] = [number for number, run in enumerate(runs) if run.returncode == 0]
    assert (tmp_path / "file").read_bytes() == str(winner).encode() * 10**6
    assert sum("FileExistsError" in error for error in errors) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_system_without_links_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "file"
    write_atomically(path, b"first", overwrite=False)
    with pytest.raises(FileExistsError):
        write_atomically(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first"


def test_symbolic_links_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real, link, loose = tmp_path / "there" / "real", tmp_path / "link", tmp_path / "loose"
    real.write_bytes(b"old")
    link.symlink_to(real)
    loose.symlink_to(tmp_path / "there" / "new")
    write_atomically(link, b"new")
    write_atomically(loose, b"new")
    assert link.is_symlink()
    assert loose.is_symlink()
    assert real.read_bytes() == (tmp_path / "there" / "new").read_bytes() == b"new"
    for path in (link, tmp_path / "nowhere"):
        if path != link:
            path.symlink_to(tmp_path / "there" / "newer")
        with pytest.raises(FileExistsError):
            write_atomically(path, b"newer", overwrite=False)
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["new", "real"]


def test_modes_stay(tmp_path: Path) -> None:
    path, new, plain = tmp_path / "file", tmp_path / "new", tmp_path / "plain"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640
    write_atomically(new, b"new", overwrite=False)
    plain.touch()
    assert new.stat().st_mode == plain.stat().st_mode


def test_devices_and_pipes_are_written_to(tmp_path: Path) -> None:
    write_atomically(Path("/dev/null"), b"gone")
    assert Path("/dev/null").is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert pipe.is_fifo()


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    write_atomically(path, b"data")
    write_atomically(path, b"other")
    assert path.read_bytes() == b"other"
