"""NPZ: NumPy arrays x_<split> and y_<split> in one file, or one file per array as in KMNIST."""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_family import IMAGE_SHAPE, Chunk, ClassNames, check_class_names, fault
from mnist_tools.formats.class_names import DIGITS, first_named, names_beside
from mnist_tools.formats.files import files_in
from mnist_tools.formats.images import Fitting, fit_arrays, refuse_other_shapes, sizes
from mnist_tools.formats.labels import numpy_labels, refuse_mixed_labels, sorted_class_names
from mnist_tools.formats.npz_member import Member, list_members, read_blocks, rows_per_block
from mnist_tools.formats.source import Reader, Request, Source, WriteOptions, make_source
from mnist_tools.formats.split_files import refuse_files_inside
from mnist_tools.formats.split_names import SplitFile, SplitNames, name_splits
from mnist_tools.formats.spool import spooled
from mnist_tools.lists import name_some

TITLE: str = "NPZ"
CLASS_NAMES = "class_names"
MAX_NAMES_BYTES = 1 << 20
LAST_CHANGED = (1980, 1, 1, 0, 0, 0)  # a fixed time, so that equal arrays give equal bytes
ARRAY_NAMES = (
    re.compile(r"(?P<kind>[xyXY])_(?P<stem>.+)"),
    re.compile(r"(?P<stem>.+)_(?P<kind>images|labels)"),
)
FILE_NAME = re.compile(r"(?:.+-)?(?P<stem>\w+)-(?P<kind>imgs|labels)")
IMAGE_KINDS = ("x", "images", "imgs")


class Part(NamedTuple):
    """The images or the labels of a split; `kind` and `stem` are parts of its name."""

    kind: str
    stem: str
    member: Member

    @property
    def split_file(self) -> SplitFile:
        """Return the part of the name for the split, and the full name."""
        return SplitFile(self.stem, f"{self.member.name} in {self.member.file.name}")


class Pair(NamedTuple):
    """The arrays of a split."""

    images: Member
    labels: Member


def detect(path: Path) -> bool:
    """Check whether `path` is a .npz file or a folder with some."""
    return bool(files_in(path, ".npz"))


def read(request: Request) -> Source:
    """Open files by Keras, MedMNIST, KMNIST or `write`; rows are read in blocks."""
    path = request.path
    refuse_files_inside(path, ".npz")
    members = [member for file in files_in(path, ".npz") for member in list_members(file)]
    parts = [part for part in map(_part_of, members) if part is not None]
    if not parts:
        found = f"arrays {name_some([member.name for member in members]) or 'none'}"
        raise fault(str(path), found, "x_train with y_train, and so on", "rename them")
    named, pairs = _pairs_of(parts, path)
    for pair in pairs:
        _refuse_other_arrays(pair, request.resize)
    names = first_named(
        option=request.class_names,
        inside=None if request.class_names else _names_inside(members),
        beside=names_beside(path),
        default=_names_in_labels(pairs, path) or DIGITS,
    )
    readers = [partial(_chunks, pair, names.names, request.fitting) for pair in pairs]
    used = [part.member for part in parts]
    unused = [each.name for each in members if each not in used and each.name != CLASS_NAMES]
    notes = [f"{path}: the arrays {name_some(unused)} are left out"] if unused else []
    return make_source(TITLE, named, readers, names, resized=request.resize, notes=notes)


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write mnist.npz with x_<split>, y_<split> and class_names; -1 means no label."""
    with zipfile.ZipFile(folder / "mnist.npz", "w") as archive:
        for split, reader in splits.items():
            with spooled(reader, folder) as rows:
                shape = (len(rows.labels), *IMAGE_SHAPE)
                _write_array(archive, f"x_{split}", np.dtype(np.uint8), shape, rows.image_blocks())
                labels = rows.labels
                if (labels >= 0).all():
                    labels = labels.astype(np.uint8)
                _write_array(archive, f"y_{split}", labels.dtype, labels.shape, [labels])
        names = np.array([*class_names])
        _write_array(archive, CLASS_NAMES, names.dtype, names.shape, [names])
    return ()


def _part_of(member: Member) -> Part | None:
    patterns = (FILE_NAME,) if member.name == "arr_0" else ARRAY_NAMES
    text = member.file.stem if member.name == "arr_0" else member.name
    for pattern in patterns:
        if match := pattern.fullmatch(text):
            return Part(match["kind"].lower(), match["stem"], member)
    return None


def _pairs_of(parts: Sequence[Part], path: Path) -> tuple[SplitNames, list[Pair]]:
    """Match images and labels by split; return the splits and the pair of each."""
    images = [part for part in parts if part.kind in IMAGE_KINDS]
    labels = [part for part in parts if part.kind not in IMAGE_KINDS]
    image_names, label_names = _name_parts(images, path), _name_parts(labels, path)
    label_members = {
        name: part.member for name, part in zip(label_names.names, labels, strict=True)
    }
    alone = {*image_names.names} ^ {*label_names.names}
    if alone:
        split = min(alone)
        found = "labels without images" if split in label_members else "images without labels"
        raise fault(f"{path}, {split}", found, "both", "add the missing array")
    pairs = [
        Pair(part.member, label_members[name])
        for name, part in zip(image_names.names, images, strict=True)
    ]
    return image_names, pairs


def _name_parts(parts: Sequence[Part], path: Path) -> SplitNames:
    return name_splits([part.split_file for part in parts], path)


def _refuse_other_arrays(pair: Pair, resize: bool) -> None:
    images, labels = pair
    if images.dtype != np.uint8 or len(images.shape) < 2:
        found = f"images of {images.dtype} {sizes(images.shape)}"
        raise fault(images.place, found, "uint8 rows × 28 × 28", "convert them")
    refuse_other_shapes(images.shape, images.place, resize=resize)
    if labels.shape not in ((images.shape[0],), (images.shape[0], 1)):
        found = f"labels of {sizes(labels.shape)} for {images.shape[0]:,} images"
        raise fault(labels.place, found, "one for each image", "correct them")
    if labels.dtype.kind not in "iuU":
        found = f"labels of {labels.dtype}"
        raise fault(labels.place, found, "whole numbers or text", "number the classes from 0")


def _names_inside(members: Sequence[Member]) -> ClassNames | None:
    found = [member for member in members if member.name == CLASS_NAMES]
    names = [_read_names(member) for member in found]
    if len(set(names)) > 1:
        both = f"{found[0].file.name} and {found[-1].file.name}"
        raise fault(both, "different class names", "the same", "convert one at a time")
    return names[0] if names else None


def _read_names(member: Member) -> ClassNames:
    if len(member.shape) != 1 or member.dtype.kind != "U":
        found = f"{member.dtype} {sizes(member.shape)}"
        raise fault(member.place, found, "text in one dimension", "save the class names so")
    size = member.shape[0] * member.dtype.itemsize
    if size > MAX_NAMES_BYTES:
        found, expected = f"{size:,} bytes of class names", f"at most {MAX_NAMES_BYTES:,}"
        raise fault(member.place, found, expected, "correct the class names")
    names: list[object] = []
    for block in read_blocks(member, rows_per_block(member)):
        names.extend(block.tolist())
    return check_class_names(names, member.place, source=CLASS_NAMES)


def _names_in_labels(pairs: Sequence[Pair], path: Path) -> ClassNames | None:
    """Make class names from text labels; None if no labels are text."""
    place = f"{path}, labels"
    refuse_mixed_labels([pair.labels.dtype.kind == "U" for pair in pairs], place)
    texts: set[str] = set()
    for pair in pairs:
        if pair.labels.dtype.kind == "U":
            for block in read_blocks(pair.labels, rows_per_block(pair.labels)):
                texts.update(block.ravel().tolist())
    return sorted_class_names(texts, place) if texts else None


def _chunks(pair: Pair, class_names: Sequence[str], fitting: Fitting) -> Iterator[Chunk]:
    rows = rows_per_block(pair.images)
    blocks = zip(read_blocks(pair.images, rows), read_blocks(pair.labels, rows), strict=True)
    for images, labels in blocks:
        fitted = fit_arrays(images, pair.images.place, fitting)
        yield Chunk(fitted, numpy_labels(labels.reshape(-1), class_names, pair.labels.place))


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype,
    shape: tuple[int, ...],
    blocks: Iterable[np.ndarray],
) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy", LAST_CHANGED)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as stream:
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(block.tobytes())
