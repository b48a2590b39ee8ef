"""A new member of the family: a row of CONFIGS, a folder in cards/, and every command serves it."""

import hashlib
import json
import os
import shutil

import pytest
from conftest import OFFLINE, ROOT, gz, idx_bytes, numbers, pictures, run, write_split

from mnist_family import Archive, ArchivePair

CLASSES = [chr(ord("A") + number) if number < 26 else f"letter {number}" for number in range(47)]
ROWS = {"train": 94, "validation": 47, "test": 50}


def file_name(split, kind, dimensions):
    return f"new-letters-{split}-{kind}-idx{dimensions}-ubyte.gz"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the project with a fourth config of 47 classes and three splits; its archives."""
    folder = tmp_path_factory.mktemp("family")
    clone, archives = folder / "clone", folder / "archives" / "letters"
    ignored = shutil.ignore_patterns("__pycache__", "*.png")
    for name in ("scripts", "cards"):
        shutil.copytree(ROOT / name, clone / name, ignore=ignored)
    pairs = {}
    for split, rows in ROWS.items():
        arrays = pictures(rows, rows), numbers(rows, rows, classes=47)
        write_split(archives, f"new-letters-{split}", *arrays)
        files = []
        for kind, array in zip(("images", "labels"), arrays, strict=True):
            packed = gz(idx_bytes(array))
            digests = hashlib.sha256(packed).hexdigest(), hashlib.md5(idx_bytes(array)).hexdigest()
            files.append(Archive(file_name(split, kind, array.ndim), len(packed), *digests))
        pairs[split] = ArchivePair(*files)
    row = f"""    FamilyConfig(
        name="letters",
        version=datasets.Version("1.0.0"),
        title="New Letters",
        description="Letters.",
        class_names={tuple(CLASSES)!r},
        mirrors=("https://example.org/letters/",),
        archives={pairs!r},
        homepage="https://example.org/",
        license="mit",
        citation="@misc{{letters}}",
    ),
"""
    loader = (ROOT / "mnist_family.py").read_text(encoding="utf-8")
    before, start, rest = loader.partition("CONFIGS: list[FamilyConfig] = [\n")
    rows, end, after = rest.partition("\n]\n")
    text = f"{before}{start}{rows}\n{row}{end[1:]}{after}"
    (clone / "mnist_family.py").write_text(text, encoding="utf-8")
    return clone


def run_in(clone, command, *arguments):
    path = os.pathsep.join(map(str, (OFFLINE, clone, clone / "scripts")))
    settings = {"cwd": clone, "env": {**os.environ, "PYTHONPATH": path}}
    return run([f"scripts/{command}.py", *arguments], **settings)


def succeed(clone, *arguments):
    result = run_in(clone, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_its_missing_facts_are_one_line(clone):
    result = run_in(clone, "generate_cards", "letters")
    folder = clone / "cards" / "letters"
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(
        f"{folder / 'facts.yaml'}: no such file, expected what people say of the dataset; run "
    )
    assert line.endswith(f" scripts/init.py {folder}")


def test_it_is_started_measured_described_and_built(clone):
    archives = clone.parent / "archives"
    assert "generate_cards.py letters" in succeed(clone, "init", "cards/letters")
    skeleton = (clone / "cards" / "letters" / "facts.yaml").read_text(encoding="utf-8")
    schema = skeleton.partition("$schema=")[2].splitlines()[0]
    assert (clone / "cards" / "letters" / schema).is_file()
    succeed(clone, "measure", "letters", "--archives", archives, "--neighbours")
    measured = json.loads((clone / "cards" / "letters" / "measurements.json").read_text())
    assert {split: each["rows"] for split, each in measured["splits"].items()} == ROWS
    succeed(clone, "generate_cards", "letters")
    card = (clone / "cards" / "letters" / "README.md").read_text(encoding="utf-8")
    assert "pretty_name: New Letters" in card
    assert "'46': letter 46" in card
    succeed(clone, "build", "out", "letters", "--archives", archives)
    succeed(clone, "lint_card", "out", "cards/letters/README.md")
    assert sorted(path.name for path in (clone / "out" / "letters").iterdir()) == [
        f"{split}-00000-of-00001.parquet" for split in sorted(ROWS)
    ]


def test_its_sample_is_drawn(clone):
    (clone / "cards" / "letters").mkdir(exist_ok=True)
    assert "letters" in succeed(clone, "build", "sample", "letters", "--sample")
    assert {path.name.partition("-")[0] for path in (clone / "sample" / "letters").iterdir()} == {
        *ROWS
    }
