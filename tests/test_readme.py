"""What the README tells a newcomer to type does work."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slth.__main__ import main

ROOT = Path(__file__).parents[1]


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text()
    [block] = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["certificate"].bound <= 0.01
    _commands_run(readme)


def _commands_run(text: str) -> None:
    """Run the commands in the folder that the Python block leaves behind."""
    [block] = [b for b in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) if "slth " in b]
    commands = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert {command[1] for command in commands} == set(main.commands)
    for program, *arguments in commands:
        assert program == "slth"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
    assert Path("out.ticket").read_bytes() == Path("digits.ticket").read_bytes()
    assert Path("model.pt2").is_file()
    assert Path("model.safetensors").is_file()


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text()))
    assert {"book", "test"} <= named <= targets
