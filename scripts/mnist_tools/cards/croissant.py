"""Describe a built folder in Croissant 1.1, for machines: files with digests, rows, class names, licences, facts."""

import json
import re

from mnist_tools.cards.card import Card, citations, plain
from mnist_tools.whole_folder import sha256_of

# The terms that this description uses, as the specification has them.
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
}
TERMS = """arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject fileSet
format includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace
samplingRate separator source subField transform"""
CONTEXT.update({term: f"cr:{term}" for term in TERMS.split()})
CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
MANY = {  # RAI's terms, and the sections of facts that say them
    "dataPreprocessingProtocol": "collection_and_processing",
    "dataAnnotationProtocol": "annotation_process",
    "annotatorDemographics": "annotators",
    "dataBiases": "biases",
    "dataLimitations": "limitations",
    "dataUseCases": "direct_use",
    "personalSensitiveInformation": "personal_and_sensitive_information",
}
ONE = {"dataCollection": "source_data_producers", "dataSocialImpact": "social_impact"}


def croissant(folder, datasets):
    """The text of croissant.json for a folder of Parquet files that holds `datasets`, as card.py has them."""
    card = Card(datasets)
    block = {
        "@context": dict(sorted(CONTEXT.items())),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": card.pretty_name(),
        "description": " ".join(_said(datasets, "summary")),
        "url": datasets[0].config.homepage if len(datasets) == 1 and datasets[0].published else "README.md",
        "sameAs": [dataset.config.homepage for dataset in datasets if dataset.published],
        "version": max(str(dataset.config.version) for dataset in datasets),
        "datePublished": card.family["date_published"],
        "license": [_licence(dataset) for dataset in datasets],
        "creator": _creators(datasets),
        "citeAs": "\n\n".join(dict.fromkeys(entry for each in datasets for entry in citations(each))) or "unknown",
        "keywords": [*card.family["tags"], *dict.fromkeys(tag for each in datasets for tag in each.facts["tags"])],
        "inLanguage": [*dict.fromkeys(language for each in datasets for language in each.facts["language"])],
        "isLiveDataset": False,
        **{f"rai:{term}": _said(datasets, section) for term, section in MANY.items()},
        **{f"rai:{term}": " ".join(_said(datasets, section)) for term, section in ONE.items()},
        "distribution": [],
        "recordSet": [],
    }
    for dataset in datasets:
        block["recordSet"].append(_classes(dataset))
        for split in dataset.sizes:
            files = sorted((folder / dataset.config.name).glob(f"{split}-*.parquet"))
            block["distribution"] += [_file(folder, file) for file in files]
            if len(files) > 1:
                block["distribution"].append(_files(dataset, split))
            block["recordSet"].append(_rows(folder, dataset, split, files))
    return json.dumps({key: value for key, value in block.items() if value != []}, indent=2, ensure_ascii=False) + "\n"


def _said(datasets, section):
    """What the facts say in a section, a text for each statement, with the title where there are several datasets."""
    prefix = "{}: " if len(datasets) > 1 else ""
    return [
        prefix.format(dataset.title) + plain(statement, dataset)
        for dataset in datasets
        for statement in dataset.facts["sections"][section]
    ]


def _licence(dataset):
    facts = dataset.facts["licence"]
    text = [f"{dataset.title}: {facts['name']}", facts.get("attribution", "")]
    return {"@type": "sc:CreativeWork", "name": "; ".join(filter(None, text)), "url": facts.get("url", "LICENSE.md")}


def _creators(datasets):
    """The authors that the citations name, or the project for what it drew, or nobody known."""
    people = []
    for dataset in datasets:
        author = re.search(r"author = {(.*?)},?\n", dataset.config.citation)[1] if dataset.published else ""
        names = [" ".join(reversed(name.split(", "))) for name in author.split(" and ") if name]
        people += [{"@type": "sc:Person", "name": name} for name in names]
    who = {"@type": "sc:Organization", "name": datasets[0].facts.get("creator", "unknown")}
    return people or [who]


def _file(folder, file):
    return {
        "@type": "cr:FileObject",
        "@id": file.relative_to(folder).as_posix(),
        "name": file.name,
        "contentUrl": file.relative_to(folder).as_posix(),
        "contentSize": f"{file.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256_of(file),
    }


def _files(dataset, split):
    """The shards of a split together; as files of the folder, which mlcroissant reads, unlike a set of FileObjects."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{dataset.config.name}/{split}-shards",
        "name": f"{dataset.config.name} {split} shards",
        "encodingFormat": "application/x-parquet",
        "includes": f"{dataset.config.name}/{split}-*.parquet",
    }


def _classes(dataset):
    """The class names, as an enumeration that labels refer to."""
    name = f"{dataset.config.name}/classes"
    fields = [("label", "sc:Integer"), ("name", "sc:Text")]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The class names of {dataset.title}.",
        "dataType": "sc:Enumeration",
        "key": {"@id": f"{name}/label"},
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{field}", "name": field, "dataType": kind} for field, kind in fields
        ],
        "data": [{f"{name}/label": label, f"{name}/name": text} for label, text in enumerate(dataset.class_names)],
    }


def _rows(folder, dataset, split, files):
    name, rows = f"{dataset.config.name}/{split}", dataset.sizes[split]["num_examples"]
    path = files[0].relative_to(folder).as_posix()
    source = {"fileSet": {"@id": f"{name}-shards"}} if len(files) > 1 else {"fileObject": {"@id": path}}
    image = {
        "@type": "cr:Field",
        "@id": f"{name}/image",
        "name": "image",
        "description": "A PNG file, mode L; its background is zero.",
        "dataType": "sc:ImageObject",
        "source": {**source, "extract": {"column": "image"}, "transform": {"jsonPath": "bytes"}},
    }
    label = {
        "@type": "cr:Field",
        "@id": f"{name}/label",
        "name": "label",
        "description": "The class.",
        "dataType": ["sc:Integer", "cr:Label"],
        "source": {**source, "extract": {"column": "label"}},
        "references": {"field": {"@id": f"{dataset.config.name}/classes/label"}},
    }
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The {rows:,} rows of {dataset.title}'s split {split}.",
        "field": [image, label],
    }
