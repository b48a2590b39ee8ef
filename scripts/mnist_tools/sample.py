"""Draw small synthetic datasets and write them as IDX archives."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

import mnist_family
from mnist_tools.drawings import DRAWINGS, Drawing, drawing_of

SAMPLE_ROWS = {"train": 600}
FEW_ROWS = 100  # in every other split
SEED = 28
SIDE = 28
_AXIS = np.arange(SIDE) + 0.5
GRID = np.stack(np.meshgrid(_AXIS, _AXIS), axis=-1).reshape(-1, 2)  # (x, y) of pixel centres


def write_sample_archives(folder: Path | str, names: Sequence[str] = tuple(DRAWINGS)) -> None:
    """Draw the archives of each dataset and write them to `folder`/NAME/.

    Files have the names of the published ones. Their bytes are the same on every machine and with
    every release of NumPy. FileExistsError if `folder`/NAME exists.
    """
    for name in tqdm(names, desc="Drawing the sample", unit="dataset", leave=False):
        config = mnist_family.find_config(name)
        directory = Path(folder) / name
        directory.mkdir(parents=True)
        random = np.random.RandomState(_seed(name))  # NumPy never changes its numbers
        for split, pair in config.archives.items():
            rows = SAMPLE_ROWS.get(split, FEW_ROWS)
            labels = random.permutation(np.arange(rows) % len(config.class_names)).astype(np.uint8)
            images = np.stack([_draw(name, label, random) for label in labels])
            mnist_family.write_idx(directory / pair.images.file, images)
            mnist_family.write_idx(directory / pair.labels.file, labels)


def _seed(name: str) -> int:
    """Return a seed that depends on the dataset alone."""
    names = list(DRAWINGS)
    if name in names:
        return SEED + names.index(name)
    return SEED + zlib.crc32(name.encode()) // 2  # so that it fits into 32 bits


def _draw(name: str, label: int, random: np.random.RandomState) -> np.ndarray:
    """Draw a row of a class, uint8 (28, 28); position, shape and shade vary."""
    drawing = drawing_of(name, label)
    if name == "fashion":
        return _draw_filled(drawing, random)
    return _draw_strokes(drawing, random)


def _draw_strokes(drawing: Drawing, random: np.random.RandomState) -> np.ndarray:
    turn = random.uniform(-0.15, 0.15)
    lines = _distort(drawing, turn, 0.92, random)
    width = random.uniform(1.6, 2.6)
    ink = _ink(lines, width)
    return (ink * random.uniform(215, 255)).astype(np.uint8).reshape(SIDE, SIDE)


def _draw_filled(drawing: Drawing, random: np.random.RandomState) -> np.ndarray:
    turn = random.uniform(-0.06, 0.06)
    lines = _distort(drawing, turn, 1.1, random)
    ink = _ink(lines, 1)
    grey = random.uniform(90, 200) + random.normal(0, 6, len(GRID))
    shaded = np.maximum(grey * (1 - 0.6 * ink), 30)
    image = np.where(_is_inside(lines[0]), shaded, ink * 60)
    return image.clip(0, 255).astype(np.uint8).reshape(SIDE, SIDE)


def _distort(
    drawing: Drawing, turn: float, size: float, random: np.random.RandomState
) -> list[np.ndarray]:
    """Rotate, slant, scale and move a drawing; return its lines in pixels, float64 (points, 2)."""
    slant = random.uniform(-0.1, 0.1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotation @ [[1, slant], [0, 1]] * random.uniform(0.85, 1.0, (1, 2)) * 0.24 * size
    centre = SIDE / 2 + random.uniform(-1, 1, 2)
    return [(np.array(line, float) - 50) @ matrix.T + centre for line in drawing]


def _ink(lines: Sequence[np.ndarray], width: float) -> np.ndarray:
    """Return the ink on each pixel from strokes `width` pixels wide, float64 (784,), 0 to 1."""
    distances = np.min([_distance(line) for line in lines], axis=0)
    ink: np.ndarray = np.clip(width / 2 + 0.5 - distances, 0, 1)
    return ink


def _distance(line: np.ndarray) -> np.ndarray:
    """Return the distance from each pixel's centre to a line, in pixels, float64 (784,)."""
    start, step = line[:-1], np.diff(line, axis=0)
    along = ((GRID[:, None] - start) * step).sum(-1) / np.maximum((step**2).sum(-1), 1e-9)
    nearest = start + np.clip(along, 0, 1)[..., None] * step
    distances: np.ndarray = np.sqrt(((GRID[:, None] - nearest) ** 2).sum(-1)).min(1)
    return distances


def _is_inside(outline: np.ndarray) -> np.ndarray:
    """Find the pixels whose centre is inside a closed outline, bool (784,).

    From such a pixel, a ray to the right crosses the outline an odd number of times.
    """
    x, y = GRID[:, :1], GRID[:, 1:]
    start, stop = outline, np.roll(outline, -1, axis=0)
    crosses = (start[:, 1] > y) != (stop[:, 1] > y)
    rise = np.where(stop[:, 1] == start[:, 1], 1, stop[:, 1] - start[:, 1])
    crossing = start[:, 0] + (y - start[:, 1]) * (stop[:, 0] - start[:, 0]) / rise
    crossings = (crosses & (x < crossing)).sum(1)
    inside: np.ndarray = crossings % 2 == 1
    return inside
