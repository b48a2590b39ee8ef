"""Small datasets of the tests' own, and their plans of shards."""

import functools
import json

from conftest import numbers, pictures, write_split

import mnist_family
from mnist_tools.shards.local import write_locally
from mnist_tools.shards.plan import RowSource, plan_shards

NAMES = tuple("0123456789")
IMAGES, LABELS = pictures(1500, 1), numbers(1500, 1)
SMALL = 100_000  # bytes; the rows above need eight such shards
ROOMY = 10_000_000  # bytes; they fit into one
ONE = functools.partial(write_locally, num_proc=1)
TWO = functools.partial(write_locally, num_proc=2)


def make_source(folder, images=IMAGES, labels=LABELS, names=NAMES, fingerprint="rows", **files):
    """Write a split train of these rows; return it as a source of shards named digits."""
    write_split(folder, "train", images, labels, **(files or {"pack": bytes, "suffix": ""}))
    (folder / "dataset_meta.json").write_text(json.dumps({"labels": names}), encoding="utf-8")
    splits = mnist_family.verified_splits("mnist", folder)
    return RowSource("digits", splits, tuple(names), fingerprint)


def make_plan(tmp_path, max_bytes=SMALL, **settings):
    return plan_shards(tmp_path / "shards", make_source(tmp_path / "rows", **settings), max_bytes)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
