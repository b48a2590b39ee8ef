"""Find the columns of the label and the pixels in a CSV file from its first line."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_family import IMAGE_SHAPE, fault
from mnist_tools.formats.files import refuse_wrong_file
from mnist_tools.formats.images import PASS_RESIZE, square_side
from mnist_tools.lists import name_some

LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "target",
    "y",
    "digit",
    "category",
    "character",
    "letter",
)
ROW_NAMES = ("", "id", "index", "unnamed: 0", "imageid")
PIXEL_NAME = re.compile(r"(?P<prefix>.*?)(?P<numbers>\d+(\s*[x_,.-]\s*\d+)?)\D?", re.ASCII)
NUMBER = re.compile(r"\s*([+-]?\d+(\.\d*)?([eE][+-]?\d+)?)?\s*", re.ASCII)
SEPARATORS = (",", ";", "\t")
MAX_LINE = 4 << 20
CSV_CONTENT = "784 pixels and a label in UTF-8 text"


class Layout(NamedTuple):
    """The columns of a CSV file; `pixels` lists the pixel columns in the image's order."""

    separator: str
    lines_before_rows: int
    columns: int
    label: int | None
    pixels: tuple[int, ...]
    note: str | None

    @property
    def side(self) -> int:
        """Return the height and width of the square images."""
        return square_side(len(self.pixels)) or 0


class FirstLine(NamedTuple):
    """The fields of the first line that is not blank, and the number of lines before it."""

    fields: list[str]
    separator: str
    lines_before: int


def read_layout(path: Path, *, resize: bool) -> Layout:
    """Find the columns of a CSV file. ValueError if images are not square, or need `resize`."""
    refuse_wrong_file(path, CSV_CONTENT)
    first = _read_first_line(path)
    if _is_header(first.fields, path):
        layout = _layout_by_names(first, path)
    else:
        layout = _layout_by_position(first, path)
    if not resize and layout.side != IMAGE_SHAPE[0]:
        found = f"{len(layout.pixels)} pixels in a row, which are {layout.side} × {layout.side}"
        raise fault(str(path), found, "784, which are 28 × 28", PASS_RESIZE)
    return layout


def _read_first_line(path: Path) -> FirstLine:
    with open(path, "rb") as file:
        for lines_before, line in enumerate(iter(lambda: file.readline(MAX_LINE), b"")):
            if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
                raise fault(str(path), "UTF-16 text", CSV_CONTENT, "save it as UTF-8")
            if b"\r" in line.rstrip(b"\r\n"):
                found = "lines that end in CR alone"
                raise fault(str(path), found, "LF or CR LF", "save it with Unix line endings")
            if line.strip(b"\xef\xbb\xbf\r\n\t "):
                return _split_line(line, lines_before, path)
    raise fault(str(path), "no row", CSV_CONTENT, "export it again, or move it elsewhere")


def _split_line(line: bytes, lines_before: int, path: Path) -> FirstLine:
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
        separator = max(SEPARATORS, key=text.count)
        fields = next(csv.reader(io.StringIO(text), delimiter=separator))
    except UnicodeDecodeError:
        raise fault(str(path), "text that is not UTF-8", CSV_CONTENT, "save it as UTF-8") from None
    except csv.Error as error:
        raise fault(str(path), f"no CSV ({error})", CSV_CONTENT, "export it again") from None
    return FirstLine([field.strip() for field in fields], separator, lines_before)


def _is_header(fields: Sequence[str], path: Path) -> bool:
    names = [field for field in fields if not NUMBER.fullmatch(field)]
    numbers = [field for field in fields if field and NUMBER.fullmatch(field)]
    if numbers == [str(number) for number in range(len(numbers))] and len(fields) > 2:
        return True  # pandas numbers unnamed columns like this
    if len(names) == 1 and len(set(numbers)) < len(numbers):
        found = f"the text {names[0]!r:.40} among the numbers of the first row"
        raise fault(str(path), found, CSV_CONTENT, "number the classes from 0")
    return bool(names)


def _layout_by_position(first: FirstLine, path: Path) -> Layout:
    columns = len(first.fields)
    if columns < 3:
        found, expected = "a first line too short for an image", "784 pixels and maybe a label"
        raise fault(str(path), found, expected, "export the images")
    labelled = square_side(columns) is None
    if labelled and square_side(columns - 1) is None:
        found = f"{columns} values in the first line"
        raise fault(str(path), found, "785, or 784 without labels", "correct the file")
    if not labelled:
        note = f"{path.name}: no header and {columns} columns, read as pixels without labels"
        return Layout(
            first.separator, first.lines_before, columns, None, tuple(range(columns)), note
        )
    note = f"{path.name}: no header, so the first of {columns} columns is read as the label"
    pixels = tuple(range(1, columns))
    return Layout(first.separator, first.lines_before, columns, 0, pixels, note)


def _layout_by_names(first: FirstLine, path: Path) -> Layout:
    names = [field.lower() for field in first.fields]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise fault(str(path), f"two columns named {twice!r:.40}", "different names", "rename one")
    labels = [place for place, name in enumerate(names) if name in LABEL_NAMES]
    others = [place for place, name in enumerate(names) if name in ROW_NAMES]
    if len(labels) > 1:
        found = f"the columns {' and '.join(names[place] for place in labels)}"
        raise fault(str(path), found, "one label column", "remove the other")
    pixels = [place for place in range(len(names)) if place not in (*labels, *others)]
    ordered = _in_pixel_order(pixels, names)
    if ordered is None or square_side(len(pixels)) is None:
        found = f"columns named {name_some(first.fields)}"
        expected = f"pixel0 to pixel783, and a label column named {' or '.join(LABEL_NAMES[:4])}"
        raise fault(str(path), found, expected, "rename the columns")
    label = labels[0] if labels else None
    note = _note_on_names(first.fields, path, label, others)
    return Layout(first.separator, first.lines_before + 1, len(names), label, ordered, note)


def _in_pixel_order(places: Sequence[int], names: Sequence[str]) -> tuple[int, ...] | None:
    """Sort columns by the numbers in their names; None unless each pixel has one column."""
    matches = [PIXEL_NAME.fullmatch(names[place]) for place in places]
    if len({match["prefix"] if match else None for match in matches}) != 1:
        return None
    keys = [[*map(int, re.findall(r"\d+", match["numbers"]))] for match in matches if match]
    side = square_side(len(places))
    if len(keys) < len(places) or side is None:
        return None
    first = min(keys)
    if len(first) == 1:
        expected = [[first[0] + number] for number in range(side * side)]
    else:
        expected = [
            [first[0] + row, first[1] + column] for row in range(side) for column in range(side)
        ]
    if sorted(keys) != expected or max(first) > 1:
        return None
    return tuple(place for _, place in sorted(zip(keys, places, strict=True)))


def _note_on_names(
    fields: Sequence[str], path: Path, label: int | None, others: Sequence[int]
) -> str | None:
    said = []
    if label is None:
        said.append("no label column, so rows are without labels")
    elif label > 0 or others:
        said.append(f"the column {fields[label]} is the label")
    if others:
        left_out = name_some([fields[place] or "(no name)" for place in others])
        said.append(f"the column {left_out} is left out")
    return f"{path.name}: {', '.join(said)}" if said else None
