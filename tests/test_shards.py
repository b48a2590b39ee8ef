"""Shards: planned, written in any order by any process, checked and added up."""

import dataclasses
import errno
import json
import os
import shutil

import datasets
import numpy as np
import pyarrow.parquet
import pytest
from conftest import assert_rows, numbers, pictures, write_split
from shard_plans import IMAGES, LABELS, NAMES, ONE, ROOMY, SMALL, contents, make_plan, make_source

import mnist_family
from mnist_tools.shards import write
from mnist_tools.shards.finish import find_finished, finish, total_size, total_tally
from mnist_tools.shards.images import read_images
from mnist_tools.shards.plan import plan_shards
from mnist_tools.shards.run import write_datasets
from mnist_tools.shards.size import parse_shard_size
from mnist_tools.shards.write import write_shard


def write_all(tasks):
    for task in tasks:
        write_shard(task)


# --- The plan -------------------------------------------------------------------------------------


def test_a_size_is_read_as_people_write_it():
    assert parse_shard_size("100KB") == 100_000
    assert parse_shard_size("2MB") == 2_000_000
    assert parse_shard_size("1GiB") == 2**30


@pytest.mark.parametrize("text", ["", "many", "99999", "99KB", "-2MB", "0"])
def test_other_sizes_are_refused(text):
    with pytest.raises(ValueError, match="expected") as caught:
        parse_shard_size(text)
    assert str(caught.value) == (
        f"--max-shard-size {text}: not a valid size, expected at least 100KB, as in 2MB or 500MB; "
        "correct it"
    )


def test_rows_that_fit_are_one_shard(tmp_path):
    (task,) = make_plan(tmp_path, ROOMY)
    assert task.path == tmp_path / "shards" / "digits" / "train-00000-of-00001.parquet"
    assert (task.start, task.stop) == (0, 1500)


def test_a_plan_divides_all_rows_evenly(tmp_path):
    tasks = make_plan(tmp_path)
    assert len(tasks) > 5
    assert [task.number for task in tasks] == [*range(len(tasks))]
    assert [task.start for task in tasks] == [0, *(task.stop for task in tasks[:-1])]
    assert tasks[-1].stop == 1500
    lengths = {task.stop - task.start for task in tasks}
    assert max(lengths) - min(lengths) <= 1


def test_a_plan_does_not_depend_on_where_the_rows_are(tmp_path):
    plans = [make_plan(tmp_path / name) for name in ("one", "two")]
    one, two = ([(task.name, task.fingerprint) for task in plan] for plan in plans)
    assert one == two


@pytest.mark.parametrize(
    "change",
    [{"fingerprint": "other rows"}, {"names": [*NAMES[:9], "nine"]}, {"max_bytes": 2 * SMALL}],
)
def test_the_fingerprint_changes_with_the_input_and_the_settings(tmp_path, change):
    before, after = make_plan(tmp_path / "before"), make_plan(tmp_path / "after", **change)
    assert before[1].fingerprint != after[1].fingerprint


def test_class_names_that_leave_no_room_are_refused(tmp_path):
    names = [f"{number:0200}" for number in range(256)]
    source = make_source(tmp_path, pictures(3, 1), numbers(3, 1), names)
    with pytest.raises(ValueError, match="expected") as caught:
        plan_shards(tmp_path / "shards", source, SMALL)
    message = str(caught.value)
    assert message.startswith("--max-shard-size of 100,000 bytes: too small for the class names")
    least = int(message.split("expected ")[1].split(" or more")[0].replace(",", ""))
    assert message.endswith("or more; correct it")
    with pytest.raises(ValueError, match="too small for the class names"):
        plan_shards(tmp_path / "shards", source, least - 1)
    written = write_datasets(tmp_path / "shards", [source], least, ONE)
    assert max(shard.bytes for shard in written.shards["digits"]["train"]) <= least


# --- A shard --------------------------------------------------------------------------------------


@pytest.mark.release
def test_a_shard_holds_its_rows_as_datasets_would_write_them(tmp_path):
    write_all(make_plan(tmp_path, ROOMY))
    path = tmp_path / "shards" / "digits" / "train-00000-of-00001.parquet"
    loaded = mnist_family.load(
        "mnist", "train", data_dir=tmp_path / "rows", cache_dir=str(tmp_path / "cache")
    )
    loaded.to_parquet(tmp_path / "theirs.parquet")
    ours, theirs = (
        pyarrow.parquet.read_table(each) for each in (path, tmp_path / "theirs.parquet")
    )
    assert ours.schema.equals(theirs.schema)
    assert json.loads(ours.schema.metadata[b"huggingface"]) == json.loads(
        theirs.schema.metadata[b"huggingface"]
    )
    assert ours.equals(theirs)
    read = datasets.load_dataset(
        "parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert read.features == loaded.features
    assert_rows(read, IMAGES, LABELS)


def test_row_groups_are_short_enough_for_a_stream(tmp_path):
    write_all(make_plan(tmp_path, ROOMY))
    with pyarrow.parquet.ParquetFile(next(tmp_path.glob("shards/*/*.parquet"))) as file:
        groups = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert groups == [1000, 500]


@pytest.mark.parametrize("files", [{"suffix": ".gz"}, {}], ids=["gz", "raw"])
def test_rows_keep_their_order_across_shards(tmp_path, files):
    write_all(make_plan(tmp_path, **files))
    tables = [
        pyarrow.parquet.read_table(path) for path in sorted(tmp_path.glob("shards/*/*.parquet"))
    ]
    files = [row["bytes"] for table in tables for row in table["image"].to_pylist()]
    assert files == [*mnist_family.encode_pngs(IMAGES)]
    np.testing.assert_array_equal(np.concatenate([table["label"] for table in tables]), LABELS)


def test_the_order_of_writing_changes_no_byte(tmp_path):
    tasks = make_plan(tmp_path)
    write_all(tasks)
    forwards = contents(tmp_path / "shards")
    shutil.rmtree(tmp_path / "shards" / "digits")
    write_all(reversed(tasks))
    assert contents(tmp_path / "shards") == forwards


def test_writing_a_shard_again_replaces_it_with_the_same_bytes(tmp_path):
    task = make_plan(tmp_path)[0]
    write_shard(task)
    before = contents(tmp_path / "shards")
    write_shard(task)
    assert contents(tmp_path / "shards") == before


def test_a_wrong_row_leaves_no_file(tmp_path):
    tasks = make_plan(tmp_path)
    few = dataclasses.replace(tasks[0].split, num_classes=3)
    with pytest.raises(ValueError, match="expected 0 to 2; name every class in labels.txt"):
        write_shard(dataclasses.replace(tasks[0], split=few))
    assert [*tmp_path.glob("shards/digits/*")] == []


def test_an_error_of_the_disk_names_the_file(tmp_path):
    task = make_plan(tmp_path)[0]
    task.path.parent.mkdir(parents=True)
    task.path.mkdir()
    with pytest.raises(OSError, match=task.name) as caught:
        write_shard(task)
    assert caught.value.errno in (errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)
    assert [path.name for path in tmp_path.glob("shards/digits/*")] == [task.name]


def test_an_error_without_a_number_keeps_its_words(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the network is gone")

    monkeypatch.setattr(write, "table_of", fail)
    task = make_plan(tmp_path)[0]
    with pytest.raises(OSError, match="^the network is gone$"):
        write_shard(task)
    assert [*task.path.parent.iterdir()] == []


# --- Finish ---------------------------------------------------------------------------------------


def test_finishing_adds_up_what_the_sidecars_say(tmp_path):
    tasks = make_plan(tmp_path)
    write_all(tasks)
    shards = finish(tasks)
    size = total_size(shards)
    tables = [pyarrow.parquet.read_table(task.path) for task in tasks]
    assert size.num_examples == 1500
    bytes_read = sum(table.nbytes for table in tables)
    assert abs(size.num_bytes - bytes_read) <= 64 * len(tasks)  # buffers are padded
    assert size.parquet_bytes == sum(task.path.stat().st_size for task in tasks)
    tally = total_tally(shards)
    assert tally.rows == 1500
    np.testing.assert_array_equal(tally.class_counts, np.bincount(LABELS))
    for label in range(10):
        own = IMAGES[label == LABELS]
        np.testing.assert_array_equal(tally.class_sums[label], own.sum(0, dtype=np.int64))
        assert tally.first_rows[label] == tuple(np.flatnonzero(label == LABELS)[:10].tolist())
    np.testing.assert_array_equal(tally.levels, np.bincount(IMAGES.ravel(), minlength=256))
    np.testing.assert_array_equal(tally.lowest, IMAGES.min(0))
    np.testing.assert_array_equal(tally.highest, IMAGES.max(0))
    assert tally.first_labels == tuple(LABELS[:10].tolist())


def damage(task, how):
    path = task.path
    content = path.read_bytes()
    if how == "removed":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[:-1])
    elif how == "replaced":
        path.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    elif how == "not finished":
        task.sidecar.unlink()
    elif how == "other figures":
        text = task.sidecar.read_text()
        task.sidecar.write_text(text.replace('"unlabelled":0', '"unlabelled":1'))
    elif how == "no digests":
        task.digests.unlink()
    elif how == "other digests":
        np.save(task.digests, np.load(task.digests)[::-1])
    return len(content)


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("removed", "missing"),
        ("truncated", "{:,} bytes instead of {:,}"),
        ("replaced", "changed"),
        ("not finished", "not finished"),
        ("other figures", "not finished"),
        ("no digests", "train-00001-of-00008.npy is missing or changed"),
        ("other digests", "train-00001-of-00008.npy is missing or changed"),
    ],
)
def test_a_damaged_shard_is_refused_and_written_anew(tmp_path, how, found):
    source = make_source(tmp_path / "rows")
    folder = tmp_path / "shards"
    tasks = plan_shards(folder, source, SMALL)
    write_all(tasks)
    before = contents(folder)
    size = damage(tasks[1], how)
    with pytest.raises(ValueError, match="expected") as caught:
        finish(tasks)
    assert str(caught.value) == (
        f"{tasks[1].path}: {found.format(size - 1, size)}, expected the shard as it was written; "
        "run the command again, which writes it anew"
    )
    assert find_finished(tasks) == [tasks[0], *tasks[2:]]
    assert write_datasets(folder, [source], SMALL, ONE).reused == len(tasks) - 1
    assert contents(folder) == before


def test_a_file_that_was_added_is_refused_and_kept(tmp_path):
    tasks = make_plan(tmp_path)
    write_all(tasks)
    added = tasks[0].path.with_name("train-00099-of-00100.parquet")
    added.write_bytes(tasks[0].path.read_bytes())
    with pytest.raises(ValueError, match="expected") as caught:
        finish(tasks)
    assert str(caught.value) == (
        f"{added.parent}: holds {added.name}, expected only the shards of this build; "
        "move it elsewhere"
    )
    assert added.exists()


@pytest.mark.parametrize("max_bytes", [ROOMY, SMALL])
def test_images_are_read_back_from_any_group_of_any_shard(tmp_path, max_bytes):
    tasks = make_plan(tmp_path, max_bytes)
    write_all(tasks)
    rows = [0, 999, 1000, 1499, tasks[0].stop - 1, tasks[-1].start]
    images = read_images(finish(tasks), rows)
    assert {*images} == {*rows}
    for row, image in images.items():
        np.testing.assert_array_equal(image, IMAGES[row])


# --- All shards of a build ------------------------------------------------------------------------


def rows_of_kind(kind):
    images = pictures(1200, 1)
    if kind == "blank first":
        images[:900] = 0
    elif kind == "blank":
        images[:] = np.arange(1200, dtype=np.uint16).astype(np.uint8)[:, None, None]
    elif kind == "one heavy":
        images[:, :, ::2] = 0
        images[600] = np.random.default_rng(1).integers(0, 256, (28, 28))
    elif kind == "heavy between the samples":
        images[:] = 0
        images[300:310] = np.random.default_rng(1).integers(0, 256, (10, 28, 28))
    elif kind == "noise":
        images[:] = np.random.default_rng(1).integers(0, 256, images.shape)
    return images


@pytest.mark.release
@pytest.mark.parametrize(
    "kind", ["random", "noise", "blank first", "blank", "one heavy", "heavy between the samples"]
)
def test_no_shard_is_larger_than_wanted_and_none_is_needless(tmp_path, kind):
    """Whatever compresses how, and wherever the large rows are."""
    images = rows_of_kind(kind)
    source = make_source(tmp_path / "rows", images, numbers(1200, 1))
    written = write_datasets(tmp_path / "shards", [source], SMALL, ONE)
    shards = written.shards["digits"]["train"]
    assert max(shard.bytes for shard in shards) <= SMALL
    assert [shard.bytes for shard in shards] == [shard.task.path.stat().st_size for shard in shards]
    files = [
        row["bytes"]
        for shard in shards
        for row in pyarrow.parquet.read_table(shard.task.path)["image"].to_pylist()
    ]
    assert files == [*mnist_family.encode_pngs(images)]
    if kind in ("random", "noise"):
        assert len(shards) <= 1.5 * sum(shard.bytes for shard in shards) / SMALL


def test_a_split_that_was_planned_too_large_is_planned_again(tmp_path):
    """The sample has 250 of every 666 rows; the heavy ones are between two blocks of it."""
    images = np.zeros((10_000, 28, 28), np.uint8)
    images[300:600] = np.random.default_rng(1).integers(0, 256, (300, 28, 28))
    source = make_source(tmp_path / "rows", images, numbers(10_000, 1))
    first_plan = plan_shards(tmp_path / "shards", source, SMALL)
    shards = write_datasets(tmp_path / "shards", [source], SMALL, ONE).shards["digits"]["train"]
    assert len(shards) > len(first_plan)
    assert max(shard.bytes for shard in shards) <= SMALL
    assert sum(shard.tally.rows for shard in shards) == 10_000


@pytest.mark.parametrize("max_bytes", [SMALL, ROOMY])
@pytest.mark.parametrize("bounds", [(0, 700, 1500), (0, *range(1, 40), 1040, 1041, 1500)])
def test_parts_give_the_bytes_of_the_whole(tmp_path, max_bytes, bounds):
    """Groups of rows, the size of shards and the order of rows do not depend on parts."""
    whole = make_source(tmp_path / "whole")
    folder = tmp_path / "parts"
    count = len(bounds) - 1
    for number in range(count):
        rows = slice(bounds[number], bounds[number + 1])
        write_split(folder, f"train-{number:05}-of-{count:05}", IMAGES[rows], LABELS[rows])
    splits = mnist_family.verified_splits("mnist", folder)
    parts = dataclasses.replace(whole, splits=splits)
    for name, source in (("of whole", whole), ("of parts", parts)):
        write_datasets(tmp_path / name, [source], max_bytes, ONE)
    assert contents(tmp_path / "of parts") == contents(tmp_path / "of whole")


def test_finished_shards_of_the_same_input_are_used(tmp_path):
    source = make_source(tmp_path / "rows")
    tasks = plan_shards(tmp_path / "shards", source, SMALL)
    write_all(tasks[2:5])
    before = {task.path: task.path.stat().st_mtime_ns for task in tasks[2:5]}
    assert write_datasets(tmp_path / "shards", [source], SMALL, ONE).reused == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_an_engine_that_has_nothing_to_write_is_not_started(tmp_path):
    source = make_source(tmp_path / "rows")
    write_all(plan_shards(tmp_path / "shards", source, SMALL))

    def fail(tasks):
        raise AssertionError(tasks)

    assert write_datasets(tmp_path / "shards", [source], SMALL, fail).reused > 5


def test_shards_of_another_input_are_deleted(tmp_path):
    source = make_source(tmp_path / "rows")
    folder = tmp_path / "shards"
    write_all(plan_shards(folder, dataclasses.replace(source, fingerprint="other"), 2 * SMALL))
    (folder / "digits" / f"train-00000-of-00002.parquet.{'0' * 32}.incomplete").touch()
    (folder / "digits" / "train-00000-of-100000.parquet").touch()
    written = write_datasets(folder, [source], SMALL, ONE)
    assert written.reused == 0
    count = len(written.shards["digits"]["train"])
    assert len(os.listdir(folder / "digits")) == 3 * count
    assert os.listdir(folder) == ["digits"]
