"""What built folders and repositories of the emulated Hub hold, and how a push of one fails."""

import itertools
import re

import huggingface_hub
import pytest

from mnist_tools.commands.build import build
from mnist_tools.commands.push import push
from mnist_tools.hub.addressed import addressed
from mnist_tools.hub.folder import read_folder
from mnist_tools.hub.record import RECORD
from mnist_tools.manifest import MANIFEST

numbers_of_repositories = itertools.count()


def new_repo():
    return f"writer/family-{next(numbers_of_repositories)}"


def build_folder(out, archives, names=(), max_shard_size="500MB"):
    build(out, names, archives=archives, max_shard_size=max_shard_size)
    return out


def fails(*arguments, **options):
    """Return the text of the error that a push ends with."""
    with pytest.raises((ValueError, OSError)) as caught:
        push(*arguments, **options)
    assert "hf_writer" not in str(caught.value)
    return str(caught.value)


def contents(folder):
    """Return {path: bytes} of what build wrote, which is what is pushed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def as_pushed(folder):
    """Return {path: bytes} of what a push of a folder puts there, without the repository's name."""
    return {path: anonymous(path, content) for path, content in contents(folder).items()}


def pushed_files(hub, repo, branch="main"):
    """Return {path: bytes} there, without what the Hub and the push keep for themselves."""
    files = hub.files(repo, branch)
    kept = {path: files[path] for path in files if path not in (".gitattributes", RECORD)}
    return {path: anonymous(path, content) for path, content in kept.items()}


def as_pushed_to(repo, folder):
    """Return {path: bytes} of what a push of a folder puts into a repository."""
    url = f"{huggingface_hub.constants.ENDPOINT}/datasets/{repo}"
    built = addressed(read_folder(folder), repo, url)
    return {path: content.read(0, content.digest.size) for path, content in built.files.items()}


def anonymous(path, content):
    """Take out what a push writes for its repository; other tests look at that."""
    if path.endswith(".md"):
        return re.sub(rb'load_dataset\("[^"]*"', b'load_dataset("..."', content)
    if path == "croissant.json":
        pattern = rb'"url": "(?:[^"]*/LICENSE.md|LICENSE.md|README.md|http://127[^"]*)"'
        return re.sub(pattern, b'"url": "..."', content)
    return content


def commits(hub, repo):
    """Return the requests that made, or tried to make, a commit."""
    return [path for _, path in hub.requests if path.startswith(f"/api/datasets/{repo}/commit/")]


def edit(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8", newline="\n")
