"""croissant.json says what a built folder holds, by itself and as mlcroissant reads it."""

import dataclasses
import hashlib
import json
import logging

import datasets
import numpy as np
import pytest
from conftest import NAMES, assert_rows

import mnist_family
from mnist_tools.cards.card import published
from mnist_tools.cards.croissant import croissant, for_repository
from mnist_tools.cards.facts import Author, family_facts
from mnist_tools.cards.measurements import committed
from mnist_tools.commands.build import build


@pytest.fixture(scope="session")
def sharded(tmp_path_factory):
    """A sample in shards."""
    out = tmp_path_factory.mktemp("built") / "sharded"
    build(out, ["mnist", "fashion"], sample=True, max_shard_size="100KB")
    return out


def described(folder):
    return json.loads((folder / "croissant.json").read_text(encoding="utf-8"))


def record_sets(block):
    return {each["@id"]: each for each in block["recordSet"]}


@pytest.mark.parametrize("folder", ["sample", "sharded"])
def test_files_are_there_with_their_digests(request, folder):
    folder = request.getfixturevalue(folder)
    files = [each for each in described(folder)["distribution"] if each["@type"] == "cr:FileObject"]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    assert {each["contentUrl"] for each in files} == there
    for each in files:
        content = (folder / each["contentUrl"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["contentSize"] == f"{len(content)} B"
        assert each["encodingFormat"] == "application/x-parquet"


def test_shards_of_a_split_are_one_set_of_files(sharded):
    block = described(sharded)
    sets = {each["@id"]: each for each in block["distribution"] if each["@type"] == "cr:FileSet"}
    shards = {name: [*(sharded / name).glob("train-*")] for name in ("mnist", "fashion")}
    several = [name for name, files in shards.items() if len(files) > 1]
    assert several
    for name in several:
        assert sets[f"{name}/train-shards"]["includes"] == f"{name}/train-*.parquet"
        for field in record_sets(block)[f"{name}/train"]["field"]:
            assert field["source"]["fileSet"] == {"@id": f"{name}/train-shards"}


def test_classes_are_in_the_order_of_the_labels(sample):
    sets = record_sets(described(sample))
    for name in NAMES:
        config = mnist_family.find_config(name)
        data = sets[f"{name}/classes"]["data"]
        assert tuple(each[f"{name}/classes/name"] for each in data) == config.class_names
        assert [each[f"{name}/classes/label"] for each in data] == [*range(10)]
        label = sets[f"{name}/train"]["field"][1]
        assert label["references"] == {"field": {"@id": f"{name}/classes/label"}}


def test_splits_say_what_they_are_meant_for(sample):
    sets = record_sets(described(sample))
    assert sets["splits"]["dataType"] == "cr:Split"
    assert sets["splits"]["data"] == [
        {"splits/name": "train", "splits/url": "cr:TrainingSplit"},
        {"splits/name": "test", "splits/url": "cr:TestSplit"},
    ]
    field = sets["fashion/test"]["field"][2]
    assert field["references"] == {"field": {"@id": "splits/name"}}


def test_a_sample_is_by_the_project(sample):
    block = described(sample)
    project = {"@type": "sc:Organization", "name": "The project mnist_family"}
    assert block["creator"] == [project]
    assert "prov:wasDerivedFrom" not in block
    assert block["url"] == "README.md"


@pytest.fixture(scope="module")
def published_block(sample):
    """The description of the published datasets, over the files of the sample."""
    return json.loads(croissant(sample, [published_dataset(name) for name in NAMES]))


def published_dataset(name):
    return published(mnist_family.find_config(name), committed(name))


def test_creators_are_the_authors_of_the_datasets(published_block):
    names = [each["name"] for each in published_block["creator"]]
    assert names[:6] == [
        "Yann LeCun",
        "Corinna Cortes",
        "Christopher J. C. Burges",
        "Han Xiao",
        "Kashif Rasul",
        "Roland Vollgraf",
    ]
    assert len(names) == 12
    assert published_block["creator"][0]["affiliation"] == {
        "@type": "sc:Organization",
        "name": "Courant Institute, NYU",
    }


def test_each_dataset_has_its_licence_its_origin_and_one_citation(published_block):
    assert [each["name"] for each in published_block["license"]] == [
        "MNIST: Not stated by the publisher",
        "Fashion-MNIST: MIT, © 2017 Zalando SE",
        'Kuzushiji-MNIST: CC BY-SA 4.0, licensed by CODH; "KMNIST Dataset" (created by CODH), '
        'adapted from "Kuzushiji Dataset" (created by NIJL and others), doi:10.20676/00000341',
    ]
    homepages = [{"@id": config.homepage} for config in mnist_family.CONFIGS]
    assert published_block["prov:wasDerivedFrom"] == homepages
    assert "sameAs" not in published_block
    assert published_block["citeAs"].count("@") == 3
    for config in mnist_family.CONFIGS:
        assert config.citation.strip() in published_block["citeAs"]


def test_one_dataset_has_the_url_of_its_publisher_and_several_have_their_card(
    sample, published_block
):
    assert published_block["url"] == "README.md"
    fashion = json.loads(croissant(sample, [published_dataset("fashion")]))
    assert fashion["url"] == mnist_family.find_config("fashion").homepage


def test_licences_are_those_of_spdx_or_of_the_folder(published_block):
    assert [each["url"] for each in published_block["license"]] == [
        "LICENSE.md",
        "https://spdx.org/licenses/MIT.html",
        "https://spdx.org/licenses/CC-BY-SA-4.0.html",
    ]


def test_dates_are_those_of_the_archives_or_of_the_facts(sample, published_block):
    assert published_block["datePublished"] == "2019-02-05"
    assert published_block["dateModified"] == family_facts().date_published
    mnist, fashion = (
        json.loads(croissant(sample, [published_dataset(name)])) for name in ("mnist", "fashion")
    )
    assert mnist["datePublished"] == "1998-01-26"
    assert fashion["datePublished"] == "2017-08-31"
    assert "dateModified" not in described(sample)


def test_in_a_repository_every_url_is_absolute(published_block):
    url = "https://huggingface.co/datasets/me/mnist-family"
    block = json.loads(for_repository(json.dumps(published_block), url))
    assert block["url"] == url
    assert block["license"][0]["url"] == f"{url}/blob/main/LICENSE.md"
    assert block["license"][1]["url"] == "https://spdx.org/licenses/MIT.html"
    rest = {key: value for key, value in block.items() if key not in ("url", "license")}
    assert rest == {key: published_block[key] for key in rest}
    assert {*block} == {*published_block}


def test_what_is_unknown_is_not_said(published_block):
    said = [value for key, value in published_block.items() if key.startswith("rai:")]
    texts = [text for value in said for text in ([value] if isinstance(value, str) else value)]
    assert not [text for text in texts if "Unknown" in text]
    assert "rai:dataSocialImpact" not in published_block
    assert any("36325" in text for text in published_block["rai:personalSensitiveInformation"])
    assert any("15 test labels" in text for text in published_block["rai:dataLimitations"])
    measured = "Fashion-MNIST: Measured: Some test images have a near-duplicate"
    assert any(text.startswith(measured) for text in texts)
    assert any("The 15 test images whose label" in text for text in texts)


def test_no_topic_is_told_twice(published_block):
    for topic in ("collection", "annotation", "biases", "known_issues", "sensitive"):
        told = published_dataset("mnist").facts.about(topic)[0].text
        first_words = " ".join(told.split()[:4])
        assert json.dumps(published_block, ensure_ascii=False).count(first_words) == 1


def test_nothing_is_said_where_nothing_is_known(sample):
    dataset = published_dataset("mnist")
    unknown = tuple(each for each in dataset.facts.about("funding") if each.kind == "unknown")
    topics = {**dataset.facts.topics, "social_impact": unknown}
    facts = dataclasses.replace(dataset.facts, topics=topics, authors=(), citations=())
    block = json.loads(croissant(sample, [dataclasses.replace(dataset, facts=facts)]))
    assert unknown
    assert not {"rai:dataSocialImpact", "creator"} & {*block}


def test_an_author_may_have_an_orcid_id(sample):
    dataset = published_dataset("mnist")
    ada = Author("Ada Example", affiliation="a lab", orcid="0000-0002-1825-0097")
    facts = dataclasses.replace(dataset.facts, authors=(ada,))
    (creator,) = json.loads(croissant(sample, [dataclasses.replace(dataset, facts=facts)]))[
        "creator"
    ]
    assert creator == {
        "@type": "sc:Person",
        "name": "Ada Example",
        "sameAs": "https://orcid.org/0000-0002-1825-0097",
        "affiliation": {"@type": "sc:Organization", "name": "a lab"},
    }


def test_terms_of_which_there_is_one_have_one_text(published_block):
    for term in ("rai:dataCollection", "rai:dataReleaseMaintenancePlan"):
        assert isinstance(published_block[term], str)
    assert "homepage has had outages" in published_block["rai:dataReleaseMaintenancePlan"]


@pytest.mark.release
@pytest.mark.parametrize("name", NAMES)
def test_mlcroissant_finds_no_fault_in_what_is_said_of_published_datasets(
    sample, name, tmp_path, monkeypatch
):
    mlcroissant = pytest.importorskip("mlcroissant")
    text = croissant(sample, [published_dataset(name)])
    (tmp_path / "croissant.json").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    issues = mlcroissant.Dataset("croissant.json").metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings


@pytest.mark.release
@pytest.mark.parametrize("folder", ["sample", "sharded"])
def test_mlcroissant_finds_no_fault_and_reads_the_rows(request, folder, caplog, monkeypatch):
    mlcroissant = pytest.importorskip("mlcroissant")
    folder = request.getfixturevalue(folder)
    monkeypatch.chdir(folder)
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset("croissant.json")
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    rows = [*dataset.records("fashion/train")]
    loaded = datasets.load_dataset(str(folder), "fashion", split="train")
    images = np.stack([np.asarray(row["fashion/train/image"]) for row in rows])
    assert_rows(loaded, images, np.array([row["fashion/train/label"] for row in rows]))
    assert {row["fashion/train/split"] for row in rows} == {b"train"}
