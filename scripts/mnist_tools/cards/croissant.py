"""Describe a built folder in Croissant 1.1, which programs read: files, rows, classes, facts."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mnist_tools.cards.card import pretty_name
from mnist_tools.cards.dataset import Dataset, words_of
from mnist_tools.cards.escape import printable
from mnist_tools.cards.facts import Author, FamilyFacts, family_facts
from mnist_tools.cards.front_matter import CARD_FILE, LICENCE_FILE, tags_of
from mnist_tools.cards.statements import Statement
from mnist_tools.licences import SPDX
from mnist_tools.manifest import hash_file

Json = dict[str, Any]

CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
PREFIXES: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
TYPED_TERMS: Json = {
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}
TERMS = """
arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject
fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references
regex repeated replace samplingRate separator source subField transform
"""
RAI_TOPICS = {  # terms of the Responsible AI vocabulary, and the topics of facts.yaml on them
    "dataCollection": "collection",
    "dataAnnotationProtocol": "annotation",
    "annotatorDemographics": "annotators",
    "dataBiases": "biases",
    "dataLimitations": "known_issues",
    "dataUseCases": "intended_uses",
    "dataSocialImpact": "social_impact",
    "personalSensitiveInformation": "sensitive",
    "dataReleaseMaintenancePlan": "maintenance",
}
# terms with a single text
RAI_SINGLE = ("dataCollection", "dataSocialImpact", "dataReleaseMaintenancePlan")
SPLIT_TYPES = {
    "train": "cr:TrainingSplit",
    "validation": "cr:ValidationSplit",
    "test": "cr:TestSplit",
}


def croissant(folder: Path, datasets: Sequence[Dataset]) -> str:
    """Return the text of croissant.json for a folder with the Parquet files of `datasets`.

    It lists each file by its path in the folder, with its SHA-256.
    """
    block = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        **_about(datasets, family_facts()),
        **_responsible_ai(datasets),
        "distribution": [*_distribution(folder, datasets)],
        "recordSet": [_splits(datasets), *_record_sets(folder, datasets)],
    }
    known = {key: value for key, value in block.items() if value not in ([], "", None)}
    return json.dumps(known, indent=2, ensure_ascii=False) + "\n"


def _context() -> Json:
    terms = {term: f"cr:{term}" for term in TERMS.split()}
    return dict(sorted({**PREFIXES, **TYPED_TERMS, **terms}.items()))


def for_repository(text: str, url: str) -> str:
    """Return the text of a croissant.json with absolute URLs of the card and the licences.

    `url` is the page of the repository with the folder, such as
    https://huggingface.co/datasets/me/mnist-family.
    """
    block = json.loads(text)
    block["url"] = url
    for licence in block.get("license", []):
        if licence["url"] == LICENCE_FILE:
            licence["url"] = f"{url}/blob/main/{LICENCE_FILE}"
    return json.dumps(block, indent=2, ensure_ascii=False) + "\n"


# --- Facts ----------------------------------------------------------------------------------------


def _about(datasets: Sequence[Dataset], family: FamilyFacts) -> Json:
    homepages = _unique(dataset.homepage for dataset in datasets if dataset.homepage)
    publishers = _unique(dataset.config.homepage for dataset in datasets if dataset.config)
    return {
        "name": printable(pretty_name(datasets, family)),
        "description": " ".join(_said(datasets, "description")),
        "url": homepages[0] if len(datasets) == 1 and homepages else CARD_FILE,
        "prov:wasDerivedFrom": [{"@id": url} for url in publishers],
        "version": max(filter(None, (dataset.version for dataset in datasets)), default=None),
        "datePublished": max(filter(None, map(_date_published, datasets)), default=None),
        "dateModified": family.date_published if publishers else None,
        "license": [_license(dataset) for dataset in datasets],
        "creator": [_creator(author) for author in _authors(datasets)],
        "citeAs": "\n\n".join(_unique(each.citations[0] for each in datasets if each.citations)),
        "keywords": tags_of(datasets, family),
        "inLanguage": _unique(language for each in datasets for language in each.facts.languages),
        "isLiveDataset": False,
    }


def _license(dataset: Dataset) -> Json:
    licence = dataset.facts.licence
    name = f"{dataset.title}: {licence.name}"
    if licence.attribution:
        name = f"{name}; {licence.attribution}"
    url = f"{SPDX}{licence.spdx}.html" if licence.spdx else licence.url
    return {"@type": "sc:CreativeWork", "name": name, "url": url or LICENCE_FILE}


def _date_published(dataset: Dataset) -> str | None:
    """Return the day of publication, as stated in the facts.

    For published archives, it is otherwise the latest date in one of them.
    """
    if dataset.facts.date_published is not None or dataset.kind != "published":
        return dataset.facts.date_published
    dates = (archive.dated for pair in dataset.archives.values() for archive in pair)
    return max(filter(None, dates), default=None)


def _authors(datasets: Sequence[Dataset]) -> list[Author]:
    return list(dict.fromkeys(author for each in datasets for author in each.facts.authors))


def _creator(author: Author) -> Json:
    creator = {"@type": f"sc:{author.type.capitalize()}", "name": author.name}
    if author.url:
        creator["url"] = author.url
    if author.orcid:
        creator["sameAs"] = f"https://orcid.org/{author.orcid}"
    if author.affiliation:
        return {**creator, "affiliation": _organization(author.affiliation)}
    return creator


def _organization(name: str) -> Json:
    return {"@type": "sc:Organization", "name": name}


def _responsible_ai(datasets: Sequence[Dataset]) -> Json:
    said = {term: _said(datasets, topic) for term, topic in RAI_TOPICS.items()}
    return {
        f"rai:{term}": " ".join(texts) if term in RAI_SINGLE else texts
        for term, texts in said.items()
    }


def _said(datasets: Sequence[Dataset], topic: str) -> list[str]:
    """Return the known statements on a topic as plain texts; titles go first if needed."""
    return [
        f"{dataset.title}: {text}" if len(datasets) > 1 else text
        for dataset in datasets
        for text in _known(dataset, topic)
    ]


def _known(dataset: Dataset, topic: str) -> Iterator[str]:
    for statement in dataset.facts.about(topic):
        if statement.kind != "unknown":
            yield plain(statement, dataset)


def plain(statement: Statement, dataset: Dataset) -> str:
    """Return a statement as plain text without Markdown, followed by its sources."""
    text = _plain_table(statement) if statement.table else _plain_text(statement, dataset)
    if not statement.sources:
        return text
    return f"{text} (Source: {'; '.join(source.name for source in statement.sources)})"


def _plain_table(statement: Statement) -> str:
    assert statement.table is not None
    rows = ["; ".join(map(str, row)) for row in statement.table.rows]
    return f"{statement.table.title}: {'. '.join(rows)}."


def _plain_text(statement: Statement, dataset: Dataset) -> str:
    text = words_of(statement, dataset.figures)
    return f"Measured: {text}" if statement.kind == "measured" else text


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


# --- Files ----------------------------------------------------------------------------------------


def _distribution(folder: Path, datasets: Sequence[Dataset]) -> Iterator[Json]:
    for dataset in datasets:
        for split in dataset.counts:
            files = _shards(folder, dataset, split)
            yield from (_file(folder, file) for file in files)
            if len(files) > 1:
                yield _file_set(dataset, split)


def _shards(folder: Path, dataset: Dataset, split: str) -> list[Path]:
    names = (folder / dataset.name).iterdir()
    return sorted(file for file in names if file.match(f"{split}-*.parquet"))


def _file(folder: Path, file: Path) -> Json:
    path = file.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": file.name,
        "contentUrl": path,
        "contentSize": f"{file.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": hash_file(file),
    }


def _file_set(dataset: Dataset, split: str) -> Json:
    """Describe the shards of a split by a pattern; mlcroissant cannot read a set of FileObjects."""
    name = f"{dataset.name}/{split}"
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-shards",
        "name": f"{dataset.name} {split} shards",
        "encodingFormat": "application/x-parquet",
        "includes": f"{name}-*.parquet",
    }


# --- Records --------------------------------------------------------------------------------------


def _splits(datasets: Sequence[Dataset]) -> Json:
    """Describe the splits, with the purpose of those with a usual name."""
    names = _unique(split for dataset in datasets for split in dataset.counts)
    fields = [_field("splits/name", "sc:Text"), _field("splits/url", ["sc:URL", "cr:Split"])]
    data = []
    for name in names:
        meaning = {"splits/url": SPLIT_TYPES[name]} if name in SPLIT_TYPES else {}
        data.append({"splits/name": name, **meaning})
    return _inline("splits", "The splits.", "cr:Split", "splits/name", fields, data)


def _record_sets(folder: Path, datasets: Sequence[Dataset]) -> Iterator[Json]:
    for dataset in datasets:
        yield _classes(dataset)
        for split in dataset.counts:
            files = _shards(folder, dataset, split)
            yield _rows(dataset, split, _source(folder, dataset, split, files))


def _classes(dataset: Dataset) -> Json:
    """Describe the class names as an enumeration, to which labels refer."""
    name = f"{dataset.name}/classes"
    label, text = f"{name}/label", f"{name}/name"
    fields = [_field(label, "sc:Integer"), _field(text, "sc:Text")]
    data = [{label: number, text: each} for number, each in enumerate(dataset.class_names)]
    description = f"The class names of {dataset.title}."
    return _inline(name, description, "sc:Enumeration", label, fields, data)


def _inline(
    name: str,
    description: str,
    data_type: str,
    key: str,
    fields: Sequence[Json],
    data: Sequence[Json],
) -> Json:
    """Describe records whose data is in croissant.json itself."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "dataType": data_type,
        "key": {"@id": key},
        "field": fields,
        "data": data,
    }


def _rows(dataset: Dataset, split: str, source: Json) -> Json:
    name, rows = f"{dataset.name}/{split}", dataset.counts[split].rows
    image_bytes = {"extract": {"column": "image"}, "transform": {"jsonPath": "bytes"}}
    in_path = rf"(?:.*/)?({re.escape(split)})-[^/]*\.parquet$"
    from_path = {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": in_path}}
    image = _field(
        f"{name}/image",
        "sc:ImageObject",
        description="A PNG file, mode L; its background is zero.",
        source={**source, **image_bytes},
    )
    label = _field(
        f"{name}/label",
        ["sc:Integer", "cr:Label"],
        description="The class.",
        source={**source, "extract": {"column": "label"}},
        references={"field": {"@id": f"{dataset.name}/classes/label"}},
    )
    which = _field(
        f"{name}/split",
        "sc:Text",
        description="The split.",
        source={**source, **from_path},
        references={"field": {"@id": "splits/name"}},
    )
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The {rows:,} rows of {dataset.title}'s split {split}.",
        "field": [image, label, which],
    }


def _source(folder: Path, dataset: Dataset, split: str, files: Sequence[Path]) -> Json:
    if len(files) > 1:
        return {"fileSet": {"@id": f"{dataset.name}/{split}-shards"}}
    return {"fileObject": {"@id": files[0].relative_to(folder).as_posix()}}


def _field(name: str, data_type: str | Sequence[str], **more: Any) -> Json:
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name.rsplit("/", 1)[-1],
        "dataType": data_type,
        **more,
    }
