"""Find the training images nearest to each test image, and classify test images by them."""

import collections
import dataclasses

import numpy as np
from tqdm import tqdm

import mnist_family
from mnist_family import DiskSplit, PartedSplit

COSINES = (0.99, 0.995, 0.999)
NEIGHBOURS = (1, 4)  # the k of each k-NN classifier
CONFUSIONS = 4  # the most frequent ones of each classifier
CLOSEST = 10  # pairs of a test and a training image
IMAGE_PIXELS = 28 * 28
MOST_PAIRS = 15 * 10**9  # of images that are compared; MNIST has 0.6 billion
TRAIN_BLOCK = 10_000  # rows compared at a time: 62 MB of float64 pixels
TEST_BLOCK = 500  # rows compared at a time: an array with a number for each pair takes 40 MB


@dataclasses.dataclass(frozen=True)
class Alike:
    """The number of test rows whose most similar training image has at least this cosine.

    `other_label` counts those whose most similar image has a different label, not counting
    unlabelled images.
    """

    at_least: float
    rows: int
    other_label: int


@dataclasses.dataclass(frozen=True)
class Pair:
    """A test row, the training row with the most similar image, and their cosine."""

    test: int
    train: int
    cosine: float  # rounded to five decimals


@dataclasses.dataclass(frozen=True)
class Errors:
    """The number of wrong guesses in each half of the labelled test rows."""

    first_half: int
    second_half: int


@dataclasses.dataclass(frozen=True)
class Confusion:
    """The number of test rows of class `label` that were classified as `taken_for`."""

    label: int
    taken_for: int
    rows: int


@dataclasses.dataclass(frozen=True)
class Knn:
    """Results of a k-NN classifier on the labelled test rows.

    Votes are weighted by 1 / distance, except for `uniform_accuracy_percent`, where all votes are
    equal. Both accuracies are rounded to two decimals. `class_accuracy_percent` has an entry for
    each class, rounded to one; it is None for a class without test rows.
    """

    k: int
    accuracy_percent: float
    uniform_accuracy_percent: float
    errors: Errors
    class_accuracy_percent: tuple[float | None, ...]
    confusions: tuple[Confusion, ...]


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The similarity of test images to training images.

    `closest` has the ten test rows that are most similar to a training image, most similar first.
    """

    cosine: tuple[Alike, ...]
    closest: tuple[Pair, ...]
    knn: tuple[Knn, ...]


@dataclasses.dataclass(frozen=True)
class _Rows:
    """All rows of a split: pixels uint8 (n, 784), labels int64 (n,), -1 = no label."""

    pixels: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Search:
    """The results of a search for each of n test rows.

    `cosines`, float64 (n,), are the highest cosines; `alike`, int64 (n,), the training rows that
    have them. `nearest`, int64 (n, k), are the k nearest labelled training rows, nearest first;
    `distances`, float64 (n, k), their Euclidean distances.
    """

    cosines: np.ndarray
    alike: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray


def find_neighbours(train: DiskSplit | PartedSplit, test: DiskSplit | PartedSplit) -> Neighbours:
    """Compare every test image with every training image.

    The result is the same on every machine: squared distances are integers, which float64 holds
    exactly, and ties go to the lower row. All pixels are held in memory. ValueError if there are
    too few labelled rows, or too many rows to compare.
    """
    refuse_many_pairs(train, test)
    train_rows, test_rows = _read_rows(train), _read_rows(test)
    _refuse_few_labels(train, train_rows, max(NEIGHBOURS))
    _refuse_few_labels(test, test_rows, 1)
    found = _search(train_rows, test_rows)
    labelled = test_rows.labels >= 0
    truth = test_rows.labels[labelled]
    votes = train_rows.labels[found.nearest[labelled]]
    distances = found.distances[labelled]
    return Neighbours(
        cosine=tuple(_count_alike(found, train_rows, test_rows, limit) for limit in COSINES),
        closest=_closest(found),
        knn=tuple(
            _evaluate(votes[:, :k], distances[:, :k], truth, train.num_classes) for k in NEIGHBOURS
        ),
    )


def refuse_many_pairs(train: DiskSplit | PartedSplit, test: DiskSplit | PartedSplit) -> None:
    """Raise ValueError if comparing all images would take more than about half an hour."""
    pairs = train.rows * test.rows
    if pairs > MOST_PAIRS:
        raise mnist_family.fault(
            "--neighbours",
            f"{train.rows:,} training × {test.rows:,} test images, {pairs:,} pairs to compare",
            f"at most {MOST_PAIRS:,} pairs, about half an hour on two cores",
            "measure a part of the rows, or leave --neighbours out",
        )


def _read_rows(split: DiskSplit | PartedSplit) -> _Rows:
    images, labels = zip(*mnist_family.read_chunks(split), strict=True)
    return _Rows(np.concatenate(images).reshape(-1, IMAGE_PIXELS), np.concatenate(labels))


def _refuse_few_labels(split: DiskSplit | PartedSplit, rows: _Rows, needed: int) -> None:
    labelled = int((rows.labels >= 0).sum())
    if labelled < needed:
        raise mnist_family.fault(
            split.parts[0].labels,
            f"{labelled} labelled {split.name} rows",
            f"at least {needed} to compare neighbours",
            "measure without --neighbours",
        )


# --- Search: compare blocks of training rows with blocks of test rows -----------------------------


def _search(train: _Rows, test: _Rows) -> _Search:
    cosines = np.full(len(test.labels), -1.0)
    alike = np.zeros(len(test.labels), np.int64)
    keys = np.full((len(test.labels), max(NEIGHBOURS)), np.inf)
    blocks = range(0, len(train.labels), TRAIN_BLOCK)
    for start in tqdm(blocks, desc="Comparing with training images", unit="block", leave=False):
        points = train.pixels[start : start + TRAIN_BLOCK].astype(float)
        unlabelled = train.labels[start : start + TRAIN_BLOCK] < 0
        squares = np.einsum("ij,ij->i", points, points)
        for first in range(0, len(test.labels), TEST_BLOCK):
            block = slice(first, first + TEST_BLOCK)
            images = test.pixels[block].astype(float)
            own = np.einsum("ij,ij->i", images, images)[:, None]
            products = images @ points.T
            cosine = _cosine(products, own, squares)
            better = cosine.max(1) > cosines[block]  # not >=, so ties go to the lower row
            alike[block] = np.where(better, start + cosine.argmax(1), alike[block])
            cosines[block] = np.maximum(cosine.max(1), cosines[block])
            squared_distances = own + squares - 2 * products
            keys[block] = _lowest(
                keys[block], _keys(squared_distances, unlabelled, start, len(train.labels))
            )
    rows, distances = keys % len(train.labels), np.sqrt(keys // len(train.labels))
    return _Search(cosines, alike, rows.astype(np.int64), distances)


def _cosine(products: np.ndarray, own: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return the cosine of each pair, float64 (test, train); 0 for an image without ink."""
    cosine: np.ndarray = products / np.sqrt(np.maximum(own * squares, 1))
    return cosine


def _keys(
    squared_distances: np.ndarray, unlabelled: np.ndarray, start: int, rows: int
) -> np.ndarray:
    """Combine squared distance and training row in one number that sorts by both, in this order.

    Squared distances are below 2^26, so float64 holds the numbers exactly for up to 2^27 rows.
    """
    keys = squared_distances * rows + np.arange(start, start + squared_distances.shape[1])
    keys[:, unlabelled] = np.inf
    return keys


def _lowest(kept: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Merge `candidates` into `kept`: the lowest numbers of each row, sorted, as many as before."""
    count = kept.shape[1]
    if candidates.shape[1] > count:
        candidates = np.partition(candidates, count - 1, axis=1)[:, :count]
    return np.sort(np.concatenate([kept, candidates], axis=1), axis=1)[:, :count]


# --- Figures --------------------------------------------------------------------------------------


def _count_alike(found: _Search, train: _Rows, test: _Rows, limit: float) -> Alike:
    rows = found.cosines >= limit
    other = train.labels[found.alike]
    differs = (other != test.labels) & (other >= 0) & (test.labels >= 0)
    return Alike(limit, int(rows.sum()), int((rows & differs).sum()))


def _closest(found: _Search) -> tuple[Pair, ...]:
    rows = np.argsort(-found.cosines, kind="stable")[:CLOSEST].tolist()
    return tuple(
        Pair(row, int(found.alike[row]), round(float(found.cosines[row]), 5)) for row in rows
    )


def _evaluate(votes: np.ndarray, distances: np.ndarray, truth: np.ndarray, num_classes: int) -> Knn:
    """Classify by the neighbours' labels `votes` (n, k) at `distances` (n, k)."""
    guesses = _elect(votes, _weigh(distances), num_classes)
    wrong = guesses != truth
    half = len(truth) // 2
    uniform = _elect(votes, np.ones_like(distances), num_classes)
    return Knn(
        k=votes.shape[1],
        accuracy_percent=_percent(guesses == truth, decimals=2),
        uniform_accuracy_percent=_percent(uniform == truth, decimals=2),
        errors=Errors(int(wrong[:half].sum()), int(wrong[half:].sum())),
        class_accuracy_percent=tuple(
            _class_accuracy(wrong[truth == label]) for label in range(num_classes)
        ),
        confusions=_most_frequent(truth[wrong], guesses[wrong]),
    )


def _weigh(distances: np.ndarray) -> np.ndarray:
    """Return 1 / distance; if any neighbour is at distance 0, only such neighbours vote."""
    equal = distances == 0
    with np.errstate(divide="ignore"):
        weights: np.ndarray = np.where(equal.any(1, keepdims=True), equal, 1 / distances)
    return weights


def _elect(votes: np.ndarray, weights: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the class with the most votes, int64 (n,); ties go to the lower label."""
    sums = [(weights * (votes == label)).sum(1) for label in range(num_classes)]
    elected: np.ndarray = np.stack(sums, axis=1).argmax(1)
    return elected


def _percent(right: np.ndarray, *, decimals: int) -> float:
    return round(100 * float(right.mean()), decimals)


def _class_accuracy(wrong: np.ndarray) -> float | None:
    if not len(wrong):
        return None
    return _percent(~wrong, decimals=1)


def _most_frequent(truth: np.ndarray, guesses: np.ndarray) -> tuple[Confusion, ...]:
    counts = collections.Counter(zip(truth.tolist(), guesses.tolist(), strict=True))
    found = [Confusion(label, guess, rows) for (label, guess), rows in counts.items()]
    found.sort(key=lambda each: (-each.rows, each.label, each.taken_for))
    return tuple(found[:CONFUSIONS])
