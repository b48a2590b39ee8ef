"""Read what front matter declares: configs, their files, splits and class names."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mnist_tools.wording import Place

DEFAULT_CONFIG = "default"  # the config of a dataset_info that names none
DEFAULT_SPLIT = "train"  # the split of data_files that name none


class Pattern(NamedTuple):
    """A path in data_files; it may contain wildcards."""

    place: Place
    text: str


@dataclass(frozen=True)
class DeclaredFiles:
    """The files of a split, as named in data_files."""

    place: Place
    split: str
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True)
class DeclaredConfig:
    """An element of `configs`; `files` is None if it has no data_files."""

    place: Place
    name: str
    is_default: bool
    files: tuple[DeclaredFiles, ...] | None
    data_dir: str | None


@dataclass(frozen=True)
class ClassNameList:
    """The class names of a feature, by label; the labels of a mapping should be strings."""

    place: Place
    feature: str
    names: dict[Hashable, object]
    is_mapping: bool


@dataclass(frozen=True)
class DeclaredSplit:
    """A split in `dataset_info`; sizes that are not integers are None."""

    place: Place
    name: str
    num_examples: int | None
    num_bytes: int | None


@dataclass(frozen=True)
class DeclaredInfo:
    """An element of `dataset_info`; sizes that are not integers are None."""

    place: Place
    config: str
    features: list[dict[str, Any]] | None
    class_names: tuple[ClassNameList, ...]
    splits: tuple[DeclaredSplit, ...]
    download_size: int | None
    dataset_size: int | None


def declared_configs(values: dict[Hashable, Any]) -> Sequence[DeclaredConfig]:
    """Return the configs of front matter, which must conform to schema.json."""
    return [
        DeclaredConfig(
            place=("configs", number),
            name=config["config_name"],
            is_default=config.get("default", False),
            files=_files(config, ("configs", number)),
            data_dir=config.get("data_dir"),
        )
        for number, config in enumerate(values.get("configs", ()))
    ]


def declared_infos(values: dict[Hashable, Any]) -> Sequence[DeclaredInfo]:
    """Return what `dataset_info` says about each config; only its sizes may break the schema."""
    stated = values.get("dataset_info", ())
    if isinstance(stated, dict):
        return [_info(stated, ("dataset_info",))]
    return [_info(info, ("dataset_info", number)) for number, info in enumerate(stated)]


def _files(config: dict[str, Any], place: Place) -> tuple[DeclaredFiles, ...] | None:
    stated = config.get("data_files")
    if stated is None:
        return None
    place = (*place, "data_files")
    if isinstance(stated, str) or isinstance(stated[0], str):
        return (DeclaredFiles(place, DEFAULT_SPLIT, _patterns(stated, place)),)
    return tuple(
        DeclaredFiles(
            place=(*place, number),
            split=each["split"],
            patterns=_patterns(each["path"], (*place, number, "path")),
        )
        for number, each in enumerate(stated)
    )


def _patterns(path: str | list[str], place: Place) -> tuple[Pattern, ...]:
    if isinstance(path, str):
        return (Pattern(place, path),)
    return tuple(Pattern((*place, number), text) for number, text in enumerate(path))


def _info(info: dict[str, Any], place: Place) -> DeclaredInfo:
    features = info.get("features")
    return DeclaredInfo(
        place=place,
        config=info.get("config_name", DEFAULT_CONFIG),
        features=features,
        class_names=tuple(_class_names(features or (), (*place, "features"))),
        splits=tuple(_splits(info, (*place, "splits"))),
        download_size=_size(info, "download_size"),
        dataset_size=_size(info, "dataset_size"),
    )


def _class_names(features: Sequence[dict[str, Any]], place: Place) -> Iterator[ClassNameList]:
    for number, feature in enumerate(features):
        dtype = feature.get("dtype")
        label = dtype.get("class_label") if isinstance(dtype, dict) else None
        if isinstance(label, dict):
            names = label["names"]
            yield ClassNameList(
                place=(*place, number, "dtype", "class_label", "names"),
                feature=feature["name"],
                names=names if isinstance(names, dict) else dict(enumerate(names)),
                is_mapping=isinstance(names, dict),
            )


def _splits(info: dict[str, Any], place: Place) -> Iterator[DeclaredSplit]:
    for number, split in enumerate(info.get("splits", ())):
        yield DeclaredSplit(
            place=(*place, number),
            name=split["name"],
            num_examples=_size(split, "num_examples"),
            num_bytes=_size(split, "num_bytes"),
        )


def _size(values: dict[str, Any], key: str) -> int | None:
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
