"""Pictures of a dataset for its card: ten examples of each class, the mean image of each, and its first rows."""

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

EXAMPLES = 10
ROWS = 5
TEXT = 18  # height of letters and, roughly, of what is left around pictures, in pixels
BACKGROUND, INK = 255, 0


def write_pictures(folder, name, title, rows):
    """Write PNG files to folder/pictures/ of the first of `rows`, {split: Dataset}; what a card's Dataset has of them.

    Images are as in the data, 0 black. {"examples": [(file, text)], "means": …, "rows": [(split, row, file)]}, files as
    the card names them; the pixels of a file depend on the rows alone.
    """
    (folder / "pictures").mkdir(exist_ok=True)
    split, first = next(iter(rows.items()))
    labels = np.array(first.with_format(None)["label"])
    names = [f"{label} {text}" for label, text in enumerate(first.features["label"].names)]
    places = [np.flatnonzero(labels == label) for label in range(len(names))]
    examples = [_images(first, each[:EXAMPLES]) for each in places]
    sheet = [
        (text, [PIL.Image.fromarray(image) for image in images]) for text, images in zip(names, examples, strict=True)
    ]
    means = [_mean(first, each) for each in places]
    written = {"examples": f"{name}-examples.png", "means": f"{name}-means.png"}
    _lines(sheet, EXAMPLES, 2).save(folder / "pictures" / written["examples"])
    _columns([*zip(names, means, strict=True)]).save(folder / "pictures" / written["means"])
    shown = []
    for row, image in enumerate(_images(first, np.arange(min(ROWS, len(first))))):
        file = f"pictures/{name}-{split}-{row}.png"
        PIL.Image.fromarray(image).resize((84, 84), PIL.Image.Resampling.NEAREST).save(folder / file)
        shown.append((split, row, file))
    return {
        "examples": [(f"pictures/{written['examples']}", f"{title}: the first images of each class in {split}")],
        "means": [(f"pictures/{written['means']}", f"{title}: the mean image of each class in {split}")],
        "rows": shown,
    }


def _images(rows, numbers):
    """uint8 (n, 28, 28) of some rows."""
    images = [np.asarray(row["image"]) for row in rows.select(numbers)] if len(numbers) else []
    return np.array(images, np.uint8).reshape(-1, 28, 28)


def _mean(rows, numbers):
    total = np.zeros((28, 28))
    for first in range(0, len(numbers), 1000):
        total += _images(rows, numbers[first : first + 1000]).sum(0, dtype=float)
    return PIL.Image.fromarray((total / max(len(numbers), 1)).round().astype(np.uint8))


def _font():
    return PIL.ImageFont.load_default(TEXT)


def _lines(lines, width, scale):
    """A sheet of one line for each class: its name, then pictures, `scale` times as large."""
    cell, margin = 28 * scale + 4, TEXT
    left = margin + max(int(_font().getlength(name)) for name, _ in lines) + margin
    sheet = PIL.Image.new("L", (left + width * cell + margin, len(lines) * cell + 2 * margin), BACKGROUND)
    draw = PIL.ImageDraw.Draw(sheet)
    for line, (name, pictures) in enumerate(lines):
        top = margin + line * cell
        draw.text((margin, top + cell // 2), name, INK, _font(), anchor="lm")
        for column, picture in enumerate(pictures):
            _paste(sheet, picture, left + column * cell, top, scale)
    return sheet


def _columns(pictures, across=5, scale=3):
    """A sheet of large pictures, each over its name."""
    width = max(28 * scale, *(int(_font().getlength(name)) for name, _ in pictures)) + TEXT
    height = 28 * scale + 2 * TEXT
    lines = -(-len(pictures) // across)
    sheet = PIL.Image.new("L", (min(across, len(pictures)) * width + TEXT, lines * height + TEXT), BACKGROUND)
    draw = PIL.ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(pictures):
        left, top = TEXT + number % across * width, TEXT + number // across * height
        _paste(sheet, picture, left, top, scale)
        draw.text((left, top + 28 * scale + TEXT // 4), name, INK, _font(), anchor="la")
    return sheet


def _paste(sheet, picture, left, top, scale):
    size = (28 * scale, 28 * scale)
    sheet.paste(picture.resize(size, PIL.Image.Resampling.NEAREST), (left, top))
