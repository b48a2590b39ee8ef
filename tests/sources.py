"""What tests of formats and of `convert` share: sources to read, and how to catch a refusal."""

import contextlib
import io
import json
import pathlib
import tarfile

import numpy as np
import pytest
from conftest import write_split

from mnist_tools.commands.convert import convert
from mnist_tools.formats.source import open_source

FORMATS = ("idx", "csv", "imagefolder", "npz", "parquet", "webdataset")
DIGITS = tuple("0123456789")
ODD_NAMES = (
    "T-shirt/top",
    "..",
    "/etc/passwd",
    "CON",
    "a%2Fb",
    "ク",
    ".hidden",
    "_unlabelled",
    "x ",
    "Ankle boot",
)


def read_source(path, **choices):
    """({split: (images, labels)}, class names) of what a folder or file holds."""
    source = open_source(path, **choices)
    splits = {}
    for split, chunks in source.splits.items():
        images, labels = zip(*chunks(), strict=True)
        splits[split] = np.concatenate(images), np.concatenate(labels)
    return splits, source.class_names.names


def assert_holds(path, splits, names=DIGITS, **choices):
    found, found_names = read_source(path, **choices)
    assert found_names == tuple(names)
    assert [*found] == sorted(
        splits, key=lambda split: ({"train": 0, "test": 2}.get(split, 1), split)
    )
    for split, (images, labels) in splits.items():
        assert found[split][0].dtype == np.uint8
        assert found[split][1].dtype == np.int64
        np.testing.assert_array_equal(found[split][0], images)
        np.testing.assert_array_equal(found[split][1], labels)


def refusal(source, to="npz", dest=None, **choices):
    """The one line with which a conversion is refused; nothing is written."""
    dest = dest or source.parent / "refused"
    existed = dest.exists()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - callers compare the whole line
        convert(source, dest, to=to, **choices)
    assert dest.exists() == existed
    assert not [*dest.parent.glob(".*incomplete*")]
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


def write_idx_source(folder, splits, class_names=None):
    """IDX archives of {split: (images, labels)}, where -1 is no label."""
    for name, (images, labels) in splits.items():
        stem = {"test": "t10k"}.get(name, name)
        write_split(folder, stem, images, (labels.astype(np.int64) % 256).astype(np.uint8))
    if class_names:
        names = json.dumps({"labels": [*class_names]})
        (folder / "dataset_meta.json").write_text(names, encoding="utf-8")
    return folder


def write_tar(path, files, mode="w"):
    """A tar file of (name, content) pairs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


@contextlib.contextmanager
def memory_limit(megabytes):
    """Fail if the process takes more memory than this on top of what it has."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # start the peak anew
    except OSError:
        pytest.skip("the peak of memory can only be measured on Linux")
    before = memory("VmRSS")
    yield
    assert memory("VmHWM") - before < megabytes * 1000


def memory(name):
    """A figure of this process in KB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
