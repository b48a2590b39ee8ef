"""The commands that messages advise work when they are copied."""

import os
import sys

import pytest

from mnist_tools.command_line import command_line


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Make the process look as if it had been started so, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def start(script, interpreter="python3", path=""):
        monkeypatch.setattr(sys, "argv", [script])
        monkeypatch.setattr(sys, "executable", os.path.abspath(interpreter))
        monkeypatch.setenv("PATH", os.path.abspath(path))

    return start


def make_program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    path.chmod(0o755)


def test_a_script_of_a_clone_leads_to_the_script_beside_it(started, tmp_path):
    started("scripts/init.py", ".venv/bin/python")
    assert command_line("build", "out", "my letters") == (
        ".venv/bin/python scripts/build.py out 'my letters'"
    )
    started("../clone/scripts/lint_card.py", str(tmp_path.parent / "env" / "python"))
    assert command_line("card") == (
        f"{tmp_path.parent}/env/python ../clone/scripts/generate_cards.py"
    )


def test_an_interpreter_on_the_path_needs_no_path(started, tmp_path):
    make_program(tmp_path / "env" / "python3")
    started("scripts/init.py", "env/python3", path="env")
    assert command_line("build") == "python3 scripts/build.py"
    make_program(tmp_path / "env" / "python")
    started("scripts/init.py", "env/python", path="env")
    assert command_line("build") == "python scripts/build.py"
    make_program(tmp_path / "other" / "python")
    started("scripts/init.py", "env/python", path="other")
    assert command_line("build") == "env/python scripts/build.py"


def test_a_link_to_another_interpreter_is_not_followed(started, tmp_path):
    make_program(tmp_path / "base" / "python")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "python").symlink_to(tmp_path / "base" / "python")
    started("scripts/init.py", "env/python")
    assert command_line("build") == "env/python scripts/build.py"


def test_the_installed_program_is_named_as_it_can_be_found(started, tmp_path):
    make_program(tmp_path / ".venv" / "bin" / "mnist-family")
    started(".venv/bin/mnist-family")
    assert command_line("build", "out") == ".venv/bin/mnist-family build out"
    started(str(tmp_path / ".venv" / "bin" / "mnist-family"), path=".venv/bin")
    assert command_line("build", "out") == "mnist-family build out"


def test_other_programs_advise_the_installed_one(started):
    started("notebook.py")
    assert command_line("measure", "mnist") == "mnist-family measure mnist"
