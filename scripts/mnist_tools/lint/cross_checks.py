"""Check what a schema cannot express: values of front matter that contradict each other."""

from collections import Counter
from collections.abc import Iterator, Sequence

import datasets

from mnist_tools.lint.card_text import FrontMatter
from mnist_tools.lint.declared import ClassNameList, DeclaredConfig, DeclaredInfo, Pattern
from mnist_tools.lint.finding import Finding
from mnist_tools.lint.patterns import find_fault
from mnist_tools.vocabularies import closest, vocabulary
from mnist_tools.wording import Place, shorten, show, show_all

_RENAMED_KEYS = {
    "languages": "language",
    "licenses": "license",
    "task_category": "task_categories",
    "task_id": "task_ids",
}


# --- The keys of the card -------------------------------------------------------------------------


def check_keys(card: FrontMatter) -> Iterator[Finding]:
    """Find keys that the Hub no longer knows, and keys that look mistyped."""
    for key in card.values:
        if key in _RENAMED_KEYS:
            yield card.finding((key,), "an outdated key", _RENAMED_KEYS[str(key)], "rename it")
        elif key not in vocabulary("keys"):
            near = closest(str(key), "keys", cutoff=0.8)
            if near is not None:
                yield card.finding((key,), "an unknown key", near, "rename it")


def check_licence(card: FrontMatter) -> Iterator[Finding]:
    """Find a missing licence, or a licence `other` without a name and a link."""
    licence = card.values.get("license")
    if licence is None and "licenses" not in card.values:
        expected = "a licence id of the Hub, or unknown if none is stated"
        yield card.finding((), "no license", expected, "add the key")
    missing = [key for key in ("license_name", "license_link") if not card.values.get(key)]
    if licence == "other" and missing:
        found = f"other without {' and '.join(missing)}"
        yield card.finding(("license",), found, "both keys beside it", "add them")


# --- Configs --------------------------------------------------------------------------------------


def check_configs(card: FrontMatter, configs: Sequence[DeclaredConfig]) -> Iterator[Finding]:
    """Find configs with unclear names, defaults or files, which `load_dataset` misreads."""
    if not configs and "dataset_info" in card.values:
        expected = "configs with the data files of each"
        remedy = "add them, or load_dataset will merge all the files that it finds"
        yield card.finding(("dataset_info",), "no configs beside it", expected, remedy)
    yield from _check_names(card, [(config.place, config.name) for config in configs])
    yield from _check_defaults(card, configs)
    for config in configs:
        yield from _check_files(card, config)


def _check_defaults(card: FrontMatter, configs: Sequence[DeclaredConfig]) -> Iterator[Finding]:
    places = [(*config.place, "default") for config in configs if config.is_default]
    for place in places[1:]:
        found = f"another default, the first is on line {card.line(places[0])}"
        yield card.finding(place, found, "one default", "remove it")
    if len(configs) > 1 and not places:
        yield card.finding(("configs",), "no default", "default: true in one config", "add it")


def _check_files(card: FrontMatter, config: DeclaredConfig) -> Iterator[Finding]:
    if config.data_dir is None and config.files is None:
        yield card.finding(config.place, "no data_files", "the files of each split", "add them")
    splits = Counter(files.split for files in config.files or ())
    for files in config.files or ():
        if splits[files.split] > 1:
            found = f"the split {show(files.split)} more than once"
            yield card.finding(files.place, found, "each split once", "list its paths together")
    for pattern in _patterns(config):
        fault = find_fault(pattern.text)
        if fault is not None:
            yield card.finding(pattern.place, *fault)


def _patterns(config: DeclaredConfig) -> Iterator[Pattern]:
    if config.data_dir is not None:
        yield Pattern((*config.place, "data_dir"), config.data_dir)
    for files in config.files or ():
        yield from files.patterns


# --- dataset_info ---------------------------------------------------------------------------------


def check_info(card: FrontMatter, info: DeclaredInfo) -> Iterator[Finding]:
    """Find features that `datasets` cannot read, and wrong class names or sizes."""
    found = [
        finding
        for class_names in info.class_names
        for finding in (*_check_labels(card, class_names), *_check_class_names(card, class_names))
    ]
    yield from found or _check_features(card, info)  # or the same fault would be found twice
    yield from _check_dataset_size(card, info)


def _check_features(card: FrontMatter, info: DeclaredInfo) -> Iterator[Finding]:
    if info.features is None:
        return
    read = datasets.Features._from_yaml_list  # as load_dataset does; it has no public name
    try:
        read(info.features)
    except Exception as error:  # types of features raise what they like
        found = f"{type(error).__name__}: {shorten(str(error))}"
        place = (*info.place, "features")
        yield card.finding(place, found, "features that `datasets` reads", "correct them")


def _check_labels(card: FrontMatter, class_names: ClassNameList) -> Iterator[Finding]:
    """Find labels that are integers, which the Hub refuses, or that do not count up from 0."""
    if not class_names.is_mapping:
        return
    labels = list(class_names.names)
    for label in labels:
        if not isinstance(label, str):
            place = (*class_names.place, label)
            yield card.finding(place, f"the key {show(label)}", "a string", "put it in quotes")
    if {str(label) for label in labels} != {str(number) for number in range(len(labels))}:
        expected = f"0 to {len(labels) - 1}, each once"
        yield card.finding(
            class_names.place, f"labels {show_all(labels)}", expected, "renumber them"
        )


def _check_class_names(card: FrontMatter, class_names: ClassNameList) -> Iterator[Finding]:
    counts = Counter(name for name in class_names.names.values() if isinstance(name, str))
    for label, name in class_names.names.items():
        place = (*class_names.place, label)
        if not isinstance(name, str):
            yield card.finding(place, show(name), "a string", "put it in quotes")
        elif not name.strip():
            yield card.finding(place, show(name), "a class name", "name the class")
        elif counts[name] > 1:
            yield card.finding(place, f"{show(name)} more than once", "unique names", "rename one")


def _check_dataset_size(card: FrontMatter, info: DeclaredInfo) -> Iterator[Finding]:
    sizes = [split.num_bytes for split in info.splits if split.num_bytes is not None]
    if info.dataset_size is None or len(sizes) < len(info.splits):
        return
    if info.dataset_size != sum(sizes):
        place = (*info.place, "dataset_size")
        expected = f"{sum(sizes)}, the sum of num_bytes of its splits"
        yield card.finding(place, str(info.dataset_size), expected, "correct one of them")


# --- Configs against dataset_info -----------------------------------------------------------------


def check_agreement(
    card: FrontMatter, configs: Sequence[DeclaredConfig], infos: Sequence[DeclaredInfo]
) -> Iterator[Finding]:
    """Find names that dataset_info repeats, and configs and splits that are in only one of both."""
    yield from _check_names(card, [(info.place, info.config) for info in infos])
    config_of = {config.name: config for config in configs}
    info_of = {info.config: info for info in infos}
    if not config_of or not info_of:
        return
    for name, config in config_of.items():
        if name not in info_of:
            found = f"config {show(name)} is not in dataset_info"
            yield card.finding(config.place, found, "each config in both", "add or remove it")
    for name, info in info_of.items():
        if name not in config_of:
            found = f"config {show(name)} is not in configs"
            yield card.finding(info.place, found, "each config in both", "add or remove it")
        else:
            yield from _check_splits(card, config_of[name], info)


def _check_names(card: FrontMatter, configs: Sequence[tuple[Place, str]]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for place, name in configs:
        if name in first:
            found = f"{show(name)} again, first on line {first[name]}"
            yield card.finding((*place, "config_name"), found, "a unique name", "rename one")
        first.setdefault(name, card.line(place))


def _check_splits(
    card: FrontMatter, config: DeclaredConfig, info: DeclaredInfo
) -> Iterator[Finding]:
    if config.files is None or not info.splits:
        return
    named = {files.split for files in config.files}
    stated = {split.name for split in info.splits}
    if stated != named:
        expected = f"{show_all(sorted(named))} as in configs"
        place = (*info.place, "splits")
        yield card.finding(place, show_all(sorted(stated)), expected, "correct one of them")
