"""Engines are chosen by name, and refuse the options of each other."""

import pytest
from shard_plans import SMALL, contents, make_source

from mnist_tools.shards.engines import choose_engine, count_cores
from mnist_tools.shards.local import write_locally
from mnist_tools.shards.run import write_datasets
from mnist_tools.shards.write import write_shard


def test_the_local_engine_uses_all_cores_unless_told(tmp_path):
    assert count_cores() >= 1
    source = make_source(tmp_path / "rows")
    for name, engine in (
        ("all", choose_engine("local")),
        ("one", choose_engine("local", num_proc=1)),
    ):
        write_datasets(tmp_path / name, [source], SMALL, engine)
    assert contents(tmp_path / "all") == contents(tmp_path / "one")


def test_an_engine_may_be_a_function_and_is_asked_only_for_missing_shards(tmp_path):
    """As in CONTRIBUTING, where Spark runs `write_shard`."""
    source = make_source(tmp_path / "rows")
    asked = []

    def write_in_reverse(tasks):
        asked.append(len(tasks))
        for task in reversed(tasks):
            write_shard(task)
        yield from tasks

    engine = choose_engine(write_in_reverse)
    write_datasets(tmp_path / "own", [source], SMALL, engine)
    write_datasets(tmp_path / "local", [source], SMALL, choose_engine("local", num_proc=1))
    assert contents(tmp_path / "own") == contents(tmp_path / "local")
    again = write_datasets(tmp_path / "own", [source], SMALL, engine)
    assert asked == [again.reused]


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        (
            write_locally,
            {"num_proc": 2},
            "engine: a function, given with num_proc or address, expected the function alone; "
            "leave them out",
        ),
        (
            write_locally,
            {"address": "host:1"},
            "engine: a function, given with num_proc or address, expected the function alone; "
            "leave them out",
        ),
        ("local", {"num_proc": 0}, "--num-proc 0: too few, expected 1 or more; correct it"),
        (
            "ray",
            {"num_proc": 2},
            "--num-proc 2: given with --engine ray, expected the local engine; leave it out",
        ),
        (
            "local",
            {"address": "host:1"},
            "--address host:1: given without --engine ray, expected both; add the engine",
        ),
        ("dask", {}, "--engine dask: no such engine, expected local or ray; correct it"),
    ],
)
def test_wrong_choices_are_refused(name, options, line):
    with pytest.raises(ValueError, match="expected") as caught:
        choose_engine(name, **options)
    assert str(caught.value) == line
