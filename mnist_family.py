"""Load MNIST, Fashion-MNIST and Kuzushiji-MNIST with Hugging Face `datasets`.

    datasets.load_dataset("./mnist_family.py", "fashion")  # datasets 2.19 to 3.6
    mnist_family.load("fashion")  # datasets 2.19 and newer

Rows come from the original IDX archives: the published ones, or any folder of your own. A row has
`image`, which decodes to a PIL image (mode L, 28 × 28, 0 = background), and `label`, a ClassLabel.

The sections follow the data: facts, locate, fetch, verify, generate, load. The IDX format itself
comes last.
"""

import base64
import contextlib
import dataclasses
import functools
import gzip
import hashlib
import http.client
import io
import itertools
import json
import logging
import math
import netrc
import os
import re
import shutil
import socket
import stat
import struct
import tempfile
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, overload

import datasets
import filelock
import multiprocess  # type: ignore[import-untyped]  # it publishes no types
import numpy as np

__all__ = [
    "CLASS_NAME_FILES",
    "CONFIGS",
    "IMAGE_SHAPE",
    "MAX_CLASSES",
    "SOURCE_DIGEST",
    "UNLABELLED",
    "Archive",
    "ArchiveDigest",
    "ArchivePair",
    "Arrays",
    "Chunk",
    "ClassNames",
    "DiskSplit",
    "FamilyConfig",
    "IdxArray",
    "Located",
    "LocatedParts",
    "LocatedSplit",
    "MirrorArchive",
    "MirrorSplit",
    "MnistFamily",
    "PartName",
    "PartedSplit",
    "PublishedArchive",
    "Stamp",
    "arrays",
    "check_class_names",
    "check_config_name",
    "config_known_as",
    "digest_archive",
    "encode_pngs",
    "escape_controls",
    "fault",
    "find_config",
    "find_published",
    "inspect",
    "load",
    "locate",
    "open_idx",
    "order_parts",
    "order_splits",
    "read_chunks",
    "read_class_names",
    "read_idx",
    "read_part_name",
    "verified_splits",
    "verify",
    "write_idx",
]

T = TypeVar("T")
logger = logging.getLogger(__name__)

# --- Facts: a dataset is one entry of CONFIGS -----------------------------------------------------


class Archive(NamedTuple):
    """A published file: size and sha256 of the .gz, MD5 of the IDX file inside it."""

    file: str
    bytes: int
    sha256: str
    md5: str


class ArchivePair(NamedTuple):
    """The two published files of a split."""

    images: Archive
    labels: Archive


@dataclasses.dataclass
class FamilyConfig(datasets.BuilderConfig):
    """A dataset of the family: `mirrors` are URLs ending in a slash, `archives` is by split."""

    title: str = ""
    class_names: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    archives: dict[str, ArchivePair] = dataclasses.field(default_factory=dict)
    homepage: str = ""
    license: str = ""
    citation: str = ""


def _archives(table: str) -> dict[str, ArchivePair]:
    """Parse the table of a dataset's four archives: bytes, MD5 and sha256 of each.

    All three publishers use the same file names. The order is train images, train labels, test
    images, test labels.
    """
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    words = table.split()
    files = [
        Archive(f"{name}-ubyte.gz", int(size), sha256, md5)
        for name, size, md5, sha256 in zip(
            names, words[0::3], words[1::3], words[2::3], strict=True
        )
    ]
    return {"train": ArchivePair(*files[:2]), "test": ArchivePair(*files[2:])}


CONFIGS: list[FamilyConfig] = [
    FamilyConfig(
        name="mnist",
        version=datasets.Version("1.0.0"),
        title="MNIST",
        description="Handwritten digits that LeCun, Cortes and Burges took from two NIST "
        "collections: 60,000 training and 10,000 test images; no writer appears in both splits. "
        "Classes are slightly unequal.",
        class_names=tuple("0123456789"),
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        archives=_archives("""
            9912422 6bbc9ace898e44ae57da46a324031adb
            440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
            28881 a25bea736e30d166cdddb491f175f624
            3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
            1648877 2646ac647ad5339dbf082846283269ea
            8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
            4542 27ae3e4e09519cfbb04c329615203637
            f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6
        """),
        homepage="http://yann.lecun.com/exdb/mnist/",
        license="unknown",  # the publisher states none
        citation="""@misc{lecun1998mnist,
  author = {LeCun, Yann and Cortes, Corinna and Burges, Christopher J. C.},
  title = {The {MNIST} Database of Handwritten Digits},
  howpublished = {\\url{http://yann.lecun.com/exdb/mnist/}}, year = {1998}
}""",
    ),
    FamilyConfig(
        name="fashion",
        version=datasets.Version("1.0.0"),
        title="Fashion-MNIST",
        description="Product images from Zalando's catalogue, made as a harder drop-in replacement "
        "for MNIST: 60,000 training and 10,000 test images. Classes are equal.",
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        archives=_archives("""
            26421880 f4a8712d7a061bf5bd6d2ca38dc4d50a
            3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
            29515 9018921c3c673c538a1fc5bad174d6f9
            a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
            4422102 8181f5470baa50b63fa0f6fddb340f0a
            346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
            5148 15d484375f8d13e6eb1aabb0c3f46965
            67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5
        """),
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        license="mit",
        citation="""@misc{xiao2017fashion,
  author = {Xiao, Han and Rasul, Kashif and Vollgraf, Roland},
  title = {{Fashion-MNIST}: a Novel Image Dataset for Benchmarking Machine Learning Algorithms},
  year = {2017}, eprint = {1708.07747}, archivePrefix = {arXiv}, primaryClass = {cs.LG}
}""",
    ),
    FamilyConfig(
        name="kmnist",
        version=datasets.Version("1.0.0"),
        title="Kuzushiji-MNIST",
        description="Cursive characters (kuzushiji) from pre-modern Japanese books, one hiragana "
        "for each of ten classes: 60,000 training and 10,000 test images. Classes are equal, as "
        "the publisher counts them.",
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        mirrors=(
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://huggingface.co/datasets/tanganke/kmnist/resolve/"
            "756d43e894032ce8838db8b32e7500c9c3b5d050/raw/",
        ),
        archives=_archives("""
            18165135 92be26ec9822e900ac425d0a0aa84ced
            51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4
            29497 949e75301f8813e0dc5800dcc320fc52
            e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17
            3041136 bf305b8cd328700fbc17f5acbc2856d2
            edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5
            5120 9f55f451c0988b028eccdf7d5cc265ab
            20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c
        """),
        homepage="http://codh.rois.ac.jp/kmnist/",
        license="cc-by-sa-4.0",
        citation="""@misc{clanuwat2018deep,
  author = {Clanuwat, Tarin and Bober-Irizar, Mikel and Kitamoto, Asanobu and Lamb, Alex and
    Yamamoto, Kazuaki and Ha, David},
  title = {Deep Learning for Classical {Japanese} Literature},
  year = {2018}, eprint = {1812.01718}, archivePrefix = {arXiv}, primaryClass = {cs.CV}
}""",
    ),
]

with io.open(__file__, encoding="utf-8") as _script:
    # Comments are left out, as in the hash that `datasets` makes of a script.
    SOURCE_DIGEST = hashlib.sha256(re.sub("#.*", "", _script.read()).encode()).hexdigest()


class PublishedArchive(NamedTuple):
    """A published file with its config and split."""

    config: FamilyConfig
    split: str
    archive: Archive


def fault(subject: object, found: str, expected: str, remedy: str) -> ValueError:
    """Return an error that says what was found, what was expected and what to do.

    The message is one line that is safe to print: file names and contents may be untrusted.
    """
    return ValueError(escape_controls(f"{subject}: {found}, expected {expected}; {remedy}"))


def escape_controls(text: str) -> str:
    """Escape characters that could end the line, move the cursor or reverse the text direction."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


CONFIG_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def find_config(name: str) -> FamilyConfig:
    """Return the config of this name; ValueError lists the valid names."""
    for config in CONFIGS:
        if config.name == name:
            return config
    names = ", ".join(config.name for config in CONFIGS)
    meant = config_known_as(str(name))
    remedy = "correct the name, or give the folder of a dataset of your own as data_dir"
    if meant is not None:
        remedy = f"did you mean {meant.name!r}?"
    raise fault(f"config {name!r}", "unknown", f"one of {names}", remedy)


def config_known_as(name: str) -> FamilyConfig | None:
    """Find a config by another name of its dataset, such as fashion_mnist or ylecun/mnist.

    Only the spelling may differ: EMNIST and QMNIST resemble MNIST but are other datasets.
    """
    for config in CONFIGS:
        if _letters(name) in (_letters(config.name), _letters(config.title)):
            return config
    return None


def _letters(name: str) -> str:
    """Return the letters and digits of a name without its owner, in lower case."""
    return re.sub(r"[\W_]", "", name.rpartition("/")[2].lower())


def check_config_name(name: str, subject: object, *, remedy: str = "choose another name") -> None:
    """Raise ValueError, which starts with `subject`, unless one's own dataset may have this name.

    The name becomes part of paths, so it may hold only letters, digits, `_`, `.` and `-`.
    """
    if not CONFIG_NAME.fullmatch(name) or name.lower() == "all":
        expected = "a letter or digit, then letters, digits, '_', '.' or '-', and not 'all'"
        raise fault(subject, f"the name {name!r:.80}", expected, remedy)


def _config_of(name: str, data_dir: object) -> FamilyConfig:
    """Return the config of this name, or a new one for a dataset of one's own in `data_dir`.

    A new config has no published archives and no class names.
    """
    known = any(config.name == name for config in CONFIGS)
    if known or data_dir is None or config_known_as(str(name)) is not None:
        return find_config(name)
    check_config_name(str(name), f"config {name!r}")
    return FamilyConfig(name=name, title=name)


def find_published(digest: str) -> PublishedArchive | None:
    """Find a published archive by the sha256 of its .gz or by the MD5 of the IDX file inside."""
    for published in _published_archives():
        if digest in (published.archive.sha256, published.archive.md5):
            return published
    return None


def _published_archives() -> Iterator[PublishedArchive]:
    for config in CONFIGS:
        for split, pair in config.archives.items():
            for archive in pair:
                yield PublishedArchive(config, split, archive)


# --- Locate: the files of each split --------------------------------------------------------------

ARCHIVE_NAME = re.compile(
    r"(?P<split>[^.].*)-(?:(?P<images>images[-.]idx3)|(?P<labels>labels[-.]idx1))-ubyte(\.gz)?"
)
SPLIT_PART = re.compile(r"(?P<split>.+)-(?P<number>[0-9]{5,})-of-(?P<count>[0-9]{5,})")
CLASS_NAME_FILES = ("dataset_meta.json", "labels.txt")  # the first one found is used
OTHER_FORMATS = (
    ".bmp",
    ".csv",
    ".csv.gz",
    ".jpeg",
    ".jpg",
    ".npz",
    ".parquet",
    ".png",
    ".tar",
    ".tif",
)
FOLDERS_LOOKED_INTO = 10  # enough to reach the images in <split>/<class>/
MAX_CLASSES = 256
MAX_NAME_LENGTH = 200  # characters of a class name
PRINTED_ANYWAY = "\u200c\u200d\u3000"  # joiners that some scripts need, and the Japanese space
SMALL_FILE = 1 << 20


class Stamp(NamedTuple):
    """A fingerprint of a file's state that does not require reading large files.

    `content` is the digest of a small file, the checksum at the end of a large .gz, or the inode's
    change time of any other file.
    """

    bytes: int
    modified_ns: int
    content: str


class ClassNames(NamedTuple):
    """Class names in label order, and their source: a file, an option or a dataset."""

    names: tuple[str, ...]
    source: str


class LocatedSplit(NamedTuple):
    """The paths of a split's two files; the files have not been read."""

    name: str
    images: str
    labels: str

    @property
    def parts(self) -> "tuple[LocatedSplit, ...]":
        """Return the split itself, which is its only part."""
        return (self,)


class LocatedParts(NamedTuple):
    """A split in parts, such as train-00000-of-00016-images-idx3-ubyte.gz, in their order."""

    name: str
    parts: tuple[LocatedSplit, ...]


@dataclasses.dataclass(frozen=True)
class Located:
    """The splits of a folder: train first, test last, others in between.

    `stamps` is keyed by file name.
    """

    splits: tuple[LocatedSplit | LocatedParts, ...]
    class_names: ClassNames | None
    stamps: dict[str, Stamp]


def locate(folder: str | os.PathLike[str]) -> Located:
    """Find the splits and the class names in a folder; ValueError if it is not a dataset."""
    folder = os.fspath(folder)
    files = _list_folder(folder)
    splits = _find_splits(folder, files)
    class_names = None
    used = [path for split in splits for part in split.parts for path in part[1:]]
    for name in CLASS_NAME_FILES:
        if name in files:
            class_names = read_class_names(files[name])
            used.append(files[name])
            break
    stamps = {name: _stamp(path) for name, path in files.items() if path in used}
    return Located(splits, class_names, stamps)


def _list_folder(folder: str) -> dict[str, str]:
    """Return {name: path}, sorted by name; folders' names end in a slash.

    Without the slash, a folder could pass for an archive, as in some unpacked copies.
    """
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        subject, expected = f"data_dir {folder!r}", "one that holds IDX archives"
        remedy = "correct the path"
        if os.path.isfile(folder) and folder.lower().endswith(OTHER_FORMATS):
            remedy = _how_to_convert(folder)
        raise fault(subject, "no such folder", expected, remedy) from None
    return {f"{entry.name}/" if entry.is_dir() else entry.name: entry.path for entry in ordered}


def _stamp(path: str) -> Stamp:
    """Return the stamp of a regular file; ValueError for a broken link, a pipe or a device."""
    status = _regular_file(path)
    with io.open(path, "rb") as file:
        if status.st_size <= SMALL_FILE:
            content = hashlib.sha256(file.read(SMALL_FILE)).hexdigest()
        elif file.read(2) == GZIP_MAGIC:
            file.seek(-8, os.SEEK_END)  # CRC and size of the content
            content = file.read(8).hex()
        else:
            content = str(status.st_ctime_ns)
    return Stamp(status.st_size, status.st_mtime_ns, content)


def _regular_file(path: str) -> os.stat_result:
    """Return the status of a file; ValueError if reading it could block or never end."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if not os.path.islink(path):
            raise
        raise fault(path, "a broken link", "a file", "restore the file it points to") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise fault(path, kind, "a regular file", "put the file itself there")
    return status


class PartName(NamedTuple):
    """What the name of an archive says: the split, and if it is in parts, which and of how many."""

    split: str
    number: int | None = None
    of: int | None = None


def read_part_name(word: str) -> PartName:
    """Read the start of an archive's name, such as t10k or train-00000-of-00016."""
    match = SPLIT_PART.fullmatch(word)
    if match is None:
        return PartName(word)
    return PartName(match["split"], int(match["number"]), int(match["count"]))


def order_parts(folder: str | os.PathLike[str], parts: Mapping[PartName, T]) -> tuple[T, ...]:
    """Return the parts of a split in order, or the one part if it is whole.

    ValueError unless they are all parts of one set.
    """
    counts = {part.of: part for part in parts}
    split = next(iter(parts)).split
    subject = os.fspath(folder)
    if len(counts) > 1:
        kinds = ["one file" if count is None else _parts(count) for count in counts]
        found = f"{' and '.join(kinds)} for the split {split!r}"
        raise fault(subject, found, "one set of files", "move the other away")
    (count,) = counts
    if count is None:
        return tuple(parts.values())
    numbered = {part.number: each for part, each in parts.items()}
    absent = (f"{number:05}" for number in range(count) if number not in numbered)
    first_absent = [*itertools.islice(absent, 5)]  # a name may promise any number of parts
    if first_absent or len(numbered) > count:
        found = f"{_parts(len(numbered))} of the split {split!r}"
        if first_absent:
            found = f"{found}, without {', '.join(first_absent)}"
        expected = f"{count:,}, numbered from 00000, as their names say"
        raise fault(subject, found, expected, "add the missing files, or correct the names")
    return tuple(numbered[number] for number in range(count))


def _parts(count: int) -> str:
    return "1 part" if count == 1 else f"{count:,} parts"


def _find_splits(folder: str, files: Mapping[str, str]) -> tuple[LocatedSplit | LocatedParts, ...]:
    """Pair the archives of each split, or of each of its parts, by their names."""
    images: dict[PartName, list[str]] = {}
    labels: dict[PartName, list[str]] = {}
    for name in files:
        match = ARCHIVE_NAME.fullmatch(name)
        if match:
            part = read_part_name(match["split"])
            part = part._replace(split=_split_of(name, part.split))
            of_kind = images if match["images"] else labels
            of_kind[part] = _without_unpacked([*of_kind.get(part, ()), name], files)
    if not images and not labels:
        holds = ", ".join([*files][:5]) or "nothing"
        example = "train-images-idx3-ubyte.gz with train-labels-idx1-ubyte.gz"
        remedy = "give their folder as data_dir"
        if _holds_other_data(folder):
            remedy = _how_to_convert(folder)
        raise fault(folder, f"holds {holds}", f"IDX archives such as {example}", remedy)
    pairs: dict[str, dict[PartName, LocatedSplit]] = {}
    for part in {**images, **labels}:
        _refuse_bad_pair(folder, part.split, images.get(part, ()), labels.get(part, ()))
        pair = LocatedSplit(part.split, files[images[part][0]], files[labels[part][0]])
        pairs.setdefault(part.split, {})[part] = pair
    return tuple(_join_parts(folder, split, pairs[split]) for split in order_splits(pairs))


def _holds_other_data(folder: str) -> bool:
    """Check the names in a folder and its first subfolders for images and tables."""
    folders = itertools.islice(os.walk(folder), FOLDERS_LOOKED_INTO)
    return any(name.lower().endswith(OTHER_FORMATS) for _, _, files in folders for name in files)


def _how_to_convert(path: str) -> str:
    return f"run `mnist-family init NAME --from {path!r}`, and give the folder NAME as data_dir"


def _join_parts(
    folder: str, split: str, pairs: Mapping[PartName, LocatedSplit]
) -> LocatedSplit | LocatedParts:
    """Return a split from its pairs of files; ValueError unless they are one pair or all parts."""
    parts = order_parts(folder, pairs)
    return parts[0] if PartName(split) in pairs else LocatedParts(split, parts)


def _split_of(file: str, word: str) -> str:
    """Return the split of an archive: what its publisher says, or else the word in its name."""
    for config in CONFIGS:
        for split, pair in config.archives.items():
            if {pair.images.file, pair.labels.file} & {file, f"{file}.gz"}:
                return split
    return "test" if word == "t10k" else word.replace("-", "_")


def order_splits(names: Iterable[str]) -> list[str]:
    """Sort the names of splits: train first, test last, others by name in between."""
    return sorted(names, key=lambda name: (name != "train", name == "test", name))


def _without_unpacked(names: list[str], files: Mapping[str, str]) -> list[str]:
    """Drop an unpacked archive if its .gz is there too and has the same content."""
    if len(names) != 2 or names[1] != f"{names[0]}.gz":
        return names
    for name in names:
        _regular_file(files[name])
    with io.open(files[names[0]], "rb") as unpacked, io.open(files[names[1]], "rb") as packed:
        checksum = size = 0
        while chunk := unpacked.read(CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
            size += len(chunk)
        packed.seek(-min(8, os.stat(packed.fileno()).st_size), os.SEEK_END)
        same = packed.read() == struct.pack("<2I", checksum, size % 2**32)
    return names[1:] if same else names


def _refuse_bad_pair(folder: str, split: str, images: Sequence[str], labels: Sequence[str]) -> None:
    """Raise ValueError unless the split has a usable name and one file of each kind."""
    names = ", ".join([*images, *labels])
    if split.lower() == "all" or not re.fullmatch(r"\w+(\.\w+)*", split):
        expected = "letters, digits and _, and not 'all', which means every split"
        raise fault(folder, f"{names} would be the split {split!r}", expected, "rename the files")
    if len(images) != 1 or len(labels) != 1:
        found, expected = f"{names} for the split {split!r}", "one file of images and one of labels"
        raise fault(folder, found, expected, "add the missing file or move the extra one away")


def read_class_names(path: str | os.PathLike[str]) -> ClassNames:
    """Read class names from labels.txt (one a line) or dataset_meta.json ({"labels": [...]}).

    Blank lines are skipped. ValueError if the file is not UTF-8, is over 1 MB, or holds names
    that `check_class_names` refuses.
    """
    path = os.fspath(path)
    size = _regular_file(path).st_size
    if size > SMALL_FILE:
        expected = f"class names, at most {SMALL_FILE:,} bytes"
        raise fault(path, f"{size:,} bytes", expected, "correct or remove the file")
    try:
        with io.open(path, encoding="utf-8-sig") as file:
            text = file.read(SMALL_FILE)
        if path.endswith(".json"):
            names = json.loads(text)["labels"]
        else:
            names = [line.strip() for line in text.split("\n") if line.strip()]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        found = f"unreadable class names ({type(error).__name__}: {error})"
        expected = 'UTF-8 lines in labels.txt or {"labels": ["…"]} in dataset_meta.json'
        raise fault(path, found, expected, "correct or remove the file") from None
    return check_class_names(names, path, source=re.split(r"[/\\]", path)[-1])


def check_class_names(names: object, subject: object, *, source: str) -> ClassNames:
    """Check class names and return them; errors start with `subject`.

    ValueError unless they are a list or tuple of 1 to 256 strings, each printable, 1 to 200
    characters long, and unique after Unicode normalisation (NFC).
    """
    remedy = "correct the class names"
    if not isinstance(names, (list, tuple)):
        raise fault(subject, f"class names {names!r:.60}", "a list of strings", remedy)
    if not 1 <= len(names) <= MAX_CLASSES:
        raise fault(subject, f"{len(names):,} class names", f"from 1 to {MAX_CLASSES}", remedy)
    normal_names: dict[str, str] = {}
    for name in names:
        fault_of_name = _fault_of_name(name)
        if fault_of_name:
            expected = f"printable text of 1 to {MAX_NAME_LENGTH} characters"
            raise fault(subject, f"class name {name!r:.80} {fault_of_name}", expected, remedy)
        normal = unicodedata.normalize("NFC", name)
        if normal in normal_names:
            found = f"class names {normal_names[normal]!a:.80} and {name!a:.80}"
            raise fault(subject, found, "different names", remedy)
        normal_names[normal] = name
    return ClassNames(tuple(names), source)


def _fault_of_name(name: object) -> str | None:
    """Say why a value cannot be a class name, or return None."""
    if not isinstance(name, str):
        return f"is of type {type(name).__name__}"
    if not name:
        return "is empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name):,} characters"
    for character in name:
        if not character.isprintable() and character not in PRINTED_ANYWAY:
            return f"contains the character U+{ord(character):04X}"
    return None


# --- Fetch: the archives from their mirrors, if no folder is given --------------------------------

SILENCE = 30  # seconds; a mirror that sends nothing for this long is skipped
RAW_FACTOR = 16  # no archive of the family is more than 16 times as large when decompressed
OFFLINE = "offline mode is on, unset HF_DATASETS_OFFLINE and HF_HUB_OFFLINE to download"
USER_AGENT = f"mnist_family (datasets {datasets.__version__})"
INVALID_REDIRECT = "redirects to an invalid URL"
NETWORK_FAILURES: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timed out"),
    (ConnectionRefusedError, "connection refused"),
    (socket.gaierror, "unknown host"),
    (http.client.IncompleteRead, "ended too early"),
    (http.client.RemoteDisconnected, "closed the connection without answering"),
    (ConnectionResetError, "reset the connection"),
    (http.client.InvalidURL, INVALID_REDIRECT),
    (http.client.HTTPException, "not an HTTP response"),
)


class MirrorArchive(NamedTuple):
    """An archive to stream from a URL or from a copy in the download cache.

    `rows` is the row count in its header.
    """

    source: str
    archive: Archive
    rows: int


class _Copy(NamedTuple):
    """The copy of a URL in the download cache, which may be missing."""

    url: str
    path: str


class _MirrorFault(Exception):
    """What is wrong with a mirror or a stream, in a few words without the URL."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


class _Unreachable(_MirrorFault):
    """A mirror cannot be reached, or it stops sending."""


class _TimedOut(_Unreachable):
    """A mirror sends nothing for SILENCE seconds."""


class _WrongBytes(_MirrorFault):
    """A mirror sends something else than the published archive."""


class _Mirrors:
    """The mirrors of a config, in the order in which they are tried, and the download cache.

    Either the published sha256 or the MD5 of the IDX file inside identifies an archive, because
    some servers decompress what they send.
    """

    def __init__(self, config: FamilyConfig, cache: str, *, force: bool = False) -> None:
        self.config = config
        self.cache = cache
        self.force = force  # download even if the cache has a copy
        first = _mirror_from_environment()
        self.urls = config.mirrors if first is None else (f"{first}{config.name}/", *config.mirrors)
        self.silent: set[str] = set()  # the mirrors that have timed out

    def download(self, archive: Archive) -> _Copy:
        """Return the cached copy of an archive, downloading it first if necessary."""
        if not self.force:
            self._drop_bad_copies(archive)
            copies = self._copies(archive)
            if copies:
                return copies[0]
        return self._ask_in_turn(archive, functools.partial(self._download_from, archive=archive))

    def open(self, archive: Archive, kind: str) -> MirrorArchive:
        """Find a source to stream an archive from, and check its header."""
        self._drop_bad_copies(archive)
        copies = self._copies(archive)
        if copies:
            return _try_open(copies[0].path, archive, kind)
        return self._ask_in_turn(archive, functools.partial(_try_open, archive=archive, kind=kind))

    def _copies(self, archive: Archive) -> list[_Copy]:
        """List the copies of an archive in the cache, in the order of the mirrors."""
        copies = [self._copy(mirror + archive.file) for mirror in self.urls]
        return [copy for copy in copies if os.access(copy.path, os.F_OK)]

    def _copy(self, url: str) -> _Copy:
        """Return the place of a URL's copy in the cache, the same as in `datasets`."""
        name = datasets.utils.file_utils.hash_url_to_filename(url)
        return _Copy(url, f"{self.cache}/{name}")

    def _drop_bad_copies(self, archive: Archive) -> None:
        """Delete copies that are not the published archive."""
        for url, path in self._copies(archive):
            if _is_sound(path, archive):
                continue
            with filelock.FileLock(f"{path}.lock"):
                if _is_sound(path, archive):
                    continue  # another process has just replaced it
                logger.warning("%s: a bad copy of %s, removed from the cache", path, url)
                _remove(path)
                _remove(f"{path}.json")  # where `datasets` notes the URL of a copy

    def _ask_in_turn(self, archive: Archive, ask: Callable[[str], T]) -> T:
        """Return the result of the first good mirror; ConnectionError says why each failed."""
        reasons = {}
        last: _MirrorFault | None = None
        for mirror in self.urls:
            url = mirror + archive.file
            if mirror in self.silent:
                reasons[url] = "timed out"
                continue
            try:
                return ask(url)
            except _MirrorFault as error:
                last = error
                reasons[url] = error.found
                if isinstance(error, _TimedOut):
                    self.silent.add(mirror)
        raise self._no_mirror(archive, reasons) from last

    def _no_mirror(self, archive: Archive, reasons: Mapping[str, str]) -> ConnectionError:
        """Return the error that lists why each URL failed, and says where to put the archives."""
        files = [each.file for pair in self.config.archives.values() for each in pair]
        first_line = fault(
            archive.file,
            f"not available from any mirror of {self.config.title}",
            _published_bytes(archive),
            f"put {', '.join(files)} into a folder and give it as data_dir. The mirrors said:",
        )
        lines = [escape_controls(f"{url}: {reason}") for url, reason in reasons.items()]
        return ConnectionError("\n  ".join([str(first_line), *lines]))

    def _download_from(self, url: str, archive: Archive) -> _Copy:
        """Download a verified copy of an archive, unless another process has just done so."""
        copy = self._copy(url)
        os.makedirs(self.cache, exist_ok=True)
        with filelock.FileLock(f"{copy.path}.lock"):  # `datasets` uses the same lock
            if self.force or not _is_sound(copy.path, archive):
                _write_copy(copy, archive)
        return copy


def _mirror_from_environment() -> str | None:
    """Return the mirror set in MNIST_FAMILY_MIRROR, ending in a slash."""
    given = os.environ.get("MNIST_FAMILY_MIRROR", "").strip()
    if not given:
        return None
    subject = "MNIST_FAMILY_MIRROR"
    if "@" in given:  # the value is not shown, as errors end up in logs
        remedy = "put them into ~/.netrc: machine HOST login NAME password PASSWORD"
        raise fault(subject, "a name or password in the URL", "none", remedy)
    if not _is_base_url(given):
        expected = "http:// or https://, a host and a path, without spaces, ? and #"
        raise fault(subject, repr(given), expected, "correct it or give a folder as data_dir")
    parts = urllib.parse.urlsplit(given)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _is_base_url(text: str) -> bool:
    """Check whether a text is an HTTP URL that the name of a file can be appended to."""
    if not re.fullmatch(r"[!-~]+", text):
        return False
    try:
        parts = urllib.parse.urlsplit(text)
        _ = parts.port  # ValueError if it is not a number from 0 to 65535
    except ValueError:
        return False
    if parts.query or parts.fragment or not parts.hostname:
        return False
    return parts.scheme in ("http", "https")


def _published_bytes(archive: Archive) -> str:
    """Describe the bytes of an archive for an error."""
    return f"{archive.bytes:,} bytes of sha256 {archive.sha256}"


def _authorization(url: str) -> dict[str, str]:
    """Return the header with the login and password that ~/.netrc has for the host of a URL."""
    path = os.path.expanduser(os.environ.get("NETRC", "~/.netrc"))
    try:
        hosts = netrc.netrc(path).hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return {}
    login, _, password = hosts.get(urllib.parse.urlsplit(url).hostname or "", ("", "", ""))
    if not login:
        return {}
    secret = base64.b64encode(f"{login}:{password}".encode()).decode()
    return {"Authorization": f"Basic {secret}"}


def _is_sound(copy: str, archive: Archive) -> bool:
    """Check whether there is a copy and it is the published archive."""
    if not os.access(copy, os.F_OK):
        return False
    with io.open(copy, "rb") as file:
        content = file.read()
    return (
        hashlib.sha256(content).hexdigest() == archive.sha256
        or hashlib.md5(content, usedforsecurity=False).hexdigest() == archive.md5
    )


def _write_copy(copy: _Copy, archive: Archive) -> None:
    """Download to a file that appears only once it is complete and verified."""
    partial = f"{copy.path}.incomplete"  # the name and the lock that `datasets` uses
    progress = datasets.utils.tqdm(
        total=archive.bytes, unit="B", unit_scale=True, desc=f"Downloading {archive.file}"
    )
    with (
        progress,
        _Transfer(copy.url, archive) as transfer,
        _moved_when_whole(partial, "wb", copy.path) as file,
    ):
        while chunk := transfer.read(CHUNK_BYTES):
            file.write(chunk)
            progress.update(len(chunk))


def _try_open(source: str, archive: Archive, kind: str) -> MirrorArchive:
    """Read the header of an archive on a mirror; _MirrorFault if it or the size is wrong."""
    with _Transfer(source, archive) as transfer:
        transfer.refuse_announced_size()
        try:
            return MirrorArchive(source, archive, _count_rows(_idx_of(transfer, archive), kind))
        except ValueError as error:
            raise _WrongBytes(f"not an IDX file of {kind}") from error


@contextlib.contextmanager
def _open_transfer(source: str, archive: Archive) -> "Iterator[_IdxFile]":
    """Open an archive on a mirror, or a cached copy, which is checked as it is read.

    ValueError for wrong bytes, ConnectionError if the mirror stops sending.
    """
    try:
        with _Transfer(source, archive) as transfer:
            yield _idx_of(transfer, archive)
    except _WrongBytes as error:
        expected = _published_bytes(archive)
        raise fault(source, error.found, expected, "load it without streaming") from error
    except _MirrorFault as error:
        raise ConnectionError(escape_controls(f"{source}: {error.found}; load again")) from error


def _idx_of(transfer: "_Transfer", archive: Archive) -> "_IdxFile":
    stream = gzip.GzipFile(fileobj=transfer) if transfer.gzipped else io.BufferedReader(transfer)
    return _IdxFile(stream, transfer.name, max_bytes=RAW_FACTOR * archive.bytes)


class _Transfer(io.RawIOBase):
    """A stream of an archive's bytes that raises a _MirrorFault if they are not the published ones.

    That is known at the end, or sooner if the first bytes or the size already tell.
    """

    def __init__(self, source: str, archive: Archive) -> None:
        self.name = source
        self._archive = archive
        self._received = 0
        self._limit = RAW_FACTOR * archive.bytes  # the most bytes to receive
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._file: Any = None
        self._file, self._announced = _open_source(source)
        try:
            self._unread = self._first_bytes()
            self.gzipped = self._unread.startswith(GZIP_MAGIC)
            if not self.gzipped and not _is_idx_start(self._unread):
                raise _WrongBytes(_looks_like(self._unread))
            if self.gzipped:  # read another dataset's archive to its end, to name it
                largest = max(published.archive.bytes for published in _published_archives())
                self._limit = min(self._limit, largest)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection or the file."""
        if self._file is not None:
            self._file.close()
        super().close()

    def readable(self) -> bool:
        """Return True: the stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the bytes that have arrived; 0 bytes only at the end."""
        chunk = self._unread[: len(buffer)] or self._receive(len(buffer))
        self._unread = self._unread[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _first_bytes(self) -> bytes:
        """Receive at least four bytes, or all if there are fewer."""
        first = b""
        while len(first) < 4:
            chunk = self._receive(io.DEFAULT_BUFFER_SIZE)
            if not chunk:
                break
            first += chunk
        return first

    def refuse_announced_size(self) -> None:
        """Raise _WrongBytes if the server announces a size other than that of the .gz."""
        if self.gzipped and self._announced not in (None, self._archive.bytes):
            raise _WrongBytes(f"{self._announced:,} bytes instead of {self._archive.bytes:,}")

    def _receive(self, size: int) -> bytes:
        """Read and hash up to `size` bytes; at the end of the stream, check the total."""
        try:
            chunk: bytes = self._file.read1(size)
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(self.name, error) from error
        self._received += len(chunk)
        self._sha256.update(chunk)
        self._md5.update(chunk)
        if self._received > self._limit:
            raise _WrongBytes(f"over {self._archive.bytes:,} bytes")
        if not chunk:
            self._check_whole()
        return chunk

    def _check_whole(self) -> None:
        """Raise a _MirrorFault unless the received bytes are the published archive."""
        if self._announced is not None and self._received < self._announced:
            raise _Unreachable("ended too early")
        sha256, md5 = self._sha256.hexdigest(), self._md5.hexdigest()
        if sha256 == self._archive.sha256 or md5 == self._archive.md5:
            return
        published = find_published(sha256) or find_published(md5)
        if published:
            raise _WrongBytes(f"this is {published.config.title}'s {published.archive.file}")
        if self._received != self._archive.bytes:
            raise _WrongBytes(f"{self._received:,} bytes instead of {self._archive.bytes:,}")
        raise _WrongBytes(f"wrong digest, sha256 {sha256}")


def _open_source(source: str) -> tuple[Any, int | None]:
    """Open a URL or a path; return the stream and its length, if a server announces one."""
    if "://" not in source:
        return io.open(source, "rb"), None
    if datasets.config.HF_DATASETS_OFFLINE:
        raise _Unreachable(OFFLINE)
    request = urllib.request.Request(source, headers={"User-Agent": USER_AGENT})
    for name, value in _authorization(source).items():
        request.add_unredirected_header(name, value)
    try:
        response = urllib.request.urlopen(request, timeout=SILENCE)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(source, error) from error
    except ValueError as error:  # of urllib.parse
        raise _Unreachable(INVALID_REDIRECT) from error
    return response, response.length


def _unreachable(url: str, error: Exception) -> _Unreachable:
    """Say briefly why a mirror failed, judging by the client's error."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return _Unreachable(f"HTTP status {error.code}")
    cause = getattr(error, "reason", error)  # urllib wraps the system's errors
    words = next((words for kind, words in NETWORK_FAILURES if isinstance(cause, kind)), None)
    if words is None:
        words = " ".join(f"{type(cause).__name__}: {cause}".split())
    kind = _TimedOut if isinstance(cause, TimeoutError) else _Unreachable
    return kind(f"{words}{_proxy_of(url)}")


def _proxy_of(url: str) -> str:
    """Name the proxy that a URL is fetched through, without its password."""
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return ""
    return f" through the proxy {proxy.rpartition('@')[2].rpartition('//')[2].rstrip('/')}"


# --- Verify: every byte that will become a row, before the first is written -----------------------

IMAGE_SHAPE = (28, 28)
IMAGE_BYTES = math.prod(IMAGE_SHAPE)
ROW_SHAPES: dict[str, tuple[int, ...]] = {"images": IMAGE_SHAPE, "labels": ()}
UNLABELLED = 255  # "no label" in archives of at most 255 classes; rows have -1


@dataclasses.dataclass(frozen=True)
class DiskSplit:
    """A split on disk; `stamps` record the state of its files when they were checked.

    `official` is True if both files are the publisher's own. `header_images` is the image count in
    the header; it differs from `rows` only in files by Datumaro.
    """

    name: str
    images: str
    labels: str
    rows: int
    num_classes: int
    official: bool
    gzipped: bool
    header_images: int
    stamps: tuple[Stamp, Stamp]

    @property
    def parts(self) -> "tuple[DiskSplit, ...]":
        """Return the split itself, which is its only part."""
        return (self,)


@dataclasses.dataclass(frozen=True)
class PartedSplit:
    """A split on disk in parts; rows are numbered across them. It is never the publisher's own."""

    name: str
    parts: tuple[DiskSplit, ...]

    @property
    def rows(self) -> int:
        """Return the row count of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def num_classes(self) -> int:
        """Return the number of classes."""
        return self.parts[0].num_classes

    @property
    def official(self) -> bool:
        """Return False: publishers have one pair of files per split."""
        return False


@dataclasses.dataclass(frozen=True)
class MirrorSplit:
    """A split to stream from mirrors; it is checked while it is read."""

    name: str
    images: MirrorArchive
    labels: MirrorArchive
    num_classes: int

    @property
    def rows(self) -> int:
        """Return the row count in the header of the images."""
        return self.images.rows


@overload
def verify(located: LocatedSplit, config: FamilyConfig, num_classes: int) -> DiskSplit: ...


@overload
def verify(
    located: LocatedSplit | LocatedParts, config: FamilyConfig, num_classes: int
) -> DiskSplit | PartedSplit: ...


def verify(
    located: LocatedSplit | LocatedParts, config: FamilyConfig, num_classes: int
) -> DiskSplit | PartedSplit:
    """Check every byte of a split that may become a row; ValueError says what is wrong.

    Images with a published sha256 are not decompressed.
    """
    if isinstance(located, LocatedParts):
        parts = (verify(part, config, num_classes) for part in located.parts)
        return PartedSplit(located.name, tuple(parts))
    split = _describe_matching(located, num_classes)
    images = _find_by_file(split.images) or find_published(_payload_md5(split.images))
    _refuse_another(images, split.images, "images", split.name, config)
    labels = find_published(_payload_md5(split.labels, num_classes))
    _refuse_another(labels, split.labels, "labels", split.name, config)
    _refuse_published(images, labels, split, config)
    return dataclasses.replace(split, official=images is not None and labels is not None)


@overload
def inspect(located: LocatedSplit) -> tuple[DiskSplit, PublishedArchive | None]: ...


@overload
def inspect(
    located: LocatedSplit | LocatedParts,
) -> tuple[DiskSplit | PartedSplit, PublishedArchive | None]: ...


def inspect(
    located: LocatedSplit | LocatedParts,
) -> tuple[DiskSplit | PartedSplit, PublishedArchive | None]:
    """Describe a split by its headers, and identify it if it is a published one.

    `read_chunks` checks the rest while it reads. The number of classes is that of the published
    dataset, or 10; change it with dataclasses.replace. Files by Datumaro, whose header gives the
    number of images × 784, are accepted. A split in parts is never a published one.
    """
    if isinstance(located, LocatedParts):
        parts = tuple(inspect(part)[0] for part in located.parts)
        return PartedSplit(located.name, parts), None
    split = _describe(located, num_classes=10)
    if split.header_images not in (split.rows, IMAGE_BYTES * split.rows):
        raise _other_counts(split, "put files that belong together there")
    published = find_published(_payload_md5(split.labels)) or _find_by_file(split.images)
    if published is not None:
        num_classes = len(published.config.class_names)
        split = dataclasses.replace(split, num_classes=num_classes)
    return split, published


def verified_splits(
    name: str, data_dir: str | os.PathLike[str] | None = None
) -> dict[str, DiskSplit | PartedSplit]:
    """Verify the splits of a folder, or of the published archives in the cache that `load` uses."""
    sources = _Sources(name, data_dir)
    return {
        split: verify(sources.find(split), sources.config, sources.num_classes)
        for split in sources.splits
    }


class _Sources:
    """The splits of a folder, or the published ones, each downloaded when it is asked for.

    `cache_dir` is as in `load`.
    """

    def __init__(
        self,
        name: str,
        data_dir: str | os.PathLike[str] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.config = _config_of(name, data_dir)
        self.num_classes = len(self.config.class_names)
        self.splits = [*self.config.archives]
        self._found: dict[str, LocatedSplit | LocatedParts] = {}
        self._cache = datasets.config.DOWNLOADED_DATASETS_PATH
        if cache_dir is not None:
            self._cache = f"{os.fspath(cache_dir)}/{datasets.config.DOWNLOADED_DATASETS_DIR}"
        if data_dir is not None:
            located = locate(_folder_of(self.config, data_dir))
            self.num_classes = len(_class_names_of(self.config, located))
            self._found = {split.name: split for split in located.splits}
            self.splits = [*self._found]

    @functools.cached_property
    def _mirrors(self) -> _Mirrors:
        """Return the mirrors once they are needed; ValueError for a bad MNIST_FAMILY_MIRROR."""
        return _Mirrors(self.config, os.path.expanduser(str(self._cache)))

    def find(self, split: str) -> LocatedSplit | LocatedParts:
        """Return the paths of a split's files; ConnectionError if no mirror has them."""
        if split not in self._found:
            pair = self.config.archives[split]
            self._found[split] = LocatedSplit(
                split,
                images=self._mirrors.download(pair.images).path,
                labels=self._mirrors.download(pair.labels).path,
            )
        return self._found[split]


def _folder_of(config: FamilyConfig, data_dir: str | os.PathLike[str]) -> str:
    """Return the absolute path of the folder that holds a config's archives.

    If `data_dir` has no archives, this is its subfolder named after the config, if any.
    """
    folder = _absolute(data_dir)
    entries = _list_folder(folder)
    if any(ARCHIVE_NAME.fullmatch(entry) for entry in entries):
        return folder
    return entries.get(f"{config.name}/", folder)


def _class_names_of(config: FamilyConfig, located: Located) -> tuple[str, ...]:
    """Return the class names of a folder, else of its config, else numbers up to the last label."""
    if located.class_names is not None:
        return located.class_names.names
    if config.class_names:
        return config.class_names
    last = max(_last_label(part.labels) for split in located.splits for part in split.parts)
    return tuple(str(label) for label in range(last + 1))


def _last_label(path: str) -> int:
    """Return the highest label in an archive, 0 if no row has a label."""
    last = 0
    with _open_idx(path) as file:
        _count_rows(file, "labels")
        for chunk in file.payload():
            labels = np.frombuffer(chunk, np.uint8)
            last = max(last, int(labels[labels != UNLABELLED].max(initial=0)))
    return last


def _describe(located: LocatedSplit, num_classes: int) -> DiskSplit:
    """Read the headers of a split's two files."""
    stamps = _stamp(located.images), _stamp(located.labels)
    with _open_idx(located.images) as images, _open_idx(located.labels) as labels:
        header_images, rows = _count_rows(images, "images"), _count_rows(labels, "labels")
        return DiskSplit(
            name=located.name,
            images=located.images,
            labels=located.labels,
            rows=rows,
            num_classes=num_classes,
            official=False,
            gzipped=images.gzipped,
            header_images=header_images,
            stamps=stamps,
        )


def _describe_matching(located: LocatedSplit, num_classes: int) -> DiskSplit:
    """Read the headers of a split's two files; ValueError unless they have the same counts."""
    split = _describe(located, num_classes)
    if split.header_images != split.rows:
        remedy = "repair the folder with the command convert"
        if split.header_images != IMAGE_BYTES * split.rows:
            remedy = "put files that belong together there"
        raise _other_counts(split, remedy)
    return split


def _find_by_file(path: str) -> PublishedArchive | None:
    """Find the published .gz with the sha256 of a file.

    The file is read only if its size is that of a published .gz.
    """
    size = os.stat(path).st_size
    if all(size != published.archive.bytes for published in _published_archives()):
        return None
    with io.open(path, "rb") as file:
        return find_published(hashlib.sha256(file.read()).hexdigest())


def _refuse_another(
    published: PublishedArchive | None, path: str, kind: str, split: str, config: FamilyConfig
) -> None:
    """Raise ValueError for an archive of another dataset, or of another published split.

    A dataset of one's own may have published images with other labels.
    """
    if published is None or not config.archives:
        return
    other = published.config.name != config.name
    if not other and (split == published.split or split not in config.archives):
        return
    found = f"these are {published.config.title}'s {published.split} {kind}"
    remedy = "put the right file there"
    if other:
        remedy = f"{remedy} or load {published.config.name!r}"
    raise fault(path, found, f"{config.title}'s {split} {kind}", remedy)


def _refuse_published(
    images: PublishedArchive | None,
    labels: PublishedArchive | None,
    split: DiskSplit,
    config: FamilyConfig,
) -> None:
    """Raise ValueError for a published split under the name of a dataset of one's own."""
    if config.archives or images is None or labels is None:
        return
    same = labels.config is images.config
    of_labels = "labels" if same else f"{labels.config.title}'s labels"
    found = f"these are {images.config.title}'s {images.split} images and {of_labels}"
    remedy = f"load {images.config.name!r}"
    raise fault(split.images, found, f"those of {config.title}", remedy)


def _absolute(folder: str | os.PathLike[str]) -> str:
    """Return an absolute path; ValueError for a URL."""
    folder = os.fspath(folder)
    if "://" in folder:
        remedy = "download the archives into one"
        raise fault(f"data_dir {folder}", "a URL", "a folder", remedy)
    return os.path.abspath(os.path.expanduser(folder)) if folder else folder


def _other_counts(split: DiskSplit, remedy: str) -> ValueError:
    """Return the error for files of images and labels with different counts."""
    found = f"{split.header_images:,} images"
    if split.header_images == IMAGE_BYTES * split.rows:
        found = f"{found}, the count × 784 that Datumaro writes by mistake"
    expected = f"{split.rows:,}, as many as {split.labels} has labels"
    return fault(split.images, found, expected, remedy)


def _count_rows(file: "_IdxFile", kind: str) -> int:
    """Return the number of rows in a header; ValueError if the header does not fit `kind`."""
    row_shape = ROW_SHAPES[kind]
    if file.dtype != np.uint8 or not file.shape or file.shape[1:] != row_shape:
        found = f"{file.dtype.name} {' × '.join(map(str, file.shape)) or 'scalar'}"
        expected = f"{kind} as uint8 {' × '.join(map(str, ('rows', *row_shape)))}"
        remedy = f"{kind} of other shapes and types are not read"
        if file.dtype == np.uint8 and file.shape and file.shape[1:] in ROW_SHAPES.values():
            remedy = "images and labels look swapped"
        raise fault(file.name, found, expected, remedy)
    if file.shape[0] == 0:
        raise fault(file.name, "no rows", "at least one", "download it again")
    return file.shape[0]


def _payload_md5(path: str, num_classes: int = MAX_CLASSES) -> str:
    """Return the MD5 of a decompressed IDX file; ValueError if it is broken.

    Labels outside the classes are refused, except `UNLABELLED`; with 256 classes, no label is.
    """
    with _open_idx(path) as file:
        digest = hashlib.md5(file.header, usedforsecurity=False)
        row = 0
        for chunk in file.payload():
            digest.update(chunk)
            if num_classes < MAX_CLASSES:
                _refuse_other_labels(path, np.frombuffer(chunk, np.uint8), num_classes, row)
                row += len(chunk)
    return digest.hexdigest()


def _refuse_other_labels(path: str, labels: np.ndarray, num_classes: int, row: int) -> None:
    """Raise ValueError for a label outside the classes; `row` is the row of the first label."""
    wrong = (labels >= num_classes) & (labels != UNLABELLED)
    if wrong.any():
        first = int(wrong.argmax())
        found, expected = f"label {labels[first]} in row {row + first}", f"0 to {num_classes - 1}"
        remedy = "name every class in labels.txt beside the archives"
        raise fault(path, found, expected, remedy)


# --- Generate: examples from verified splits ------------------------------------------------------

MAX_RANGES = 32  # at most this many processes can share a split, or one per part if it has more
CHUNK_ROWS = 1000
PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">2I5B", *IMAGE_SHAPE, 8, 0, 0, 0, 0)
PNG_HEAD += struct.pack(">I", zlib.crc32(PNG_HEAD[12:]))
PNG_TAIL = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
DEFLATE_MEMORY = 4  # enough for one image; by default, zlib clears 64 KB for each


class Chunk(NamedTuple):
    """Consecutive rows: images uint8 (n, 28, 28), 0 = background; labels int64 (n,), -1 = none."""

    images: np.ndarray
    labels: np.ndarray


def read_chunks(
    split: DiskSplit | PartedSplit | MirrorSplit,
    start: int = 0,
    stop: int | None = None,
    *,
    rows_per_chunk: int = CHUNK_ROWS,
) -> Iterator[Chunk]:
    """Yield the rows from `start` to `stop` in order; the arrays are read-only.

    A chunk ends early where a part of the split ends. Headers and labels are always checked. What
    shows only at the end of the files (length, gzip checksum, digest of a stream) is checked before
    the last rows of the split are yielded. ValueError for wrong bytes, ConnectionError if a mirror
    stops sending.
    """
    stop = split.rows if stop is None else stop
    if not 0 <= start <= stop <= split.rows:
        expected = f"a range within 0 and {split.rows:,}"
        raise fault(f"rows of {split.name}", f"{start:,} to {stop:,}", expected, "correct it")
    if isinstance(split, PartedSplit):
        first = 0
        for part in split.parts:
            own_start, own_stop = max(start - first, 0), min(stop - first, part.rows)
            if own_start < own_stop:
                yield from read_chunks(part, own_start, own_stop, rows_per_chunk=rows_per_chunk)
            first += part.rows
        return
    with _open_split(split) as (images, labels):
        images.skip(IMAGE_BYTES * start)
        labels.skip(start)
        for first in range(start, stop, rows_per_chunk):
            count = min(rows_per_chunk, stop - first)
            pixels = np.frombuffer(images.read_exactly(IMAGE_BYTES * count), np.uint8)
            numbers = np.frombuffer(labels.read_exactly(count), np.uint8)
            if first + count == split.rows:
                images.refuse_left_over()
                labels.refuse_left_over()
            yield Chunk(
                pixels.reshape(count, *IMAGE_SHAPE),
                _labels_of(numbers, labels.name, split.num_classes, first),
            )


def _labels_of(numbers: np.ndarray, path: str, num_classes: int, row: int) -> np.ndarray:
    """Convert the bytes of an archive to int64 labels, -1 for no label."""
    _refuse_other_labels(path, numbers, num_classes, row)
    labels = numbers.astype(np.int64)
    if num_classes <= UNLABELLED:
        labels[numbers == UNLABELLED] = -1
    return labels


@contextlib.contextmanager
def _open_split(split: DiskSplit | MirrorSplit) -> "Iterator[tuple[_IdxFile, _IdxFile]]":
    """Open the images and the labels of a split; ValueError if they have changed."""
    with contextlib.ExitStack() as stack:
        if isinstance(split, MirrorSplit):
            labels = _labels_in_memory(split.labels)
            images = stack.enter_context(_open_transfer(split.images.source, split.images.archive))
            header_images, header_labels = split.images.rows, split.labels.rows
        else:
            images = stack.enter_context(_open_idx(split.images))
            labels = stack.enter_context(_open_idx(split.labels))
            header_images, header_labels = split.header_images, split.rows
            if (_stamp(split.images), _stamp(split.labels)) != split.stamps:
                raise _changed(split.images)
        if _count_rows(images, "images") != header_images:
            raise _changed(images.name)
        if _count_rows(labels, "labels") != header_labels:
            raise _changed(labels.name)
        images.payload_bytes = IMAGE_BYTES * split.rows  # Datumaro's header has 784 times as much
        yield images, labels


def _labels_in_memory(labels: MirrorArchive) -> "_IdxFile":
    """Read all labels from a mirror and check them before the first row is yielded."""
    with _open_transfer(labels.source, labels.archive) as file:
        content = b"".join([file.header, *file.payload()])
    return _IdxFile(io.BytesIO(content), labels.source, len(content))


def _changed(path: str) -> ValueError:
    found = "changed, it or its labels"
    return fault(path, found, "the files that were verified", "load again")


def encode_pngs(images: np.ndarray) -> Iterator[bytes]:
    """Encode uint8 images (n, 28, 28) as PNG files, mode L; yield one file per image.

    Lines are unfiltered and compressed with run-length and Huffman coding. This is two to three
    times as fast as Pillow, with sizes within a few percent; the `benchmark` command measures both.
    """
    height, width = IMAGE_SHAPE
    lines = np.zeros((len(images), height, 1 + width), np.uint8)  # the first byte: no filter
    lines[:, :, 1:] = images
    pixels, size = lines.reshape(-1).data, height * (1 + width)
    for start in range(0, len(pixels), size):
        deflate = zlib.compressobj(level=1, memLevel=DEFLATE_MEMORY, strategy=zlib.Z_RLE)
        data = b"IDAT" + deflate.compress(pixels[start : start + size]) + deflate.flush()
        length, checksum = struct.pack(">I", len(data) - 4), struct.pack(">I", zlib.crc32(data))
        yield b"".join((PNG_HEAD, length, data, checksum, PNG_TAIL))


class _WrongCount(NamedTuple):
    """A split in the cache without the verified number of rows."""

    found: str
    expected: str


class MnistFamily(datasets.GeneratorBasedBuilder):
    """The builder for the published datasets and for any folder like them; see `load`."""

    BUILDER_CONFIG_CLASS = FamilyConfig
    BUILDER_CONFIGS = CONFIGS
    DEFAULT_CONFIG_NAME = "mnist"
    DEFAULT_WRITER_BATCH_SIZE = 1000  # from 3.1 on, `datasets` would take 100
    _output_dir: str  # where `datasets` writes

    def __init__(
        self,
        cache_dir: str | None = None,
        *,
        config_name: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Find the files in `data_dir`; the other arguments are those of `datasets`."""
        config_name = config_name or self.DEFAULT_CONFIG_NAME
        config = _config_of(config_name, data_dir)
        self._class_names = config.class_names
        self._located: Located | None = None
        self._streamed = {*config.archives}  # the published splits that a stream opens
        _refuse_options(kwargs)
        if data_dir is not None:
            data_dir = _folder_of(config, data_dir)
            self._located = locate(data_dir)
            self._class_names = _class_names_of(config, self._located)
        # With the key of `datasets`, changed archives would give stale rows, and load_dataset and
        # load() would not find each other's cache.
        key = SOURCE_DIGEST, self._located and self._located.stamps
        kwargs["hash"] = hashlib.sha256(repr(key).encode()).hexdigest()
        if config not in CONFIGS:
            self.BUILDER_CONFIGS = []  # so that `datasets` makes a config of this name
        with _without_module_lock():
            super().__init__(cache_dir, config_name=config_name, data_dir=data_dir, **kwargs)
        self.config.title = config.title  # those that `datasets` makes have none

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a builder in a worker process."""
        with _without_module_lock():
            super().__setstate__(state)

    @classmethod
    def get_all_exported_dataset_infos(cls) -> dict[str, Any]:
        """Return {}, so that a README.md beside the script cannot change the expected counts."""
        return {}

    def _info(self) -> datasets.DatasetInfo:
        label = datasets.ClassLabel(names=list(self._class_names))
        features = datasets.Features({"image": datasets.Image(), "label": label})
        return datasets.DatasetInfo(features=features, supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        splits = self._splits(dl_manager)
        if all(isinstance(split, MirrorSplit) or split.official for split in splits):
            for name in ("description", "citation", "homepage", "license"):
                setattr(self.info, name, getattr(self.config, name))
        generators = []
        for split in splits:
            kwargs = {"split": split, "ranges": _row_ranges(split, dl_manager.is_streaming)}
            generator = datasets.SplitGenerator(split.name, kwargs)
            generator.split_info.num_examples = split.rows  # the total of the progress bar
            generators.append(generator)
        return generators

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """Build the cache; ValueError if a worker process that is still starting would build it."""
        reuse = datasets.DownloadMode.REUSE_DATASET_IF_EXISTS
        mode = datasets.DownloadMode(kwargs.get("download_mode") or reuse)
        built = os.access(f"{self._cache_dir}/dataset_info.json", os.F_OK)
        starting = getattr(multiprocess.current_process(), "_inheriting", False)
        if starting and (mode != reuse or not built):
            # The worker and its parent would wait for each other forever.
            remedy = 'put what loads under if __name__ == "__main__":'
            raise fault("num_proc", "loading in a worker that starts", "a main guard", remedy)
        super().download_and_prepare(*args, **kwargs)

    def as_dataset(self, *args: Any, **kwargs: Any) -> Any:
        """Return the rows; if their number is not the verified one, rebuild the cache first.

        ValueError if that does not help.
        """
        wrong_count = self._find_wrong_count()
        if wrong_count is not None:
            found, expected = wrong_count
            line = "%s: %s, expected %s; building it again"
            logger.warning(line, self._output_dir, found, expected)
            self.download_and_prepare(self._output_dir, download_mode="reuse_cache_if_exists")
            wrong_count = self._find_wrong_count()
        if wrong_count is not None:
            remedy = 'load again with download_mode="force_redownload"'
            raise fault(self._output_dir, wrong_count.found, wrong_count.expected, remedy)
        return super().as_dataset(*args, **kwargs)

    def _find_wrong_count(self) -> "_WrongCount | None":
        """Find a split whose Arrow files do not have as many rows as its archives."""
        if self._file_format not in (None, "arrow") or "://" in self._output_dir:
            return None
        reader = datasets.arrow_reader.ArrowReader(self._output_dir, self.info)
        for split in (self.info.splits or {}).values():
            expected = f"{split.num_examples:,} rows"
            files = reader.get_file_instructions(self.dataset_name, split.name, [split])
            try:
                rows = sum(len(reader.read_table(file["filename"])) for file in files)
            except (OSError, ValueError) as error:
                return _WrongCount(f"{split.name} cannot be read ({error})", expected)
            if rows != split.num_examples:
                return _WrongCount(f"{rows:,} rows of {split.name}", expected)
        return None

    def _download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """Write to a folder that no other process uses, then move the files."""
        folder = self._output_dir
        if "://" in folder:
            super()._download_and_prepare(*args, **kwargs)
            return
        prefix = f"{self.dataset_name}-"
        _remove_left_over(folder, prefix)
        run = tempfile.mkdtemp(prefix=prefix, dir=folder)
        try:
            self._output_dir = run
            super()._download_and_prepare(*args, **kwargs)
        finally:
            self._output_dir = folder
        with os.scandir(run) as entries:
            for entry in [*entries]:
                os.replace(entry.path, f"{folder}/{entry.name}")
        os.rmdir(run)

    def as_streaming_dataset(self, split: Any = None, base_path: str | None = None) -> Any:
        """Stream the rows; archives of splits that are not asked for are not opened."""
        names = [*self.config.archives]
        if self._located is not None:
            names = [located.name for located in self._located.splits]
        if "[" in str(split):
            remedy = "streams take no slices: use .skip() and .take()"
            raise fault(f"split {str(split)!r}", "a slice", f"one of {', '.join(names)}", remedy)
        published = {*self.config.archives}
        self._streamed = published.intersection(re.split(r"\W+", str(split))) or published
        return super().as_streaming_dataset(split, base_path)

    def _splits(self, dl_manager: Any) -> Sequence[DiskSplit | PartedSplit | MirrorSplit]:
        """Return the verified splits, or the splits to stream from mirrors."""
        if self._located is not None:
            return self._verify_located(self._located)
        options = dl_manager.download_config
        cache = options.cache_dir or self._cache_downloaded_dir
        mirrors = _Mirrors(self.config, cache, force=options.force_download)
        names = [*self.config.archives]
        if dl_manager.is_streaming:
            return [self._open_stream(mirrors, name) for name in names if name in self._streamed]
        return [self._fetch(mirrors, name, dl_manager) for name in names]

    def _verify_located(self, located: Located) -> list[DiskSplit | PartedSplit]:
        """Verify the splits of the user's folder."""
        if locate(self.config.data_dir) != located:
            expected = "the files that the builder was made for"
            raise fault(self.config.data_dir, "changed", expected, "make a new one")
        num_classes = len(self._class_names)
        return [verify(split, self.config, num_classes) for split in located.splits]

    def _open_stream(self, mirrors: _Mirrors, name: str) -> MirrorSplit:
        """Find mirrors to stream a published split from."""
        pair = self.config.archives[name]
        images = mirrors.open(pair.images, "images")
        labels = mirrors.open(pair.labels, "labels")
        return MirrorSplit(name, images, labels, len(self._class_names))

    def _fetch(self, mirrors: _Mirrors, name: str, dl_manager: Any) -> DiskSplit:
        """Download a published split, unless it is in the cache, and verify it."""
        images, labels = (mirrors.download(archive) for archive in self.config.archives[name])
        for copy in (images, labels):  # `datasets` adds these up to the dataset's download_size
            size = {"num_bytes": os.stat(copy.path).st_size, "checksum": None}
            dl_manager._recorded_sizes_checksums[copy.url] = size
        located = LocatedSplit(name, images.path, labels.path)
        return verify(located, self.config, len(self._class_names))

    def _prepare_split_single(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Write examples as `datasets` does, but name the cause in its error."""
        try:
            yield from super()._prepare_split_single(*args, **kwargs)
        except datasets.exceptions.DatasetGenerationError as error:
            if error.__cause__ is None:
                raise
            kind = type(error.__cause__).__name__
            line = " ".join(f"{kind}: {error.__cause__}".split())
            raise datasets.exceptions.DatasetGenerationError(line) from error.__cause__

    def _generate_examples(
        self, split: DiskSplit | PartedSplit | MirrorSplit, ranges: list[tuple[int, int]]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (row, example) for each row of `ranges`, in order.

        The image is a PNG file, not a PIL image: `datasets` would encode a PIL image to PNG as
        well, but takes twice the time. Users get a PIL image either way.
        """
        for start, stop in _joined(ranges):
            row = start
            for images, labels in read_chunks(split, start, stop, rows_per_chunk=CHUNK_ROWS):
                _end_with_parent()
                for image, label in zip(encode_pngs(images), labels.tolist(), strict=True):
                    yield row, {"image": image, "label": label}
                    row += 1


@contextlib.contextmanager
def _without_module_lock() -> Iterator[None]:
    """Allow this module to be in a folder that is not writable, such as root's site-packages.

    Before 4.0, `datasets` ends the construction of a builder with a search for further modules of
    its script, and locks a file two folders above it. This script has no further modules.
    """
    try:
        yield
    except OSError as error:
        if error.filename != f"{os.path.dirname(os.path.dirname(os.path.realpath(__file__)))}.lock":
            raise


def _refuse_options(options: Mapping[str, Any]) -> None:
    """Raise ValueError for options of `datasets` that would change what a config stands for."""
    for field in ("data_files", *FamilyConfig.__annotations__):
        if options.get(field) is not None:
            remedy = "put archives, and labels.txt for classes of your own, in a data_dir"
            raise fault(field, "given", "none", remedy)


def _remove_left_over(folder: str, prefix: str) -> None:
    """Delete what runs that were killed have left in a folder of the cache."""
    with os.scandir(folder) as entries:
        left_over = [entry for entry in entries if entry.name.startswith(prefix)]
    for entry in left_over:
        if entry.is_dir():
            shutil.rmtree(entry.path)
        else:
            _remove(entry.path)


def _end_with_parent() -> None:
    """Exit silently if this is a worker whose parent was killed: nobody needs its rows."""
    parent = multiprocess.parent_process()
    if parent is None:
        return  # not a worker
    forked = multiprocess.get_start_method() == "fork"  # siblings keep is_alive's pipe open
    if not parent.is_alive() or (forked and os.getppid() != parent.pid):
        os._exit(1)


def _row_ranges(
    split: DiskSplit | PartedSplit | MirrorSplit, streaming: bool
) -> list[tuple[int, int]]:
    """Divide the rows of a split into (start, stop) pairs that processes can share."""
    if not isinstance(split, PartedSplit):
        return _divide(split, streaming, MAX_RANGES)
    ranges = []
    first = 0
    for part in split.parts:
        inside = _divide(part, streaming, max(1, MAX_RANGES // len(split.parts)))
        ranges += [(first + start, first + stop) for start, stop in inside]
        first += part.rows
    return ranges


def _divide(split: DiskSplit | MirrorSplit, streaming: bool, most: int) -> list[tuple[int, int]]:
    """Divide the rows of one pair of files into at most `most` ranges."""
    count = min(split.rows, most)
    if streaming and (isinstance(split, MirrorSplit) or split.gzipped):
        count = 1  # a stream opens its files anew for each range, and a .gz is read from its start
    return [(split.rows * i // count, split.rows * (i + 1) // count) for i in range(count)]


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Merge adjacent ranges, so that a .gz is read from its start only once."""
    start = stop = 0
    for first, last in ranges:
        if first != stop:
            if start < stop:
                yield start, stop
            start = first
        stop = last
    yield start, stop


# --- Load -----------------------------------------------------------------------------------------


def load(
    name: str = "mnist",
    split: str | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    streaming: bool = False,
    num_proc: int | None = None,
    cache_dir: str | None = None,
    download_mode: Any = None,
) -> Any:
    """Load a dataset as `datasets.load_dataset` does with this script, on every release from 2.19.

    `name` is a config, or the name of your own dataset in `data_dir`. `split` is as in
    load_dataset, with slices ("train[:10%]") and unions ("train+test"); with `streaming`, the exact
    name of a split. `data_dir` is a folder of IDX archives, .gz or raw, to read instead of the
    published ones, which are downloaded once.

    Returns a Dataset, or a DatasetDict if `split` is None; with `streaming`, the Iterable versions.
    ValueError says which file is broken and how, or lists the valid configs or splits.
    ConnectionError says why each mirror failed, and where to put archives that you already have.
    """
    builder = MnistFamily(cache_dir, config_name=name, data_dir=data_dir)
    if streaming and num_proc is not None:
        found = f"num_proc {num_proc}: given with streaming"
        raise NotImplementedError(f"{found}, expected None; use the workers of a DataLoader")
    if streaming:
        return builder.as_streaming_dataset(split=split)
    try:
        builder.download_and_prepare(download_mode=download_mode, num_proc=num_proc)
    except datasets.exceptions.DatasetGenerationError as error:
        if isinstance(error.__cause__, (OSError, ValueError)):
            raise error.__cause__ from None
        raise
    in_memory = builder.info.dataset_size < datasets.config.IN_MEMORY_MAX_SIZE  # 0 by default
    return builder.as_dataset(split=split, in_memory=in_memory)


# --- Arrays: the rows in memory, without Arrow files ----------------------------------------------


class Arrays(NamedTuple):
    """Rows in memory: images uint8 (n, 28, 28), 0 = background; labels int64 (n,), -1 = none."""

    images: np.ndarray
    labels: np.ndarray


class _Part(NamedTuple):
    """Rows `start` to `stop` of a split; they go into the arrays from row `place` on."""

    split: str
    start: int
    stop: int
    place: int


@overload
def arrays(
    name: str = ...,
    split: None = ...,
    *,
    data_dir: str | os.PathLike[str] | None = ...,
    cache_dir: str | os.PathLike[str] | None = ...,
) -> dict[str, Arrays]: ...


@overload
def arrays(
    name: str = ...,
    split: str = ...,
    *,
    data_dir: str | os.PathLike[str] | None = ...,
    cache_dir: str | os.PathLike[str] | None = ...,
) -> Arrays: ...


def arrays(
    name: str = "mnist",
    split: str | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Arrays | dict[str, Arrays]:
    """Read a dataset into NumPy arrays: the rows of `load`, without Arrow files or PNG images.

        images, labels = mnist_family.arrays("fashion", "train")

    The arguments are those of `load`. Returns (images, labels), or a dict of them by split if
    `split` is None. Images are uint8 (n, 28, 28), 0 = background; labels are int64 (n,), -1 where
    there is none. Both are writable.

    Archives are checked as in `load`, which uses the same download cache; those of splits that are
    not asked for are neither downloaded nor read. Errors are those of `load`.
    """
    sources = _Sources(name, data_dir, cache_dir)
    if split is None:
        return {each: _read_rows(sources, each) for each in sources.splits}
    return _read_rows(sources, split)


def _read_rows(sources: _Sources, split: str) -> Arrays:
    """Return the rows of a split, a slice or a union, in the order given."""
    instruction = _parse_split(split, sources.splits)
    named = instruction.to_absolute(dict.fromkeys(sources.splits, 100))  # for any count of rows
    found = {part.splitname: _describe_possible(sources, part.splitname) for part in named}
    ranges = instruction.to_absolute({each: found[each].rows for each in found})
    if all(part.from_ == part.to for part in ranges):
        raise ValueError(f'Instruction "{split}" corresponds to no data!')  # as in `load`
    parts = _place(ranges)
    count = sum(part.stop - part.start for part in parts)
    rows = Arrays(np.empty((count, *IMAGE_SHAPE), np.uint8), np.empty(count, np.int64))
    for each in found.values():
        _copy_rows(each, [part for part in parts if part.split == each.name], rows, sources.config)
    return rows


def _parse_split(split: str, names: Sequence[str]) -> Any:
    """Parse `split` into a datasets.ReadInstruction, as `load` does."""
    named = "+".join(names) if str(split) == "all" else str(split)
    return datasets.ReadInstruction.from_spec(datasets.Split(named))


def _describe_possible(sources: _Sources, name: str) -> DiskSplit | PartedSplit:
    """Describe a split by its headers; ValueError if they promise more than its files can hold."""
    located = sources.find(name)
    if isinstance(located, LocatedParts):
        parts = (_describe_possible_pair(part, sources.num_classes) for part in located.parts)
        return PartedSplit(name, tuple(parts))
    return _describe_possible_pair(located, sources.num_classes)


def _describe_possible_pair(located: LocatedSplit, num_classes: int) -> DiskSplit:
    split = _describe_matching(located, num_classes)
    for path in (split.images, split.labels):
        with _open_idx(path) as file:
            file.refuse_impossible_size()
    return split


def _place(ranges: Iterable[Any]) -> list[_Part]:
    """Lay out ranges of `datasets` one after another; one that ends before it starts is empty."""
    parts = []
    place = 0
    for part in ranges:
        stop = max(part.from_, part.to)
        parts.append(_Part(part.splitname, part.from_, stop, place))
        place += stop - part.from_
    return parts


def _copy_rows(
    split: DiskSplit | PartedSplit, parts: Sequence[_Part], rows: Arrays, config: FamilyConfig
) -> None:
    """Copy parts of a split to their places; ValueError for anything that `verify` refuses."""
    first = 0  # the row of the split that a chunk starts with
    for images, labels in _checked_chunks(split, config, max(part.stop for part in parts)):
        for part in parts:
            start, stop = max(first, part.start), min(first + len(labels), part.stop)
            if start < stop:
                there = slice(part.place + start - part.start, part.place + stop - part.start)
                rows.images[there] = images[start - first : stop - first]
                rows.labels[there] = labels[start - first : stop - first]
        first += len(labels)


def _checked_chunks(
    split: DiskSplit | PartedSplit, config: FamilyConfig, stop: int
) -> Iterator[Chunk]:
    """Yield the rows up to `stop`, or all rows if they must be read to identify the images."""
    if isinstance(split, PartedSplit):
        for part in split.parts:
            yield from _checked_chunks(part, config, min(stop, part.rows))
            stop = max(0, stop - part.rows)
        return
    images = _find_by_file(split.images)
    _refuse_another(images, split.images, "images", split.name, config)
    if images is not None:
        yield from read_chunks(split, 0, stop)
    else:
        header = _header_bytes(split.images, np.dtype(np.uint8), (split.rows, *IMAGE_SHAPE))
        digest = hashlib.md5(header, usedforsecurity=False)
        for chunk in read_chunks(split):
            digest.update(chunk.images.data)
            yield chunk
        images = find_published(digest.hexdigest())
        _refuse_another(images, split.images, "images", split.name, config)
    labels = find_published(_payload_md5(split.labels, split.num_classes))
    _refuse_another(labels, split.labels, "labels", split.name, config)
    _refuse_published(images, labels, split, config)


# --- The IDX format: 00 00, a type code, the number of dimensions, their sizes, the values --------
# All numbers are big-endian; values are in C order.

IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
IDX_DTYPES = {code: np.dtype(f">{name}") for code, name in IDX_TYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
GZIP_LEVEL = 6  # 9 would take ten times as long, for one or two percent
CHUNK_BYTES = 1 << 20
DEFLATE_LIMIT = 1032  # bytes that one byte of a .gz can expand to: runs of 258 in two bits


class ArchiveDigest(NamedTuple):
    """The size and sha256 of a file, and the MD5 and size of its content, decompressed if a .gz."""

    bytes: int
    sha256: str
    md5: str
    uncompressed_bytes: int


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Return the array in an IDX file, whether .gz or raw, whatever its name.

    The array is writable, in native byte order. Its dtype is uint8, int8, int16, int32, float32 or
    float64. ValueError if the file is not exactly one such array.
    """
    with _open_idx(os.fspath(path)) as file:
        return _native_array(bytearray().join(file.payload()), file, file.shape)


@contextlib.contextmanager
def open_idx(path: str | os.PathLike[str]) -> "Iterator[IdxArray]":
    """Open an IDX file, .gz or raw, to read in chunks what `read_idx` reads at once.

    ValueError if the file does not start with an IDX header.
    """
    with _open_idx(os.fspath(path)) as file:
        yield IdxArray(file)


class IdxArray:
    """An array in an open IDX file; `dtype`, in native byte order, and `shape` are its header's."""

    def __init__(self, file: "_IdxFile") -> None:
        self.dtype = file.dtype.newbyteorder("=")
        self.shape = file.shape
        self._file = file

    def chunks(self, rows: int) -> Iterator[np.ndarray]:
        """Yield the whole array, once, in chunks of shape (`rows`, …); the last may be shorter.

        ValueError, before the last chunk, if the file is not exactly one such array.
        """
        file = self._file
        if not self.shape:
            raise fault(file.name, "a single value", "an array with rows", "read it with read_idx")
        file.refuse_impossible_size()
        for first in range(0, self.shape[0], rows):
            shape = (min(rows, self.shape[0] - first), *self.shape[1:])
            values = file.read_exactly(file.dtype.itemsize * math.prod(shape))
            if first + rows >= self.shape[0]:
                file.refuse_left_over()
            yield _native_array(values, file, shape)
        if self.shape[0] == 0:
            file.refuse_left_over()


def _native_array(
    values: bytes | bytearray, file: "_IdxFile", shape: tuple[int, ...]
) -> np.ndarray:
    """Return big-endian values as an array in native byte order; ValueError for its shape."""
    try:
        array = np.frombuffer(values, file.dtype).reshape(shape)
    except ValueError as error:
        found = f"{len(file.shape)} dimensions of sizes {file.shape}"
        expected = "a shape that NumPy can hold"
        raise fault(file.name, f"{found:.200}", expected, "download it again") from error
    return array.astype(file.dtype.newbyteorder("="), copy=False)


def write_idx(
    path: str | os.PathLike[str],
    array_or_chunks: Any,
    *,
    shape: tuple[int, ...] | None = None,
) -> None:
    """Write an array to an IDX file, compressed if `path` ends in .gz.

    Equal arrays give equal bytes. With `shape`, the rows may be an iterable of arrays; the header
    needs the shape before they are read. `load` reads uint8: images (rows, 28, 28),
    0 = background, and labels (rows,).

    ValueError for dtypes other than those of `read_idx`, such as NumPy's default int64, and for
    chunks that do not add up to `shape`. The file is written in full or not at all.
    """
    path = os.fspath(path)
    if shape is not None:
        rows = _checked_rows(path, array_or_chunks, shape)
    elif isinstance(array_or_chunks, Iterator):
        remedy = "give the shape of the whole array"
        raise fault(path, "an iterator of chunks", "shape= with it", remedy)
    else:
        array = np.asarray(array_or_chunks)
        rows = _Rows(array.dtype, array.shape, iter([array]))
    header = _header_bytes(path, rows.dtype, rows.shape)
    big_endian = rows.dtype.newbyteorder(">")
    folder, name = os.path.split(path)
    partial = os.path.join(folder, f".{name}.{os.getpid()}.incomplete")
    # "x": another writer's file is never touched.
    with _moved_when_whole(partial, "xb", path) as whole, _packed(whole, path) as file:
        file.write(header)
        for chunk in rows.chunks:
            file.write(np.ascontiguousarray(chunk, big_endian))


class _Rows(NamedTuple):
    """An array to write, in chunks."""

    dtype: np.dtype
    shape: tuple[int, ...]
    chunks: Iterator[np.ndarray]


def _checked_rows(path: str, arrays: Iterable[Any], shape: tuple[int, ...]) -> _Rows:
    """Return arrays as chunks that are checked as they are read; the first one sets the dtype."""
    chunks = map(np.asarray, arrays)
    first = next(chunks, np.empty((0, *shape[1:]), np.uint8))
    every = itertools.chain([first], chunks)
    return _Rows(first.dtype, shape, _whole_chunks(path, every, shape, first.dtype))


def _packed(file: Any, path: str) -> contextlib.AbstractContextManager[Any]:
    """Return a file that compresses what is written to `file`, if `path` ends in .gz."""
    if not path.endswith(".gz"):
        return contextlib.nullcontext(file)
    return gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0)  # no name and no time in the header


def digest_archive(path: str | os.PathLike[str]) -> ArchiveDigest:
    """Measure and hash a file and its content in one pass; ValueError for a broken .gz."""
    path = os.fspath(path)
    _regular_file(path)
    with io.open(path, "rb") as file:
        gzipped = file.peek(2).startswith(GZIP_MAGIC)
        outer = _HashingReader(file, hashlib.sha256())
        stream: Any = gzip.GzipFile(fileobj=outer) if gzipped else outer
        inner = _HashingReader(stream, hashlib.md5(usedforsecurity=False))
        with _naming_broken_gzip(path):
            while inner.read(CHUNK_BYTES):
                pass
    return ArchiveDigest(outer.size, outer.hexdigest(), inner.hexdigest(), inner.size)


class _HashingReader(io.RawIOBase):
    """A stream whose bytes are counted and hashed as they are read."""

    def __init__(self, stream: Any, digest: Any) -> None:
        self._stream = stream
        self._digest = digest
        self.size = 0

    def readable(self) -> bool:
        """Return True: the stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read, count and hash."""
        size: int = self._stream.readinto(buffer)
        self.size += size
        self._digest.update(memoryview(buffer)[:size])
        return size

    def hexdigest(self) -> str:
        digest: str = self._digest.hexdigest()
        return digest


class _IdxFile:
    """An open IDX file whose header has been read.

    Errors start with `name`, a path or URL. `max_bytes` is the most that the file can hold, so that
    no header makes us wait for more or allocate more.
    """

    def __init__(self, stream: Any, name: str, max_bytes: int) -> None:
        self.name = name
        self.gzipped = isinstance(stream, gzip.GzipFile)
        self._stream = stream
        self._max_bytes = max_bytes
        self._position = 0  # bytes after the header
        self.header = self._read_header()
        self.dtype = IDX_DTYPES[self.header[2]]
        self.shape: tuple[int, ...] = struct.unpack(f">{self.header[3]}I", self.header[4:])
        self.payload_bytes = self.dtype.itemsize * math.prod(self.shape)

    def payload(self) -> Iterator[bytes]:
        """Yield the bytes after the header; ValueError if there are fewer or more than promised."""
        self.refuse_impossible_size()
        for start in range(0, self.payload_bytes, CHUNK_BYTES):
            yield self.read_exactly(min(CHUNK_BYTES, self.payload_bytes - start))
        self.refuse_left_over()

    def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes; ValueError if there are fewer."""
        chunk = self._read(size)
        self._position += len(chunk)
        if len(chunk) < size:
            raise self._short(f"{self._position:,}")
        return chunk

    def skip(self, size: int) -> None:
        """Skip `size` bytes; in a raw file on disk, without reading them."""
        if self._stream.seekable() and not self.gzipped:
            self._stream.seek(size, os.SEEK_CUR)
            self._position += size
            return
        for start in range(0, size, CHUNK_BYTES):
            self.read_exactly(min(CHUNK_BYTES, size - start))

    def refuse_impossible_size(self) -> None:
        """Raise ValueError if the header promises more than the file can hold."""
        if self.payload_bytes > self._max_bytes:
            raise self._short(f"at most {self._max_bytes:,}")

    def refuse_left_over(self) -> None:
        """Raise ValueError unless the file ends here.

        Reading the end also checks the checksum of a .gz.
        """
        if self._read(1):
            expected = f"{self.payload_bytes:,} after the header as it promises"
            raise fault(self.name, "bytes left over", expected, "download it again")

    def _short(self, found: str) -> ValueError:
        expected = f"{self.payload_bytes:,} as it promises"
        return fault(self.name, f"{found} bytes after the header", expected, "download it again")

    def _read(self, size: int) -> bytes:
        with _naming_broken_gzip(self.name):
            chunk: bytes = self._stream.read(size)
        return chunk

    def _read_header(self) -> bytes:
        """Read the magic number and the sizes; ValueError if they are not those of an IDX file."""
        magic = self._read(4)
        if not _is_idx_start(magic):
            expected = "IDX: 00 00, a type code, a number of dimensions"
            raise fault(self.name, _looks_like(magic), expected, "download it again")
        sizes = self._read(4 * magic[3])
        if len(sizes) < 4 * magic[3]:
            expected = f"{4 * magic[3]} for its dimensions"
            raise fault(self.name, f"{len(sizes)} bytes of sizes", expected, "download it again")
        return magic + sizes


def _is_idx_start(head: bytes) -> bool:
    """Check whether a file with this start can be IDX."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in IDX_DTYPES


def _looks_like(head: bytes) -> str:
    """Describe a file that is not IDX, judging by its first bytes."""
    if not head:
        return "empty"
    if head.lstrip().startswith(b"<"):
        return "an HTML page"
    if head.startswith(GZIP_MAGIC):
        return "gzip inside gzip"
    if head[2:4] == b"\0\0" and head[1] in IDX_DTYPES:
        return "a little-endian header"
    return f"starts with {head[:4].hex(' ')}"


@contextlib.contextmanager
def _open_idx(path: str) -> Iterator[_IdxFile]:
    """Open an IDX file and read its header.

    It uses io.open because `datasets` replaces the builtin in this module with one for URLs.
    """
    size = _regular_file(path).st_size
    with io.open(path, "rb") as file:
        if file.peek(2).startswith(GZIP_MAGIC):
            yield _IdxFile(gzip.GzipFile(fileobj=file), path, size * DEFLATE_LIMIT)
        else:
            yield _IdxFile(file, path, size)


@contextlib.contextmanager
def _naming_broken_gzip(name: str) -> Iterator[None]:
    """Turn the errors of gzip into a ValueError that names the file."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise fault(name, f"broken, {error}", "a whole .gz file", "download it again") from None


def _header_bytes(path: str, dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """Return the header of an IDX file; ValueError for a dtype or size that IDX does not have."""
    if any(not 0 <= size < 2**32 for size in shape):
        expected = f"sizes from 0 to {2**32 - 1:,}"
        raise fault(path, f"the shape {shape}", expected, "correct the shape")
    for code, known in IDX_DTYPES.items():
        if known == dtype.newbyteorder(">"):
            return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)
    names = ", ".join(known.name for known in IDX_DTYPES.values())
    remedy = "convert it with array.astype"
    raise fault(path, f"an array of {dtype}", f"one of {names}", remedy)


def _whole_chunks(
    path: str, chunks: Iterable[np.ndarray], shape: tuple[int, ...], dtype: np.dtype
) -> Iterator[np.ndarray]:
    """Yield chunks of one dtype; ValueError unless together they have the promised shape."""
    rows = 0
    for chunk in chunks:
        if chunk.dtype != dtype or chunk.shape[1:] != shape[1:]:
            found = f"a chunk of {chunk.dtype} {chunk.shape}"
            expected = f"{dtype} {('rows', *shape[1:])}"
            raise fault(path, found, expected, "make all chunks alike")
        rows += len(chunk)
        yield chunk
    if rows != shape[0]:
        raise fault(path, f"{rows:,} rows", f"{shape[0]:,} as shape says", "correct the shape")


@contextlib.contextmanager
def _moved_when_whole(partial: str, mode: str, path: str) -> Iterator[Any]:
    """Write to the file `partial`, and move it to `path` once it is complete.

    After an error it is deleted. Its path is added to errors that lack one, such as a full disk.
    """
    file = io.open(partial, mode)  # noqa: SIM115 - a file that cannot be opened is not deleted
    try:
        with file:
            yield file
        os.replace(partial, path)
    except BaseException as error:
        _remove(partial)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = partial
        raise


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
