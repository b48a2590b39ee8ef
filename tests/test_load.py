"""`load()` and `load_dataset`: the same rows from the same cache, never stale, never too few."""

import contextlib
import functools
import gzip
import inspect
import os
import pathlib
import shutil
import subprocess
import sys
import time

import datasets
import numpy as np
import pytest
from conftest import ROOT, SCRIPTS_LOAD, assert_rows, gz, idx_bytes, numbers, pictures, write_split

pytestmark = pytest.mark.release
IMAGES, LABELS = pictures(20, 7), numbers(20, 7)
needs_scripts = pytest.mark.skipif(not SCRIPTS_LOAD, reason="`datasets` 4 removed loading scripts")


def test_the_default_is_every_split_of_mnist(load, tiny):
    loaded = load(data_dir=tiny.folder("mnist"))
    assert isinstance(loaded, datasets.DatasetDict)
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 40, "test": 13}
    assert loaded["train"].features["label"].names == list("0123456789")
    assert loaded["train"].info.config_name == "mnist"
    assert str(loaded["train"].info.version) == "1.0.0"
    assert loaded["train"].info.supervised_keys.input == "image"
    assert loaded["train"].info.supervised_keys.output == "label"


@pytest.mark.parametrize(
    ("split", "rows"),
    [("train[:10%]", slice(0, 4)), ("train[5:9]", slice(5, 9)), ("train[-3:]", slice(-3, None))],
)
def test_slices_load(load, tiny, split, rows):
    images, labels = tiny.arrays["kmnist"]["train"]
    assert_rows(
        load("kmnist", data_dir=tiny.folder("kmnist"), split=split), images[rows], labels[rows]
    )


def test_unions_load(load, tiny):
    pairs = zip(tiny.arrays["mnist"]["train"], tiny.arrays["mnist"]["test"], strict=True)
    images, labels = (np.concatenate(pair) for pair in pairs)
    assert_rows(load("mnist", data_dir=tiny.folder("mnist"), split="train+test"), images, labels)


def test_rows_convert_to_numpy(load, tiny):
    images, labels = tiny.arrays["mnist"]["train"]
    batch = load("mnist", data_dir=tiny.folder("mnist"), split="train").with_format("numpy")[:]
    np.testing.assert_array_equal(batch["image"], images)
    np.testing.assert_array_equal(batch["label"], labels)


def test_features_of_ones_own_are_taken(tiny, cache):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int8")})
    builder = tiny.module.MnistFamily(
        str(cache), data_dir=str(tiny.folder("mnist")), features=features
    )
    builder.download_and_prepare()
    assert builder.as_dataset("train").features == features


def test_a_wrong_name_lists_the_right_ones(load):
    with pytest.raises(
        ValueError, match="config 'fmnist': unknown, expected one of mnist, fashion, kmnist"
    ):
        load("fmnist")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fashion_mnist", "fashion"),
        ("Fashion-MNIST", "fashion"),
        ("zalando-datasets/fashion_mnist", "fashion"),
        ("MNIST", "mnist"),
        ("ylecun/mnist", "mnist"),
        ("Kuzushiji-MNIST", "kmnist"),
        ("KMNIST", "kmnist"),
    ],
)
def test_a_name_that_the_dataset_has_elsewhere_suggests_ours(load, tiny, name, meant):
    with pytest.raises(ValueError, match=".") as refusal:
        load(name, data_dir=tiny.folder("mnist"))
    expected = "expected one of mnist, fashion, kmnist"
    assert str(refusal.value) == f"config {name!r}: unknown, {expected}; did you mean {meant!r}?"


@pytest.mark.parametrize("name", ["emnist", "qmnist", "mnist2", "fmnist", "/", ""])
def test_a_name_of_another_dataset_suggests_none(tiny, name):
    with pytest.raises(ValueError, match=".") as refusal:
        tiny.module.find_config(name)
    assert str(refusal.value) == (
        f"config {name!r}: unknown, expected one of mnist, fashion, kmnist; "
        "correct the name, or give the folder of a dataset of your own as data_dir"
    )


@pytest.mark.parametrize("streaming", [False, True])
def test_a_wrong_split_lists_the_right_ones(load, tiny, streaming):
    with pytest.raises(ValueError, match=r"validation.*\['train', 'test'\]"):
        load("mnist", data_dir=tiny.folder("mnist"), split="validation", streaming=streaming)


def test_streaming_with_processes_is_refused(load, tiny):
    with pytest.raises(NotImplementedError, match="num_proc"):
        load("mnist", data_dir=tiny.folder("mnist"), streaming=True, num_proc=2)


@pytest.mark.parametrize(
    "given", [{"class_names": ("a", "b")}, {"archives": {}}, {"data_files": "x"}]
)
def test_no_argument_switches_a_check_off(tiny, given):
    with pytest.raises(
        ValueError, match=f"{next(iter(given))}: given, expected none; .*labels.txt"
    ):
        tiny.module.MnistFamily(data_dir=str(tiny.folder("mnist")), **given)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start_workers_load_too_and_a_missing_main_guard_is_told(
    tiny, folder, cache, tmp_path, method
):
    script = tmp_path / "script.py"
    arguments = f"data_dir={str(folder)!r}, cache_dir={str(cache)!r}, num_proc=2"
    code = f"print(len(tiny_family.load({arguments})['train']))"
    start = (
        f"import multiprocess, tiny_family\nmultiprocess.set_start_method({method!r}, force=True)\n"
    )
    script.write_text(start + code)
    unguarded = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert unguarded.returncode == 1
    assert (
        "num_proc: loading in a worker that starts, expected a main guard; put what"
        in unguarded.stderr
    )
    script.write_text(f"{start}if __name__ == '__main__':\n    {code}")
    guarded = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert guarded.stdout == "20\n", guarded.stderr


def test_the_module_may_be_installed_where_nobody_can_write(folder, cache, tmp_path):
    """Before 4.0, `datasets` locks a file two folders above it, which is a folder here."""
    (tmp_path / "lib.lock").mkdir()
    module = tmp_path / "lib" / "packages" / "mnist_family.py"
    module.parent.mkdir(parents=True)
    shutil.copy(ROOT / "mnist_family.py", module)
    code = f"""
import sys
sys.path.insert(0, {str(module.parent)!r})
import mnist_family
for settings in ({{"cache_dir": {str(cache)!r}, "num_proc": 2}}, {{"streaming": True}}):
    rows = mnist_family.load("mnist", "train", data_dir={str(folder)!r}, **settings)
    print(mnist_family.__file__, len([*rows]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.stdout == f"{module} 20\n" * 2, result.stderr


def test_small_datasets_are_held_in_memory_where_a_user_sets_that(load, tiny, monkeypatch):
    monkeypatch.setattr(datasets.config, "IN_MEMORY_MAX_SIZE", 10**9)
    assert load("mnist", data_dir=tiny.folder("mnist"), split="train").cache_files == []


def test_load_has_the_arguments_that_readme_names(tiny):
    names = "name split data_dir streaming num_proc cache_dir download_mode"
    assert list(inspect.signature(tiny.module.load).parameters) == names.split()


# --- Never stale ----------------------------------------------------------------------------------


def rewrite(path, content):
    """New content of the same size a moment later, as an editor would leave it."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.fixture
def folder(tmp_path):
    return write_split(tmp_path / "archives", "train", IMAGES, LABELS, bytes, suffix="")


@pytest.mark.parametrize("download_mode", [None, "force_redownload", "reuse_cache_if_exists"])
def test_changed_archives_give_new_rows(load, folder, download_mode):
    load(data_dir=folder)
    rewrite(folder / "train-labels-idx1-ubyte", idx_bytes(LABELS[::-1].copy()))
    assert_rows(
        load(data_dir=folder, split="train", download_mode=download_mode), IMAGES, LABELS[::-1]
    )


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    "pack", [bytes, functools.partial(gzip.compress, compresslevel=0, mtime=0)]
)
@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
def test_archives_of_the_same_size_and_time_as_before_give_new_rows(
    tiny, tmp_path, cache, monkeypatch, pack, kind, large
):
    """As unpacked from a tar, or by a tool that sets every time to the same."""
    monkeypatch.setattr(tiny.module, "SMALL_FILE", 10 if large else 1 << 20)
    folder = write_split(tmp_path / "same", "train", IMAGES, LABELS, pack)
    tiny.module.load(data_dir=folder, cache_dir=str(cache))
    other = write_split(tmp_path / "other", "train", IMAGES[::-1], LABELS[::-1], pack)
    path = folder / f"train-{kind}-ubyte.gz"
    before = path.stat()
    path.write_bytes((other / path.name).read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    loaded = tiny.module.load(data_dir=folder, cache_dir=str(cache), split="train")
    changed = kind == "images-idx3"
    assert_rows(loaded, IMAGES[::-1] if changed else IMAGES, LABELS if changed else LABELS[::-1])


@pytest.mark.parametrize("download_mode", [None, "force_redownload"])
def test_more_rows_than_before_load(load, folder, download_mode):
    load(data_dir=folder)
    write_split(folder, "train", pictures(30, 8), numbers(30, 8), bytes, suffix="")
    assert_rows(
        load(data_dir=folder, split="train", download_mode=download_mode),
        pictures(30, 8),
        numbers(30, 8),
    )


def test_unchanged_archives_are_read_once(load, folder):
    first = load(data_dir=folder, split="train").cache_files
    written = os.stat(first[0]["filename"]).st_mtime_ns
    assert load(data_dir=folder, split="train").cache_files == first
    assert os.stat(first[0]["filename"]).st_mtime_ns == written
    load(data_dir=folder, download_mode="force_redownload")
    assert os.stat(first[0]["filename"]).st_mtime_ns != written


@pytest.mark.parametrize("file", ["labels.txt", "dataset_meta.json"])
def test_class_names_added_changed_and_removed_take_effect(load, folder, file):
    def names():
        return load(data_dir=folder, split="train").features["label"].names

    contents = {
        "labels.txt": "\n".join,
        "dataset_meta.json": lambda names: f'{{"labels": {list(names)}}}'.replace("'", '"'),
    }
    assert names() == list("0123456789")
    (folder / file).write_text(contents[file]("abcdefghij"))
    assert names() == list("abcdefghij")
    rewrite(folder / file, contents[file]("ABCDEFGHIJ").encode())
    assert names() == list("ABCDEFGHIJ")
    (folder / file).unlink()
    assert names() == list("0123456789")


def test_one_folder_has_one_cache_however_it_is_named(load, folder, monkeypatch):
    (folder.parent / "home").mkdir()
    monkeypatch.setenv("HOME", str(folder.parent))
    expected = load(data_dir=folder, split="train").cache_files
    monkeypatch.chdir(folder.parent)
    for data_dir in (
        "archives",
        "./archives/",
        "home/../archives",
        "~/archives",
        pathlib.Path("archives"),
    ):
        assert load(data_dir=data_dir, split="train").cache_files == expected


@pytest.fixture
def family(tiny, tmp_path):
    """A folder that holds no archives, but a folder of them for each config."""
    for name in ("mnist", "fashion"):
        shutil.copytree(tiny.folder(name), tmp_path / "family" / name)
    return tmp_path / "family"


def test_a_data_dir_may_be_the_folder_above(load, tiny, family):
    loaded = load("fashion", data_dir=family, split="test")
    assert_rows(loaded, *tiny.arrays["fashion"]["test"])
    exact = load("fashion", data_dir=family / "fashion", split="test")
    assert exact.cache_files == loaded.cache_files
    assert_rows(load(data_dir=family, split="test"), *tiny.arrays["mnist"]["test"])


def test_the_folder_above_is_understood_by_all_that_take_a_data_dir(tiny, family):
    images, labels = tiny.module.arrays("fashion", "test", data_dir=family)
    np.testing.assert_array_equal(images, tiny.arrays["fashion"]["test"][0])
    np.testing.assert_array_equal(labels, tiny.arrays["fashion"]["test"][1])
    splits = tiny.module.verified_splits("fashion", family)
    assert splits["test"].images == str(family / "fashion" / "t10k-images-idx3-ubyte.gz")
    stream = tiny.module.load("fashion", "test", data_dir=family, streaming=True)
    assert_rows(stream, *tiny.arrays["fashion"]["test"])


def test_archives_of_its_own_come_before_those_in_a_folder(load, family):
    write_split(family, "train", IMAGES, LABELS)
    assert_rows(load(data_dir=family, split="train"), IMAGES, LABELS)


def test_a_folder_of_other_configs_is_refused(tiny, family):
    with pytest.raises(ValueError, match=".") as refusal:
        tiny.module.arrays("kmnist", data_dir=family)
    assert str(refusal.value) == (
        f"{family}: holds fashion/, mnist/, expected IDX archives such as "
        "train-images-idx3-ubyte.gz with train-labels-idx1-ubyte.gz; give their folder as data_dir"
    )


def test_one_name_in_two_working_directories_is_two_folders(load, tmp_path, monkeypatch):
    for number in (1, 2):
        write_split(
            tmp_path / str(number) / "data",
            "train",
            pictures(5, number),
            numbers(5, number),
            bytes,
            suffix="",
        )
        os.utime(tmp_path / str(number) / "data" / "train-images-idx3-ubyte", ns=(0, 0))
        os.utime(tmp_path / str(number) / "data" / "train-labels-idx1-ubyte", ns=(0, 0))
    fingerprints = set()
    for number in (1, 2):
        monkeypatch.chdir(tmp_path / str(number))
        loaded = load(data_dir="data", split="train")
        assert_rows(loaded, pictures(5, number), numbers(5, number))
        fingerprints.add(loaded._fingerprint)
    assert len(fingerprints) == 2


def test_a_builder_whose_archives_changed_says_so(tiny, folder, cache):
    builder = tiny.module.MnistFamily(str(cache), data_dir=str(folder))
    rewrite(folder / "train-labels-idx1-ubyte", idx_bytes(LABELS[::-1].copy()))
    with pytest.raises(
        ValueError, match="archives: changed, expected the files that the builder was made for"
    ):
        builder.download_and_prepare()


# --- Counted --------------------------------------------------------------------------------------

KILLED = """
import sys, tiny_family
tiny_family.load(data_dir=sys.argv[1], cache_dir=sys.argv[2], num_proc=2)
"""


def processes_of(parent):
    """The numbers of all processes that descend from one (Linux)."""
    with open(f"/proc/{parent}/task/{parent}/children") as children:
        own = [int(number) for number in children.read().split()]
    return own + [number for each in own for number in processes_of(each)]


def arrows_of(cache):
    return {path.name: path.stat().st_size for path in cache.rglob("*.arrow")}


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="only Linux lists children")
def test_workers_of_a_killed_process_end_and_no_row_of_the_next_load_is_lost(tiny, tmp_path, cache):
    images, labels = np.tile(pictures(1000, 7), (40, 1, 1)), np.tile(numbers(1000, 7), 40)
    folder = write_split(tmp_path / "archives", "train", images, labels, bytes, suffix="")
    code = [sys.executable, "-c", KILLED, folder, cache]
    process = subprocess.Popen(code, stderr=subprocess.DEVNULL)
    while sum(size > 100_000 for size in arrows_of(cache).values()) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    workers = processes_of(process.pid)
    process.kill()
    process.wait()
    while any(map(writes_arrow, workers)):
        time.sleep(0.01)
    left = sum(arrows_of(cache).values())
    loaded = tiny.module.load(data_dir=folder, cache_dir=str(cache), split="train")
    assert_rows(loaded.select(range(0, 40_000, 99)), images[::99], labels[::99])
    assert list(loaded["label"]) == labels.tolist()
    assert list(arrows_of(cache)) == ["tiny_family-train.arrow"]
    assert left < 0.75 * arrows_of(cache)["tiny_family-train.arrow"], "the workers wrote to the end"


def writes_arrow(number):
    """Whether a process has an Arrow file open."""
    with contextlib.suppress(FileNotFoundError):
        files = [os.readlink(link) for link in pathlib.Path(f"/proc/{number}/fd").iterdir()]
        return any(".arrow" in file for file in files)
    return False


def halved(path):
    """An Arrow file of the first half of the rows of another."""
    table = datasets.table.MemoryMappedTable.from_file(str(path))
    features = datasets.Features.from_arrow_schema(table.schema)
    part = path.with_suffix(".part")
    with datasets.arrow_writer.ArrowWriter(features=features, path=str(part)) as writer:
        writer.write_table(table.table.slice(0, len(table) // 2))
        writer.finalize()
    os.replace(part, path)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "spoil", [halved, cut, os.remove], ids=["half of the rows", "cut", "missing"]
)
@pytest.mark.parametrize("split", ["train", "train[:2]", None])
def test_a_cache_with_other_rows_than_were_built_is_built_again(
    load, folder, cache, spoil, split, caplog
):
    load(data_dir=folder)
    (arrow,) = cache.rglob("*-train.arrow")
    spoil(arrow)
    loaded = load(data_dir=folder, split=split)
    assert_rows(
        loaded["train"] if split is None else loaded,
        IMAGES[: 2 if split == "train[:2]" else 20],
        LABELS[: 2 if split == "train[:2]" else 20],
    )
    (warning,) = [line for line in caplog.messages if "building it again" in line]
    assert warning.startswith(str(arrow.parent))
    assert warning.endswith(", expected 20 rows; building it again")


def test_a_cache_that_stays_short_is_refused(tiny, folder, cache, monkeypatch):
    builder = tiny.module.MnistFamily(str(cache), data_dir=str(folder))
    builder.download_and_prepare()
    (arrow,) = cache.rglob("*-train.arrow")
    halved(arrow)
    monkeypatch.setattr(
        datasets.DatasetBuilder, "download_and_prepare", lambda *_, **settings: None
    )
    words = (
        f"{arrow.parent}: 10 rows of train, expected 20 rows; "
        'load again with download_mode="force_redownload"'
    )
    with pytest.raises(ValueError, match=".") as refusal:
        builder.as_dataset("train")
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    "left",
    ["tiny_family-train.arrow", "tiny_family-train-00001-of-00002.arrow", "tiny_family-x/a.arrow"],
)
def test_what_a_killed_run_left_is_not_taken_for_rows(load, folder, cache, left):
    load(data_dir=folder)
    (built,) = {path.parent for path in cache.rglob("*.arrow")}
    incomplete = built.with_name(f"{built.name}.incomplete")
    shutil.copytree(built, incomplete)
    shutil.rmtree(built)
    (incomplete / left).parent.mkdir(exist_ok=True)
    (incomplete / left).write_bytes(b"half of the rows")
    assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)
    assert sorted(path.name for path in built.iterdir()) == [
        "dataset_info.json",
        "tiny_family-train.arrow",
    ]
    assert not incomplete.exists()


@needs_scripts
def test_load_and_load_dataset_share_a_cache(tiny, cache, folder):
    scripted = datasets.load_dataset(
        str(tiny.script), data_dir=str(folder), cache_dir=str(cache), split="train"
    )
    loaded = tiny.module.load(data_dir=folder, cache_dir=str(cache), split="train")
    assert loaded.cache_files == scripted.cache_files


def test_load_dataset_of_a_script_is_refused_by_datasets_4(tiny):
    if SCRIPTS_LOAD:
        assert datasets.load_dataset(str(tiny.script), data_dir=str(tiny.folder("mnist")))
    else:
        with pytest.raises(RuntimeError, match="scripts are no longer supported"):
            datasets.load_dataset(str(tiny.script), data_dir=str(tiny.folder("mnist")))


@needs_scripts
@pytest.mark.skipif(
    datasets.__version__.startswith("2.19"), reason="`datasets` 2.19 trusts every script"
)
def test_only_load_dataset_asks_for_trust(folder, tmp_path):
    environment = {**os.environ, "HF_HOME": str(tmp_path)}
    del environment["HF_DATASETS_TRUST_REMOTE_CODE"]
    results = {}
    for way, code in WAYS.items():
        command = [sys.executable, "-c", code.format(arguments=f"data_dir={str(folder)!r}")]
        settings = {
            "cwd": ROOT,
            "env": environment,
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.PIPE,
        }
        results[way] = subprocess.run(command, text=True, **settings)
    assert results["load"].returncode == 0
    assert "trust_remote_code=True" in results["load_dataset"].stderr.splitlines()[-1]


WAYS = {
    "load": "import mnist_family; rows = mnist_family.load({arguments})",
    "load_dataset": "import datasets; "
    "rows = datasets.load_dataset('./mnist_family.py', {arguments})",
}


@pytest.mark.parametrize("way", ["load", pytest.param("load_dataset", marks=needs_scripts)])
def test_an_edited_script_gives_new_rows(way, folder, tmp_path):
    script = tmp_path / "script" / "mnist_family.py"
    script.parent.mkdir()
    code = WAYS[way].format(arguments=f"'fashion', data_dir={str(folder)!r}, split='train'")
    command = [sys.executable, "-c", code + "; print(rows.features['label'].names[0])"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.environ["PYTHONPATH"].replace(str(ROOT), "nowhere"),
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
    }
    source = (ROOT / "mnist_family.py").read_text(encoding="utf-8")
    for name in ("T-shirt/top", "Tee"):
        script.write_text(source.replace("T-shirt/top", name), encoding="utf-8")
        result = subprocess.run(
            command, cwd=script.parent, env=environment, capture_output=True, text=True
        )
        assert result.stdout.strip() == name, result.stderr


@needs_scripts
@pytest.mark.parametrize(
    "readme",
    [
        b"---\ndataset_info:\n  config_name: mnist\n"
        b"  features:\n  - name: text\n    dtype: string\n  splits:\n"
        b"  - name: train\n    num_examples: 60000\n    num_bytes: 1\n---\n",
        b"---\nconfigs: [\n---\n",
        b"\xff\xfe not text",
    ],
    ids=["with other counts", "that is no YAML", "that is no text"],
)
def test_no_readme_beside_the_script_breaks_it(tiny, folder, tmp_path, cache, readme):
    script = tmp_path / "script" / "mnist_family.py"
    script.parent.mkdir()
    # `datasets` copies a README only along with a script that it has not seen.
    new = f"\n\nOF = {str(tmp_path)!r}\n"
    script.write_text(tiny.script.read_text(encoding="utf-8") + new, encoding="utf-8")
    (script.parent / "README.md").write_bytes(readme)
    assert_rows(
        datasets.load_dataset(
            str(script), data_dir=str(folder), cache_dir=str(cache), split="train"
        ),
        IMAGES,
        LABELS,
    )


def test_the_cache_can_be_moved_from_a_folder_to_its_mended_copy(load, folder, tmp_path):
    load(data_dir=folder)
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "train-images-idx3-ubyte").write_bytes(gz(idx_bytes(pictures(20, 9))))
    assert_rows(load(data_dir=copy, split="train"), pictures(20, 9), LABELS)
    assert_rows(load(data_dir=folder, split="train"), IMAGES, LABELS)


# --- A dataset of one's own -----------------------------------------------------------------------


def write_letters(folder, name="train", classes=4):
    write_split(folder, name, IMAGES, numbers(20, 7, classes))
    (folder / "labels.txt").write_text("alpha\nbeta\ngamma\ndelta\n")
    return folder


@pytest.mark.parametrize("name", ["letters", "2.letters_v-1", "default", "fmnist"])
def test_a_folder_loads_under_a_name_of_its_own(load, tmp_path, name):
    loaded = load(name, data_dir=write_letters(tmp_path / "letters"), split="train")
    assert_rows(loaded, IMAGES, numbers(20, 7, 4))
    assert loaded.features["label"].names == ["alpha", "beta", "gamma", "delta"]
    assert loaded.info.config_name == name
    assert loaded.info.description == loaded.info.citation == loaded.info.license == ""


def test_a_folder_streams_under_a_name_of_its_own(load, tmp_path):
    folder = write_letters(tmp_path / "letters")
    loaded = load("letters", data_dir=folder, split="train", streaming=True)
    assert_rows(loaded, IMAGES, numbers(20, 7, 4))


@pytest.mark.parametrize("classes", [4, 26])
def test_classes_of_ones_own_without_names_are_numbered(load, tmp_path, classes):
    """Up to the highest label in any split; 255 is no label."""
    labels = numbers(30, 7, classes)
    labels[0] = 255
    folder = write_split(tmp_path, "train", pictures(30, 7), labels)
    write_split(tmp_path, "val", IMAGES, numbers(20, 7, 2))
    loaded = load("letters", data_dir=folder)
    for rows in loaded.values():
        assert rows.features["label"].names == [str(label) for label in range(classes)]
    assert loaded["train"][0]["label"] == -1


def test_rows_of_ones_own_without_any_label_have_one_class(load, tmp_path):
    folder = write_split(tmp_path, "train", IMAGES, np.full(20, 255, np.uint8))
    loaded = load("letters", data_dir=folder, split="train")
    assert loaded.features["label"].names == ["0"]
    assert set(loaded["label"]) == {-1}


def test_labels_without_names_are_checked_before_they_are_counted(load, tmp_path):
    folder = write_split(tmp_path, "train", IMAGES, LABELS)
    path = folder / "train-labels-idx1-ubyte.gz"
    path.write_bytes((folder / "train-images-idx3-ubyte.gz").read_bytes())
    with pytest.raises(ValueError, match="images and labels look swapped"):
        load("letters", data_dir=folder)


def test_a_changed_folder_of_ones_own_is_read_again(load, tmp_path):
    folder = write_letters(tmp_path / "letters")
    load("letters", data_dir=folder)
    write_split(folder, "train", pictures(20, 8), numbers(20, 8, 4))
    assert_rows(load("letters", data_dir=folder)["train"], pictures(20, 8), numbers(20, 8, 4))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "-a", "_a", "a b", "all", "ALL", "a\n", "é"]
)
def test_a_dataset_of_ones_own_needs_a_name_for_paths(tiny, tmp_path, name):
    with pytest.raises(ValueError, match=".") as refusal:
        tiny.module.check_config_name(name, "here")
    assert str(refusal.value) == (
        f"here: the name {name!r}, expected a letter or digit, then letters, digits, '_', '.' or "
        "'-', and not 'all'; choose another name"
    )


@pytest.mark.parametrize("name", ["../letters", "a b"])
def test_load_refuses_a_name_that_is_no_name_for_paths(load, tmp_path, name):
    with pytest.raises(ValueError, match=f"config {name!r}: the name {name!r}, expected a letter"):
        load(name, data_dir=write_letters(tmp_path / "letters"))


def test_published_rows_are_not_loaded_under_another_name(load, tiny):
    """Their class names would be lost."""
    folder = tiny.folder("fashion")
    with pytest.raises(ValueError, match=".") as refusal:
        load("letters", data_dir=folder)
    assert str(refusal.value) == (
        f"{folder / 'train-images-idx3-ubyte.gz'}: these are Fashion-MNIST's train images and "
        "labels, expected those of letters; load 'fashion'"
    )


def test_published_images_with_the_labels_of_another_dataset_are_refused(load, tiny, tmp_path):
    folder = write_split(tmp_path / "letters", "train", *tiny.arrays["fashion"]["train"])
    labels = "train-labels-idx1-ubyte.gz"
    (folder / labels).write_bytes((tiny.folder("kmnist") / labels).read_bytes())
    with pytest.raises(ValueError, match=".") as refusal:
        load("letters", data_dir=folder)
    assert str(refusal.value) == (
        f"{folder / 'train-images-idx3-ubyte.gz'}: these are Fashion-MNIST's train images and "
        "Kuzushiji-MNIST's labels, expected those of letters; load 'fashion'"
    )


def test_published_images_may_have_other_labels(load, tiny, tmp_path):
    images, _ = tiny.arrays["fashion"]["train"]
    folder = write_split(tmp_path / "coarse", "train", images, numbers(40, 1, 3))
    assert_rows(load("coarse", data_dir=folder, split="train"), images, numbers(40, 1, 3))
