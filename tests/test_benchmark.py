"""The benchmark times real builds and prints its tables; how long they take is not asserted."""

import importlib.util
import sys

import numpy as np
import pytest
from conftest import gz, idx_bytes, numbers, pictures, write_split

import mnist_family
from mnist_tools.commands import benchmark as command
from mnist_tools.commands.benchmark import Benchmark, benchmark
from mnist_tools.costs.load_cost import (
    PLAIN,
    EncoderCost,
    PeakMemory,
    PlainBuilder,
    fastest,
    repeat_rows,
)
from mnist_tools.costs.read_cost import READERS
from mnist_tools.costs.rows import write_many_rows
from mnist_tools.costs.run import measure_run

BUILDS = [
    "NumPy arrays",
    "Pillow images",
    "one constant PNG",
    "gunzip and deflate alone",
    "mnist_family",
    "mnist_family, num_proc=2",
    "constant PNG + gunzip and deflate",
]


@pytest.fixture
def archives(tiny):
    return tiny.folder("mnist")


def test_every_build_and_encoder_is_measured(archives):
    result = benchmark("mnist", archives, repeats=1)
    assert [*result.seconds] == BUILDS
    assert all(seconds > 0 for seconds in result.seconds.values())
    assert result.seconds[BUILDS[-1]] == result.seconds[BUILDS[2]] + result.seconds[BUILDS[3]]
    assert [*result.encoders] == ["Pillow", "mnist_family"]
    assert f"Python {sys.version.split()[0]}, datasets " in result.machine
    assert result.memory is None


def test_the_size_of_an_image_is_that_of_its_png(archives, tiny):
    images = tiny.arrays["mnist"]["test"][0]
    sizes = [len(png) for png in mnist_family.encode_pngs(images)]
    assert benchmark("mnist", archives, repeats=1).encoders["mnist_family"].bytes == np.mean(sizes)


def test_the_fastest_of_all_rounds_counts():
    times = {"a": iter([3.0, 1.0, 2.0]), "b": iter([5.0, 6.0, 4.0])}
    runs = {name: values.__next__ for name, values in times.items()}
    assert fastest(runs, 3) == {"a": 1.0, "b": 4.0}


@pytest.mark.parametrize("name", PLAIN)
def test_the_plain_builders_build_the_same_labels(archives, tiny, tmp_path, name):
    builder = PlainBuilder(cache_dir=tmp_path, config_name=name, data_dir=str(archives))
    builder.download_and_prepare()
    rows = builder.as_dataset(split="test")
    images, labels = tiny.arrays["mnist"]["test"]
    assert rows["label"][:] == labels.tolist()
    expected = np.zeros((28, 28), np.uint8) if name == "one constant PNG" else images[3]
    np.testing.assert_array_equal(np.asarray(rows[3]["image"]), expected)


def write_two_parts(folder, images, labels):
    for number, rows in enumerate([slice(0, 10), slice(10, None)]):
        write_split(folder, f"train-0000{number}-of-00002", images[rows], labels[rows])
    return folder


def test_a_split_may_be_in_parts(tmp_path):
    images, labels = pictures(30, 1), numbers(30, 1)
    folder = write_two_parts(tmp_path / "parts", images, labels)
    assert [*benchmark("mnist", folder, repeats=1).seconds] == BUILDS
    builder = PlainBuilder(cache_dir=tmp_path, config_name="NumPy arrays", data_dir=str(folder))
    builder.download_and_prepare()
    rows = builder.as_dataset(split="train")
    assert rows["label"][:] == labels.tolist()
    np.testing.assert_array_equal(np.stack([np.asarray(row["image"]) for row in rows]), images)
    repeat_rows("mnist", folder, tmp_path)
    repeated = mnist_family.read_idx(tmp_path / "train-images-idx3-ubyte")
    np.testing.assert_array_equal(repeated, np.concatenate([images] * 10))


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from Linux's /proc")
def test_loads_are_weighed_in_processes_of_their_own(archives, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")  # they find the project where this process found it
    memory = benchmark("mnist", archives, repeats=1, memory=True).memory
    assert memory.folder > 10
    assert memory.ten_times > 10


def test_rows_are_repeated_ten_times(archives, tiny, tmp_path):
    repeat_rows("mnist", archives, tmp_path)
    images, labels = tiny.arrays["mnist"]["train"]
    repeated = mnist_family.read_idx(tmp_path / "train-labels-idx1-ubyte")
    np.testing.assert_array_equal(repeated, np.tile(labels, 10))
    repeated = mnist_family.read_idx(tmp_path / "train-images-idx3-ubyte")
    np.testing.assert_array_equal(repeated, np.concatenate([images] * 10))


def test_the_tables_show_what_was_measured(monkeypatch, tmp_path, capsys):
    seconds = {"NumPy arrays": 5.0, "mnist_family": 2.0}
    encoders = {"Pillow": EncoderCost(61.26, 300.4), "mnist_family": EncoderCost(20.0, 310.0)}
    result = Benchmark("mnist", "A machine", seconds, encoders, PeakMemory(80.4, 81.6))
    monkeypatch.setattr(command, "benchmark", lambda *_, **__: result)
    assert command.run("mnist", tmp_path, 3, True, False, False, False, []) == 0
    assert capsys.readouterr().out.splitlines() == [
        "A machine",
        "",
        "| build of mnist | seconds | mnist_family = 1 |",
        "|---|---|---|",
        "| NumPy arrays | 5.00 | 2.50 |",
        "| mnist_family | 2.00 | 1.00 |",
        "",
        "| PNG encoder | µs per image | bytes per image |",
        "|---|---|---|",
        "| Pillow | 61.3 | 300 |",
        "| mnist_family | 20.0 | 310 |",
        "",
        "| peak of anonymous memory | MB |",
        "|---|---|",
        "| the folder | 80 |",
        "| its rows ten times over | 82 |",
    ]


def test_the_tables_leave_out_memory_that_was_not_measured(monkeypatch, tmp_path, capsys):
    result = Benchmark("mnist", "A machine", {"mnist_family": 2.0}, {"Pillow": EncoderCost(1, 2)})
    monkeypatch.setattr(command, "benchmark", lambda *_, **__: result)
    assert command.run("mnist", tmp_path, 3, False, False, False, False, []) == 0
    assert capsys.readouterr().out.endswith("| Pillow | 1.0 | 2 |\n")


def refusal(*arguments, **options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (callers compare the whole message)
        benchmark(*arguments, **options)
    return str(caught.value)


def test_users_mistakes_are_one_line(archives, tmp_path, monkeypatch):
    assert refusal("mnist", tmp_path / "none") == (
        f"data_dir '{tmp_path / 'none'}': no such folder, expected one that holds IDX archives; "
        "correct the path"
    )
    assert refusal("mnist", archives, repeats=0) == (
        "--repeats 0: too few, expected 1 or more; correct it"
    )
    monkeypatch.setattr(sys, "platform", "darwin")
    assert refusal("mnist", archives, memory=True) == (
        "--memory: this is darwin, expected Linux; leave it out"
    )
    with pytest.raises(ValueError, match="^--build: this is darwin, expected Linux; leave it out$"):
        command.benchmark_build("mnist", archives, [5])
    with pytest.raises(ValueError, match="^--read: this is darwin, expected Linux; leave it out$"):
        command.benchmark_read("mnist", archives, 5)


def test_broken_archives_are_one_line(archives, tmp_path):
    for path in archives.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(gz(idx_bytes(np.zeros((40, 28, 28), np.uint8)))[:-9])
    assert refusal("mnist", tmp_path).startswith(f"{images}: broken, ")


@pytest.mark.real
def test_archives_of_another_config_are_one_line(real_archives):
    line = refusal("fashion", real_archives / "mnist")
    assert "these are MNIST's train images" in line
    assert len(line.splitlines()) == 1


# --- Many rows ------------------------------------------------------------------------------------


def test_build_costs_are_printed_for_each_number_of_rows(tmp_path, capsys):
    write_split(tmp_path, "train", pictures(30, 1), numbers(30, 1))
    assert command.run("mnist", tmp_path, 3, False, False, True, False, [40, 100]) == 0
    lines = capsys.readouterr().out.splitlines()
    ways = [line.split(" | ")[0] for line in lines if "| 40 |" in line]
    assert ways == [line.split(" | ")[0] for line in lines if "| 100 |" in line]
    assert ways[1:] == ["| shards, one process", "| shards, two processes"]


def test_reading_costs_are_printed_for_each_reader(tmp_path, capsys):
    write_split(tmp_path, "train", pictures(30, 1), numbers(30, 1))
    assert command.run("mnist", tmp_path, 3, False, False, False, True, [300]) == 0
    lines = capsys.readouterr().out.splitlines()
    readers = [line.split(" | ")[0].removeprefix("| ") for line in lines[4:]]
    assert readers == [*READERS]
    for reader, line in zip(READERS.values(), lines[4:], strict=True):
        is_installed = importlib.util.find_spec(reader.package) is not None
        assert is_installed != (" | not installed | | | |" in line)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are watched in Linux's /proc")
def test_the_cpu_time_of_a_process_that_nobody_waits_for_counts(tmp_path):
    """As that of Ray's; it runs until its parent, which is told by a line, has ended."""
    child = "import time\nwhile time.process_time() < 1: pass\nprint(flush=True); input()"
    code = """
import subprocess, sys
pipe = subprocess.PIPE
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=pipe, stdout=pipe)
child.stdout.readline()
"""
    assert measure_run(code, [child], tmp_path).cpu_seconds > 0.5


def test_too_few_rows_are_refused(tmp_path):
    line = "^--rows 0: too few, expected 1 or more; correct it$"
    with pytest.raises(ValueError, match=line):
        command.benchmark_read("mnist", tmp_path, 0)
    with pytest.raises(ValueError, match=line):
        command.benchmark_build("mnist", tmp_path, [5, 0])


def test_no_two_of_many_copies_of_one_row_are_equal(tmp_path):
    write_split(tmp_path / "one", "train", pictures(1, 1), numbers(1, 1))
    split = mnist_family.verified_splits("mnist", tmp_path / "one")["train"]
    write_many_rows(split, 600, tmp_path / "many")
    images = mnist_family.arrays("mnist", "train", data_dir=tmp_path / "many").images
    assert len(np.unique(images, axis=0)) == 600


def test_no_two_of_many_rows_are_equal(tmp_path):
    write_split(tmp_path / "few", "train", pictures(30, 1), numbers(30, 1))
    split = mnist_family.verified_splits("mnist", tmp_path / "few")["train"]
    write_many_rows(split, 100, tmp_path / "many")
    images, labels = mnist_family.arrays("mnist", "train", data_dir=tmp_path / "many")
    assert len(np.unique(images, axis=0)) == len(images) == 100
    np.testing.assert_array_equal(labels, np.resize(numbers(30, 1), 100))
