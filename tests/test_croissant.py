"""croissant.json says what a built folder holds, by itself and read by mlcroissant where that is installed."""

import hashlib
import json
import logging

import numpy as np
import pytest
from conftest import NAMES, assert_rows

from mnist_tools.commands import build
import mnist_family


@pytest.fixture(scope="session")
def sharded(tmp_path_factory):
    """A sample in shards."""
    out = tmp_path_factory.mktemp("built") / "sharded"
    build.main([str(out), "mnist", "fashion", "--sample", "--max-shard-size", "100KB"])
    return out


def described(folder):
    return json.loads((folder / "croissant.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", ["sample", "sharded"])
def test_files_are_there_with_their_digests(request, folder):
    folder = request.getfixturevalue(folder)
    files = [each for each in described(folder)["distribution"] if each["@type"] == "cr:FileObject"]
    assert {each["contentUrl"] for each in files} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")
    }
    for each in files:
        content = (folder / each["contentUrl"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["contentSize"] == f"{len(content)} B"
        assert each["encodingFormat"] == "application/x-parquet"


def test_class_names_are_an_enumeration(sample):
    sets = {each["@id"]: each for each in described(sample)["recordSet"]}
    assert {*sets} == {f"{name}/{part}" for name in NAMES for part in ("classes", "train", "test")}
    for config in mnist_family.CONFIGS:
        data = sets[f"{config.name}/classes"]["data"]
        assert [each[f"{config.name}/classes/name"] for each in data] == [*config.class_names]
        assert [each[f"{config.name}/classes/label"] for each in data] == [*range(10)]
        label = sets[f"{config.name}/train"]["field"][1]
        assert label["references"] == {"field": {"@id": f"{config.name}/classes/label"}}


@pytest.mark.real
def test_a_real_folder_says_who_made_it_and_under_which_licence(real_archives, tmp_path):
    out = tmp_path / "out"
    build.main([str(out), "mnist", "fashion", "--archives", str(real_archives)])
    block = described(out)
    assert block["datePublished"] == "2026-11-21"
    assert block["version"] == "1.0.0"
    assert [each["name"] for each in block["license"]] == [
        "MNIST: not stated by its publisher",
        "Fashion-MNIST: MIT, © 2017 Zalando SE",
    ]
    names = [each["name"] for each in block["creator"]]
    assert names == [
        "Yann LeCun", "Corinna Cortes", "Christopher J. C. Burges", "Han Xiao", "Kashif Rasul", "Roland Vollgraf",
    ]  # fmt: skip
    assert any("36325" in text for text in block["rai:personalSensitiveInformation"])
    assert "Label errors" in " ".join(block["rai:dataLimitations"])
    assert mnist_family.CONFIGS[0].citation in block["citeAs"]
    text = (out / "README.md").read_text(encoding="utf-8")
    assert "545 test images have a train image at cosine 0.99 or closer" in text
    assert "MIT, © 2017 Zalando SE" in (out / "LICENSE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["sample", "sharded"])
def test_mlcroissant_finds_no_fault_and_reads_the_rows(request, folder, caplog, monkeypatch):
    mlcroissant = pytest.importorskip("mlcroissant")
    folder = request.getfixturevalue(folder)
    monkeypatch.chdir(folder)
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset("croissant.json")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    rows = [*dataset.records("fashion/train")]
    loaded = build.datasets.load_dataset(str(folder), "fashion", split="train")
    images = np.stack([np.asarray(row["fashion/train/image"]) for row in rows])
    assert_rows(loaded, images, np.array([row["fashion/train/label"] for row in rows]))
