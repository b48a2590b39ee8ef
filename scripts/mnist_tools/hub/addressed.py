"""Put the name and the URL of a repository into the texts of a folder that is pushed there."""

import dataclasses

from mnist_tools.cards.card import load_from, own_card_path
from mnist_tools.cards.croissant import for_repository
from mnist_tools.hub.content import from_bytes
from mnist_tools.hub.folder import CARD, BuiltFolder

CROISSANT = "croissant.json"


def addressed(built: BuiltFolder, repo_id: str, url: str) -> BuiltFolder:
    """Return the folder with a card that loads `repo_id`, and with absolute URLs in Croissant.

    `url` is the page of the repository. Nothing else in the texts changes; the folder on disk stays
    as it is.
    """
    cards = [CARD, *(own_card_path(name) for name in built.shards)]
    texts = {
        path: load_from(built.files[path].text(), repo_id) for path in cards if path in built.files
    }
    texts[CROISSANT] = for_repository(built.files[CROISSANT].text(), url)
    files = {**built.files, **{path: from_bytes(text.encode()) for path, text in texts.items()}}
    return dataclasses.replace(built, files=files, card=texts[CARD])
