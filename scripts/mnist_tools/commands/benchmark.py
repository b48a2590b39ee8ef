"""Time the loader against plainer builders, its PNG encoder against Pillow, and weigh its memory; asserts nothing."""

import argparse
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
from functools import partial
from importlib.metadata import version

import datasets
import numpy as np
import PIL.Image
from tqdm import tqdm

import mnist_family

EXAMPLE = "example: python scripts/benchmark.py mnist archives/mnist --repeats 5"


PLAIN = ("NumPy arrays", "Pillow images", "one constant PNG")


class PlainBuilder(datasets.GeneratorBasedBuilder):
    """A loading script written without care: every pixel in memory, each image left to `datasets` to encode."""

    BUILDER_CONFIGS = [datasets.BuilderConfig(name=name) for name in PLAIN]  # noqa: RUF012 (the base class has a list)

    def _info(self):
        label = datasets.ClassLabel(num_classes=256)
        return datasets.DatasetInfo(features=datasets.Features({"image": datasets.Image(), "label": label}))

    def _split_generators(self, dl_manager):
        files = mnist_family._locate(self.config.data_dir)[0]
        return [datasets.SplitGenerator(name, {"images": images, "labels": labels}) for name, images, labels in files]

    def _generate_examples(self, images, labels):
        labels = mnist_family.read_idx(labels).tolist()
        if self.config.name == "one constant PNG":
            images = itertools.repeat(pillow_png(np.zeros((28, 28), np.uint8)), len(labels))
        else:
            images = mnist_family.read_idx(images)
        if self.config.name == "Pillow images":
            images = map(PIL.Image.fromarray, images)
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield row, {"image": image, "label": label}


def pillow_png(image):
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "png")
    return file.getvalue()


def build(builder_class, **settings):
    """Seconds that a build of a folder takes, cache empty."""
    num_proc = settings.pop("num_proc", None)
    with tempfile.TemporaryDirectory() as cache:
        builder = builder_class(cache_dir=cache, **settings)
        start = time.perf_counter()
        builder.download_and_prepare(num_proc=num_proc)
        return time.perf_counter() - start


def gunzip_and_deflate(images):
    """Seconds for what cannot be left out: decompressing the pixels and run-length coding each image, nothing else."""
    start = time.perf_counter()
    with open(images, "rb") as file:
        packed = file.read()
    pixels = memoryview(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)[16:]
    for first in range(0, len(pixels), 784):
        deflate = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
        deflate.compress(pixels[first : first + 784])
        deflate.flush()
    return time.perf_counter() - start


def encode(encoder, pixels):
    """(microseconds, bytes) an image."""
    start = time.perf_counter()
    size = sum(map(len, encoder(pixels)))
    return 1e6 * (time.perf_counter() - start) / len(pixels), size / len(pixels)


def peak_memory(name, folder):
    """The most anonymous memory, in MB, that a fresh process holds while it loads a folder (Linux)."""
    code = "import sys; from mnist_tools.commands import benchmark; print(benchmark.load_and_watch(*sys.argv[1:]))"
    command = [sys.executable, "-c", code, name, folder]
    return float(subprocess.run(command, stdout=-1, check=True, text=True).stdout)


def load_and_watch(name, folder):
    peak, done = 0, threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            with open("/proc/self/status") as status:
                peak = max(peak, *(int(line.split()[1]) for line in status if line.startswith("RssAnon")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        mnist_family.load(name, data_dir=folder, cache_dir=cache)
    done.set()
    watcher.join()
    return peak / 1000


def repeated(splits, times, out):
    """A folder with the rows of each split `times` over."""
    for split, images, labels in splits:
        pixels, numbers = mnist_family.read_idx(images), mnist_family.read_idx(labels)
        mnist_family.write_idx(f"{out}/{split}-images-idx3-ubyte", np.tile(pixels, (times, 1, 1)))
        mnist_family.write_idx(f"{out}/{split}-labels-idx1-ubyte", np.tile(numbers, times))
    return out


def fastest(runs, repeats):
    """{name: its fastest run}; all are run in turn, so that a busy machine slows them alike."""
    times = {name: [] for name in runs}
    for _ in tqdm(range(repeats), desc="repeats", file=sys.stderr):
        for name, run in runs.items():
            times[name].append(run())
    return {name: min(values) for name, values in times.items()}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("name", choices=[config.name for config in mnist_family.CONFIGS], help="the config")
    parser.add_argument("folder", help="a folder of IDX archives")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, in turn; the fastest counts (3)")
    parser.add_argument(
        "--memory", action="store_true", help="also weigh a load of the same rows ten times over (Linux)"
    )
    args = parser.parse_args(argv)
    datasets.disable_progress_bars()
    own = {"builder_class": mnist_family.MnistFamily, "config_name": args.name, "data_dir": args.folder}
    try:
        builder = mnist_family.MnistFamily(config_name=args.name, data_dir=args.folder)
        builder._split_generators(datasets.DownloadManager())  # verifies every file
    except ValueError as error:
        sys.exit(str(error))
    folder, splits = builder.config.data_dir, builder._located[0]
    runs = {name: partial(build, PlainBuilder, config_name=name, data_dir=folder) for name in PLAIN}
    runs["gunzip and deflate alone"] = lambda: sum(gunzip_and_deflate(images) for _, images, _ in splits)
    runs["mnist_family"] = partial(build, **own)
    runs["mnist_family, num_proc=2"] = partial(build, **own, num_proc=2)
    seconds = fastest(runs, args.repeats)
    own = seconds["mnist_family"]
    floor = seconds["one constant PNG"] + seconds["gunzip and deflate alone"]

    versions = ", ".join(f"{package} {version(package)}" for package in ("datasets", "pyarrow", "pillow", "numpy"))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}")
    print(f"\n| build of {args.name} | seconds | mnist_family = 1 |\n|---|---|---|")
    for name, value in [*seconds.items(), ("constant PNG + gunzip and deflate", floor)]:
        print(f"| {name} | {value:.2f} | {value / own:.2f} |")

    pixels = mnist_family.read_idx(splits[-1][1])[:5000]
    print("\n| PNG encoder | µs an image | bytes an image |\n|---|---|---|")
    for name, encoder in (("Pillow", partial(map, pillow_png)), ("mnist_family", mnist_family._pngs)):
        time_, size = min(encode(encoder, pixels) for _ in range(args.repeats))
        print(f"| {name} | {time_:.1f} | {size:.0f} |")

    if args.memory:
        with tempfile.TemporaryDirectory() as out:
            print("\n| anonymous memory at its peak | MB |\n|---|---|")
            print(f"| the folder | {peak_memory(args.name, folder):.0f} |")
            print(f"| its rows ten times over | {peak_memory(args.name, repeated(splits, 10, out)):.0f} |")


def run(name, folder, repeats, memory):
    main([name, str(folder), "--repeats", str(repeats), *["--memory"] * memory])
    return 0
