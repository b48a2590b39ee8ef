"""Files are added to a folder all together or not at all, and never in place of others."""

import os
import pathlib
import re

import pytest

from mnist_tools.new_files import new_files


def write(folder, names, appears=None):
    with new_files(folder) as new:
        for name in names:
            (new / name).write_text(f"new {name}")
        if appears:
            (folder / appears).write_text("mine")


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    write(tmp_path / "a" / "b", ["x", "y"])
    assert contents(tmp_path / "a" / "b") == {"x": "new x", "y": "new y"}
    assert os.listdir(tmp_path / "a") == ["b"]


def test_after_an_error_the_folders_above_are_gone(tmp_path):
    with pytest.raises(RuntimeError), new_files(tmp_path / "a" / "b"):
        raise RuntimeError
    assert not [*tmp_path.iterdir()]


def test_a_link_to_nothing_is_no_folder(tmp_path):
    (tmp_path / "b").symlink_to(tmp_path / "nothing")
    message = f"{tmp_path / 'b'}: not a folder, expected a folder, new or not; choose another name"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        write(tmp_path / "b", ["x"])
    assert (tmp_path / "b").is_symlink()


def test_errors_name_the_folder_not_the_temporary_one(tmp_path):
    folder = tmp_path / ("n" * 250)
    with pytest.raises(OSError, match="File name too long") as caught:
        write(folder, ["x"])
    assert caught.value.filename == str(folder)


def test_files_that_are_there_stay(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("mine")
    write(tmp_path / "b", ["x"])
    assert contents(tmp_path / "b") == {"mine": "mine", "x": "new x"}


def test_files_are_written_to_the_disk_of_the_folder_not_that_of_a_link_to_it(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with new_files(tmp_path / "link") as new:
        assert new.resolve().parent == tmp_path / "disk"
        (new / "x").write_text("new x")
    assert contents(tmp_path / "disk") == {"x": "new x"}
    assert sorted(os.listdir(tmp_path)) == ["disk", "link"]


def test_a_folder_that_appears_meanwhile_keeps_its_files(tmp_path):
    with new_files(tmp_path / "b") as new:
        (new / "x").write_text("new x")
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "mine").write_text("mine")
    assert contents(tmp_path / "b") == {"mine": "mine", "x": "new x"}
    assert os.listdir(tmp_path) == ["b"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    message = (
        f"{folder}: holds y, expected none of these files yet; "
        "move them elsewhere, or choose another folder"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        write(folder, ["x", "y"], appears="y")
    assert contents(folder) == {"y": "mine"}
    assert os.listdir(tmp_path) == ["b"]


def test_if_one_file_cannot_be_moved_none_is(tmp_path, monkeypatch):
    folder = tmp_path / "b"
    folder.mkdir()
    rename = pathlib.Path.rename

    def fail_at_y(path, target):
        if path.name == "y":
            raise OSError("disk full")
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", fail_at_y)
    with pytest.raises(OSError, match="^disk full$"):
        write(folder, ["x", "y"])
    assert contents(folder) == {}
    assert os.listdir(tmp_path) == ["b"]
