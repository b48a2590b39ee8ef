"""Pictures of a dataset for its card: ten examples of each class, the mean image of each, and its first rows."""

import io

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
    names = first.features["label"].names
    names = [text if text == str(label) else f"{label} {text}" for label, text in enumerate(names)]
    shown, examples, totals = [], [[] for _ in names], np.zeros((len(names), 28, 28))
    labels = first.with_format("numpy", columns=["label"])[:]["label"]
    for row, (image, label) in enumerate(zip(_images(first), labels.tolist(), strict=True)):
        if row < ROWS:
            shown.append((split, row, f"pictures/{name}-{split}-{row}.png"))
            _enlarged(PIL.Image.fromarray(image), 3).save(folder / shown[-1][2])
        if label >= 0:
            totals[label] += image
            if len(examples[label]) < EXAMPLES:
                examples[label].append(PIL.Image.fromarray(image))
    counts = np.bincount(labels[labels >= 0], minlength=len(names)).clip(1)
    means = [PIL.Image.fromarray(mean) for mean in (totals / counts[:, None, None]).round().astype(np.uint8)]
    written = {"examples": f"{name}-examples.png", "means": f"{name}-means.png"}
    _lines([*zip(names, examples, strict=True)], EXAMPLES, 2).save(folder / "pictures" / written["examples"])
    _columns([*zip(names, means, strict=True)]).save(folder / "pictures" / written["means"])
    return {
        "examples": [(f"pictures/{written['examples']}", f"{title}: the first images of each class in {split}")],
        "means": [(f"pictures/{written['means']}", f"{title}: the mean image of each class in {split}")],
        "rows": shown,
    }


def _images(rows):
    """Yield uint8 (28, 28) of each row; decoded here, for `datasets` takes twice the time."""
    for batch in rows.with_format("arrow").iter(1000):
        for file in batch["image"].to_pylist():
            yield np.asarray(PIL.Image.open(io.BytesIO(file["bytes"])))


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
    sheet.paste(_enlarged(picture, scale), (left, top))


def _enlarged(picture, scale):
    return picture.resize((28 * scale, 28 * scale), PIL.Image.Resampling.NEAREST)
