"""Time the loader, its PNG encoder and training against others; measure the memory of a load."""

import contextlib
import dataclasses
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import datasets

import mnist_family
from mnist_tools.costs.build_cost import build_costs
from mnist_tools.costs.load_cost import (
    ENCODED_ROWS,
    OUR_NAME,
    EncoderCost,
    PeakMemory,
    encoder_costs,
    measure_memory,
    time_builds,
)
from mnist_tools.costs.read_cost import Reading, read_costs
from mnist_tools.costs.run import Cost
from mnist_tools.training import IN_MEMORY, Training, train_every_way

PACKAGES = ("datasets", "pyarrow", "pillow", "numpy")


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """The results: the fastest seconds of each build, the cost of each encoder, memory."""

    name: str
    machine: str
    seconds: dict[str, float]
    encoders: dict[str, EncoderCost]
    memory: PeakMemory | None = None


def benchmark(name: str, folder: Path, *, repeats: int = 3, memory: bool = False) -> Benchmark:
    """Time several ways to build and encode the rows of a folder, `repeats` times each.

    `memory` also measures the memory of loads in separate processes; this needs Linux. ValueError
    if the config `name` cannot load the folder.
    """
    _refuse_repeats(repeats)
    if memory and not sys.platform.startswith("linux"):
        raise mnist_family.fault("--memory", f"this is {sys.platform}", "Linux", "leave it out")
    folder = folder.expanduser()
    splits = [*mnist_family.verified_splits(name, folder).values()]
    with _without_progress_bars():
        seconds = time_builds(name, folder, splits, repeats)
    pixels = next(mnist_family.read_chunks(splits[-1], rows_per_chunk=ENCODED_ROWS)).images
    encoders = encoder_costs(pixels, repeats)
    peak = measure_memory(name, folder) if memory else None
    return Benchmark(name, _describe_machine(), seconds, encoders, peak)


def benchmark_training(name: str, folder: Path, *, repeats: int = 3) -> Training:
    """Time one epoch of a small network through several ways to read the rows of a folder.

    ValueError if PyTorch is not installed, or the folder lacks a split or labels.
    """
    _refuse_repeats(repeats)
    with _without_progress_bars():
        return train_every_way(name, folder.expanduser(), repeats)


def benchmark_build(name: str, folder: Path, rows: Sequence[int]) -> dict[int, dict[str, Cost]]:
    """Return what each way to write Parquet costs, for each number of rows.

    The rows are made from those in `folder`. ValueError for a number below 1, and anywhere but on
    Linux.
    """
    _refuse_rows(rows)
    with _without_progress_bars():
        return build_costs(name, folder.expanduser(), rows)


def benchmark_read(name: str, folder: Path, rows: int) -> dict[str, Reading | None]:
    """Return how each reader fares with `rows` rows in a hundred shards; None if not installed.

    The rows are made from those in `folder`. ValueError for a number below 1, and anywhere but on
    Linux.
    """
    _refuse_rows([rows])
    with _without_progress_bars():
        return read_costs(name, folder.expanduser(), rows)


def _refuse_rows(rows: Sequence[int]) -> None:
    for count in rows:
        if count < 1:
            raise mnist_family.fault(f"--rows {count}", "too few", "1 or more", "correct it")


def _refuse_repeats(repeats: int) -> None:
    if repeats < 1:
        raise mnist_family.fault(f"--repeats {repeats}", "too few", "1 or more", "correct it")


def run(
    name: str,
    folder: Path,
    repeats: int,
    memory: bool,
    train: bool,
    build: bool,
    read: bool,
    rows: Sequence[int],
) -> int:
    """Run the benchmark, then print its results as Markdown tables."""
    if build:
        _print_builds(benchmark_build(name, folder, rows))
        return 0
    if read:
        for count in rows:
            _print_reading(benchmark_read(name, folder, count), count)
        return 0
    if train:
        _print_training(benchmark_training(name, folder, repeats=repeats))
        return 0
    result = benchmark(name, folder, repeats=repeats, memory=memory)
    ours = result.seconds[OUR_NAME]
    print(result.machine)
    print(f"\n| build of {name} | seconds | {OUR_NAME} = 1 |\n|---|---|---|")
    for way, seconds in result.seconds.items():
        print(f"| {way} | {seconds:.2f} | {seconds / ours:.2f} |")
    print("\n| PNG encoder | µs per image | bytes per image |\n|---|---|---|")
    for encoder, cost in result.encoders.items():
        print(f"| {encoder} | {cost.microseconds:.1f} | {cost.bytes:.0f} |")
    if result.memory:
        print("\n| peak of anonymous memory | MB |\n|---|---|")
        print(f"| the folder | {result.memory.folder:.0f} |")
        print(f"| its rows ten times over | {result.memory.ten_times:.0f} |")
    return 0


def _print_builds(costs: Mapping[int, Mapping[str, Cost]]) -> None:
    print(_describe_machine())
    print("\n| rows written to Parquet | rows | seconds | CPU seconds | memory, MB | disk, MB |")
    print("|---|---|---|---|---|---|")
    for rows, ways in costs.items():
        for way, cost in ways.items():
            figures = f"{cost.seconds:.1f} | {cost.cpu_seconds:.1f}"
            print(f"| {way} | {rows:,} | {figures} | {cost.memory:.0f} | {cost.disk:.0f} |")


def _print_reading(readings: Mapping[str, Reading | None], rows: int) -> None:
    print(_describe_machine())
    print(f"\n| {rows:,} rows decoded | rows per second | CPU seconds | memory, MB | lines |")
    print("|---|---|---|---|---|")
    for reader, reading in readings.items():
        if reading is None:
            print(f"| {reader} | not installed | | | |")
            continue
        figures = f"{reading.rows_per_second:,.0f} | {reading.cpu_seconds:.1f}"
        print(f"| {reader} | {figures} | {reading.memory:.0f} | {reading.lines} |")


def _print_training(result: Training) -> None:
    """Print one table; "speed" compares images per second with those of arrays in memory."""
    fastest = result.epochs[IN_MEMORY].images_per_second
    print(_describe_machine())
    print(f"\n| one epoch of {result.config} | to open, s | images per second | speed | accuracy |")
    print("|---|---|---|---|---|")
    for way, epoch in result.epochs.items():
        rate = epoch.images_per_second
        figures = f"{epoch.opening_seconds:.1f} | {rate:,.0f} | {rate / fastest:.2f}"
        print(f"| {way} | {figures} | {epoch.accuracy:.1%} |")
    for way, reason in result.unusable.items():
        print(f"| {way} | not usable here: {reason} | | | |")


def _describe_machine() -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    python = f"Python {platform.python_version()}"
    return f"{platform.platform()}, {os.cpu_count()} cores, {python}, {versions}"


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()
