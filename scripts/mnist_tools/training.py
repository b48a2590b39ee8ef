"""Train a small network for one epoch on the rows of a dataset, read in several ways."""

import contextlib
import dataclasses
import gzip
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

import mnist_family
from mnist_family import Arrays, fault

BATCH_ROWS = 100
HIDDEN_UNITS = 128
LEARNING_RATE = 0.003
SHUFFLED_ROWS = 1000  # of a stream, held in memory
TRAINING_SEED = 0
WITH_TRANSFORM = "mnist_family, with_transform"
STREAM = "mnist_family, streaming"
IN_MEMORY = "mnist_family, arrays"


class ReadFrom(NamedTuple):
    """The archives of a config, and an empty folder for what a reader has to write."""

    config: str
    folder: Path
    scratch: Path


class Epoch(NamedTuple):
    """One epoch of training, after the rows were opened; `accuracy` is that on the test rows."""

    opening_seconds: float
    training_seconds: float
    rows: int
    accuracy: float

    @property
    def images_per_second(self) -> float:
        """Return the rate of the training alone."""
        return self.rows / self.training_seconds


# A batch is a float32 tensor (n, 1, 28, 28) from 0 to 1 and an int64 tensor (n,).
Batches = Iterable[tuple[Any, Any]]
Way = Callable[[ReadFrom], Batches]


class Unusable(Exception):
    """A library cannot read the dataset on this machine; the message says why."""


@dataclasses.dataclass(frozen=True)
class Training:
    """The fastest epoch of each way, and why other ways are not usable on this machine."""

    config: str
    epochs: dict[str, Epoch]
    unusable: dict[str, str]


def train_every_way(config: str, folder: Path, repeats: int) -> Training:
    """Train for one epoch through each way in turn, `repeats` times.

    Archives are read from `folder`; Keras and TensorFlow Datasets read their own copies. ValueError
    if PyTorch is not installed, or if rows or labels are missing.
    """
    test = _read_test_rows(config, folder)
    with _one_thread():
        _warm_up()
        return _train_in_turns(config, folder, test, repeats)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch use one thread: in so small a network, more would mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train_in_turns(config: str, folder: Path, test: Arrays, repeats: int) -> Training:
    epochs: dict[str, list[Epoch]] = {}
    unusable: dict[str, str] = {}
    for _ in tqdm(range(repeats), desc="Training", unit="round"):
        for name, way in WAYS.items():
            epochs.setdefault(name, []).append(_train_in_scratch(way, config, folder, test))
        for name, way in OTHER_WAYS.items():
            try:
                epochs.setdefault(name, []).append(_train_in_scratch(way, config, folder, test))
            except Exception as error:  # whatever a library raises
                unusable[name] = _first_line(error)
    fastest = {
        name: min(runs, key=lambda epoch: epoch.training_seconds)
        for name, runs in epochs.items()
        if runs
    }
    return Training(config, fastest, unusable)


def _train_in_scratch(way: Way, config: str, folder: Path, test: Arrays) -> Epoch:
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as scratch:
        return train_one_epoch(way, ReadFrom(config, folder, Path(scratch)), test)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return lines[0] if isinstance(error, Unusable) else f"{type(error).__name__}: {lines[0]}"


def _read_test_rows(config: str, folder: Path) -> Arrays:
    """Return the rows that accuracy is measured on; ValueError if training is not possible."""
    try:
        import torch  # noqa: F401 (only to find out)
    except ImportError:
        raise fault("--train", "PyTorch is not installed", "it", "pip install torch") from None
    splits = mnist_family.verified_splits(config, folder)
    for name in ("train", "test"):
        if name not in splits:
            found = f"no {name} split"
            raise fault(str(folder), found, "train and test", "give another folder")
    rows = mnist_family.arrays(config, data_dir=folder)
    for name in ("train", "test"):
        if (rows[name].labels < 0).any():
            found = f"{name} rows without a label"
            raise fault(str(folder), found, "a label for each row", "give another folder")
    return rows["test"]


def train_one_epoch(way: Way, source: ReadFrom, test: Arrays) -> Epoch:
    """Open the rows, train a new network on each of them once, and test it.

    The network starts from the same weights each time.
    """
    import torch

    torch.manual_seed(TRAINING_SEED)
    started = time.perf_counter()
    batches = way(source)
    opened = time.perf_counter()
    learner = _make_learner()
    rows = 0
    for images, labels in batches:
        learner.learn(images, labels)
        rows += len(labels)
    ended = time.perf_counter()
    with torch.no_grad():
        predicted = learner.network(_to_images(test.images)).argmax(1).numpy()
    return Epoch(opened - started, ended - opened, rows, float((predicted == test.labels).mean()))


class _Learner(NamedTuple):
    """A network and what adjusts its weights."""

    network: Any
    optimizer: Any

    def learn(self, images: Any, labels: Any) -> None:
        """Adjust the weights to a batch."""
        import torch

        self.optimizer.zero_grad()
        torch.nn.functional.cross_entropy(self.network(images), labels).backward()
        self.optimizer.step()


def _make_learner() -> _Learner:
    import torch

    network = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(28 * 28, HIDDEN_UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN_UNITS, 256),  # one output for each label that a uint8 can hold
    )
    return _Learner(network, torch.optim.Adam(network.parameters(), lr=LEARNING_RATE))


def _warm_up() -> None:
    """Let PyTorch load what a first batch needs, so that this time counts for none of the ways."""
    import torch

    images = torch.zeros(BATCH_ROWS, 1, 28, 28)
    _make_learner().learn(images, torch.zeros(BATCH_ROWS, dtype=torch.int64))


def _to_images(pixels: np.ndarray) -> Any:
    """Convert uint8 (n, 28, 28) to a float32 tensor (n, 1, 28, 28) from 0 to 1."""
    import torch

    return torch.tensor(pixels)[:, None] / 255


# --- Ways of this project -------------------------------------------------------------------------


def _open_arrays(source: ReadFrom) -> Batches:
    rows = mnist_family.arrays(source.config, "train", data_dir=source.folder)
    return _shuffled(rows)


def _shuffled(rows: Arrays) -> Iterator[tuple[Any, Any]]:
    """Yield all rows, which are in memory, in a random order."""
    import torch

    images, labels = torch.from_numpy(rows.images), torch.from_numpy(rows.labels)
    for batch in torch.randperm(len(labels)).split(BATCH_ROWS):
        yield images[batch, None] / 255, labels[batch]


def _open_with_transform(source: ReadFrom) -> Batches:
    import torch

    rows = mnist_family.load(
        source.config, "train", data_dir=source.folder, cache_dir=str(source.scratch)
    )
    rows = rows.with_transform(_to_tensors)
    loader: Batches = torch.utils.data.DataLoader(
        rows, batch_size=BATCH_ROWS, shuffle=True, collate_fn=_collate
    )
    return loader


def _to_tensors(rows: Mapping[str, list[Any]]) -> dict[str, Any]:
    import torch

    return {
        "image": _to_images(np.stack([np.asarray(image) for image in rows["image"]])),
        "label": torch.tensor(rows["label"]),
    }


def _collate(rows: list[dict[str, Any]]) -> tuple[Any, Any]:
    import torch

    return torch.stack([row["image"] for row in rows]), torch.stack([row["label"] for row in rows])


def _open_stream(source: ReadFrom) -> Batches:
    stream = mnist_family.load(source.config, "train", data_dir=source.folder, streaming=True)
    shuffled = stream.shuffle(seed=TRAINING_SEED, buffer_size=SHUFFLED_ROWS)
    return _from_stream(shuffled)


def _from_stream(rows: Any) -> Iterator[tuple[Any, Any]]:
    for batch in rows.iter(batch_size=BATCH_ROWS):
        tensors = _to_tensors(batch)
        yield tensors["image"], tensors["label"]


# --- Ways of other libraries ----------------------------------------------------------------------


def _open_torchvision(source: ReadFrom) -> Batches:
    import torch
    import torchvision

    readers = {"mnist": "MNIST", "fashion": "FashionMNIST", "kmnist": "KMNIST"}
    reader = getattr(torchvision.datasets, readers[source.config])
    raw = source.scratch / reader.__name__ / "raw"
    raw.mkdir(parents=True)
    for published in _published_files(source):
        with gzip.open(published, "rb") as packed, open(raw / published.stem, "wb") as file:
            shutil.copyfileobj(packed, file)
    rows = reader(source.scratch, transform=torchvision.transforms.ToTensor())
    loader: Batches = torch.utils.data.DataLoader(rows, batch_size=BATCH_ROWS, shuffle=True)
    return loader


def _published_files(source: ReadFrom) -> list[Path]:
    """Return the archives, which other libraries expect under their published names."""
    config = mnist_family.find_config(source.config)
    files = [source.folder / each.file for pair in config.archives.values() for each in pair]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise Unusable(f"{', '.join(missing)} not in {source.folder}")
    return files


def _open_keras(source: ReadFrom) -> Batches:
    """Read the files that Keras keeps in its own folder; it would download any that is missing."""
    files = {
        "mnist": ["mnist.npz"],
        "fashion": [
            f"fashion-mnist/{each.file}"
            for pair in mnist_family.find_config("fashion").archives.values()
            for each in pair
        ],
    }
    if source.config not in files:
        raise Unusable("Keras has no reader for it")
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "datasets")
    missing = [name for name in files[source.config] if not (home / name).is_file()]
    if missing:
        raise Unusable(f"{missing[0]} not in {home}; Keras would download it")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    readers = {"mnist": keras.datasets.mnist, "fashion": keras.datasets.fashion_mnist}
    (images, labels), _ = readers[source.config].load_data()
    return _shuffled(Arrays(images, labels.astype(np.int64)))


def _open_tfds(source: ReadFrom) -> Batches:
    """Read what TFDS has prepared in its own folder."""
    import tensorflow_datasets

    names = {"mnist": "mnist", "fashion": "fashion_mnist", "kmnist": "kmnist"}
    rows = tensorflow_datasets.load(
        names[source.config],
        split="train",
        shuffle_files=True,
        as_supervised=True,
        download=False,
    )
    return _from_tfds(rows.shuffle(SHUFFLED_ROWS, TRAINING_SEED).batch(BATCH_ROWS))


def _from_tfds(batches: Any) -> Iterator[tuple[Any, Any]]:
    import torch

    for images, labels in batches.as_numpy_iterator():
        yield _to_images(images[..., 0]), torch.tensor(labels)


WAYS: Mapping[str, Way] = {
    IN_MEMORY: _open_arrays,
    WITH_TRANSFORM: _open_with_transform,
    STREAM: _open_stream,
}
OTHER_WAYS: Mapping[str, Way] = {
    "torchvision": _open_torchvision,
    "Keras": _open_keras,
    "TensorFlow Datasets": _open_tfds,
}
