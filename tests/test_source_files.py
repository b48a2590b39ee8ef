"""The files that rows are read from, as a card lists them."""

import hashlib
import os

import pytest

from mnist_tools.source_files import SourceFile, list_source_files


def write(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_single_file_is_listed(tmp_path):
    write(tmp_path / "some.csv", b"1,2")
    expected = SourceFile("some.csv", 3, sha256(b"1,2"))
    assert list_source_files(tmp_path / "some.csv") == (expected,)


def test_the_data_files_of_every_format_are_listed_in_order_and_no_others(tmp_path):
    data = ["a.csv", "b/c.PNG", "d.npz", "e.parquet", "f.tar.gz", "train-images-idx3-ubyte"]
    for name in [*data, ".hidden.csv", "__MACOSX/a.csv", "README.md", "labels.txt", "g.json"]:
        write(tmp_path / name, name.encode())
    assert list_source_files(tmp_path) == tuple(
        SourceFile(name, len(name), sha256(name.encode())) for name in data
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_links_that_lead_back_pipes_and_broken_links_do_no_harm(tmp_path):
    write(tmp_path / "train" / "a" / "1.png")
    (tmp_path / "train" / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "train" / "a" / "2.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(tmp_path / "train" / "a" / "3.png")
    assert [file.path for file in list_source_files(tmp_path)] == ["train/a/1.png"]


@pytest.mark.parametrize("folders", [2, 21])
def test_many_files_are_summed_up_as_sha256sum_prints_them(tmp_path, folders):
    names = [f"{number % folders:02}/{number:02}.png" for number in range(42)]
    for name in names:
        write(tmp_path / name, name.encode())
    inside = {f"{folder:02}/": [] for folder in range(folders)} if folders < 20 else {"./": []}
    for name in sorted(names):
        top = f"{name[:2]}/" if folders < 20 else "./"
        inside[top].append(f"{sha256(name.encode())}  {name}\n")
    assert list_source_files(tmp_path) == tuple(
        SourceFile(folder, 9 * len(lines), sha256("".join(lines).encode()), len(lines))
        for folder, lines in inside.items()
    )
