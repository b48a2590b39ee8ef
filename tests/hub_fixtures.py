"""Fixtures of the push tests: the emulated Hub, and folders to push to it."""

import shutil

import pytest
from conftest import HUB_SOCKET
from hub_contents import build_folder, new_repo
from hub_server import Hub


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    HUB_SOCKET.listen(100)
    return Hub(tmp_path_factory.mktemp("hub"), HUB_SOCKET)


@pytest.fixture
def hub(server, monkeypatch):
    """Return the Hub without faults, asked nothing yet, for a user who may write."""
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    server.requests.clear()
    server.gated.clear()
    server.ignores_ranges = False
    server.held.clear()
    server.released.clear()
    server.faults, server.before_commit, server.uploaded = {}, None, 0
    return server


@pytest.fixture
def repo():
    """Return the name of a repository that does not exist yet."""
    return new_repo()


@pytest.fixture(scope="session")
def built(tmp_path_factory, tiny):
    """Return a folder of the three tiny datasets."""
    return build_folder(tmp_path_factory.mktemp("push") / "built", tiny.folder())


@pytest.fixture(scope="session")
def small(tmp_path_factory, tiny):
    """Return a folder of one tiny dataset."""
    return build_folder(tmp_path_factory.mktemp("push") / "small", tiny.folder(), ["fashion"])


@pytest.fixture
def folder(small, tmp_path):
    """Return a copy of the folder of one dataset, which a test may change."""
    shutil.copytree(small, tmp_path / "folder")
    return tmp_path / "folder"
