"""Find what the Hub or `load_dataset` would refuse or misread in a card; works offline."""

import errno
import itertools
import stat
from collections.abc import Iterator
from pathlib import Path

from mnist_tools.lint.built_folder import check_built_folder, has_data_files
from mnist_tools.lint.card_text import (
    FrontMatter,
    check_encoding,
    check_fences,
    check_repeated_keys,
    read_front_matter,
)
from mnist_tools.lint.cross_checks import (
    check_agreement,
    check_configs,
    check_info,
    check_keys,
    check_licence,
)
from mnist_tools.lint.declared import declared_configs, declared_infos
from mnist_tools.lint.finding import Finding
from mnist_tools.lint.schema import check_schema
from mnist_tools.vocabularies import age_warning
from mnist_tools.wording import Place, phrase
from mnist_tools.yaml_positions import Unreadable

__all__ = ["Finding", "age_warning", "findings", "front_matter_of"]

LONGEST_CARD = 20_000_000  # bytes
MOST_FINDINGS = 100  # per card; nobody corrects more at a time

_SIZES = ("num_bytes", "num_examples", "download_size", "dataset_size")


def findings(path: Path) -> list[Finding]:
    """Return what is wrong with a card, or with a folder's README.md and the files beside it.

    The findings, 100 at most, are in the order of the card's lines. Files are compared with the
    card if `path` is a folder, or if any file that the card declares exists. OSError if the card
    cannot be read.
    """
    path = Path(path)
    card_path = path / "README.md" if path.is_dir() else path
    content = _read_card(card_path)
    if content is None:
        text = phrase(f"over {LONGEST_CARD:,} bytes", "a shorter card", "shorten it")
        return [Finding(card_path, None, text)]
    found = _findings(card_path, content, is_folder=path.is_dir())
    first = sorted(itertools.islice(found, MOST_FINDINGS), key=lambda finding: finding.line or 0)
    if next(found, None) is not None:
        text = phrase(f"more than {MOST_FINDINGS} findings", "none", "fix these and lint again")
        return [*first, Finding(card_path, None, text)]
    return first


def front_matter_of(text: str) -> dict[str, object]:
    """Return the front matter in the text of a card, or {} if it is missing or unreadable."""
    try:
        values = read_front_matter(Path("README.md"), text.encode("utf-8", "replace")).values
    except Unreadable:
        return {}
    return {str(key): value for key, value in values.items()}


def _read_card(path: Path) -> bytes | None:
    """Read a card; None if it is too large, OSError if it is a pipe or a device."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    with path.open("rb") as file:
        content = file.read(LONGEST_CARD + 1)
    return content if len(content) <= LONGEST_CARD else None


def _findings(path: Path, content: bytes, *, is_folder: bool) -> Iterator[Finding]:
    yield from check_encoding(path, content)
    try:
        card = read_front_matter(path, content)
    except Unreadable as error:
        yield Finding(path, error.line, str(error))
        return
    yield from check_fences(path, content)
    yield from check_repeated_keys(card)
    yield from check_keys(card)
    yield from check_licence(card)
    comparable = True
    for place, finding in check_schema(card):
        yield finding
        comparable = comparable and not _breaks_comparison(place)
    if comparable:
        yield from _check_datasets(card, is_folder=is_folder)


def _breaks_comparison(place: Place) -> bool:
    """Check whether a wrong value at `place` makes configs and dataset_info unreadable."""
    return place[:1] in (("configs",), ("dataset_info",)) and place[-1] not in _SIZES


def _check_datasets(card: FrontMatter, *, is_folder: bool) -> Iterator[Finding]:
    configs = declared_configs(card.values)
    infos = declared_infos(card.values)
    yield from check_configs(card, configs)
    for info in infos:
        yield from check_info(card, info)
    yield from check_agreement(card, configs, infos)
    folder = card.path.parent
    if is_folder or has_data_files(folder, configs):
        yield from check_built_folder(card, folder, configs, infos)
