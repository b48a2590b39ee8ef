"""MNIST, Fashion-MNIST and Kuzushiji-MNIST for Hugging Face `datasets`, read from the original IDX archives.

    datasets.load_dataset("./mnist_family.py", "fashion")  # datasets 2.19 to 3.6
    mnist_family.load("fashion")  # datasets 2.19 to the newest

A row has `image`, decoded when asked for to a PIL image (mode L, 28 × 28, 0 = background), and `label`, a ClassLabel.
The file reads in the data's order: facts, locate, fetch, verify, generate; `load` and the IDX format come last.
"""

import collections
import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import math
import os
import re
import struct
import time
import typing
import zlib

import datasets
import fsspec
import numpy as np

# --- Facts: a dataset is a row of CONFIGS -----------------------------------------------------------------------------

# A published file: its name, the bytes and sha256 of the .gz, and the MD5 of its decompressed bytes.
Archive = collections.namedtuple("Archive", ("file", "bytes", "sha256", "md5"))


@dataclasses.dataclass
class FamilyConfig(datasets.BuilderConfig):
    """One dataset of the family; `archives` maps each split to its files of images and of labels."""

    title: str = ""
    class_names: tuple = ()
    mirrors: tuple = ()
    archives: dict = dataclasses.field(default_factory=dict)
    homepage: str = ""
    license: str = ""
    citation: str = ""


def _archives(table):
    """The archives of a dataset, which all publishers name alike, from a line of bytes, sha256 and MD5 for each."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    lines = [line.split() for line in table.strip().splitlines()]
    files = [Archive(f"{name}-ubyte.gz", int(line[0]), *line[1:]) for name, line in zip(names, lines, strict=True)]
    return {"train": tuple(files[:2]), "test": tuple(files[2:])}


# fmt: off
CONFIGS = [
    FamilyConfig(
        name="mnist", version=datasets.Version("1.0.0"), title="MNIST",
        description="Handwritten digits, mixed by LeCun, Cortes and Burges from two NIST collections so that train and "
                    "test images are alike but by other writers: 60,000 + 10,000 of them in ten unequal classes.",
        class_names=tuple("0123456789"),
        mirrors=("https://storage.googleapis.com/cvdf-datasets/mnist/",
                 "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        archives=_archives("""
        9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 6bbc9ace898e44ae57da46a324031adb
        28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c a25bea736e30d166cdddb491f175f624
        1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6 2646ac647ad5339dbf082846283269ea
        4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6 27ae3e4e09519cfbb04c329615203637"""),
        homepage="http://yann.lecun.com/exdb/mnist/", license="unknown",  # its publisher states none
        citation="""@misc{lecun2010mnist,
  author = {LeCun, Yann and Cortes, Corinna and Burges, Christopher J. C.},
  title = {{MNIST} handwritten digit database},
  howpublished = {\\url{http://yann.lecun.com/exdb/mnist/}}, year = {2010}}"""),
    FamilyConfig(
        name="fashion", version=datasets.Version("1.0.0"), title="Fashion-MNIST",
        description="Pictures of Zalando's articles, made to take MNIST's place in benchmarks with a harder task: "
                    "60,000 + 10,000 of them in ten equal classes.",
        class_names=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                     "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                 "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                 "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
        archives=_archives("""
        26421880 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84 f4a8712d7a061bf5bd6d2ca38dc4d50a
        29515 a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845 9018921c3c673c538a1fc5bad174d6f9
        4422102 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073 8181f5470baa50b63fa0f6fddb340f0a
        5148 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5 15d484375f8d13e6eb1aabb0c3f46965"""),
        homepage="https://github.com/zalandoresearch/fashion-mnist", license="mit",
        citation="""@online{xiao2017/online,
  author = {Han Xiao and Kashif Rasul and Roland Vollgraf},
  title = {Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms},
  date = {2017-08-28}, year = {2017}, eprintclass = {cs.LG}, eprinttype = {arXiv}, eprint = {cs.LG/1708.07747}}"""),
    FamilyConfig(
        name="kmnist", version=datasets.Version("1.0.0"), title="Kuzushiji-MNIST",
        description="Cursive characters (kuzushiji) from pre-modern Japanese books, one hiragana for each of ten "
                    "classes: 60,000 + 10,000 of them, in equal classes by their publisher's count.",
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                 "https://huggingface.co/datasets/tanganke/kmnist/resolve/756d43e894032ce8838db8b32e7500c9c3b5d050/raw/"),
        archives=_archives("""
        18165135 51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4 92be26ec9822e900ac425d0a0aa84ced
        29497 e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17 949e75301f8813e0dc5800dcc320fc52
        3041136 edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5 bf305b8cd328700fbc17f5acbc2856d2
        5120 20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c 9f55f451c0988b028eccdf7d5cc265ab"""),
        homepage="http://codh.rois.ac.jp/kmnist/", license="cc-by-sa-4.0",
        citation="""@online{clanuwat2018deep,
  author = {Tarin Clanuwat and Mikel Bober-Irizar and Asanobu Kitamoto and Alex Lamb and Kazuaki Yamamoto and David Ha},
  title = {Deep Learning for Classical Japanese Literature},
  date = {2018-12-03}, year = {2018}, eprintclass = {cs.CV}, eprinttype = {arXiv}, eprint = {cs.CV/1812.01718}}"""),
]
# fmt: on

with io.open(__file__, encoding="utf-8") as _script:  # code alone: `datasets` takes a script for new by that
    SOURCE_DIGEST = hashlib.sha256(re.sub("#.*", "", _script.read()).encode()).hexdigest()

# --- Locate: the files of each split ----------------------------------------------------------------------------------

KINDS = ("images", "labels")
ARCHIVE_NAME = re.compile(r"(?P<split>[^.].*)-(?P<kind>images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")


def _fault(subject, got, expected, remedy):
    return ValueError(f"{subject}: {got}, expected {expected}; {remedy}")


def _locate(folder):
    """The (name, images path, labels path) of each split, class names or None, and {file name: stamp}."""
    try:
        with os.scandir(folder) as entries:  # the / keeps folders apart: Kaggle's copy has some of the archives' names
            files = {entry.name + "/" * entry.is_dir(): entry.path for entry in sorted(entries, key=lambda e: e.name)}
    except (FileNotFoundError, NotADirectoryError):
        raise _fault(f"data_dir {folder!r}", "no such folder", "one that holds IDX archives", "correct it") from None
    splits = _splits(folder, files)
    named = next((files[name] for name in ("dataset_meta.json", "labels.txt") if name in files), None)
    used = {named, *(path for _, *pair in splits for path in pair)}
    stamps = {name: _stamp(path) for name, path in files.items() if path in used}
    return splits, named and _class_names(named), stamps


def _stamp(path):
    """(bytes, nanoseconds): the size and time of change by which a file counts as the same."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise _fault(path, "a link to nothing", "a file", "fetch what it links to") from None
    return status.st_size, status.st_mtime_ns


def _splits(folder, files):
    found = {}
    for name in files:
        if match := ARCHIVE_NAME.fullmatch(name):
            split = "test" if match["split"] == "t10k" else match["split"].replace("-", "_")
            found.setdefault(split, {kind: [] for kind in KINDS})[match["kind"][:6]].append(name)
    if not found:
        expected = "IDX archives such as train-images-idx3-ubyte.gz with train-labels-idx1-ubyte.gz"
        raise _fault(folder, f"holds {', '.join([*files][:5]) or 'nothing'}", expected, "give their folder as data_dir")
    for split, pair in found.items():
        names = ", ".join(pair["images"] + pair["labels"])
        if split.lower() == "all" or not re.fullmatch(r"\w+(\.\w+)*", split):
            expected = "letters, digits and _, and not 'all', which means every split"
            raise _fault(folder, f"{names} would be the split {split!r}", expected, "rename the files")
        if [len(pair[kind]) for kind in KINDS] != [1, 1]:
            expected = "one file of images and one of labels"
            raise _fault(folder, f"{names} for the split {split!r}", expected, "add the missing or move the other away")
    order = sorted(found, key=lambda split: ({"train": 0, "test": 2}.get(split, 1), split))
    return [(split, *(files[found[split][kind][0]] for kind in KINDS)) for split in order]


def _class_names(path):
    """In label order: the lines of labels.txt, blank ones skipped, or dataset_meta.json as Datumaro writes it."""
    try:
        with io.open(path, encoding="utf-8-sig") as file:
            names = json.load(file)["labels"] if path.endswith(".json") else [n.strip() for n in file if n.strip()]
        texts = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
        if texts and 1 <= len(set(names)) == len(names) <= 256:
            return names
        got = f"class names {names!r:.60}"
    except (ValueError, KeyError, TypeError, RecursionError) as error:  # not UTF-8, not JSON, no "labels" in it
        got = f"no class names ({type(error).__name__}: {error})"
    expected = 'from 1 to 256, all different, as UTF-8 lines in labels.txt or {"labels": ["…"]} in dataset_meta.json'
    raise _fault(path, got, expected, "mend or remove the file")


# --- Fetch: the archives from their mirrors, where no folder is given -------------------------------------------------

SILENCE = 30  # seconds that a mirror may say nothing; asked for a file's size, then for the file, it has two of them


def _fetch(facts, archives, dl_manager, silent):
    """The path of each archive, downloaded and checked; for a stream (path or URL, archive, rows), opened but not read.

    ConnectionError says what each mirror gave. One that times out joins `silent`, whose mirrors are not asked.
    """
    own = os.environ.get("MNIST_FAMILY_MIRROR", "").rstrip("/")
    if own and not re.match("https?://", own):
        raise _fault("MNIST_FAMILY_MIRROR", repr(own), "http:// or https://", "give a folder as data_dir instead")
    mirrors = [f"{own}/{facts.name}/"] * bool(own) + [*facts.mirrors]
    cache, hashed = dl_manager.download_config.cache_dir, datasets.utils.file_utils.hash_url_to_filename
    fetch, fetched = _open if dl_manager.is_streaming else _download, []
    for archive in archives:
        copies = {url: f"{cache}/{hashed(url)}" for url in (mirror + archive.file for mirror in mirrors)}
        reasons = {}
        for url in sorted(copies, key=lambda url: not os.access(copies[url], os.F_OK)):  # what is in the cache first
            mirror = url.removesuffix(archive.file)
            try:
                if mirror in silent:
                    raise TimeoutError
                fetched.append(fetch(url, archive, copies[url], dl_manager))
                break
            except Exception as error:
                reasons[url] = _reason(error, url)
                if reasons[url] == "timed out":
                    silent.add(mirror)
        else:
            files = ", ".join(each.file for pair in facts.archives.values() for each in pair)
            gave = "".join(f"\n  {url}: {reason}" for url, reason in reasons.items())
            got, expected = f"no mirror has {facts.title}'s", f"{archive.bytes:,} bytes of sha256 {archive.sha256}"
            remedy = f"put {files} into a folder and give it as data_dir. What the mirrors gave:{gave}"
            raise ConnectionError(_fault(archive.file, got, expected, remedy))
    return fetched


def _download(url, archive, copy, dl_manager):
    try:
        path = dl_manager.download(url)
    except BaseException as error:
        if not isinstance(error, Exception):  # Ctrl-C, while the client's own thread may be about to open the file
            time.sleep(0.3)
        _remove(f"{copy}.incomplete")
        raise
    with io.open(path, "rb") as file:
        content = file.read()
    digests = hashlib.sha256(content).hexdigest(), hashlib.md5(content, usedforsecurity=False).hexdigest()
    if archive.sha256 == digests[0] or archive.md5 == digests[1]:  # decompressed where a server sets Content-Encoding
        return path
    _remove(os.path.realpath(path), path, f"{path}.json")  # the Hub's cache has links
    dl_manager._recorded_sizes_checksums.pop(url, None)  # or the dataset's download_size would count it
    got = f"{len(content):,} bytes instead of {archive.bytes:,}"
    got = f"wrong digest, sha256 {digests[0]}" if len(content) == archive.bytes else got
    got = "an HTML page" if content.lstrip()[:1] == b"<" else got
    whose, _, other = _whose(digests[0]) or _whose(digests[1]) or (None, None, None)
    raise ValueError(f"this is {whose.title}'s {other.file}" if whose else got)


def _open(url, archive, copy, dl_manager):
    source = copy if os.access(copy, os.F_OK) else url
    if source == url and datasets.config.HF_DATASETS_OFFLINE:
        raise ConnectionError("offline mode")
    with contextlib.closing(_Remote(source, archive, dl_manager.download_config.storage_options)) as file:
        told = file.client.info(source)
        if told["size"] not in (archive.bytes, None):  # None where a server does not announce it
            html = told.get("mimetype") == "text/html"
            raise ValueError("an HTML page" if html else f"{told['size']:,} bytes instead of {archive.bytes:,}")
        return source, archive, _rows(gzip.GzipFile(fileobj=file), KINDS["labels" in archive.file])


class _Remote:
    """An archive to read once from a URL or path: ValueError at its end where its sha256 is not the published one."""

    def __init__(self, source, archive, storage_options):
        protocol = source.partition("://")[0] if "://" in source else "file"
        self.client = fsspec.filesystem(protocol, **storage_options.get(protocol, {}))
        self.name, self._archive, self._file, self._size, self._sha256 = source, archive, None, 0, hashlib.sha256()

    def read(self, size):
        archive = self._archive
        try:
            self._file = self._file or self.client.open(self.name, block_size=0, size=archive.bytes)
            chunk = self._file.read(size)
        except Exception as error:
            raise ConnectionError(f"{self.name}: {_reason(error, self.name)}; load again") from error
        self._size += len(chunk)
        self._sha256.update(chunk)
        if self._size > archive.bytes or (not chunk and self._sha256.hexdigest() != archive.sha256):
            got = f"{self._size:,} bytes of sha256 {self._sha256.hexdigest()}"
            raise _fault(self.name, got, f"{archive.bytes:,} of {archive.sha256}", "load it without streaming")
        return chunk

    def close(self):
        if self._file:
            self._file.close()


def _http_options():
    """Storage options that end a silence, but no transfer that moves: by itself aiohttp ends any after 300 s."""
    try:
        import aiohttp  # here, for that takes longer than to load a cached dataset
    except ImportError:
        return {}  # the client will say so
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=min(10, SILENCE), sock_read=SILENCE)
    client = {"timeout": timeout, "trust_env": True, "auto_decompress": False}
    options = {"client_kwargs": client, "headers": {"Accept-Encoding": "identity"}}
    return {"http": options, "https": options}


# What the exceptions of the clients come to; what is none of these is told in their words.
REASONS = {
    r"(?:ResponseError: |\(error |error ')(\d{3})": r"HTTP status \1",
    r"FileNotFoundError: (Couldn't find file at )?$": "HTTP status 404",
    "offline": "offline mode is on, unset HF_DATASETS_OFFLINE and HF_HUB_OFFLINE to download",
    "time(d )?out": "timed out",
    "refused": "connection refused",
    "gaierror|nameresolution": "host not known",
    "not enough data|incompleteread": "cut off before its end",
    "ImportError.*aiohttp": "aiohttp is missing, install it with pip install aiohttp",
}


def _reason(error, url):
    """Why a URL gave nothing, in a few words, which the clients hide in causes and messages."""
    if isinstance(error, ValueError):  # ours
        return str(error).removeprefix(f"{url}: ").partition(", expected")[0]
    said = ""
    while error:
        last = f"{type(error).__name__}: {error}".replace(url, "")
        said, error = f"{said} {last}", error.__cause__ or error.__context__
    known = (match.expand(REASONS[each]) for each in REASONS if (match := re.search(each, said, re.IGNORECASE)))
    return next(known, " ".join(last.split()))


# --- Verify: every byte that will become a row, before the first is written -------------------------------------------

ROW_SHAPES = {"images": (28, 28), "labels": ()}
UNLABELLED = 255  # in archives of at most 255 classes; -1 in rows

# A split whose files, with these stamps, have been checked; `official` where both are the config's published ones.
# One to stream from the network has no stamps: its files are URLs, or paths, and checked as they are read.
Split = collections.namedtuple("Split", "name images labels stamps rows num_classes official gzipped")


def _verify(config, num_classes, name, images, labels):
    """The `Split` of two files, read to their end but for images of a published sha256; ValueError names any fault."""
    stamps = _stamp(images), _stamp(labels)
    with _reading(images) as image_stream, _reading(labels) as label_stream:
        got, rows = _rows(image_stream, "images"), _rows(label_stream, "labels")
        if got != rows:
            datumaro = ", the count × 784 that Datumaro writes by mistake" if got == 784 * rows else ""
            remedy = "write the images again with write_idx" if datumaro else "put files that belong together there"
            raise _fault(images, f"{got:,} images{datumaro}", f"{rows:,}, as many as {labels} has labels", remedy)
        owned = _is_own(config, name, "images", images, _published_sha256(images))
        owned = owned or _is_own(config, name, "images", images, _payload_md5(image_stream, (rows, 28, 28)))
        official = _is_own(config, name, "labels", labels, _payload_md5(label_stream, (rows,), num_classes)) and owned
        gzipped = isinstance(image_stream, gzip.GzipFile)
    return Split(name, images, labels, stamps, rows, num_classes, official, gzipped)


def _rows(stream, kind):
    """The number of rows that the header names, once it is known to be that of a file of this kind."""
    dtype, shape = _header(stream)
    if dtype != np.uint8 or not shape or shape[1:] != ROW_SHAPES[kind]:
        got, expected = (" × ".join(map(str, sizes)) for sizes in (shape, ("rows", *ROW_SHAPES[kind])))
        swapped = dtype == np.uint8 and shape and shape[1:] in ROW_SHAPES.values()
        remedy = "images and labels look swapped" if swapped else f"{kind} of other shapes and types are not read"
        raise _fault(stream.name, f"{dtype.name} {got or 'scalar'}", f"{kind} as uint8 {expected}", remedy)
    if shape[0] == 0:
        raise _fault(stream.name, "no rows", "at least one", "get the file again")
    return shape[0]


def _payload_md5(stream, shape, num_classes=None):
    """MD5 of the decompressed file, which is read to its end; with `num_classes`, every byte has to be a label."""
    digest = hashlib.md5(_header_bytes(np.dtype(np.uint8), shape), usedforsecurity=False)
    row = 0
    for chunk in _payload(stream, math.prod(shape)):
        digest.update(chunk)
        if num_classes is not None:
            labels = np.frombuffer(chunk, np.uint8)
            wrong = (labels >= num_classes) & (labels != UNLABELLED)
            if wrong.any():
                got, expected = f"label {labels[wrong][0]} in row {row + wrong.argmax()}", f"0 to {num_classes - 1}"
                raise _fault(stream.name, got, expected, "name every class in labels.txt beside the archives")
            row += len(labels)
    return digest.hexdigest()


def _published_sha256(path):
    """sha256 of a file as it is on disk; None, unread, where no published archive has its size."""
    if os.stat(path).st_size in {archive.bytes for c in CONFIGS for pair in c.archives.values() for archive in pair}:
        with io.open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()


def _is_own(config, split, kind, path, digest):
    """Whether the sha256 of a .gz or the MD5 of its content is the config's; ValueError where it is another's."""
    whose, whose_split, _ = _whose(digest) or (None, None, None)
    if whose and (whose is not config or (split in config.archives and split != whose_split)):
        got = f"these are {whose.title}'s {whose_split} {kind}, not {config.title}'s {split} {kind}"
        remedy = "put the right file there" + f" or load {whose.name!r}" * (whose is not config)
        raise ValueError(f"{path}: {got}; {remedy}")
    return whose is not None


def _whose(digest):
    """The (config, split, archive) of which this is the sha256, or decompressed the MD5; None where of none."""
    for config in CONFIGS:
        for split, pair in config.archives.items():
            for archive in pair:
                if digest in (archive.sha256, archive.md5):
                    return config, split, archive


# --- Generate: examples from verified splits --------------------------------------------------------------------------

MAX_RANGES = 32  # as many processes can share a split
CHUNK_ROWS = 1000
PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">2I5B", 28, 28, 8, 0, 0, 0, 0)
PNG_HEAD += struct.pack(">I", zlib.crc32(PNG_HEAD[12:]))
PNG_TAIL = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))


def _pngs(pixels):
    """A PNG file, mode L, for each image of uint8 (n, 28, 28) `pixels`: unfiltered lines, run lengths, Huffman codes.

    That is two to three times faster than Pillow, as small to a few percent; scripts/benchmark.py measures both.
    """
    lines = np.zeros((len(pixels), 28, 29), np.uint8)  # the first byte of a line names its filter: 0, none
    lines[:, :, 1:] = pixels
    for image in lines:
        deflate = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
        data = b"IDAT" + deflate.compress(image) + deflate.flush()
        length, checksum = struct.pack(">I", len(data) - 4), struct.pack(">I", zlib.crc32(data))
        yield b"".join((PNG_HEAD, length, data, checksum, PNG_TAIL))


class MnistFamily(datasets.GeneratorBasedBuilder):
    """The one builder, of published archives or of any folder like them; `load` describes its arguments."""

    BUILDER_CONFIG_CLASS = FamilyConfig
    BUILDER_CONFIGS = CONFIGS
    DEFAULT_CONFIG_NAME = "mnist"
    DEFAULT_WRITER_BATCH_SIZE = 1000  # from 3.1 on, `datasets` would take 100

    def __init__(self, cache_dir=None, *, config_name=None, data_dir=None, **kwargs):
        facts = {config.name: config for config in CONFIGS}
        config_name = config_name or self.DEFAULT_CONFIG_NAME
        if config_name not in facts:
            raise _fault(f"config {config_name!r}", "unknown", f"one of {', '.join(facts)}", "correct the name")
        for name in ("data_files", *FamilyConfig.__annotations__):
            if kwargs.get(name) is not None:
                raise _fault(name, "given", "none", "put archives, and labels.txt for own classes, in a data_dir")
        self._facts, self._located, stamp = facts[config_name], None, None
        self._class_names = list(self._facts.class_names)
        self._streamed = None  # names of the splits that a stream is wanted of; None for all
        if data_dir is not None:
            data_dir = os.fspath(data_dir)
            if "://" in data_dir:
                raise _fault(f"data_dir {data_dir}", "a URL", "a folder", "download the archives into one")
            data_dir = data_dir and os.path.abspath(os.path.expanduser(data_dir))
            self._located = _locate(data_dir)
            _, class_names, stamp = self._located
            self._class_names = class_names or self._class_names
        # Our own key in place of the script's: `datasets` alone would give stale rows for changed archives, and
        # load_dataset and load() would not find each other's.
        kwargs["hash"] = hashlib.sha256(repr((SOURCE_DIGEST, stamp)).encode()).hexdigest()
        super().__init__(cache_dir, config_name=config_name, data_dir=data_dir, **kwargs)

    @classmethod
    def get_all_exported_dataset_infos(cls):
        """None: `datasets` before 4 would hold the rows against whatever README.md lies beside the script."""
        return {}

    def _info(self):
        label = datasets.ClassLabel(names=self._class_names)
        features = datasets.Features({"image": datasets.Image(), "label": label})
        return datasets.DatasetInfo(features=features, supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager):
        splits = self._verified(dl_manager)
        if all(split.official for split in splits):  # nobody's own folder carries the publisher's licence
            for name in ("description", "citation", "homepage", "license"):
                setattr(self.info, name, getattr(self._facts, name))
        generators = []
        for split in splits:
            # A stream asks for one range at a time, and a .gz would be read from its start for each of them.
            count = 1 if split.gzipped and dl_manager.is_streaming else min(split.rows, MAX_RANGES)
            ranges = [(split.rows * i // count, split.rows * (i + 1) // count) for i in range(count)]
            generators.append(datasets.SplitGenerator(split.name, {"split": split, "ranges": ranges}))
            generators[-1].split_info.num_examples = split.rows  # the progress bar's total
        return generators

    def as_streaming_dataset(self, split=None, base_path=None):
        """As `datasets` has it, but that mirrors are not asked for other splits than `split` names."""
        self._streamed = {*re.split(r"\W+", str(split))} & {*self._facts.archives} or None
        return super().as_streaming_dataset(split, base_path)

    def _verified(self, dl_manager):
        """A `Split` for each that is there; the one place that knows where files come from."""
        num_classes = len(self._class_names)
        if self._located is not None:
            if _locate(self.config.data_dir) != self._located:
                expected = "the files that the builder was made for"
                raise _fault(self.config.data_dir, "changed", expected, "make a new one")
            return [_verify(self._facts, num_classes, *files) for files in self._located[0]]
        config = dl_manager.download_config = dl_manager.download_config.copy()
        config.cache_dir = config.cache_dir or self._cache_downloaded_dir
        config.storage_options = {**_http_options(), **config.storage_options}
        splits, silent = [], set()
        for name, pair in self._facts.archives.items():
            if not dl_manager.is_streaming:
                splits.append(_verify(self._facts, num_classes, name, *_fetch(self._facts, pair, dl_manager, silent)))
            elif name in (self._streamed or self._facts.archives):
                images, labels = _fetch(self._facts, pair, dl_manager, silent)
                splits.append(Split(name, images[:2], labels[:2], None, images[2], num_classes, True, True))
        return splits

    def _generate_examples(self, split, ranges):
        """Yield (row, example) for the rows of `ranges`, (start, stop) each, in their order and in constant memory.

        The image is a PNG file, not a PIL image: `datasets` would only encode that, at twice the time, to another
        such file. What it decodes for users is a PIL image all the same.
        """
        with contextlib.ExitStack() as stack:
            if split.stamps:
                images, labels = (stack.enter_context(_reading(path)) for path in (split.images, split.labels))
                if (_stamp(split.images), _stamp(split.labels)) != split.stamps:
                    raise _fault(
                        split.images, "changed, it or its labels", "the files that were verified", "load again"
                    )
            else:  # from the network, not verified: the labels are now, the images at their end
                options = {**_http_options(), **self.storage_options}
                files = [_Remote(*source, options) for source in (split.images, split.labels)]
                images, labels = (gzip.GzipFile(fileobj=stack.enter_context(contextlib.closing(f))) for f in files)
                labels = io.BytesIO(_read(labels, -1))
            for start, stop in ranges:
                images.seek(16 + 784 * start)
                labels.seek(8 + start)
                for first in range(start, stop, CHUNK_ROWS):
                    count = min(CHUNK_ROWS, stop - first)
                    pixels = np.frombuffer(_read(images, 784 * count), np.uint8).reshape(count, 28, 28)
                    numbers = np.frombuffer(labels.read(count), np.uint8).astype(int)
                    if first + count == split.rows and _read(images, 1):  # at the end, and before the last rows are out
                        raise _fault(images.name, "bytes left over", "no more than its header promises", "load again")
                    if split.num_classes <= UNLABELLED:
                        numbers[numbers == UNLABELLED] = -1
                    for row, (image, label) in enumerate(zip(_pngs(pixels), numbers.tolist(), strict=True), first):
                        yield row, {"image": image, "label": label}


def load(
    name="mnist", split=None, *, data_dir=None, streaming=False, num_proc=None, cache_dir=None, download_mode=None
):
    """What `datasets.load_dataset` gives for this script, on every release from 2.19 on and with no trust flag.

    `name` is a config; `split` is as in load_dataset, slices ("train[:10%]") and unions ("train+test") included, with
    `streaming` one exact name; `data_dir` is a folder of IDX archives, .gz or raw, to read in place of the published
    ones, which are downloaded once. Returns a Dataset, or a DatasetDict where `split` is None; with `streaming`, their
    Iterable kin. ValueError says which file is broken and how, or lists the names and splits that there are;
    ConnectionError says what each mirror gave, and where to put archives that come another way.
    """
    builder = MnistFamily(cache_dir, config_name=name, data_dir=data_dir)
    if streaming and num_proc is not None:
        raise NotImplementedError(f"num_proc {num_proc}: given with streaming, expected None; a DataLoader has workers")
    if streaming:
        return builder.as_streaming_dataset(split=split)
    builder.download_and_prepare(download_mode=download_mode, num_proc=num_proc)
    in_memory = builder.info.dataset_size < datasets.config.IN_MEMORY_MAX_SIZE  # 0 unless a user sets it
    return builder.as_dataset(split=split, in_memory=in_memory)


# --- The IDX format: 00 00, a type code, the number of dimensions, their sizes, the values; big-endian, C order -------

IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
IDX_DTYPES = {code: np.dtype(f">{name}") for code, name in IDX_TYPES.items()}
CHUNK_BYTES = 1 << 20
GZIP_LEVEL = 6  # 9 would take ten times as long, for one or two percent
DEFLATE_LIMIT = 1032  # bytes that one of a .gz can stand for, at the most: runs of 258 in two bits


def read_idx(path):
    """The array in an IDX file, .gz or raw whatever its name: of its shape and dtype, native byte order, writable.

    The dtype is uint8, int8, int16, int32, float32 or float64. ValueError where the file is not exactly one such array.
    """
    with _reading(os.fspath(path)) as stream:
        dtype, shape = _header(stream)
        values = bytearray().join(_payload(stream, dtype.itemsize * math.prod(shape)))
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def write_idx(path, array):
    """Write an array of a dtype that `read_idx` names to an IDX file, a .gz if `path` ends so; same array, same bytes.

    What `load` reads is uint8: images (rows, 28, 28), 0 = background, and labels (rows,). ValueError for other dtypes,
    such as NumPy's default int64. The file appears whole or not at all.
    """
    path, array = os.fspath(path), np.asarray(array)
    dtype = array.dtype.newbyteorder(">")
    if dtype not in IDX_DTYPES.values():
        names = ", ".join(known.name for known in IDX_DTYPES.values())
        raise _fault(path, f"an array of {array.dtype}", f"one of {names}", "convert it with array.astype")
    partial = f"{path}.incomplete"
    try:
        with io.open(partial, "wb") as file, contextlib.ExitStack() as stack:
            if path.endswith(".gz"):
                file = stack.enter_context(gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0))  # no name or clock
            file.write(_header_bytes(dtype, array.shape))
            file.write(np.ascontiguousarray(array, dtype))
        os.replace(partial, path)
    except BaseException:
        _remove(partial)
        raise


def _remove(*paths):
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _header_bytes(dtype, shape):
    code = next(code for code, known in IDX_DTYPES.items() if known == dtype.newbyteorder(">"))
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


@contextlib.contextmanager
def _reading(path):
    """A stream of a file's decompressed bytes; by io.open, since `datasets` replaces the builtin in this module."""
    with io.open(path, "rb") as file:
        yield gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == b"\x1f\x8b" else file


def _read(stream, size):
    try:
        return stream.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _fault(stream.name, f"broken, {error}", "a whole .gz file", "get it again") from None


def _header(stream):
    """The big-endian dtype and the shape that an IDX file starts with."""
    head = _read(stream, 4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_DTYPES:
        got = f"starts with {head.hex(' ')}" if head else "empty"
        got = "gzip inside gzip" if head[:2] == b"\x1f\x8b" else got
        got = "an HTML page" if head.lstrip()[:1] == b"<" else got
        got = "a little-endian header" if head[2:] == b"\0\0" and head[1] in IDX_DTYPES else got
        raise _fault(stream.name, got, "IDX: 00 00, a type code, a number of dimensions", "get the file again")
    sizes = _read(stream, 4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise _fault(stream.name, f"{len(sizes)} bytes of sizes", f"{4 * head[3]} for its dimensions", "get it again")
    return IDX_DTYPES[head[2]], struct.unpack(f">{head[3]}I", sizes)


def _payload(stream, size):
    """Yield in chunks the bytes after the header; ValueError where they are not exactly `size`."""
    limit = os.stat(stream.name).st_size * (DEFLATE_LIMIT if isinstance(stream, gzip.GzipFile) else 1)
    done = 0
    while done < size <= limit and (chunk := _read(stream, min(CHUNK_BYTES, size - done))):
        done += len(chunk)
        yield chunk
    if done < size:
        got = f"at most {limit:,}" if size > limit else f"{done:,}"
        raise _fault(stream.name, f"{got} bytes after the header", f"{size:,} as it promises", "get the file again")
    if _read(stream, 1):  # a .gz stream checks its CRC no sooner
        raise _fault(stream.name, "bytes left over", f"{size:,} after the header as it promises", "get the file again")


# --- Public names, until the loader's own redesign lands ---


class Chunk(typing.NamedTuple):
    images: np.ndarray
    labels: np.ndarray


class ClassNames(typing.NamedTuple):
    names: tuple[str, ...]
    source: str


class LocatedSplit(typing.NamedTuple):
    name: str
    images: str
    labels: str


class PublishedArchive(typing.NamedTuple):
    config: FamilyConfig
    split: str
    archive: Archive


class ArchiveDigest(typing.NamedTuple):
    bytes: int
    sha256: str
    md5: str
    uncompressed_bytes: int


@dataclasses.dataclass(frozen=True)
class Located:
    splits: tuple[LocatedSplit, ...]
    class_names: ClassNames | None
    stamps: dict


@dataclasses.dataclass(frozen=True)
class DiskSplit:
    name: str
    images: str
    labels: str
    rows: int
    num_classes: int
    official: bool
    gzipped: bool
    header_images: int
    stamps: tuple


def fault(subject: str, found: str, expected: str, remedy: str) -> ValueError:
    return ValueError(f"{subject}: {found}, expected {expected}; {remedy}")


def find_config(name: str) -> FamilyConfig:
    for config in CONFIGS:
        if config.name == name:
            return config
    names = ", ".join(config.name for config in CONFIGS)
    raise fault(f"config {name!r}", "unknown", f"one of {names}", "correct the name")


def find_published(digest: str) -> PublishedArchive | None:
    found = _whose(digest)
    return PublishedArchive(*found) if found else None


def read_class_names(path: str | os.PathLike) -> ClassNames:
    return ClassNames(tuple(_class_names(os.fspath(path))), os.path.basename(path))


def locate(folder: str | os.PathLike) -> Located:
    splits, names, stamps = _locate(os.fspath(folder))
    source = "dataset_meta.json" if "dataset_meta.json" in stamps else "labels.txt"
    class_names = ClassNames(tuple(names), source) if names else None
    return Located(tuple(LocatedSplit(*split) for split in splits), class_names, stamps)


def _disk(split: typing.Any) -> DiskSplit:
    return DiskSplit(split.name, split.images, split.labels, split.rows, split.num_classes, split.official,
                     split.gzipped, split.rows, split.stamps)  # fmt: skip


def verify(located: LocatedSplit, config: FamilyConfig, num_classes: int) -> DiskSplit:
    return _disk(_verify(config, num_classes, *located))


def inspect(located: LocatedSplit) -> tuple[DiskSplit, PublishedArchive | None]:
    with _reading(located.images) as images, _reading(located.labels) as labels:
        header_images, rows = _rows(images, "images"), _rows(labels, "labels")
        gzipped = isinstance(images, gzip.GzipFile)
        published = find_published(_payload_md5(labels, (rows,)))
    if header_images not in (rows, 784 * rows):
        raise fault(located.images, f"{header_images:,} images", f"{rows:,}, as many as labels", "correct it")
    stamps = _stamp(located.images), _stamp(located.labels)
    num_classes = len(published.config.class_names) if published else 255
    return DiskSplit(*located, rows, num_classes, False, gzipped, header_images, stamps), published


def verified_splits(name: str, data_dir: str | os.PathLike | None = None) -> dict[str, DiskSplit]:
    builder = MnistFamily(config_name=name, data_dir=data_dir)
    config = datasets.DownloadConfig(cache_dir=builder._cache_downloaded_dir)
    splits = builder._verified(datasets.DownloadManager(download_config=config))
    return {split.name: _disk(split) for split in splits}


def read_chunks(
    split: DiskSplit, start: int = 0, stop: int | None = None, *, rows_per_chunk: int = 1000
) -> typing.Iterator[Chunk]:
    stop = split.rows if stop is None else stop
    with _reading(split.images) as images, _reading(split.labels) as labels:
        images.seek(16 + 784 * start)
        labels.seek(8 + start)
        for first in range(start, stop, rows_per_chunk):
            count = min(rows_per_chunk, stop - first)
            pixels = np.frombuffer(_read(images, 784 * count), np.uint8).reshape(count, 28, 28)
            numbers = np.frombuffer(labels.read(count), np.uint8).astype(int)
            if split.num_classes <= UNLABELLED:
                numbers[numbers == UNLABELLED] = -1
            yield Chunk(pixels, numbers)


def digest_archive(path: str | os.PathLike) -> ArchiveDigest:
    with io.open(path, "rb") as file:
        content = file.read()
    whole = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return ArchiveDigest(len(content), hashlib.sha256(content).hexdigest(), hashlib.md5(whole).hexdigest(), len(whole))


encode_pngs = _pngs
IMAGE_SHAPE = (28, 28)
