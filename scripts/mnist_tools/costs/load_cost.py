"""What the first load of a folder costs: time of builds and encoders, and peak of memory."""

import gzip
import io
import itertools
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import PIL.Image
from tqdm import tqdm

import mnist_family
from mnist_family import DiskSplit, LocatedSplit, PartedSplit
from mnist_tools.costs.run import measure_run

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
LOAD = (
    "import sys, mnist_family; name, folder, cache = sys.argv[1:]; "
    "mnist_family.load(name, data_dir=folder, cache_dir=cache)"
)


class EncoderCost(NamedTuple):
    """The cost of encoding one image as PNG: time and size."""

    microseconds: float
    bytes: float


class PeakMemory(NamedTuple):
    """The peak of anonymous memory, in MB, of loading a folder, and ten times its rows."""

    folder: float
    ten_times: float


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
            datasets.SplitGenerator(split.name, {"parts": split.parts})
            for split in mnist_family.locate(self.config.data_dir).splits
        ]

    def _generate_examples(
        self, parts: Sequence[LocatedSplit]
    ) -> Iterator[tuple[int, dict[str, object]]]:
        row = 0
        for part in parts:
            numbers = mnist_family.read_idx(part.labels).tolist()
            pixels = self._encode(mnist_family.read_idx(part.images))
            for image, label in zip(pixels, numbers, strict=True):
                yield row, {"image": image, "label": label}
                row += 1

    def _encode(self, pixels: np.ndarray) -> Iterable[object]:
        if self.config.name == CONSTANT:
            blank = np.zeros((1, 28, 28), np.uint8)
            return itertools.repeat(next(_encode_with_pillow(blank)), len(pixels))
        if self.config.name == PILLOW:
            return map(PIL.Image.fromarray, pixels)
        return pixels


def time_builds(
    name: str, folder: Path, splits: Sequence[DiskSplit | PartedSplit], repeats: int
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


def _time_gunzip_and_deflate(splits: Sequence[DiskSplit | PartedSplit]) -> float:
    """Time decompressing all pixels and deflating each image as `encode_pngs` does, in seconds."""
    start = time.perf_counter()
    for part in [part for split in splits for part in split.parts]:
        pixels = _payload(Path(part.images).read_bytes())
        for first in range(0, len(pixels), 784):
            deflate = zlib.compressobj(level=1, memLevel=4, strategy=zlib.Z_RLE)
            deflate.compress(pixels[first : first + 784])
            deflate.flush()
    return time.perf_counter() - start


def _payload(file: bytes) -> memoryview:
    """Return the pixels in the content of an IDX file of images, .gz or raw."""
    content = gzip.decompress(file) if file.startswith(b"\x1f\x8b") else file
    return memoryview(content)[16:]


# --- Encoders -------------------------------------------------------------------------------------


def encoder_costs(pixels: np.ndarray, repeats: int) -> dict[str, EncoderCost]:
    """Return the cost of each encoder, by the fastest of `repeats` runs over the same images."""
    return {
        "Pillow": _cheapest(_encode_with_pillow, pixels, repeats),
        OUR_NAME: _cheapest(mnist_family.encode_pngs, pixels, repeats),
    }


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


def measure_memory(name: str, folder: Path) -> PeakMemory:
    """Measure the memory of loads, in processes of their own (Linux)."""
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as temporary:
        repeat_rows(name, folder, Path(temporary))
        return PeakMemory(
            folder=_measure_load(name, folder), ten_times=_measure_load(name, Path(temporary))
        )


def repeat_rows(name: str, folder: Path, out: Path) -> None:
    """Write archives to `out` in which the rows of each split are repeated ten times."""
    for split, (images, labels) in mnist_family.arrays(name, data_dir=folder).items():
        repeated = np.tile(images, (TIMES_OVER, 1, 1)), np.tile(labels.astype(np.uint8), TIMES_OVER)
        mnist_family.write_idx(out / f"{split}-images-idx3-ubyte", repeated[0])
        mnist_family.write_idx(out / f"{split}-labels-idx1-ubyte", repeated[1])


def _measure_load(name: str, folder: Path) -> float:
    """Load a folder in a new process; return its peak of anonymous memory in MB."""
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as cache:
        return measure_run(LOAD, [name, str(folder), cache], Path(cache)).memory
