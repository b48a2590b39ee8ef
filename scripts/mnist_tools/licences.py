"""Look up licences by the ids of the Hub and of SPDX: their names and texts."""

import difflib
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

UNKNOWN_LICENCE, OTHER_LICENCE = "unknown", "other"  # ids of the Hub
SPDX = "https://spdx.org/licenses/"

_LICENCES = Path(__file__).with_name("licences.json")


class KnownLicence(NamedTuple):
    """A licence that the Hub or SPDX knows; `id` is the Hub's, which is `other` for many."""

    id: str
    name: str
    spdx: str | None

    @property
    def url(self) -> str | None:
        """Return the URL of the text, or None if SPDX does not have it."""
        return f"{SPDX}{self.spdx}.html" if self.spdx else None


def find_licence(text: str) -> KnownLicence | None:
    """Return the licence with an id of the Hub or of SPDX, in capitals or not; None if unknown."""
    return _by_id().get(text.strip().lower())


def closest_licence(text: str) -> str | None:
    """Return the id of the licence that was probably meant, by its id or name; None if unclear."""
    names = {licence.name.lower(): key for key, licence in _by_id().items()}
    known = {**names, **{key: key for key in _by_id()}}
    words = [word for word in text.lower().split() if word not in ("licence", "license", "the")]
    name, key = " ".join(words), re.sub(r"v(?=[0-9])", "-", "-".join(words))
    begun = [each for each in _by_id() if len(key) > 2 and each.startswith(key)]
    near = difflib.get_close_matches(text.lower(), known, 1, 0.9) or begun
    for candidate in (key, name):
        near = near or difflib.get_close_matches(candidate, known, 1, 0.8)
    return known[near[0]] if near else None


@functools.cache
def _by_id() -> Mapping[str, KnownLicence]:
    """Return all licences by id in lower case; those of the Hub come first."""
    data = json.loads(_LICENCES.read_text(encoding="utf-8"))
    hub = [KnownLicence(key, name, spdx or None) for key, (spdx, name) in data["hub"].items()]
    by_id = {licence.id: licence for licence in hub}
    for licence in hub:
        if licence.spdx is not None:
            by_id.setdefault(licence.spdx.lower(), licence)
    for spdx in data["spdx"]["ids"]:
        by_id.setdefault(spdx.lower(), KnownLicence(OTHER_LICENCE, spdx, spdx))
    return by_id
