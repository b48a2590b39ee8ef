"""Builds that end while the new folder is put in place: the next one uses all shards again."""

import functools
import os
import shutil
import signal
from pathlib import Path

import pytest
from conftest import contents

from mnist_tools import whole_folder
from mnist_tools.commands.build import build

posix = pytest.mark.skipif(os.name == "nt", reason="has no fork")


@pytest.fixture
def archives(tiny):
    return tiny.folder()


@pytest.fixture
def out(tmp_path, archives):
    """A folder with another dataset, built before."""
    build(tmp_path / "out", ["mnist"], archives=archives)
    return tmp_path / "out"


def do_at(owner, function, name, action, patch=setattr):
    """Let `action` run first where `function` is called with a path of this name."""
    call = getattr(owner, function)

    def act_first(path, *rest, **settings):
        if Path(path).name == name:
            action()
        return call(path, *rest, **settings)

    patch(owner, function, act_first)


def killed_build(out, archives, *point):
    """Build in a process that is killed at a point."""
    process = os.fork()
    if not process:
        do_at(*point, lambda: os.kill(os.getpid(), signal.SIGKILL))
        build(out, ["fashion"], archives=archives, num_proc=1)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


@posix
@pytest.mark.parametrize(
    "point",
    [
        (Path, "replace", "train-00000-of-00001.parquet"),
        (Path, "replace", "test-00000-of-00001.parquet"),
        (whole_folder, "write_manifest", "new"),
        (Path, "rename", "out"),
        (Path, "rename", "new"),
    ],
    ids=["before the first shard", "between shards", "before the manifest", "aside", "in"],
)
def test_the_next_build_uses_all_shards_of_a_killed_one(archives, out, tmp_path, point):
    before = contents(out)
    killed_build(out, archives, *point)
    assert not out.exists() or contents(out) == before
    assert build(out, ["fashion"], archives=archives).reused_shards == 2
    build(tmp_path / "undisturbed" / "out", ["fashion"], archives=archives)
    assert contents(out) == contents(tmp_path / "undisturbed" / "out")
    assert sorted(os.listdir(tmp_path)) == ["out", "undisturbed"]


@posix
@pytest.mark.parametrize(
    "point",
    [(shutil, "rmtree", "old"), (shutil, "rmtree", "kept"), (Path, "rmdir", ".out.mnist_family")],
    ids=["old", "kept", "work"],
)
def test_a_folder_that_a_killed_build_completed_is_only_tidied(archives, out, tmp_path, point):
    killed_build(out, archives, *point)
    before = contents(out)
    assert os.listdir(tmp_path) != ["out"]
    assert not build(out, ["fashion"], archives=archives).changed
    assert contents(out) == before
    assert os.listdir(tmp_path) == ["out"]


@posix
def test_a_lock_that_a_killed_build_left_is_removed(archives, out, tmp_path):
    killed_build(out, archives, Path, "unlink", ".out.mnist_family.lock")
    assert sorted(os.listdir(tmp_path)) == [".out.mnist_family.lock", "out"]
    assert not build(out, ["fashion"], archives=archives).changed
    assert os.listdir(tmp_path) == ["out"]


def test_a_complete_folder_is_not_tidied_while_a_process_writes_it(archives, out, tmp_path):
    with whole_folder.workplace(out, command="build") as at:
        at.kept.mkdir()
        assert not build(out, ["mnist"], archives=archives).changed
        assert at.kept.exists()
        at.kept.rmdir()
    assert os.listdir(tmp_path) == ["out"]


def test_shards_are_kept_when_the_end_of_a_build_is_interrupted(archives, out, monkeypatch):
    before = contents(out)
    kept = out.parent / ".out.mnist_family" / "kept"

    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        do_at(whole_folder, "write_manifest", "new", interrupt, patch.setattr)
        with pytest.raises(KeyboardInterrupt) as caught:
            build(out, ["fashion"], archives=archives)
    assert str(caught.value) == (
        f"build: interrupted, 2 finished shards are kept in {kept}; run the command again to "
        "continue, or with --fresh to start over"
    )
    assert contents(out) == before
    assert build(out, ["fashion"], archives=archives).reused_shards == 2


def test_shards_are_kept_when_somebody_adds_a_file_meanwhile(archives, out, monkeypatch):
    notes, kept = out / "notes.txt", out.parent / ".out.mnist_family" / "kept"
    with monkeypatch.context() as patch:
        add_notes = functools.partial(notes.write_text, "mine")
        do_at(whole_folder, "write_manifest", "new", add_notes, patch.setattr)
        with pytest.raises(ValueError, match="expected") as caught:
            build(out, ["fashion"], archives=archives)
    assert str(caught.value) == (
        f"{out}: holds notes.txt, which build did not write, expected only its own files; move "
        f"your files elsewhere; 2 finished shards are kept in {kept}"
    )
    assert notes.read_text() == "mine"
    notes.unlink()
    assert build(out, ["fashion"], archives=archives).reused_shards == 2
    assert os.listdir(out.parent) == ["out"]
