"""A file appears whole or not at all, and nobody else's is touched."""

import os
from pathlib import Path

import pytest

from mnist_tools.whole_file import write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "out.json"
    for content in (b"first", b"second"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert [*tmp_path.iterdir()] == [path]


def test_what_fails_leaves_the_earlier_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_bytes(b"first")

    def fail(*_):
        raise OSError("no space")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_is_being_written_is_left_alone(tmp_path):
    path = tmp_path / "out.json"
    partial = tmp_path / f".out.json.{os.getpid()}.incomplete"
    partial.write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        write_whole(path, b"mine")
    assert partial.read_bytes() == b"somebody's"
    assert not path.exists()
