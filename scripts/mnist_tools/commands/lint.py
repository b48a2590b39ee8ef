"""Find what the Hub or `load_dataset` would refuse or misread in cards."""

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from mnist_tools.cards.escape import printable
from mnist_tools.lint import Finding, age_warning, findings
from mnist_tools.manifest import read_manifest


def lint(paths: Sequence[Path]) -> list[Finding]:
    """Return the findings for cards, or for folders with a README.md, in the order of `paths`.

    A card that cannot be read gives a finding instead of an exception, so the others are linted.
    """
    return [finding for path in paths for finding in _findings_of(Path(path))]


def remarks(path: Path) -> tuple[str, ...]:
    """Return what the card of a built folder leaves open, as `build` said; () for other paths."""
    manifest = read_manifest(path)
    return manifest.remarks if manifest is not None else ()


def run(paths: Sequence[Path]) -> int:
    """Print findings, if any, and what built folders leave open; return 1 for any findings."""
    warning = age_warning(datetime.date.today())
    if warning is not None:
        print(f"warning: {warning}", file=sys.stderr)
    found = lint(paths)
    for finding in found:
        print(finding)
    if not found:
        print(f"{len(paths):,} {'card' if len(paths) == 1 else 'cards'}: no findings")
    for path in paths:
        for remark in remarks(path):
            print(f"{printable(str(path))}: {printable(remark)}")
    return 1 if found else 0


def _findings_of(path: Path) -> list[Finding]:
    try:
        return findings(path)
    except OSError as error:
        place = Path(error.filename or path)
        reason = error.strerror or str(error)
        text = f"{reason}, expected a card or a folder with one; correct the path"
        return [Finding(place, None, text)]
