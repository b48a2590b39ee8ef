"""What tests share: their own IDX encoder, a tiny family, two ways to load it, no network."""

import gzip
import hashlib
import importlib
import json
import os
import pathlib
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
OFFLINE = ROOT / "tests" / "offline"

# Set before `datasets` is imported, and passed on to every process that a test starts: caches that
# are the tests' own, and no connection to another machine.
HOME = tempfile.TemporaryDirectory(prefix="mnist_family-tests-")
for variable in ("HF_DATASETS_CACHE", "HF_MODULES_CACHE", "HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE"):
    os.environ.pop(variable, None)
os.environ["HF_HOME"] = HOME.name
os.environ["HF_DATASETS_TRUST_REMOTE_CODE"] = "1"
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ.pop("HF_TOKEN", None)
# A Hub of the tests will listen here; clients know no other.
HUB_SOCKET = socket.socket()
HUB_SOCKET.bind(("127.0.0.1", 0))
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{HUB_SOCKET.getsockname()[1]}"
os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (OFFLINE, HOME.name, ROOT, ROOT / "scripts")))
runpy.run_path(str(OFFLINE / "sitecustomize.py"))
sys.path.insert(0, HOME.name)
# A shell starts background jobs with Ctrl-C ignored, which the processes of tests would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

import datasets
import hypothesis
import numpy as np
import pytest
import yaml
from mirror_server import Mirror

hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")
SCRIPTS_LOAD = int(datasets.__version__.split(".")[0]) < 4
NAMES = ("mnist", "fashion", "kmnist")


def idx_bytes(array, code=0x08):
    """Encode a big-endian array as IDX, independently of the code under test."""
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def gz(content):
    return gzip.compress(content, mtime=0)


def pictures(rows, seed):
    """uint8 (rows, 28, 28) with a border of background, like the family's, and every grey level."""
    images = np.zeros((rows, 28, 28), np.uint8)
    images[:, 4:24, 4:24] = np.random.default_rng(seed).integers(0, 256, (rows, 20, 20))
    return images


def numbers(rows, seed, classes=10):
    return np.random.default_rng(seed).permutation(np.arange(rows) % classes).astype(np.uint8)


def write_split(folder, name, images, labels, pack=gz, pattern="{}-{}-idx{}-ubyte", suffix=".gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images", images), ("labels", labels)):
        (folder / (pattern.format(name, kind, array.ndim) + suffix)).write_bytes(
            pack(idx_bytes(array))
        )
    return folder


class Tiny:
    """A family of few rows, its two mirrors, and a script like the loader that knows its digests.

    The script runs the loader's own lines, so that coverage counts them; it waits one second for a
    silent mirror.
    """

    def __init__(self, folder):
        self.script = folder / "tiny_family.py"
        self.arrays, facts = {}, {}
        for number, name in enumerate(NAMES):
            self.arrays[name], facts[name] = {}, {}
            for split, file, rows in (("train", "train", 40), ("test", "t10k", 13)):
                seed = 10 * number + rows
                arrays = pictures(rows, seed), numbers(rows, seed)
                self.arrays[name][split] = arrays
                write_split(folder / name, file, *arrays)
                facts[name][split] = tuple(
                    {
                        "file": f"{file}-{kind}-idx{array.ndim}-ubyte.gz",
                        "bytes": len(gz(idx_bytes(array))),
                        "sha256": hashlib.sha256(gz(idx_bytes(array))).hexdigest(),
                        "md5": hashlib.md5(idx_bytes(array)).hexdigest(),
                    }
                    for kind, array in zip(("images", "labels"), arrays, strict=True)
                )
        self.folder = folder.joinpath
        self.mirrors = [Mirror(folder), Mirror(folder)]
        urls = [mirror.url for mirror in self.mirrors]
        loader = str(ROOT / "mnist_family.py")
        self.script.write_text(
            f"""
with open({loader!r}, encoding="utf-8") as _loader:
    exec(compile(_loader.read(), {loader!r}, "exec"))

CHUNK_ROWS, SILENCE = 16, 1
for _config in CONFIGS:
    _config.mirrors = tuple(f"{{url}}{{_config.name}}/" for url in {urls})
    _config.archives = {{
        split: ArchivePair(*(Archive(**archive) for archive in pair))
        for split, pair in {facts!r}[_config.name].items()
    }}
""",
            encoding="utf-8",
        )
        self.module = importlib.import_module("tiny_family")


@pytest.fixture(scope="session")
def tiny():
    return Tiny(pathlib.Path(HOME.name))


@pytest.fixture
def mirrors(tiny, monkeypatch):
    """The two mirrors of the tiny family, in their order, in good health and asked nothing yet."""
    monkeypatch.delenv("MNIST_FAMILY_MIRROR", raising=False)
    for mirror in tiny.mirrors:
        mirror.behaviour = "good"
        mirror.requests.clear()
    return tiny.mirrors


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def out(tmp_path):
    """The path of a folder to build, which does not exist yet."""
    return tmp_path / "out"


@pytest.fixture(params=["load", "load_dataset"] if SCRIPTS_LOAD else ["load"])
def load(request, tiny, cache):
    """Load the tiny family into a fresh cache: with `load` and, before 4.0, with `load_dataset`."""
    load = tiny.module.load
    if request.param == "load_dataset":

        def load(name=None, **settings):
            return datasets.load_dataset(str(tiny.script), name, **settings)

    def load_into_cache(*args, **settings):
        settings = {
            key: str(value) if isinstance(value, pathlib.Path) else value
            for key, value in settings.items()
        }
        return load(*args, **{"cache_dir": str(cache), **settings})

    return load_into_cache


def run(arguments, **settings):
    """A finished process of the same Python, with its output."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **settings
    )


def rows_of_duckdb(query):
    """Return the rows of a query, asked in a process of its own.

    At the end of a larger one, DuckDB complains about objects that others have not freed.
    """
    code = "import duckdb, json, sys; print(json.dumps(duckdb.sql(sys.argv[1]).fetchall()))"
    answer = run(["-c", code, query], check=True).stdout
    return [tuple(row) for row in json.loads(answer)]


def arrays_of(dataset):
    """(images, labels) of a Dataset or an IterableDataset, decoded."""
    rows = list(dataset)
    return np.stack([np.asarray(row["image"]) for row in rows]), np.array(
        [row["label"] for row in rows]
    )


def assert_rows(dataset, images, labels):
    got_images, got_labels = arrays_of(dataset)
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


def contents(folder):
    """The bytes of every file below a folder, by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def front_matter_of(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    return yaml.safe_load(card.split("---\n")[1])


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """A folder built from the sample, as README has it."""
    out = tmp_path_factory.mktemp("built") / "sample"
    from mnist_tools.commands.build import build

    build(out, sample=True)
    return out


@pytest.fixture(scope="session")
def real_archives():
    """The folder of the official archives, where there is one."""
    folder = pathlib.Path(
        os.environ.get("MNIST_FAMILY_ARCHIVES") or ROOT.parent / "shared" / "archives"
    )
    if not all((folder / name).is_dir() for name in ("mnist", "fashion")):
        pytest.skip(
            f"{folder}: no folders mnist and fashion in it; set MNIST_FAMILY_ARCHIVES to theirs"
        )
    return folder


@pytest.fixture(scope="session")
def real_rows(real_archives):
    """Read the official archives, once and not with our code: {name: {split: (images, labels)}}."""

    def read(name, file, header, shape):
        content = gzip.decompress((real_archives / name / f"{file}-ubyte.gz").read_bytes())
        return np.frombuffer(content, np.uint8, offset=header).reshape(shape)

    return {
        name: {
            split: (
                read(name, f"{file}-images-idx3", 16, (-1, 28, 28)),
                read(name, f"{file}-labels-idx1", 8, -1),
            )
            for split, file in (("train", "train"), ("test", "t10k"))
        }
        for name in ("mnist", "fashion")
    }


@pytest.fixture(scope="session")
def real_loaded(real_archives, tmp_path_factory):
    """{name: DatasetDict} of the official archives, loaded once by all processes of a run."""
    import mnist_family

    folder = tmp_path_factory.getbasetemp()
    cache = str((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "real")
    return {
        name: mnist_family.load(name, data_dir=real_archives / name, cache_dir=cache)
        for name in ("mnist", "fashion")
    }
