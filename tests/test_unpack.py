"""Large .gz archives are unpacked once for all shards; others are read where they are."""

import pytest
from conftest import write_split
from shard_plans import IMAGES, LABELS, NAMES, ONE, ROOMY, SMALL, make_plan, make_source

from mnist_family import read_chunks, verified_splits
from mnist_tools.shards.plan import RowSource, plan_shards
from mnist_tools.shards.run import write_datasets
from mnist_tools.shards.task import UNPACKED


def test_a_packed_archive_is_unpacked_if_several_shards_read_it(tmp_path):
    split = make_plan(tmp_path, names=[*map(str, range(20))], suffix=".gz")[0].split
    assert split.images.startswith(str(tmp_path / "shards" / UNPACKED / "digits"))
    assert split.labels == str(tmp_path / "rows" / "train-labels-idx1-ubyte.gz")
    assert (split.rows, split.num_classes) == (1500, 20)
    images, labels = next(read_chunks(split, rows_per_chunk=1500))
    assert (images == IMAGES).all()
    assert (labels == LABELS).all()


@pytest.mark.parametrize(
    ("max_bytes", "files"),
    [(ROOMY, {"suffix": ".gz"}), (SMALL, {})],
    ids=["one shard", "raw"],
)
def test_other_archives_are_read_where_they_are(tmp_path, max_bytes, files):
    split = make_plan(tmp_path, max_bytes, **files)[0].split
    assert split.images.startswith(str(tmp_path / "rows"))
    assert not (tmp_path / "shards" / UNPACKED).exists()


def test_a_small_part_of_a_large_split_stays_packed(tmp_path):
    folder = tmp_path / "rows"
    for number, rows in enumerate([slice(0, 50), slice(50, None)]):
        write_split(folder, f"train-{number:05}-of-00002", IMAGES[rows], LABELS[rows])
    source = RowSource("digits", verified_splits("mnist", folder), NAMES, "rows")
    small, large = plan_shards(tmp_path / "shards", source, SMALL)[0].split.parts
    assert small.images.startswith(str(folder))
    assert large.images.startswith(str(tmp_path / "shards" / UNPACKED))


def test_what_was_unpacked_is_deleted_in_the_end(tmp_path):
    source = make_source(tmp_path / "rows", suffix=".gz")
    write_datasets(tmp_path / "shards", [source], SMALL, ONE)
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["digits"]
