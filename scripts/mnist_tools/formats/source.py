"""The formats that convert.py reads and writes: for each a function that finds splits, and one that writes them."""

import collections
import dataclasses
import gzip
import hashlib
import io
import itertools
import json
import os
import pathlib
import re
import tempfile
import urllib.parse
import zipfile

import datasets
import numpy as np
import PIL.Image
import pyarrow
import pyarrow.csv
import pyarrow.parquet

import mnist_family
from mnist_tools.cards.measurements import verified_splits

CHUNK_ROWS = 1000
DIGITS = [str(digit) for digit in range(10)]
NAMED = ("dataset_meta.json", "labels.txt")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
LITTER = ("thumbs.db", "desktop.ini")
UNLABELLED = "_unlabelled"  # the folder of rows without a label; a class name that starts so is written otherwise
Resized = collections.namedtuple("Resized", "by files")

# A chunk is (images, labels): uint8 (rows, 28, 28), 0 background, and int16 (rows,), -1 where a row has no label.


@dataclasses.dataclass
class Found:
    """What a source holds: `splits` is {name: function that yields its chunks}; `notes` are for the user."""

    format: str
    splits: dict
    class_names: list
    named_by: str
    notes: list = dataclasses.field(default_factory=list)


def fault(subject, got, expected, remedy):
    return ValueError(f"{subject}: {got}, expected {expected}; {remedy}")


def find(source, class_names=None, resize=False):
    """What there is at a config's name, a folder or a file; `class_names` go before those that it has itself."""
    path = pathlib.Path(source)
    config = next((config for config in mnist_family.CONFIGS if config.name == source), None)
    if config:
        splits = verified_splits(config.name)
        return _idx_found(
            splits, class_names or [*config.class_names], "--class-names" if class_names else config.title
        )
    if not path.exists():
        raise fault(path, "no such file or folder", "one to read, or mnist, fashion, kmnist", "correct it")
    finders = (_find_idx, _find_csv, _find_npz, _find_parquet, _find_imagefolder)
    found = [kind for finder in finders if (kind := finder(path, class_names, resize))]
    if len(found) == 1:
        order = sorted(found[0].splits, key=lambda split: ({"train": 0, "test": 2}.get(split, 1), split))
        return dataclasses.replace(found[0], splits={split: found[0].splits[split] for split in order})
    looked = "IDX archives, CSV files, NPZ files, Parquet files, or folders of images by class"
    if found:
        raise fault(path, f"holds {' and '.join(kind.format for kind in found)}", "one of these", "give one by itself")
    raise fault(path, f"holds {_some(path)}", looked, "give their folder")


def _some(path):
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [path.name]
    return ", ".join(names[:5]) or "nothing"


def _names_beside(path):
    """(class names, the file that has them) in a folder or beside a file; (None, None) without."""
    folder = path if path.is_dir() else path.parent
    file = next((folder / name for name in NAMED if (folder / name).is_file()), None)
    return (mnist_family._class_names(str(file)), file.name) if file else (None, None)


def _split_name(stem):
    """A split's name from a file's, where the library that loads it would take another for none."""
    name = re.sub(r"\W", "_", stem)
    return {"t10k": "test", "": "train"}.get(name, name)


# --- IDX --------------------------------------------------------------------------------------------------------------


def _find_idx(path, class_names, _):
    folder = path if path.is_dir() else path.parent
    names = [path.name] if path.is_file() else os.listdir(path)
    if not any(mnist_family.ARCHIVE_NAME.fullmatch(name) for name in names):
        return None
    if path.is_file():
        raise fault(path, "one file of IDX", "the folder with images and labels", f"give {folder}")
    located, named, _ = mnist_family._locate(str(folder))
    names, whose = class_names or named, None
    for _, *pair in located:
        whose = next((found for file in pair if (found := mnist_family._whose(_content_md5(file)))), whose)
    config = whose[0] if whose else mnist_family.CONFIGS[0]
    by = "--class-names" if class_names else _names_beside(folder)[1] if named else config.title if whose else "digits"
    splits, notes = {}, []
    for split, images, labels in located:
        splits[split] = _verified(config, names or config.class_names, split, images, labels, notes)
    return _idx_found(splits, names or [*config.class_names], by, notes)


def _content_md5(path):
    with mnist_family._reading(path) as stream:
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in iter(lambda: mnist_family._read(stream, 1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _idx_found(splits, class_names, by, notes=()):
    readers = {name: lambda split=split: _idx_chunks(split, len(class_names)) for name, split in splits.items()}
    return Found("IDX", readers, class_names, by, [*notes])


def _verified(config, class_names, split, images, labels, notes):
    """The loader's description of a split; of one with Datumaro's count × 784, too, if all else is right."""
    with mnist_family._reading(images) as image_stream, mnist_family._reading(labels) as label_stream:
        got, rows = (mnist_family._rows(s, k) for s, k in ((image_stream, "images"), (label_stream, "labels")))
        if got != 784 * rows:
            return mnist_family._verify(config, len(class_names), split, images, labels)
        mnist_family._payload_md5(image_stream, (rows, 28, 28))
        mnist_family._payload_md5(label_stream, (rows,), len(class_names))
        note = (
            f"{images}: its header has {got:,} images, which is {rows:,} × 784 as Datumaro writes it; read as {rows:,}"
        )
        notes.append(note)
        return mnist_family.Split(split, images, labels, None, rows, len(class_names), False, True)


def _idx_chunks(split, num_classes):
    with mnist_family._reading(split.images) as images, mnist_family._reading(split.labels) as labels:
        images.read(16)
        labels.read(8)
        for first in range(0, split.rows, CHUNK_ROWS):
            rows = min(CHUNK_ROWS, split.rows - first)
            pixels = np.frombuffer(images.read(784 * rows), np.uint8).reshape(rows, 28, 28)
            numbers = np.frombuffer(labels.read(rows), np.uint8).astype(np.int16)
            if num_classes <= mnist_family.UNLABELLED:
                numbers[numbers == mnist_family.UNLABELLED] = -1
            yield pixels, numbers


def write_idx(folder, split, chunks, class_names):
    """The two archives of a split, the same bytes as mnist_family.write_idx, with a chunk in memory."""
    if len(class_names) > mnist_family.UNLABELLED:
        expected = f"at most {mnist_family.UNLABELLED} in IDX, where that number means no label"
        raise fault(folder.name, f"{len(class_names)} classes", expected, "leave some out with --only-classes")
    name = {"test": "t10k"}.get(split, split)
    with tempfile.TemporaryFile() as pixels, tempfile.TemporaryFile() as numbers:
        rows = 0
        for images, labels in chunks:
            pixels.write(np.ascontiguousarray(images))
            numbers.write(np.where(labels < 0, mnist_family.UNLABELLED, labels).astype(np.uint8))
            rows += len(labels)
        for kind, payload, shape in (("images-idx3", pixels, (rows, 28, 28)), ("labels-idx1", numbers, (rows,))):
            payload.seek(0)
            with (
                open(folder / f"{name}-{kind}-ubyte.gz", "wb") as file,
                gzip.GzipFile("", "wb", mnist_family.GZIP_LEVEL, file, mtime=0) as packed,
            ):
                packed.write(mnist_family._header_bytes(np.dtype(np.uint8), shape))
                for chunk in iter(lambda: payload.read(1 << 20), b""):  # noqa: B023
                    packed.write(chunk)


# --- CSV: a line a row, the label, then 784 values --------------------------------------------------------------------


def _find_csv(path, class_names, _):
    files = _files(path, ".csv")
    if not files:
        return None
    beside, by = _names_beside(path)
    names = class_names or beside or DIGITS
    by = "--class-names" if class_names else by or "digits"
    splits = {_split_name(file.stem.removeprefix("mnist_")): file for file in files}
    if len(splits) < len(files):
        raise fault(path, f"{', '.join(file.name for file in files)}", "a file for each split", "rename them")
    return Found("CSV", {name: lambda file=file: _csv_chunks(file) for name, file in splits.items()}, names, by)


def _files(path, suffix):
    if path.is_file():
        return [path] * (path.suffix.lower() == suffix)
    return sorted(file for file in path.iterdir() if file.suffix.lower() == suffix and not file.name.startswith("."))


def _csv_chunks(file):
    with open(file, encoding="utf-8-sig") as lines:
        first = lines.readline().strip().split(",")
    header, columns = not re.fullmatch(r"\s*-?\d+\s*", first[0]), len(first)
    labelled = columns == 785
    if columns == 1:
        raise fault(file, "labels without images", "785 values in each line", "export it with its images")
    if columns not in (784, 785):
        raise fault(file, f"{columns} values in the first line", "785, or 784 without labels", "correct the file")
    names = [str(column) for column in range(columns)]
    read = pyarrow.csv.ReadOptions(column_names=names, skip_rows=int(header), block_size=4 << 20)
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.int16()), null_values=[])
    row = 0
    try:
        with pyarrow.csv.open_csv(file, read, convert_options=convert) as reader:
            for batch in reader:
                values = np.stack([column.to_numpy() for column in batch.columns], axis=1)
                labels = values[:, 0] if labelled else np.full(len(values), -1, np.int16)
                pixels = values[:, int(labelled) :]
                wrong = np.argwhere((pixels < 0) | (pixels > 255))
                if len(wrong):
                    at, column = wrong[0]
                    got = f"the value {pixels[at, column]} of pixel {column} in row {row + at}"
                    raise fault(file, got, "0 to 255", "correct the file")
                for start in range(0, len(values), CHUNK_ROWS):
                    images = pixels[start : start + CHUNK_ROWS].astype(np.uint8).reshape(-1, 28, 28)
                    yield images, labels[start : start + CHUNK_ROWS].astype(np.int16)
                row += len(values)
    except pyarrow.ArrowInvalid as error:
        got = " ".join(str(error).split())[:200]
        raise fault(file, got, f"{columns} whole numbers in each line", f"correct the file after row {row}") from None


def _texts(end, *more):
    """uint8 (256, 4), or more: the decimal digits of each number and `end`, filled up with zeros."""
    texts = np.array([f"{number}{end}" for number in (*range(256), *more)], "S4")
    return texts.view(np.uint8).reshape(-1, 4)


LABEL_TEXTS, PIXEL_TEXTS, LAST_TEXTS = _texts(",", -1), _texts(","), _texts("\n")  # -1 is the last of the labels'


def write_csv(folder, split, chunks, class_names):
    """mnist_<split>.csv, without a header."""
    with open(folder / f"mnist_{split}.csv", "wb") as file:
        for images, labels in chunks:
            pixels = images.reshape(-1, 784)
            texts = LABEL_TEXTS[labels], PIXEL_TEXTS[pixels[:, :-1]].reshape(len(labels), -1), LAST_TEXTS[pixels[:, -1]]
            line = np.concatenate(texts, axis=1)
            file.write(line[line != 0].tobytes())


# --- Image folders: <split>/<class>/<file> ----------------------------------------------------------------------------


def _find_imagefolder(path, class_names, resize):
    if not path.is_dir():
        return None
    folders = _folders(path)
    nested = any(_folders(folder) for folder in folders)
    splits = {_split_name(folder.name): folder for folder in folders} if nested else {"train": path}
    if nested and any(_has_images(folder) for folder in folders):
        mixed = next(folder for folder in folders if _has_images(folder))
        raise fault(mixed, "has images beside folders of classes", "<split>/<class>/<image>", "sort them into classes")
    classes = {folder.name for split in splits.values() for folder in _folders(split)} if folders else set()
    if not any(_has_images(folder) for split in splits.values() for folder in _folders(split)):
        return None
    beside, by = _names_beside(path)
    names = class_names or beside or sorted(_class_name(name) for name in classes - {UNLABELLED})
    by = "--class-names" if class_names else by or "folders"
    places = {folder_name(name): label for label, name in enumerate(names)} | {UNLABELLED: -1}
    places |= {name: label for label, name in enumerate(names) if name not in places}
    if strange := sorted(classes - {*places}):
        raise fault(path / strange[0], "a folder of no class", f"one of {', '.join(names[:5])} …", f"name it in {by}")
    readers, resized = {}, []
    for split, folder in splits.items():
        readers[split] = lambda folder=folder: _image_chunks(folder, places, resize, resized)
    return Found("image folder", readers, names, by, resized)


def _folders(path):
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _has_images(folder):
    return any(entry.suffix.lower() in IMAGES and entry.is_file() for entry in folder.iterdir())


def _image_chunks(split, places, resize, resized):
    files = []
    for folder in _folders(split):
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name.lower() not in LITTER:
                    files.append((entry.name, folder.name))
    numbered = all(name.partition(".")[0].isdigit() for name, _ in files)  # as they are written here: by row
    files.sort(key=(lambda file: (int(file[0].partition(".")[0]), file)) if numbered else lambda file: file[::-1])
    for start in range(0, len(files), CHUNK_ROWS):
        chunk = files[start : start + CHUNK_ROWS]
        images = [_image(split / folder / name, resize, resized) for name, folder in chunk]
        yield np.array(images, np.uint8).reshape(-1, 28, 28), np.array([places[f] for _, f in chunk], np.int16)


def _image(path, resize, resized):
    try:
        with PIL.Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise fault(
            path, f"no image ({type(error).__name__})", "one of 28 × 28 in mode L", "remove or mend it"
        ) from None
    return _fitting(image, path, resize, resized)


def _fitting(image, place, resize, resized):
    """uint8 (28, 28) of an image in mode L and that size, or with `resize` of any."""
    if image.mode == "L" and image.size == (28, 28):
        return np.asarray(image)
    got = f"{image.width} × {image.height} in mode {image.mode}"
    if not resize or image.mode.startswith(("I", "F")):
        remedy = "save it so" if resize else "pass --resize to scale images and to take the luminance of colours"
        raise fault(place, got, "28 × 28 in mode L", remedy)
    if not resized:
        resized.append("images of other sizes or modes are scaled to 28 × 28 (Lanczos) and to grey (luminance)")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "black"), image)
    return np.asarray(image.convert("L").resize((28, 28), PIL.Image.Resampling.LANCZOS))


def folder_name(class_name):
    """A class name as the name of a folder: what no folder may be called is written %XX, as in URLs."""
    name = "".join(c if re.match(r"[^\x00-\x1f\x7f<>:\"/\\|?*%]", c) else urllib.parse.quote(c, "") for c in class_name)
    name = re.sub(r"[. ]$|^[._ ]", lambda c: f"%{ord(c[0]):02X}", name)
    reserved = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, re.IGNORECASE)
    return f"%{ord(name[0]):02X}{name[1:]}" if reserved else name


def _class_name(folder):
    """The class name whose `folder_name` this is; of other folders, their own."""
    name = urllib.parse.unquote(folder)
    return name if folder_name(name) == folder else folder


def write_imagefolder(folder, split, chunks, class_names):
    """<split>/<class>/<row>.png, for every class a folder."""
    places = [folder_name(name) for name in class_names]
    if len({place.casefold() for place in places}) < len(places):
        twice = next(place for place in places if [p.casefold() for p in places].count(place.casefold()) > 1)
        raise fault(twice, "two classes would have this folder on some systems", "names that differ", "rename one")
    if long := next((place for place in places if len(place.encode()) > 255), None):
        raise fault(f"{long[:20]}…", "a name too long for a folder", "at most 255 bytes", "shorten it")
    for place in places:
        (folder / split / place).mkdir(parents=True)
    row = 0
    for images, labels in chunks:
        if (labels < 0).any():
            (folder / split / UNLABELLED).mkdir(exist_ok=True)
        for png, label in zip(mnist_family._pngs(images), labels.tolist(), strict=True):
            place = places[label] if label >= 0 else UNLABELLED
            with open(folder / split / place / f"{row:08}.png", "wb") as file:
                file.write(png)
            row += 1


# --- NPZ: x_<split> and y_<split> in one file, as Keras has it, or KMNIST's file for each array -----------------------


def _find_npz(path, class_names, resize):
    arrays, resized = {}, []
    for file in _files(path, ".npz"):
        try:
            with np.load(file, allow_pickle=False) as content:
                arrays.update({_npz_key(file, name): content[name] for name in content.files})
        except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
            raise fault(file, f"no NPZ of plain arrays ({error})", "uint8 images and labels", "mend it") from None
    if not arrays:
        return None
    beside, by = arrays.pop("class_names", None), "class_names"
    named, file = _names_beside(path)
    names = class_names or (beside.tolist() if beside is not None else None) or named or DIGITS
    by = "--class-names" if class_names else by if beside is not None else file or "digits"
    splits = {}
    for split in dict.fromkeys(key[1] for key in arrays if isinstance(key, tuple)):
        images, labels = arrays.get(("x", split)), arrays.get(("y", split))
        place = f"{path}, {split}"
        _check_arrays(place, images, labels, resize)
        splits[_split_name(split)] = lambda arrays=(images, labels, place): _array_chunks(*arrays, resize, resized)
    if not splits:
        raise fault(path, f"arrays {', '.join(map(str, arrays))}", "x_train with y_train, and so on", "rename them")
    return Found("NPZ", splits, names, by, resized)


def _npz_key(file, name):
    if match := re.fullmatch(r"([xy])_(\w+)", name):
        return match[1], match[2]
    if name == "arr_0" and (match := re.fullmatch(r"(?:\w+-)?(\w+)-(imgs|labels)", file.stem)):
        return {"imgs": "x", "labels": "y"}[match[2]], match[1]
    return name


def _check_arrays(place, images, labels, resize):
    if images is None or labels is None:
        got = "images without labels" if labels is None else "labels without images"
        raise fault(place, got, "both", "add the missing array")
    fitting = images.shape[1:] in ((28, 28), (28, 28, 1)) or (resize and images.shape[3:] in ((), (1,), (3,), (4,)))
    if images.dtype != np.uint8 or images.ndim < 3 or not fitting:
        got = f"images of {images.dtype} {' × '.join(map(str, images.shape))}"
        raise fault(place, got, "uint8 rows × 28 × 28", "convert them, or pass --resize for uint8 of other sizes")
    if labels.ndim != 1 or len(labels) != len(images) or not np.issubdtype(labels.dtype, np.integer):
        got = f"labels of {labels.dtype} {' × '.join(map(str, labels.shape))}"
        raise fault(place, got, f"{len(images):,} whole numbers", "correct them")


def _array_chunks(images, labels, place, resize, resized):
    images = images[..., 0] if images.shape[3:] == (1,) else images
    for start in range(0, len(images), CHUNK_ROWS):
        chunk = images[start : start + CHUNK_ROWS]
        if chunk.shape[1:] != (28, 28):
            chunk = np.stack([_fitting(PIL.Image.fromarray(image), place, resize, resized) for image in chunk])
        yield chunk, labels[start : start + CHUNK_ROWS].astype(np.int16)


def write_npz(folder, splits, class_names):
    """mnist.npz with x_<split>, y_<split> and class_names; it takes all rows into memory."""
    arrays = {"class_names": np.array(class_names)}
    for split, chunks in splits.items():
        images, labels = zip(*chunks(), strict=True)
        labels = np.concatenate(labels)
        fits = labels.min(initial=0) >= 0 and labels.max(initial=0) <= 255
        arrays[f"x_{split}"] = np.concatenate(images)
        arrays[f"y_{split}"] = labels.astype(np.uint8 if fits else np.int16)
    np.savez_compressed(folder / "mnist.npz", **arrays)


# --- Parquet: the columns image and label -----------------------------------------------------------------------------


def _find_parquet(path, class_names, resize):
    files = _files(path, ".parquet")
    if not files and path.is_dir():
        below = {folder.name: _files(folder, ".parquet") for folder in _folders(path)}
        below = {name: each for name, each in below.items() if each}
        if len(below) > 1:
            raise fault(path, f"holds {', '.join(below)}", "one of them", f"give {path / min(below)} or another")
        files = next(iter(below.values()), [])
    if not files:
        return None
    splits, inside = {}, None
    for file in files:
        try:
            schema = pyarrow.parquet.read_schema(file)
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise fault(file, f"no Parquet ({error})", "a Parquet file", "get it again") from None
        if not {"image", "label"} <= {*schema.names}:
            raise fault(file, f"columns {', '.join(schema.names)}", "image and label", "rename them")
        label = datasets.Features.from_arrow_schema(schema)["label"]
        inside = inside or (label.names if isinstance(label, datasets.ClassLabel) else None)
        name = re.sub(r"-\d{5}-of-\d{5}$", "", file.stem)
        splits.setdefault(_split_name(name), []).append(file)
    beside, by = _names_beside(path)
    names = class_names or inside or beside or DIGITS
    by = "--class-names" if class_names else "ClassLabel" if inside else by or "digits"
    resized = []
    readers = {name: lambda name=name: _parquet_chunks(splits[name], resize, resized) for name in splits}
    return Found("Parquet", readers, names, by, resized)


def _parquet_chunks(files, resize, resized):
    for file in files:
        row = 0
        for batch in _parquet_batches(file):
            images = []
            for number, value in enumerate(batch["image"].to_pylist(), row):
                content, place = value["bytes"] if isinstance(value, dict) else value, f"{file}, row {number}"
                try:
                    image = PIL.Image.open(io.BytesIO(content))
                    image.load()
                except (OSError, TypeError, ValueError, SyntaxError) as error:
                    got = f"no image ({type(error).__name__})"
                    raise fault(place, got, "one of 28 × 28 in mode L", "mend it") from None
                images.append(_fitting(image, place, resize, resized))
            labels = [-1 if label is None else label for label in batch["label"].to_pylist()]
            yield np.array(images, np.uint8).reshape(-1, 28, 28), np.array(labels).astype(np.int16)
            row += len(labels)


def _parquet_batches(file):
    """By row groups, for a reader of them all may hold them all."""
    with pyarrow.parquet.ParquetFile(file, pre_buffer=False) as opened:
        for group in range(opened.num_row_groups):
            yield from opened.iter_batches(CHUNK_ROWS, row_groups=[group], columns=["image", "label"])


def write_parquet(folder, split, chunks, class_names):
    """data/<split>-00000-of-00001.parquet: by that folder's name `datasets` keeps the names of splits."""
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=[*class_names])})
    schema = features.arrow_schema
    (folder / "data").mkdir(exist_ok=True)
    with pyarrow.parquet.ParquetWriter(folder / "data" / f"{split}-00000-of-00001.parquet", schema) as writer:
        for images, labels in chunks:
            files = [{"bytes": png, "path": None} for png in mnist_family._pngs(images)]
            columns = [pyarrow.array(files, schema.field("image").type), pyarrow.array(labels, pyarrow.int64())]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


# --- All of them ------------------------------------------------------------------------------------------------------

WRITERS = {"idx": write_idx, "csv": write_csv, "imagefolder": write_imagefolder, "npz": None, "parquet": write_parquet}


def write(folder, format_, splits, class_names):
    """Write {split: function that yields chunks} in a format, and the class names beside it, in their order."""
    if format_ == "npz":
        write_npz(folder, splits, class_names)
    for split, chunks in splits.items() if format_ != "npz" else ():
        WRITERS[format_](folder, split, chunks(), class_names)
    if len(class_names) > 0 and all("\n" not in name and name == name.strip() for name in class_names):
        (folder / "labels.txt").write_text("".join(f"{name}\n" for name in class_names), encoding="utf-8", newline="\n")
    if format_ in ("idx", "csv"):
        meta = json.dumps({"labels": [*class_names]}, ensure_ascii=False)
        (folder / "dataset_meta.json").write_text(meta + "\n", encoding="utf-8", newline="\n")


def rechunked(chunks):
    """The same rows in chunks of CHUNK_ROWS, the last one smaller."""
    images, labels = np.empty((0, 28, 28), np.uint8), np.empty(0, np.int16)
    for more_images, more_labels in itertools.chain(chunks, [(images, labels)]):
        images, labels = np.concatenate([images, more_images]), np.concatenate([labels, more_labels])
        while len(labels) >= CHUNK_ROWS or (len(more_labels) == 0 and len(labels)):
            yield images[:CHUNK_ROWS], labels[:CHUNK_ROWS]
            images, labels = images[CHUNK_ROWS:], labels[CHUNK_ROWS:]
