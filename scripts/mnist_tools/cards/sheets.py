"""Draw sheets of images with captions, legible on white and on dark pages.

Images look as in the data, with 0 as black. The rest of a sheet is transparent, with captions in a
grey that has contrast on either page. No sheet is wider than 760 pixels.
"""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from PIL.ImageFont import FreeTypeFont

from mnist_tools.shards.tally import Tally

SHEET_WIDTH = 760  # pixels, the width of a card on the Hub
GAP = 4  # pixels between images
MARGIN = 12  # pixels right of a column
EDGE = 4  # pixels left of the first column, taken from the margin right of the last one
GREY = 121  # contrast 4.3 : 1 both on white and on the Hub's dark background, #0b0f19


class Tile(NamedTuple):
    """Images side by side, uint8 (28, 28) each, and the lines of the caption below them."""

    images: Sequence[np.ndarray]
    lines: Sequence[str]


class TilesLayout(NamedTuple):
    """The layout of a grid of tiles."""

    across: int
    scale: int
    text_size: int


class ExamplesLayout(NamedTuple):
    """The layout of examples for up to `classes` classes: one line per class, in columns."""

    classes: int
    columns: int
    images: int
    scale: int
    text_size: int


class MeansLayout(NamedTuple):
    """The layout of mean images for up to `classes` classes: a grid, with captions below."""

    classes: int
    across: int
    scale: int
    text_size: int


TILES_LAYOUT = TilesLayout(across=5, scale=2, text_size=15)
EXAMPLES_LAYOUTS = (
    ExamplesLayout(classes=20, columns=1, images=10, scale=2, text_size=18),
    ExamplesLayout(classes=64, columns=2, images=4, scale=2, text_size=14),
    ExamplesLayout(classes=256, columns=4, images=3, scale=1, text_size=12),
)
MEANS_LAYOUTS = (
    MeansLayout(classes=20, across=5, scale=3, text_size=18),
    MeansLayout(classes=64, across=8, scale=2, text_size=14),
    MeansLayout(classes=256, across=11, scale=2, text_size=12),
)


def draw_tiles(tiles: Sequence[Tile], layout: TilesLayout = TILES_LAYOUT) -> PIL.Image.Image:
    """Draw a grid of tiles, each with its caption below."""
    font = _font(layout.text_size)
    side = 28 * layout.scale
    widest = SHEET_WIDTH // layout.across - MARGIN
    captions = [[_shorten(line, font, widest) for line in tile.lines] for tile in tiles]
    texts = [int(font.getlength(line)) for caption in captions for line in caption]
    images = max(len(tile.images) for tile in tiles)
    width = max(images * (side + GAP) - GAP, *texts) + MARGIN
    spacing = layout.text_size + GAP
    height = side + max(map(len, captions)) * spacing + MARGIN
    lines = -(-len(tiles) // layout.across)
    sheet = _new_sheet(min(layout.across, len(tiles)) * width, lines * height)
    draw = PIL.ImageDraw.Draw(sheet)
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = EDGE + number % layout.across * width, number // layout.across * height
        for place, image in enumerate(tile.images):
            sheet.paste(enlarge(image, layout.scale), (left + place * (side + GAP), top))
        for line, text in enumerate(caption):
            at = left, top + side + GAP + line * spacing
            draw.text(at, text, (GREY, 255), font, anchor="la")
    return sheet


def draw_means(class_names: Sequence[str], means: Sequence[np.ndarray | None]) -> PIL.Image.Image:
    """Draw the mean image of each class above its caption, in a grid at most 760 pixels wide.

    The place of a class without rows, whose mean is None, stays empty.
    """
    layout = next(each for each in MEANS_LAYOUTS if len(class_names) <= each.classes)
    font = _font(layout.text_size)
    side = 28 * layout.scale
    widest = SHEET_WIDTH // layout.across - MARGIN
    captions = _captions(class_names, font, widest)
    width = max(side, *(int(font.getlength(caption)) for caption in captions)) + MARGIN
    height = side + layout.text_size + MARGIN
    lines = -(-len(captions) // layout.across)
    sheet = _new_sheet(min(layout.across, len(captions)) * width, lines * height)
    draw = PIL.ImageDraw.Draw(sheet)
    for number, (caption, mean) in enumerate(zip(captions, means, strict=True)):
        left, top = EDGE + number % layout.across * width, number // layout.across * height
        draw.text((left, top + side + GAP), caption, (GREY, 255), font, anchor="la")
        if mean is not None:
            sheet.paste(enlarge(mean, layout.scale), (left, top))
    return sheet


def draw_examples(
    class_names: Sequence[str], examples: Sequence[Sequence[np.ndarray]]
) -> PIL.Image.Image:
    """Draw a line per class with its caption and some images; at most 760 pixels wide."""
    layout = next(each for each in EXAMPLES_LAYOUTS if len(class_names) <= each.classes)
    font = _font(layout.text_size)
    cell = 28 * layout.scale + GAP
    widest = SHEET_WIDTH // layout.columns - layout.images * cell - 2 * MARGIN
    captions = _captions(class_names, font, widest)
    indent = max(int(font.getlength(caption)) for caption in captions) + MARGIN
    width = indent + layout.images * cell + MARGIN
    lines = -(-len(captions) // layout.columns)
    sheet = _new_sheet(min(layout.columns, len(captions)) * width, lines * cell)
    draw = PIL.ImageDraw.Draw(sheet)
    for number, (caption, images) in enumerate(zip(captions, examples, strict=True)):
        left, top = EDGE + number // lines * width, number % lines * cell
        draw.text((left, top + cell // 2), caption, (GREY, 255), font, anchor="lm")
        for column, image in enumerate(images[: layout.images]):
            sheet.paste(enlarge(image, layout.scale), (left + indent + column * cell, top))
    return sheet


def mean_images(tally: Tally) -> list[np.ndarray | None]:
    """Return the mean image of each class, uint8 (28, 28), or None for a class without rows."""
    return [
        (total / count).round().astype(np.uint8) if count else None
        for total, count in zip(tally.class_sums, tally.class_counts.tolist(), strict=True)
    ]


# --- Drawing --------------------------------------------------------------------------------------


def _font(size: int) -> FreeTypeFont:
    """Load the font that comes with Pillow, which looks the same on every machine."""
    font = PIL.ImageFont.load_default(size)
    if not isinstance(font, FreeTypeFont):
        raise OSError("Pillow: no FreeType support, expected FreeType; install Pillow from PyPI")
    return font


def _new_sheet(width: int, height: int) -> PIL.Image.Image:
    return PIL.Image.new("LA", (width, height), (GREY, 0))


def enlarge(image: np.ndarray, scale: int) -> PIL.Image.Image:
    """Enlarge an image, uint8 (28, 28), so that each pixel becomes a square of `scale` pixels."""
    size = (28 * scale, 28 * scale)
    return PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.NEAREST)


def caption_classes(class_names: Sequence[str]) -> list[str]:
    """Return the label and name of each class, as far as the font can show them."""
    font = _font(TILES_LAYOUT.text_size)
    return [_caption(label, name, font) for label, name in enumerate(class_names)]


def _captions(class_names: Sequence[str], font: FreeTypeFont, width: int) -> list[str]:
    captions = (_caption(label, name, font) for label, name in enumerate(class_names))
    return [_shorten(caption, font, width) for caption in captions]


def _caption(label: int, name: str, font: FreeTypeFont) -> str:
    """Return the label and the class name; only the label if the font lacks one of the letters."""
    if name == str(label):
        return name
    without_accents = unicodedata.normalize("NFKD", name)
    letters = "".join(each for each in without_accents if not unicodedata.combining(each))
    missing = bytes(font.getmask("\uffff"))
    if missing in (bytes(font.getmask(each)) for each in letters):
        return str(label)
    return f"{label} {letters}"


def _shorten(text: str, font: FreeTypeFont, width: int) -> str:
    """Shorten a text to `width` pixels, ending in … if something was cut."""
    if font.getlength(text) <= width:
        return text
    while font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
