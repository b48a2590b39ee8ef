"""Time the loader, its PNG encoder and training against others; measure the memory of a load."""

import contextlib
import dataclasses
import gzip
import io
import itertools
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import PIL.Image
from tqdm import tqdm

import mnist_family
from mnist_family import LocatedSplit
from mnist_tools.costs.build_cost import build_costs
from mnist_tools.costs.read_cost import Reading, read_costs
from mnist_tools.costs.run import Cost
from mnist_tools.training import IN_MEMORY, Training, train_every_way

ARRAYS = "NumPy arrays"
PILLOW = "Pillow images"
CONSTANT = "one constant PNG"
PLAIN = (ARRAYS, PILLOW, CONSTANT)
OUR_NAME = "mnist_family"
OUR_PARALLEL_BUILD = f"{OUR_NAME}, num_proc=2"
GUNZIP_AND_DEFLATE = "gunzip and deflate alone"
LIMIT = "constant PNG + gunzip and deflate"  # nothing that writes these rows can be faster
ENCODED_ROWS = 5000
TIMES_OVER = 10
PACKAGES = ("datasets", "pyarrow", "pillow", "numpy")


class EncoderCost(NamedTuple):
    """The cost of encoding one image as PNG: time and size."""

    microseconds: float
    bytes: float


class PeakMemory(NamedTuple):
    """The peak of anonymous memory, in MB, of loading a folder, and ten times its rows."""

    folder: float
    ten_times: float


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
    mnist_family.verified_splits(name, folder)
    splits = _find_pairs(folder)
    with _without_progress_bars():
        seconds = _time_builds(name, folder, splits, repeats)
    pixels = mnist_family.read_idx(splits[-1].images)[:ENCODED_ROWS]
    encoders = {
        "Pillow": _cheapest(_encode_with_pillow, pixels, repeats),
        OUR_NAME: _cheapest(mnist_family.encode_pngs, pixels, repeats),
    }
    peak = _measure_memory(name, folder, splits) if memory else None
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


def _find_pairs(folder: str | os.PathLike[str]) -> tuple[LocatedSplit, ...]:
    """Return the two files of each split; ValueError for a split in parts."""
    pairs: list[LocatedSplit] = []
    for split in mnist_family.locate(folder).splits:
        if len(split.parts) > 1:
            found, expected = (
                f"{split.name} in {len(split.parts)} parts",
                "two files for each split",
            )
            raise mnist_family.fault(str(folder), found, expected, "choose another folder")
        pairs += split.parts
    return tuple(pairs)


def _describe_machine() -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    python = f"Python {platform.python_version()}"
    return f"{platform.platform()}, {os.cpu_count()} cores, {python}, {versions}"


# --- Builds ---------------------------------------------------------------------------------------


class PlainBuilder(datasets.GeneratorBasedBuilder):
    """A naive loading script: it holds all pixels in memory and lets `datasets` encode them."""

    BUILDER_CONFIGS = [datasets.BuilderConfig(name=name) for name in PLAIN]  # noqa: RUF012 (the base class has a list)

    def _info(self) -> datasets.DatasetInfo:
        label = datasets.ClassLabel(num_classes=256)
        features = datasets.Features({"image": datasets.Image(), "label": label})
        return datasets.DatasetInfo(features=features)

    def _split_generators(
        self, dl_manager: datasets.DownloadManager
    ) -> list[datasets.SplitGenerator]:
        return [
            datasets.SplitGenerator(split.name, {"images": split.images, "labels": split.labels})
            for split in _find_pairs(self.config.data_dir)
        ]

    def _generate_examples(
        self, images: str, labels: str
    ) -> Iterator[tuple[int, dict[str, object]]]:
        numbers = mnist_family.read_idx(labels).tolist()
        pixels = self._encode(mnist_family.read_idx(images))
        for row, (image, label) in enumerate(zip(pixels, numbers, strict=True)):
            yield row, {"image": image, "label": label}

    def _encode(self, pixels: np.ndarray) -> Iterable[object]:
        if self.config.name == CONSTANT:
            blank = np.zeros((1, 28, 28), np.uint8)
            return itertools.repeat(next(_encode_with_pillow(blank)), len(pixels))
        if self.config.name == PILLOW:
            return map(PIL.Image.fromarray, pixels)
        return pixels


def _time_builds(
    name: str, folder: Path, splits: tuple[LocatedSplit, ...], repeats: int
) -> dict[str, float]:
    """Return the fastest seconds of each build, and of the least work that any build must do."""
    runs: dict[str, Callable[[], float]] = {
        plain: partial(_time_build, PlainBuilder, plain, folder) for plain in PLAIN
    }
    runs[GUNZIP_AND_DEFLATE] = partial(_time_gunzip_and_deflate, splits)
    runs[OUR_NAME] = partial(_time_build, mnist_family.MnistFamily, name, folder)
    runs[OUR_PARALLEL_BUILD] = partial(
        _time_build, mnist_family.MnistFamily, name, folder, num_proc=2
    )
    seconds = fastest(runs, repeats)
    return {**seconds, LIMIT: seconds[CONSTANT] + seconds[GUNZIP_AND_DEFLATE]}


def fastest(runs: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Return the fastest time of each run; they take turns, so a busy machine slows all alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in tqdm(range(repeats), desc="Building", unit="round"):
        for name, run_once in runs.items():
            times[name].append(run_once())
    return {name: min(values) for name, values in times.items()}


def _time_build(
    builder_class: type[Any], name: str, folder: Path, num_proc: int | None = None
) -> float:
    """Time a build with an empty cache, in seconds."""
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as cache:
        builder = builder_class(cache_dir=cache, config_name=name, data_dir=str(folder))
        start = time.perf_counter()
        builder.download_and_prepare(num_proc=num_proc)
        return time.perf_counter() - start


def _time_gunzip_and_deflate(splits: tuple[LocatedSplit, ...]) -> float:
    """Time decompressing all pixels and run-length coding each image, in seconds."""
    start = time.perf_counter()
    for split in splits:
        pixels = _payload(Path(split.images).read_bytes())
        for first in range(0, len(pixels), 784):
            deflate = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
            deflate.compress(pixels[first : first + 784])
            deflate.flush()
    return time.perf_counter() - start


def _payload(file: bytes) -> memoryview:
    """Return the pixels in the content of an IDX file of images, .gz or raw."""
    content = gzip.decompress(file) if file.startswith(b"\x1f\x8b") else file
    return memoryview(content)[16:]


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


# --- Encoders -------------------------------------------------------------------------------------


def _encode_with_pillow(images: Iterable[np.ndarray]) -> Iterator[bytes]:
    for image in images:
        file = io.BytesIO()
        PIL.Image.fromarray(image).save(file, "png")
        yield file.getvalue()


def _cheapest(
    encoder: Callable[[np.ndarray], Iterator[bytes]], pixels: np.ndarray, repeats: int
) -> EncoderCost:
    return min(_measure_encoder(encoder, pixels) for _ in range(repeats))


def _measure_encoder(
    encoder: Callable[[np.ndarray], Iterator[bytes]], pixels: np.ndarray
) -> EncoderCost:
    start = time.perf_counter()
    size = sum(map(len, encoder(pixels)))
    seconds = time.perf_counter() - start
    return EncoderCost(1e6 * seconds / len(pixels), size / len(pixels))


# --- Memory ---------------------------------------------------------------------------------------


def _measure_memory(name: str, folder: Path, splits: tuple[LocatedSplit, ...]) -> PeakMemory:
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        repeat_rows(splits, Path(temporary))
        return PeakMemory(
            folder=_measure_load(name, folder), ten_times=_measure_load(name, Path(temporary))
        )


def repeat_rows(splits: tuple[LocatedSplit, ...], out: Path) -> None:
    """Write archives to `out` in which the rows of each split are repeated ten times."""
    for split in splits:
        pixels, labels = mnist_family.read_idx(split.images), mnist_family.read_idx(split.labels)
        images_out = out / f"{split.name}-images-idx3-ubyte"
        mnist_family.write_idx(images_out, np.tile(pixels, (TIMES_OVER, 1, 1)))
        mnist_family.write_idx(out / f"{split.name}-labels-idx1-ubyte", np.tile(labels, TIMES_OVER))


def _measure_load(name: str, folder: Path) -> float:
    """Load a folder in a new process; return its peak of anonymous memory in MB."""
    code = (
        "import sys; from mnist_tools.commands.benchmark import load_and_watch; "
        "print(load_and_watch(*sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, name, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, text=True, env=environment
    )
    return float(finished.stdout)


def load_and_watch(name: str, folder: str) -> float:
    """Load a folder; return the peak of this process's anonymous memory in MB."""
    with (
        _without_progress_bars(),
        tempfile.TemporaryDirectory(prefix="mnist_family-") as cache,
        _MemoryWatch() as watch,
    ):
        mnist_family.load(name, data_dir=folder, cache_dir=cache)
    return watch.peak / 1000


class _MemoryWatch:
    """A thread that watches this process; `peak` is its highest anonymous memory in kB."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "_MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.peak = max(self.peak, _anonymous_memory())


def _anonymous_memory() -> int:
    """Return the anonymous memory of this process, in kB, as Linux reports it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
