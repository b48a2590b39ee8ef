"""Image folders: <split>/<class>/<image>, or <class>/<image> for a single split."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_family import IMAGE_SHAPE, Chunk, ClassNames, check_class_names, encode_pngs, fault
from mnist_tools.formats.class_folders import (
    UNLABELLED_FOLDER,
    class_name,
    folder_name,
    notes_for_readers,
)
from mnist_tools.formats.class_names import (
    DIGITS,
    first_named,
    names_beside,
    write_class_names,
)
from mnist_tools.formats.files import folders_in, is_litter, refuse_wrong_file
from mnist_tools.formats.images import SUFFIXES, Fitting, decode_image
from mnist_tools.formats.source import (
    ROWS_PER_CHUNK,
    Reader,
    Request,
    Source,
    WriteOptions,
    make_source,
)
from mnist_tools.formats.split_names import USUAL_NAMES, SplitFile, name_splits
from mnist_tools.lists import name_some
from mnist_tools.manifest import MANIFEST

TITLE: str = "image folder"
BUILT_PICTURES = "pictures"  # the folder of a card's pictures, which `build` writes beside rows
ROW_NUMBER = re.compile(r"([0-9]+)\.")


class ImageFile(NamedTuple):
    """An image file and the folder of its class."""

    name: str
    folder: str


def detect(path: Path) -> bool:
    """Check whether `path` is a folder with images in subfolders, one or two levels down."""
    if not path.is_dir():
        return False
    folders = folders_in(path)
    if (path / MANIFEST).is_file():
        folders = [folder for folder in folders if folder.name != BUILT_PICTURES]
    return any(_has_images(each) for folder in folders for each in (folder, *folders_in(folder)))


def read(request: Request) -> Source:
    """Open a tree of images; rows are ordered by number, or else by class and name."""
    path = request.path
    folders = folders_in(path)
    has_splits = any(folders_in(folder) for folder in folders)
    _refuse_stray_images([path, *folders] if has_splits else [path])
    split_folders = folders if has_splits else [path]
    stems = [_stem(folder, has_splits) for folder in split_folders]
    named = name_splits(stems, path)
    classes = sorted({each.name for folder in split_folders for each in folders_in(folder)})
    _refuse_splits_as_classes(classes, path)
    names = first_named(
        option=request.class_names,
        inside=None,
        beside=names_beside(path),
        default=_names_of_folders(classes, path),
    )
    labels = _labels_of_folders(names.names)
    _refuse_other_folders(classes, labels, names, path)
    readers = [partial(_chunks, folder, labels, request.fitting) for folder in split_folders]
    notes = [note for folder in split_folders for note in _notes_on_empty(folder)]
    return make_source(TITLE, named, readers, names, resized=request.resize, notes=notes)


def write(
    folder: Path,
    splits: Mapping[str, Reader],
    class_names: Sequence[str],
    options: WriteOptions,
) -> tuple[str, ...]:
    """Write <split>/<class>/<row>.png, with a folder for every class; <row> has 8 digits."""
    places = [folder_name(name) for name in class_names]
    unlabelled = 0
    for split, reader in splits.items():
        (folder / split).mkdir()
        for place, name in zip(places, class_names, strict=True):
            _make_class_folder(folder / split / place, name)
        unlabelled += _write_split(folder / split, places, reader)
    write_class_names(folder, class_names)
    return notes_for_readers(class_names, places, unlabelled)


def _has_images(folder: Path) -> bool:
    return any(_is_image(entry) for entry in folder.iterdir())


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not is_litter(path.name) and path.is_file()


def _refuse_stray_images(folders: Sequence[Path]) -> None:
    for folder in folders:
        stray = sorted(entry.name for entry in folder.iterdir() if _is_image(entry))
        if stray:
            found = f"{name_some(stray)} beside folders of images"
            remedy = "move each image into the folder of its class, or elsewhere"
            raise fault(str(folder), found, "<split>/<class>/<image> or <class>/<image>", remedy)


def _stem(folder: Path, has_splits: bool) -> SplitFile:
    """Return the part of a folder's name for the split: classes may be in a folder of any name."""
    name = folder.resolve().name
    return SplitFile(name if has_splits or name.lower() in USUAL_NAMES else "", folder.name)


def _refuse_other_folders(
    folders: Sequence[str], labels: Mapping[str, int], names: ClassNames, path: Path
) -> None:
    for folder in folders:
        if folder not in labels:
            found = f"the folder {folder} of no class"
            expected = f"one of {name_some(names.names)}"
            raise fault(str(path), found, expected, f"name it in {names.source}")


def _notes_on_empty(split: Path) -> list[str]:
    empty = [folder.name for folder in folders_in(split) if not any(folder.iterdir())]
    return [f"{split}: nothing in the class folders {name_some(empty)}"] if empty else []


def _refuse_splits_as_classes(folders: Sequence[str], path: Path) -> None:
    """Raise ValueError for images that are in folders of splits, and so have no class."""
    if folders and {folder.lower() for folder in folders} <= {*USUAL_NAMES}:
        found = f"images in {name_some(folders)}, which are names of splits"
        remedy = f"move them into class folders, or into {UNLABELLED_FOLDER} in each"
        raise fault(str(path), found, "<split>/<class>/<image> or <class>/<image>", remedy)


def _names_of_folders(folders: Sequence[str], path: Path) -> ClassNames:
    named = sorted(class_name(folder) for folder in folders if folder != UNLABELLED_FOLDER)
    if not named:
        return DIGITS
    return check_class_names(named, str(path), source="folders")


def _labels_of_folders(names: Sequence[str]) -> dict[str, int]:
    """Map folder names, quoted or plain, to labels; the folder of unlabelled rows maps to -1."""
    labels = {name: label for label, name in enumerate(names)}
    labels |= {folder_name(name): label for label, name in enumerate(names)}
    return labels | {UNLABELLED_FOLDER: -1}


def _chunks(split: Path, labels: Mapping[str, int], fitting: Fitting) -> Iterator[Chunk]:
    files = _ordered_files(split)
    for start in range(0, len(files), ROWS_PER_CHUNK):
        chunk = files[start : start + ROWS_PER_CHUNK]
        images = [_read_image(f"{split}/{file.folder}/{file.name}", fitting) for file in chunk]
        numbers = np.array([labels[file.folder] for file in chunk], np.int64)
        yield Chunk(np.array(images, np.uint8).reshape(-1, *IMAGE_SHAPE), numbers)


def _ordered_files(split: Path) -> list[ImageFile]:
    files = [
        ImageFile(name, folder.name) for folder in folders_in(split) for name in _files_of(folder)
    ]
    if all(_row_number(file) is not None for file in files):
        return sorted(files, key=lambda file: (_row_number(file) or 0, file))
    return sorted(files, key=lambda file: (file.folder, file.name))


def _files_of(class_folder: Path) -> list[str]:
    """List the files of a class; ValueError for anything that is no regular file."""
    with os.scandir(class_folder) as entries:
        found = [entry for entry in entries if not is_litter(entry.name)]
    for entry in found:
        if entry.is_dir():
            remedy = "move its images into the folder of a class"
            raise fault(entry.path, "a folder in the folder of a class", "images", remedy)
        if not entry.is_file():
            refuse_wrong_file(Path(entry.path), "an image")
    return [entry.name for entry in found]


def _row_number(file: ImageFile) -> int | None:
    match = ROW_NUMBER.match(file.name)
    return int(match[1]) if match else None


def _read_image(path: str, fitting: Fitting) -> np.ndarray:
    with open(path, "rb") as file:
        try:
            return decode_image(file, path, fitting)
        except ValueError:
            refuse_wrong_file(Path(path), "an image")
            raise


def _make_class_folder(place: Path, name: str) -> None:
    try:
        place.mkdir()
    except FileExistsError:
        found = f"the classes {name!r} and another with one folder on this file system"
        raise fault("image folder", found, "names that differ", "rename one") from None
    except OSError as error:
        found = f"the class {name!r:.40}, which cannot be a folder ({error.strerror})"
        raise fault("image folder", found, "a shorter name", "rename it") from None


def _write_split(folder: Path, places: Sequence[str], reader: Reader) -> int:
    """Write the images of a split; return how many have no label."""
    row = unlabelled = 0
    for chunk in reader():
        if (chunk.labels < 0).any():
            (folder / UNLABELLED_FOLDER).mkdir(exist_ok=True)
            unlabelled += int((chunk.labels < 0).sum())
        for png, label in zip(encode_pngs(chunk.images), chunk.labels.tolist(), strict=True):
            place = places[label] if label >= 0 else UNLABELLED_FOLDER
            with open(f"{folder}/{place}/{row:08}.png", "wb") as file:
                file.write(png)
            row += 1
    return unlabelled
