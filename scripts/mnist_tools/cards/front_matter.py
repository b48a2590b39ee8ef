"""Write the YAML front matter of a card, which the Hub and `load_dataset` read."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import yaml

from mnist_tools.cards.dataset import Dataset
from mnist_tools.cards.escape import printable
from mnist_tools.cards.facts import FamilyFacts
from mnist_tools.licences import OTHER_LICENCE

TASK_CATEGORIES = ["image-classification"]
TASK_IDS = ["multi-class-image-classification"]
SIZE_CATEGORIES = {  # the Hub's names, by the number of rows that each must stay below
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
    1_000_000_000: "100M<n<1B",
}
NUMBER_IN_YAML_1_2 = re.compile(r"(0o[0-7]+|[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?)$")
CARD_FILE, LICENCE_FILE = "README.md", "LICENSE.md"
OWN_TAGS = ("image", "grayscale", "mnist_family")  # true of any dataset that is built
FOLD_WIDTH = 1000  # columns; longer texts are folded


def front_matter(datasets: Sequence[Dataset], family: FamilyFacts, pretty_name: str) -> str:
    """Return the block with its `---` lines; the first dataset is the default config."""
    configs = [_config(dataset) for dataset in datasets]
    configs[0]["default"] = True
    block = {
        "pretty_name": printable(pretty_name),
        **_license(datasets),
        "language": _union(datasets, lambda dataset: dataset.facts.languages),
        "task_categories": TASK_CATEGORIES,
        "task_ids": TASK_IDS,
        "size_categories": [_size_category(datasets)],
        "annotations_creators": _union(datasets, lambda each: each.facts.annotations_creators),
        "source_datasets": _union(datasets, lambda each: each.facts.source_datasets),
        "tags": tags_of(datasets, family),
        "configs": configs,
        "dataset_info": [_dataset_info(dataset) for dataset in datasets],
    }
    kept = {key: value for key, value in block.items() if value}
    text = yaml.dump(kept, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=FOLD_WIDTH)
    return f"---\n{text}---\n"


def tags_of(datasets: Sequence[Dataset], family: FamilyFacts) -> list[str]:
    """Return the tags of a card: the family's only if it has a dataset of the family."""
    shared = OWN_TAGS if all(dataset.kind == "own" for dataset in datasets) else family.tags
    return _union(datasets, lambda dataset: (*shared, *dataset.facts.tags))


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes strings which YAML 1.1 (Python) or 1.2 (the Hub) would misread."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER_IN_YAML_1_2, [*"-+.0123456789"])


def _license(datasets: Sequence[Dataset]) -> dict[str, str | list[str]]:
    """Return the Hub's id of the licence, or a list of them; `other` has a name and a link."""
    licences = _union(datasets, lambda dataset: [dataset.licence_id])
    block: dict[str, str | list[str]] = {"license": licences[0] if len(licences) == 1 else licences}
    if OTHER_LICENCE not in licences:
        return block
    other = next(each for each in datasets if each.licence_id == OTHER_LICENCE).facts.licence
    return {
        **block,
        "license_name": _identifier(other.name),
        "license_link": other.url or LICENCE_FILE,
    }


def _identifier(name: str) -> str:
    """Return a licence's name in the form of the Hub's ids, such as my-licence-1.0."""
    return re.sub(r"[^\w.]+", "-", name.lower()).strip("-") or OTHER_LICENCE


def _size_category(datasets: Sequence[Dataset]) -> str:
    rows = sum(counts.rows for dataset in datasets for counts in dataset.counts.values())
    return next(name for limit, name in SIZE_CATEGORIES.items() if rows < limit)


def _union(datasets: Sequence[Dataset], values: Callable[[Dataset], Iterable[str]]) -> list[str]:
    """Return the values of all datasets, without repeats, in order."""
    return list(dict.fromkeys(value for dataset in datasets for value in values(dataset)))


def _config(dataset: Dataset) -> dict[str, Any]:
    name = dataset.name
    files = [{"split": split, "path": f"{name}/{split}-*"} for split in dataset.counts]
    return {"config_name": name, "data_files": files}


def _dataset_info(dataset: Dataset) -> dict[str, Any]:
    # The Hub refuses integers as keys.
    names = {str(label): name for label, name in enumerate(dataset.class_names)}
    info = {
        "config_name": dataset.name,
        "features": [
            {"name": "image", "dtype": "image"},
            {"name": "label", "dtype": {"class_label": {"names": names}}},
        ],
    }
    if dataset.sizes is None:
        rows = {split: counts.rows for split, counts in dataset.counts.items()}
        return {**info, "splits": [{"name": split, "num_examples": n} for split, n in rows.items()]}
    sizes = dataset.sizes
    return {
        **info,
        "splits": [
            {"name": split, "num_bytes": size.num_bytes, "num_examples": size.num_examples}
            for split, size in sizes.items()
        ],
        "download_size": sum(size.parquet_bytes for size in sizes.values()),
        "dataset_size": sum(size.num_bytes for size in sizes.values()),
    }
