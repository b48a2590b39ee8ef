"""The public mirrors, each asked for every archive, where $MNIST_FAMILY_NETWORK is 1."""

import os

import pytest

import mnist_family

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(
        os.environ.get("MNIST_FAMILY_NETWORK") != "1", reason="MNIST_FAMILY_NETWORK is not 1"
    ),
]
MIRRORS = [(config, mirror) for config in mnist_family.CONFIGS for mirror in config.mirrors]


@pytest.mark.parametrize(("config", "mirror"), MIRRORS, ids=[mirror for _, mirror in MIRRORS])
def test_a_mirror_has_the_published_archives(config, mirror, cache, monkeypatch):
    monkeypatch.delenv("MNIST_FAMILY_MIRROR", raising=False)
    monkeypatch.setattr(config, "mirrors", (mirror,))
    loaded = mnist_family.load(config.name, cache_dir=str(cache))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 60_000, "test": 10_000}
    streamed = mnist_family.load(config.name, "test", streaming=True)
    assert next(iter(streamed))["label"] == loaded["test"][0]["label"]
