"""Lint compares a card with the Parquet files beside it, and reads only what lies in its folder."""

import os

import datasets
import numpy as np
import pyarrow.parquet
import pytest
import yaml

from mnist_tools.lint import findings

CLASS_NAMES = ["zero", "one", "two"]
SHARDS = {"train": (7, 5), "test": (3,)}  # rows of each


def features(class_names=CLASS_NAMES):
    return datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=class_names)}
    )


def write_shard(path, rows, class_names=CLASS_NAMES):
    """Write a Parquet file as `datasets` does, and return the bytes of its Arrow table."""
    images = [np.full((28, 28), row, np.uint8) for row in range(rows)]
    labels = [row % len(class_names) for row in range(rows)]
    rows = datasets.Dataset.from_dict(
        {"image": images, "label": labels}, features=features(class_names)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path)
    return pyarrow.parquet.read_table(path).nbytes


class Folder:
    """A built folder of one config, whose card can be edited."""

    def __init__(self, path):
        self.path = path
        self.card = path / "README.md"
        self.shards = {}
        splits = []
        for split, counts in SHARDS.items():
            size = 0
            self.shards[split] = []
            for number, rows in enumerate(counts):
                shard = path / "digits" / f"{split}-{number:05}-of-{len(counts):05}.parquet"
                size += write_shard(shard, rows)
                self.shards[split].append(shard)
            splits.append({"name": split, "num_bytes": size, "num_examples": sum(counts)})
        self.download_size = sum(shard.stat().st_size for shard in self.all_shards())
        self.values = {
            "license": "mit",
            "configs": [
                {
                    "config_name": "digits",
                    "data_files": [
                        {"split": split, "path": f"digits/{split}-*"} for split in SHARDS
                    ],
                }
            ],
            "dataset_info": {
                "config_name": "digits",
                "features": [
                    {"name": "image", "dtype": "image"},
                    {
                        "name": "label",
                        "dtype": {
                            "class_label": {"names": {str(n): c for n, c in enumerate(CLASS_NAMES)}}
                        },
                    },
                ],
                "splits": splits,
                "download_size": self.download_size,
                "dataset_size": sum(split["num_bytes"] for split in splits),
            },
        }
        self.write_card()

    def all_shards(self):
        return [shard for shards in self.shards.values() for shard in shards]

    def write_card(self):
        text = f"---\n{yaml.safe_dump(self.values, sort_keys=False)}---\n\n# Digits\n"
        self.card.write_bytes(text.encode())

    @property
    def names(self):
        return self.values["dataset_info"]["features"][1]["dtype"]["class_label"]["names"]

    @property
    def splits(self):
        return self.values["dataset_info"]["splits"]

    @property
    def data_files(self):
        return self.values["configs"][0]["data_files"]

    def findings(self):
        """Return the findings of the folder without path and line; the card alone has the same."""
        self.write_card()
        found = findings(self.path)
        assert findings(self.card) == found
        return [finding.text for finding in found]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "built")


NAMES = "dataset_info.features[1].dtype.class_label.names"


def test_a_folder_whose_card_is_right_has_no_finding(folder):
    assert folder.findings() == []


def test_a_folder_that_build_wrote_has_no_finding(sample):
    assert findings(sample) == []


def test_a_card_alone_is_not_compared(folder):
    for shard in folder.all_shards():
        shard.unlink()
    assert findings(folder.card) == []
    missing = "expected the split's files; add them"
    assert [finding.text for finding in findings(folder.path)] == [
        f"configs[0].data_files[{number}]: no file 'digits/{split}-*', {missing}"
        for number, split in enumerate(SHARDS)
    ]


def test_the_number_of_rows_is_compared(folder):
    folder.splits[0]["num_examples"] = 13
    assert folder.findings() == [
        "dataset_info.splits[0].num_examples: 13, expected 12 as in Parquet; correct it"
    ]


@pytest.mark.parametrize(
    ("difference", "is_wrong"), [(100, False), (-100, False), (400, True), (-400, True)]
)
def test_the_bytes_of_the_table_are_compared_roughly(folder, difference, is_wrong):
    """How rows were cut into chunks changes the padding of the table, by 64 bytes a chunk."""
    size = folder.splits[0]["num_bytes"]
    folder.splits[0]["num_bytes"] = size + difference
    folder.values["dataset_info"]["dataset_size"] += difference
    expected = f"{size + difference}, expected about {size} as in Parquet; correct it"
    assert folder.findings() == (
        [f"dataset_info.splits[0].num_bytes: {expected}"] if is_wrong else []
    )


def test_the_bytes_of_the_files_are_compared(folder):
    folder.values["dataset_info"]["download_size"] += 1
    assert folder.findings() == [
        f"dataset_info.download_size: {folder.download_size + 1}, "
        f"expected {folder.download_size}, the bytes of the Parquet files; correct it"
    ]


def test_sizes_that_the_card_does_not_state_are_not_compared(folder):
    info = folder.values["dataset_info"]
    del info["download_size"], info["dataset_size"]
    for split in folder.splits:
        del split["num_bytes"]
    assert folder.findings() == []


def test_class_names_are_compared(folder):
    folder.names["1"], folder.names["2"] = "two", "one"
    assert folder.findings() == [
        f"{NAMES}.1: 'two', expected 'one' as in Parquet; "
        "correct it, or every row will be relabelled"
    ]


def test_class_names_are_compared_by_label(folder):
    first = folder.names.pop("0")
    folder.names["0"] = first
    assert list(folder.names) == ["1", "2", "0"]
    assert folder.findings() == []


def test_class_names_in_a_list_are_compared(folder):
    label = folder.values["dataset_info"]["features"][1]["dtype"]["class_label"]
    label["names"] = ["zero", "two", "one"]
    assert folder.findings() == [
        f"{NAMES}[1]: 'two', expected 'one' as in Parquet; "
        "correct it, or every row will be relabelled"
    ]


def test_the_number_of_class_names_is_compared(folder):
    del folder.names["2"]
    assert folder.findings() == [
        f"{NAMES}: 2 names, expected 3 as in Parquet; correct it, or every row will be relabelled"
    ]


def test_class_names_of_every_shard_are_compared(folder):
    shard = folder.shards["test"][0]
    write_shard(shard, 3, ["zero", "one", "three"])
    folder.values["dataset_info"]["download_size"] = sum(
        s.stat().st_size for s in folder.all_shards()
    )
    assert folder.findings() == [
        f"{NAMES}.2: 'two', expected 'three' as in Parquet; "
        "correct it, or every row will be relabelled"
    ]


def test_a_shard_that_is_cut_short_is_found(folder):
    shard = folder.shards["train"][1]
    shard.write_bytes(shard.read_bytes()[:-5])
    (finding,) = folder.findings()
    assert finding.startswith(
        "dataset_info: digits/train-00001-of-00002.parquet cannot be read (Parquet magic bytes"
    )
    assert finding.endswith("), expected Parquet files; build the folder again")


def test_rows_that_cannot_be_read_are_found(folder):
    shard = folder.shards["train"][0]
    content = bytearray(shard.read_bytes())
    content[4:40] = bytes(36)  # the header of the first page
    shard.write_bytes(content)
    (finding,) = folder.findings()
    assert finding.startswith("dataset_info: digits/train-00000-of-00002.parquet cannot be read (")


def test_features_of_a_shard_that_are_broken_are_found(folder):
    shard = folder.shards["test"][0]
    table = pyarrow.parquet.read_table(shard).replace_schema_metadata({"huggingface": "{]"})
    pyarrow.parquet.write_table(table, shard)
    (finding,) = folder.findings()
    assert finding.startswith("dataset_info: digits/test-00000-of-00001.parquet cannot be read (")


def test_a_split_without_files_is_found(folder):
    folder.shards["test"][0].unlink()
    assert folder.findings() == [
        "configs[0].data_files[1]: no file 'digits/test-*', expected the split's files; add them"
    ]


def test_several_patterns_without_files_are_named(folder):
    folder.data_files[1]["path"] = ["digits/a-*", "digits/b-*"]
    assert folder.findings() == [
        "configs[0].data_files[1]: no file 'digits/a-*' or 'digits/b-*', "
        "expected the split's files; add them"
    ]


def test_files_of_other_formats_are_not_opened(folder):
    (folder.path / "digits" / "test.csv").write_text("label\n1\n")
    folder.data_files[1]["path"] = "digits/test.csv"
    folder.splits[0]["num_examples"] = 99
    assert folder.findings() == []


def test_paths_below_a_data_dir_are_left_to_datasets(folder):
    folder.values["configs"][0]["data_dir"] = "digits"
    for files, split in zip(folder.data_files, SHARDS, strict=True):
        files["path"] = f"{split}-*"
    assert folder.findings() == []


@pytest.mark.parametrize(
    "pattern",
    [
        "digits/train-0000?-of-00002.parquet",
        "./digits/train-*",
        "**/train-*",
        "d*/train-*",
        "digits/**/train-*",
    ],
)
def test_patterns_match_as_in_load_dataset(folder, pattern):
    folder.data_files[0]["path"] = pattern
    folder.splits[0]["num_examples"] = 13
    assert folder.findings() == [
        "dataset_info.splits[0].num_examples: 13, expected 12 as in Parquet; correct it"
    ]
    files = datasets.data_files.resolve_pattern(pattern, str(folder.path))
    assert sorted(map(os.path.normpath, files)) == [str(shard) for shard in folder.shards["train"]]


# --- What lies elsewhere --------------------------------------------------------------------------

needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows asks for rights to make links")
ELSEWHERE = "is a link out of the folder, expected a file inside it; copy the file"


@needs_links
def test_a_link_to_a_file_elsewhere_is_found(folder, tmp_path):
    """It is not read, either."""
    shard = folder.shards["train"][1]
    shard.unlink()
    shard.symlink_to(tmp_path / "elsewhere.parquet")
    (tmp_path / "elsewhere.parquet").write_bytes(b"no Parquet")
    assert folder.findings() == [
        f"configs[0].data_files[0]: digits/train-00001-of-00002.parquet {ELSEWHERE}"
    ]


@needs_links
def test_a_link_to_a_folder_elsewhere_is_found_and_not_followed(folder, tmp_path):
    (folder.path / "digits").rename(tmp_path / "elsewhere")
    (folder.path / "digits").symlink_to(tmp_path / "elsewhere")
    assert folder.findings() == [
        f"configs[0].data_files[{number}]: digits {ELSEWHERE}" for number in (0, 1)
    ]


@needs_links
def test_a_link_to_a_folder_elsewhere_is_found_below_two_stars(folder, tmp_path):
    (folder.path / "digits").rename(tmp_path / "elsewhere")
    (folder.path / "digits").symlink_to(tmp_path / "elsewhere")
    (folder.path / "notes.txt").symlink_to(tmp_path / "notes.txt")
    for files, split in zip(folder.data_files, SHARDS, strict=True):
        files["path"] = f"**/{split}-*"
    assert folder.findings() == [
        f"configs[0].data_files[{number}]: digits {ELSEWHERE}" for number in (0, 1)
    ]


@needs_links
def test_other_links_are_nobodys_business(folder, tmp_path):
    (folder.path / "notes.txt").symlink_to(tmp_path / "notes.txt")
    folder.data_files[0]["path"] = "**/train-*"
    assert folder.findings() == []


@needs_links
def test_a_link_inside_the_folder_is_followed(folder):
    shard = folder.shards["test"][0]
    shard.rename(folder.path / "kept.parquet")
    shard.symlink_to("../kept.parquet")
    assert folder.findings() == []


@needs_links
def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder.path)
    assert findings(tmp_path / "link") == []


@needs_links
def test_a_loop_of_links_ends(folder):
    (folder.path / "loop").symlink_to(folder.path)
    folder.data_files[0]["path"] = "**/train-*"
    assert folder.findings() == []


def test_paths_that_leave_the_folder_are_not_opened(folder, tmp_path):
    folder.shards["test"][0].rename(tmp_path / "test-0.parquet")
    folder.data_files[1]["path"] = "../test-*"
    assert folder.findings() == [
        "configs[0].data_files[1].path: a path with .., "
        "expected a path inside the card's folder; move the files there"
    ]


def test_an_absolute_path_is_not_taken_for_a_path_in_the_folder(folder):
    folder.data_files[1]["path"] = "/digits/test-*"
    folder.splits[1]["num_examples"] = 99
    assert folder.findings() == [
        "configs[0].data_files[1].path: an absolute path, "
        "expected a path inside the card's folder; move the files there"
    ]


def test_a_folder_named_like_a_shard_is_not_opened(folder):
    shard = folder.shards["test"][0]
    shard.unlink()
    shard.mkdir()
    assert folder.findings() == [
        "configs[0].data_files[1]: no file 'digits/test-*', expected the split's files; add them"
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_named_like_a_shard_is_not_opened(folder):
    shard = folder.shards["test"][0]
    shard.unlink()
    os.mkfifo(shard)
    assert folder.findings() == [
        "configs[0].data_files[1]: no file 'digits/test-*', expected the split's files; add them"
    ]


def test_more_shards_than_files_may_be_open(folder):
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    for number in range(200):
        os.link(folder.shards["test"][0], folder.path / "digits" / f"test-{number}.parquet")
    folder.splits[1].update(num_examples=603, num_bytes=201 * folder.splits[1]["num_bytes"])
    info = folder.values["dataset_info"]
    info["dataset_size"] = sum(split["num_bytes"] for split in folder.splits)
    info["download_size"] += 200 * folder.shards["test"][0].stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 60, limits[1]))
    try:
        assert folder.findings() == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
