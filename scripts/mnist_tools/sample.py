"""Draw stand-ins for the three datasets and write them as IDX archives: no photograph, no handwriting, no download."""

import pathlib

import numpy as np
from tqdm import tqdm

import mnist_family

ROWS = {"train": 600, "t10k": 100}  # of each dataset, in ten equal classes
SEED = 28
GRID = np.stack(np.meshgrid(np.arange(28) + 0.5, np.arange(28) + 0.5), axis=-1).reshape(-1, 2)  # pixel centres, x and y


def _arc(x, y, width, height, start=0, stop=360, points=16):
    """An arc of an ellipse round (x, y), in degrees clockwise from the right."""
    angles = np.radians(np.linspace(start, stop, points))
    return [(x + width / 2 * np.cos(angle), y + height / 2 * np.sin(angle)) for angle in angles]


# A drawing is a list of lines through points on a square of 100 by 100, y downwards; of a garment, the first is the
# outline that is filled.
DIGITS = [
    [_arc(50, 50, 44, 76)],
    [[(36, 28), (52, 12), (52, 88)]],
    [[*_arc(50, 33, 44, 42, 190, 380), (28, 86), (76, 86)]],
    [[*_arc(48, 31, 40, 38, 200, 450), *_arc(48, 69, 46, 40, 270, 510)]],
    [[(62, 90), (62, 12), (24, 64), (80, 64)]],
    [[(74, 14), (34, 14), (31, 46), *_arc(49, 64, 46, 44, 230, 500)]],
    [[(66, 12), (40, 38), *_arc(50, 66, 44, 44, 190, 550)]],
    [[(24, 14), (76, 14), (42, 90)]],
    [_arc(50, 31, 36, 36), _arc(50, 69, 44, 40)],
    [[*_arc(50, 34, 44, 44, 10, 370), (66, 90)]],
]
TORSO = [(30, 14), (42, 12), (50, 18), (58, 12), (70, 14)]
GARMENTS = [
    [[*TORSO, (94, 34), (84, 46), (72, 38), (72, 90), (28, 90), (28, 38), (16, 46), (6, 34)]],  # T-shirt/top
    [[(34, 8), (66, 8), (72, 94), (56, 94), (50, 36), (44, 94), (28, 94)]],  # trouser
    [[*TORSO, (92, 78), (80, 82), (70, 46), (70, 88), (30, 88), (30, 46), (20, 82), (8, 78)]],  # pullover
    [[(38, 6), (44, 18), (56, 18), (62, 6), (62, 38), (78, 94), (22, 94), (38, 38)]],  # dress
    [[*TORSO, (90, 84), (80, 86), (72, 46), (74, 96), (26, 96), (28, 46), (20, 86), (10, 84)], [(50, 18), (50, 96)]],
    [[(4, 74), (40, 62), (94, 44), (96, 76), (4, 82)], [(30, 64), (46, 42), (64, 54)], [(60, 56), (80, 30), (90, 46)]],
    [
        [*TORSO, (90, 80), (80, 82), (70, 46), (70, 90), (30, 90), (30, 46), (20, 82), (10, 80)],  # shirt
        [(50, 20), (50, 90)],
        [(40, 13), (50, 28), (60, 13)],
    ],
    [[(4, 76), (6, 60), (38, 54), (56, 36), (66, 46), (92, 38), (96, 76)], [(4, 70), (96, 70)]],  # sneaker
    [[(12, 42), (88, 42), (94, 90), (6, 90)], [*_arc(50, 42, 40, 56, 180, 360)]],  # bag
    [[(46, 8), (88, 8), (88, 92), (8, 92), (6, 74), (44, 58)], [(6, 84), (88, 84)]],  # ankle boot
]
KANA = [
    [
        [(20, 28), (66, 28)],
        [(42, 10), (42, 80), (24, 84), (22, 70), (62, 50), (82, 66), (70, 86)],
        [(72, 14), (86, 30)],
    ],
    [[(24, 30), (72, 18)], [(26, 48), (78, 36)], [(42, 10), (66, 62)], [(30, 64), (34, 84), (66, 88)]],  # き
    [[(12, 26), (88, 26)], [(58, 8), (58, 56), *_arc(48, 54, 22, 22, 0, 330), (58, 62), (48, 92)]],  # す
    [[(10, 36), (60, 24), (88, 44), (76, 70), (42, 82)]],  # つ
    [
        [(14, 26), (54, 22)],
        [(38, 8), (16, 56)],
        [(66, 22), (86, 36)],
        [(66, 42), (66, 72), *_arc(54, 78, 24, 18, 0, 300), (84, 88)],
    ],  # な
    [
        [(20, 12), (16, 50), (22, 88)],
        [(42, 32), (90, 32)],
        [(68, 10), (68, 72), *_arc(56, 78, 24, 20, 0, 300), (88, 86)],
    ],
    [[(20, 24), (80, 24)], [(24, 44), (76, 44)], [(50, 8), (50, 72), *_arc(40, 78, 22, 20, 0, 300), (78, 88)]],  # ま
    [[(12, 48), (60, 24), (86, 32), (80, 54), (58, 56)], [(50, 8), (58, 22)], [(30, 22), (54, 92)]],  # や
    [[(30, 8), (30, 92)], [(12, 30), (40, 28), (14, 70), (50, 32), (66, 34), (66, 78), (88, 72)]],  # れ
    [[(18, 22), (72, 20)], [(44, 8), (22, 52), (54, 44), (58, 66)], [(84, 40), (44, 62), (42, 84), (80, 88)]],  # を
]
DRAWINGS = {"mnist": DIGITS, "fashion": GARMENTS, "kmnist": KANA}


def write_sample_archives(folder, names=tuple(DRAWINGS)):
    """Write `folder`/<name>/ with the four archives of each dataset; the same bytes whenever and wherever."""
    for name in tqdm(names, desc="Drawing the sample", unit="dataset"):
        directory = pathlib.Path(folder) / name
        directory.mkdir(parents=True)
        random = np.random.RandomState(SEED + list(DRAWINGS).index(name))  # whose numbers no NumPy may change
        for split, rows in ROWS.items():
            labels = random.permutation(np.arange(rows) % 10).astype(np.uint8)
            filled = name == "fashion"
            images = np.stack([_draw(DRAWINGS[name][label], filled, random) for label in labels])
            mnist_family.write_idx(directory / f"{split}-images-idx3-ubyte.gz", images)
            mnist_family.write_idx(directory / f"{split}-labels-idx1-ubyte.gz", labels)


def _draw(lines, filled, random):
    """uint8 (28, 28) of a drawing that is turned, scaled, slanted, moved and shaded a little, each time otherwise."""
    turn, slant = random.uniform(-0.06, 0.06) if filled else random.uniform(-0.15, 0.15), random.uniform(-0.1, 0.1)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[1, slant], [0, 1]]
    matrix = matrix * random.uniform(0.85, 1.0, (1, 2)) * 0.24 * (1.1 if filled else 0.92)
    centre = 14 + random.uniform(-1, 1, 2)
    width = 1 if filled else random.uniform(1.6, 2.6)
    lines = [(np.array(line, float) - 50) @ matrix.T + centre for line in lines]
    ink = np.clip(width / 2 + 0.5 - np.min([_distance(line) for line in lines], axis=0), 0, 1)
    if filled:
        inside = _inside(lines[0])
        grey = random.uniform(90, 200) + random.normal(0, 6, len(GRID))
        return (
            np.where(inside, np.maximum(grey * (1 - 0.6 * ink), 30), ink * 60)
            .clip(0, 255)
            .astype(np.uint8)
            .reshape(28, 28)
        )
    return (ink * random.uniform(215, 255)).astype(np.uint8).reshape(28, 28)


def _distance(line):
    """float (784,): how far each pixel's centre is from a line, in pixels."""
    start, step = line[:-1], np.diff(line, axis=0)
    along = ((GRID[:, None] - start) * step).sum(-1) / np.maximum((step**2).sum(-1), 1e-9)
    nearest = start + np.clip(along, 0, 1)[..., None] * step
    return np.sqrt(((GRID[:, None] - nearest) ** 2).sum(-1)).min(1)


def _inside(outline):
    """bool (784,): whether each pixel's centre is in a closed outline, by how often a ray to the right crosses it."""
    x, y = GRID[:, :1], GRID[:, 1:]
    start, stop = outline, np.roll(outline, -1, axis=0)
    crosses = (start[:, 1] > y) != (stop[:, 1] > y)
    rise = np.where(stop[:, 1] == start[:, 1], 1, stop[:, 1] - start[:, 1])
    where = start[:, 0] + (y - start[:, 1]) * (stop[:, 0] - start[:, 0]) / rise
    return (crosses & (x < where)).sum(1) % 2 == 1
