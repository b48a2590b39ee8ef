"""What archives' bytes determine: counts, pixels, duplicates, neighbours; computed here, kept in cards/<name>/."""

import collections
import datetime
import hashlib
import json
import os
import re

import datasets
import numpy as np
from tqdm import tqdm

import mnist_family
from mnist_tools.cards.facts import CARDS

CHUNK_ROWS = 1000
BLOCK_ROWS = 200  # test images that are compared with all train images at a time: 100 MB where these are 60,000
THRESHOLDS = (0.99, 0.995, 0.999)  # cosines
NEAREST = (1, 4)


def verified_splits(name, folder=None):
    """{split: description} of the archives in a folder, or of those on the mirrors, fetched once; all are verified."""
    builder = mnist_family.MnistFamily(config_name=name, data_dir=folder)
    config = datasets.DownloadConfig(cache_dir=builder._cache_downloaded_dir)
    return {split.name: split for split in builder._verified(datasets.DownloadManager(download_config=config))}


def committed(name, splits=None):
    """The figures in cards/<name>/measurements.json, of all published archives or of these `splits`; None without.

    `whole` keeps those of all splits, which facts refer to.
    """
    path, config = CARDS / name / "measurements.json", _config(name)
    if not path.exists():
        return None
    measured = json.loads(path.read_text(encoding="utf-8"))
    for split, pair in config.archives.items():
        for archive, fact in zip(measured["archives"][split], pair, strict=True):
            for key in ("file", "bytes", "sha256"):
                if archive[key] != getattr(fact, key):
                    got, expected = archive[key], f"{getattr(fact, key)} as in mnist_family.py"
                    raise ValueError(f"{path}: {key} {got}, expected {expected}; run scripts/measure.py {name}")
    kept = {key: {split: measured[key][split] for split in splits or config.archives} for key in ("archives", "splits")}
    return {**measured, **kept, "whole": measured["splits"]}


def _config(name):
    return next(config for config in mnist_family.CONFIGS if config.name == name)


def measure(name, splits, neighbours=False):
    """The figures of verified splits, all exact but where their name or unit says how they are rounded.

    Pixels are scaled to 0–1 for `mean` and `standard_deviation` (of the population, five decimals); `zero_percent` is
    of all pixels, two decimals; `constant_pixels` counts positions that are equal in all rows; `longer_side` counts
    rows by the longer side of the box round their non-zero pixels; rows are counted from 0, and no label is -1.
    """
    measured, rows = {"archives": {}, "splits": {}}, {}
    for split, files in splits.items():
        measured["archives"][split] = [_archive(path) for path in (files.images, files.labels)]
        images, labels = mnist_family.read_idx(files.images), mnist_family.read_idx(files.labels)
        measured["splits"][split] = {**_rows(labels, files.num_classes), **_pixels(name, split, images)}
        rows[split] = [image.tobytes() for image in images]
    measured["duplicates"] = _duplicates(rows)
    if neighbours:
        measured["neighbours"] = _neighbours(splits["train"], splits["test"])
    return measured


def _archive(path):
    """Its published name, where its bytes are published, and its own else; the date that a .gz carries, or None."""
    with open(path, "rb") as file:
        content = file.read()
    with mnist_family._reading(path) as stream:
        size = sum(map(len, iter(lambda: stream.read(1 << 20), b"")))
    digest = hashlib.sha256(content).hexdigest()
    *_, published = mnist_family._whose(digest) or [None]
    seconds = int.from_bytes(content[4:8], "little") if content[:2] == b"\x1f\x8b" else 0
    return {
        "file": published.file if published else os.path.basename(path),
        "bytes": len(content),
        "sha256": digest,
        "dated": datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()
        if seconds
        else None,
        "uncompressed_bytes": size,
    }


def _rows(labels, num_classes):
    counts = np.bincount(labels, minlength=num_classes)[:num_classes].tolist()
    unlabelled = len(labels) - sum(counts)
    first = [label if label < num_classes else -1 for label in labels[:10].tolist()]
    return {
        "rows": len(labels),
        "class_counts": counts,
        "unlabelled": unlabelled,
        "first_labels": first,
    }


def _pixels(name, split, images):
    histogram, sides = np.zeros(256, int), collections.Counter()
    lowest, highest = np.full((28, 28), 255, np.uint8), np.zeros((28, 28), np.uint8)
    for first in tqdm(range(0, len(images), CHUNK_ROWS), desc=f"Measuring {name} {split}", unit="k rows", leave=False):
        chunk = images[first : first + CHUNK_ROWS]
        histogram += np.bincount(chunk.ravel(), minlength=256)
        lowest, highest = np.minimum(lowest, chunk.min(0)), np.maximum(highest, chunk.max(0))
        sides.update(np.maximum(_extent(chunk.any(1)), _extent(chunk.any(2))).tolist())
    total, values = int(histogram.sum()), range(256)
    sums = [sum(int(count) * value**power for value, count in zip(values, histogram, strict=True)) for power in (1, 2)]
    seen = np.flatnonzero(histogram)
    return {
        "shape": list(images.shape[1:]),
        "min": int(seen[0]),
        "max": int(seen[-1]),
        "mean": round(sums[0] / total / 255, 5),
        "standard_deviation": round((total * sums[1] - sums[0] ** 2) ** 0.5 / total / 255, 5),
        "zero_percent": round(100 * int(histogram[0]) / total, 2),
        "constant_pixels": int((lowest == highest).sum()),
        "longer_side": [{"pixels": side, "rows": sides[side]} for side in sorted(sides)],
    }


def _extent(used):
    """int (n,): from the first to the last True of each row of bool (n, 28), both counted; 0 where there is none."""
    return np.where(used.any(1), 28 - used.argmax(1) - used[:, ::-1].argmax(1), 0)


def _duplicates(images):
    """Groups of rows whose images are equal: within each split, and across splits as {split: rows}."""
    places = collections.defaultdict(lambda: collections.defaultdict(list))
    for split, rows in images.items():
        for row, image in enumerate(rows):
            places[image][split].append(row)
    within = {split: [at[split] for at in places.values() if len(at.get(split, ())) > 1] for split in images}
    return {"within": within, "across": [dict(at) for at in places.values() if len(at) > 1]}


def _neighbours(train, test):
    """Nearest train images of each test image: by cosine, and as k-NN classifies by them with weights 1 / distance.

    Distances are exact, as sums of integers in float64, and ties go to the lower row: the same on every machine.
    """
    names = train.images, train.labels, test.images, test.labels
    train_images, train_labels, test_images, test_labels = map(mnist_family.read_idx, names)
    points = train_images.reshape(-1, 784).astype(float)
    squares = np.einsum("ij,ij->i", points, points)
    nearest, distances, alike, cosines = [], [], [], []
    for first in tqdm(range(0, len(test_images), BLOCK_ROWS), desc="Comparing with train images", unit="block"):
        block = test_images[first : first + BLOCK_ROWS].reshape(-1, 784).astype(float)
        own = np.einsum("ij,ij->i", block, block)[:, None]
        products = block @ points.T
        cosine = products / np.sqrt(np.maximum(own * squares, 1))  # 0 for an image without ink
        alike.append(cosine.argmax(1))
        cosines.append(cosine.max(1))
        products *= -2
        products += own + squares
        products *= len(points)  # beside the distance, the row: at most 2^26 times 2^26, still exact in float64
        products += np.arange(len(points))
        keys = np.sort(np.partition(products, max(NEAREST) - 1, axis=1)[:, : max(NEAREST)], axis=1).astype(np.int64)
        nearest.append(keys % len(points))
        distances.append(np.sqrt(keys // len(points)))
    alike, cosines = np.concatenate(alike), np.concatenate(cosines)
    return {
        "cosine": [_alike(cosines >= limit, limit, train_labels[alike] != test_labels) for limit in THRESHOLDS],
        "closest": [[int(row), int(alike[row])] for row in np.flatnonzero(cosines >= THRESHOLDS[-1])],
        "knn": [
            _knn(k, train_labels[np.concatenate(nearest)[:, :k]], np.concatenate(distances)[:, :k], test_labels)
            for k in NEAREST
        ],
    }


def _alike(rows, limit, differs):
    return {"at_least": limit, "rows": int(rows.sum()), "other_label": int((rows & differs).sum())}


def _knn(k, labels, distances, truth):
    """Votes count 1 / distance each, or only those at distance 0 where there are such; ties go to the lower label."""
    with np.errstate(divide="ignore"):
        weights = np.where(distances.min(1, keepdims=True) > 0, 1 / distances, distances == 0)
    votes = np.stack([(weights * (labels == label)).sum(1) for label in range(truth.max() + 1)], axis=1)
    guesses = votes.argmax(1)
    wrong, half = guesses != truth, len(truth) // 2
    pairs = collections.Counter(zip(truth[wrong].tolist(), guesses[wrong].tolist(), strict=True))
    order = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return {
        "k": k,
        "accuracy_percent": round(100 * float((~wrong).mean()), 2),
        "errors": {"first_half": int(wrong[:half].sum()), "second_half": int(wrong[half:].sum())},
        "class_accuracy_percent": [
            round(100 * float((~wrong[truth == label]).mean()), 1) for label in np.unique(truth)
        ],
        "confusions": [{"label": label, "taken_for": guess, "rows": rows} for (label, guess), rows in order[:4]],
    }


def write(path, measured):
    """As JSON, numbers of a list on one line; the same figures, the same bytes."""
    text = json.dumps(measured, indent=1, ensure_ascii=False)
    text = re.sub(
        r"\[[^][{}]*\]", lambda numbers: re.sub(r"\s+", " ", numbers[0]).replace("[ ", "[").replace(" ]", "]"), text
    )
    partial = path.with_name(f"{path.name}.incomplete")
    try:
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
