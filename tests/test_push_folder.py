"""What is pushed is what build wrote; anything else is named before a request is made."""

import contextlib
import hashlib
import json
import os
import resource
import shutil
import socket

import numpy as np
import pyarrow.parquet
import pytest
from conftest import pictures, write_split
from hub_contents import (
    MANIFEST,
    as_pushed,
    build_folder,
    commits,
    contents,
    edit,
    fails,
    pushed_files,
)

from mnist_tools.commands.push import push
from mnist_tools.hub.data_files import fitting_shard_size
from mnist_tools.hub.folder import MOST_FILES, read_folder

pytest_plugins = ["hub_fixtures"]

SHARD = "fashion/test-00000-of-00001.parquet"
UNKNOWN = (
    "expected only its files; "
    "remove what is not for everyone, or pass --include PATTERN to push it, too"
)


def refresh_manifest(folder):
    """Make the manifest agree with what is in the folder, as if build had written it so."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] = {
        path: hashlib.sha256(content).hexdigest() for path, content in contents(folder).items()
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))


# --- Files that build did not write ---------------------------------------------------------------

FOREIGN = {
    ".env": b"TOKEN=1",
    ".DS_Store": b"\0",
    "core.1234": b"\0" * 1000,
    "notes.txt": b"mine",
    "fashion/notes.txt": b"mine",
    "fashion/test-b.parquet": b"PAR1",
    "mnist_family.py": b"",
    "README.md~": b"mine",
    "readme.md": b"mine",
    f"fashion/{MANIFEST}": b"{}",
    ".git/config": b"[core]",
    ".gitattributes": b"* -text",
    "fashion.incomplete/train.parquet": b"PAR1",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_build_did_not_write_is_named(hub, repo, folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(FOREIGN[name])
    assert fails(folder, repo) == f"{folder}: holds {name}, which build did not write, {UNKNOWN}"
    assert hub.requests == []


def test_many_files_are_counted_and_odd_names_are_escaped(hub, repo, folder):
    for number in range(7):
        (folder / f"{number}\x1b[31m").write_text("")
    names = ", ".join(rf"{number}\x1b[31m" for number in range(3))
    line = f"{folder}: holds {names} and 4 more, which build did not write, {UNKNOWN}"
    assert fails(folder, repo) == line


def test_included_files_are_pushed_too(hub, repo, folder):
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("mine")
    (folder / "empty.txt").write_text("")
    assert "notes/a.txt, which build did not write" in fails(folder, repo, include=["empty.txt"])
    push(folder, repo, include=["notes/*", "empty.txt"])
    assert pushed_files(hub, repo) == as_pushed(folder)
    assert hub.files(repo)["notes/a.txt"] == b"mine"


def test_a_pattern_that_includes_nothing_is_refused(hub, repo, folder):
    line = "--include *.tex: no file matches it, expected one that does; correct it"
    assert fails(folder, repo, include=["*.tex"]) == line


def test_a_record_of_a_push_is_no_file_to_push(hub, repo, folder):
    path = folder / ".mnist_family.push.json"
    path.write_text("{}")
    line = f"{path}: the record of a push, expected none in a folder; remove it"
    assert fails(folder, repo, include=["*"]) == line


def test_symbolic_links_are_refused_even_if_included(hub, repo, folder, tmp_path):
    (tmp_path / "secret").mkdir()
    remedy = "expected a file; remove it, or put the file itself there"
    for target in ("/etc/passwd", tmp_path / "secret", folder / "README.md", "nowhere"):
        (folder / "link").symlink_to(target)
        line = f"{folder / 'link'}: a symbolic link, {remedy}"
        assert fails(folder, repo, include=["*"]) == line
        (folder / "link").unlink()
    (folder / SHARD).rename(tmp_path / "shard")
    (folder / SHARD).symlink_to(tmp_path / "shard")
    assert fails(folder, repo) == f"{folder / SHARD}: a symbolic link, {remedy}"
    assert hub.requests == []


def test_a_socket_is_refused(hub, repo, folder, monkeypatch):
    monkeypatch.chdir(folder)  # the path of a socket has to be short
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
    line = f"{folder / 'socket'}: no regular file, expected a file; remove it"
    assert fails(folder, repo, include=["*"]) == line


def test_the_folder_itself_may_be_a_link(hub, repo, small, tmp_path):
    (tmp_path / "latest").symlink_to(small)
    push(tmp_path / "latest", repo)
    assert pushed_files(hub, repo) == as_pushed(small)


def test_a_folder_of_1_0_0_is_pushed(hub, repo, folder):
    """Its manifest names no command, but has the digests."""
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["command"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    push(folder, repo)
    assert pushed_files(hub, repo) == as_pushed(folder)


# --- Files that are no longer what build wrote ----------------------------------------------------


def rewrite_shard(path):
    """Write the same rows in other bytes, which the lint cannot tell from the build's."""
    size = path.stat().st_size
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(path), path, compression="zstd")
    assert path.stat().st_size != size
    card = path.parent.parent / "README.md"
    total = sum(file.stat().st_size for file in path.parent.iterdir())
    text = card.read_text(encoding="utf-8")
    start = text.index("download_size: ") + len("download_size: ")
    card.write_text(f"{text[:start]}{total}{text[text.index(chr(10), start) :]}", encoding="utf-8")


CHANGES = {
    "LICENSE.md": lambda path: path.write_text("My own licence.\n"),
    "croissant.json": lambda path: edit(path, "\n", "\n\n"),
    "pictures/fashion-means.png": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    SHARD: rewrite_shard,
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_changed_file_is_named(hub, repo, folder, path):
    CHANGES[path](folder / path)
    assert fails(folder, repo) == (
        f"{folder}: {path} changed since the build, expected files as build wrote them; "
        "build the folder again, or pass --include PATTERN to push them as they are"
    )
    assert hub.requests == []


def test_a_changed_file_is_pushed_if_it_is_included(hub, repo, folder):
    (folder / "LICENSE.md").write_text("# Licence\n\nOther words.\n")
    push(folder, repo, include=["LICENSE.md"])
    assert pushed_files(hub, repo) == as_pushed(folder)


def test_an_edited_card_is_pushed_if_it_lints(hub, repo, folder):
    edit(folder / "README.md", "\n# ", "\nMy words.\n\n# ")
    assert read_folder(folder).card_edited
    push(folder, repo)
    assert pushed_files(hub, repo) == as_pushed(folder)
    edit(folder / "README.md", "license: unknown", "license: MIT")
    assert "'MIT', expected a value" in fails(folder, repo)


AGAIN = "build the folder again"
NO_MANIFEST = f"{{folder}}: no {MANIFEST} in it, expected a folder that build wrote; build one"
NO_FILE = "{{folder}}: no {0}, expected all that build wrote; build the folder again"


def remove(folder, path):
    (folder / path).unlink()


def write_manifest(folder, text):
    (folder / MANIFEST).write_text(text)


def write_croissant(folder, text):
    (folder / "croissant.json").write_text(text)
    refresh_manifest(folder)


BROKEN = {
    "no manifest": (remove, MANIFEST, NO_MANIFEST),
    "an odd manifest": (write_manifest, "[]", NO_MANIFEST),
    "a conversion": (
        write_manifest,
        '{"command": "convert", "made_of": "", "files": {}}',
        "{folder}: written by convert, expected a folder that build wrote; build one",
    ),
    "a manifest without a card": (
        write_manifest,
        '{"made_of": "", "files": {}}',
        "{folder}: built without README.md, expected a built dataset; build the folder again",
    ),
    "no README.md": (remove, "README.md", NO_FILE.format("README.md")),
    "no LICENSE.md": (remove, "LICENSE.md", NO_FILE.format("LICENSE.md")),
    "no shard": (remove, SHARD, NO_FILE.format(SHARD)),
    "broken Croissant": (
        write_croissant,
        "{",
        "{folder}/croissant.json: no Croissant description, expected the one that build writes; "
        "build the folder again",
    ),
    "Croissant of another shape": (
        write_croissant,
        "[]",
        "{folder}/croissant.json: no Croissant description, expected the one that build writes; "
        "build the folder again",
    ),
    "Croissant without files": (
        write_croissant,
        '{"distribution": []}',
        f"{{folder}}/croissant.json: sha256 None of {SHARD}, expected {{sha256}}, the file's; "
        "build the folder again",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_folder_that_is_not_whole_is_refused_before_anything_is_sent(hub, repo, folder, kind):
    change, argument, message = BROKEN[kind]
    digest = read_folder(folder).files[SHARD].digest.sha256
    change(folder, argument)
    assert fails(folder, repo) == message.format(folder=folder, sha256=digest)
    assert hub.requests == []


def test_no_folder_at_all_is_refused(hub, repo, tmp_path):
    line = f"{tmp_path / 'none'}: no such folder, expected one that build wrote; build one"
    assert fails(tmp_path / "none", repo) == line


def test_what_the_lint_finds_is_refused_with_its_words(hub, repo, folder):
    edit(folder / "README.md", "num_examples: 40", "num_examples: 41")
    line = fails(folder, repo)
    assert "README.md:" in line
    assert "41" in line
    assert "expected 40 as in Parquet" in line
    assert len(line.splitlines()) == 1
    edit(folder / "README.md", "license: unknown", "license: MIT")
    assert fails(folder, repo).endswith(" (1 more; lint the folder to see them)")
    assert hub.requests == []


def test_other_columns_are_refused(hub, repo, folder):
    path = folder / SHARD
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    table = pyarrow.parquet.read_table(path)
    metadata = {b"huggingface": table.schema.metadata[b"huggingface"].replace(b"image", b"scan")}
    renamed = table.rename_columns(["scan", "label"]).replace_schema_metadata(metadata)
    pyarrow.parquet.write_table(renamed, path)
    rewrite_shard(path)
    edit(folder / "croissant.json", before, hashlib.sha256(path.read_bytes()).hexdigest())
    refresh_manifest(folder)
    found = "scan Image, label ClassLabel, expected image Image, label ClassLabel"
    assert fails(folder, repo) == f"{path}: {found}; {AGAIN}"


# --- The card's data files ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    ["../other/test-*", "/tmp/test-*", "fashion/../../x*", "hf://datasets/a/b/c*", "..\\\\x"],
)
def test_data_files_outside_of_the_folder_are_refused(hub, repo, folder, tmp_path, pattern):
    (tmp_path / "other").mkdir()
    shutil.copy(folder / SHARD, tmp_path / "other")
    edit(folder / "README.md", "path: fashion/test-*", f'path: "{pattern}"')
    line = fails(folder, repo)
    assert "README.md" in line
    assert "data_files" in line
    assert len(line.splitlines()) == 1
    assert hub.requests == []


def test_a_card_without_configs_is_refused(hub, repo, folder):
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    block = text[text.index("configs:") : text.index("\n---\n") + 1]
    path.write_text(text.replace(block, ""), encoding="utf-8")
    line = f"{path}: no configs, expected one for each dataset; build the folder again"
    assert fails(folder, repo) == line


def test_a_config_with_a_data_dir_alone_is_refused(hub, repo, folder):
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    block = text[text.index("  data_files:") : text.index("  default: true")]
    path.write_text(text.replace(block, "  data_dir: fashion\n"), encoding="utf-8")
    assert fails(folder, repo) == (
        f"{path}: config fashion: no data_files, expected patterns of files; "
        "name the files of each split"
    )


def test_data_files_may_be_lists_of_paths(hub, repo, folder):
    edit(folder / "README.md", "path: fashion/test-*", "path:\n    - fashion/test-*")
    assert read_folder(folder).shards["fashion"]["test"] == (SHARD,)
    push(folder, repo)
    assert pushed_files(hub, repo) == as_pushed(folder)


# --- Samples, scripts, names and tokens -----------------------------------------------------------


def test_a_sample_is_pushed_only_when_told(hub, repo, sample):
    line = f"{sample}: a synthetic sample, expected a dataset; build one, or pass --allow-sample"
    assert fails(sample, repo) == line
    assert hub.requests == []
    push(sample, repo, allow_sample=True)
    assert b"synthetic" in hub.files(repo)["README.md"]


def test_a_sample_of_1_0_0_is_known_by_its_tag(hub, repo, sample, tmp_path):
    """Its manifest has no remarks."""
    shutil.copytree(sample, tmp_path / "sample")
    manifest = tmp_path / "sample" / MANIFEST
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, "remarks": []}), encoding="utf-8")
    assert "a synthetic sample, expected a dataset" in fails(tmp_path / "sample", repo)


def test_a_sample_whose_card_was_edited_is_still_a_sample(hub, repo, sample, tmp_path):
    shutil.copytree(sample, tmp_path / "sample")
    edit(tmp_path / "sample" / "README.md", "- synthetic\n", "")
    assert "a synthetic sample, expected a dataset" in fails(tmp_path / "sample", repo)


def test_a_repository_named_after_a_script_is_refused(hub, small, folder):
    message = (
        "{0}: a file {1}, expected none, for `datasets` takes it for a loading script; "
        "choose another name for the repository, or remove the file"
    )
    hub.make("writer/mine")
    hub.add("writer/mine", {"mine.py": b""})
    assert fails(small, "writer/mine") == message.format("writer/mine", "mine.py")
    (folder / "mnist_family.py").write_text("")
    hub.requests.clear()
    line = fails(folder, "writer/mnist_family", include=["*.py"])
    assert line == message.format("writer/mnist_family", "mnist_family.py")
    assert hub.requests == []


@pytest.mark.parametrize(
    ("token", "name", "message"),
    [
        ("hf_wrong", "writer/a", "HTTP status 401, the token is not valid, expected"),
        ("hf_reader", "writer/a", "HTTP status 403, the token may not do this, expected"),
        ("hf_reader", "reader/a", "HTTP status 403, the token may not do this, expected"),
        ("hf_writer", "nobody/a", "HTTP status 403, the token may not do this, expected"),
        (None, "writer/a", "no token, expected one that may write; run `hf auth login` or set"),
        ("hf_writer", "a", "not the name of a repository, expected USER/NAME; correct it"),
        ("hf_writer", "a/b/c", "not the name of a repository, expected USER/NAME; correct it"),
    ],
)
def test_wrong_tokens_and_names_are_one_line(hub, small, monkeypatch, token, name, message):
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    else:
        monkeypatch.delenv("HF_TOKEN")
    line = fails(small, name)
    assert line.startswith(f"{name}: {message}")
    assert len(line.splitlines()) == 1
    assert str(token) not in line
    assert not hub.path(name).exists()


# --- Many files -----------------------------------------------------------------------------------


@contextlib.contextmanager
def few_open_files():
    """Let this process open only some files more than it has open."""
    first_free = os.dup(0)
    os.close(first_free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + 40, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_files_than_a_commit_takes_are_refused_with_the_shard_size_that_fits(
    hub, repo, tmp_path
):
    rows = 20_000
    labels = (np.arange(rows) % 10).astype(np.uint8)
    archives = write_split(tmp_path / "archives", "train", pictures(rows, 1), labels)
    out = tmp_path / "out"
    build_folder(out, archives, ["fashion"], max_shard_size="100KB")
    count = len(contents(out))
    assert count > MOST_FILES
    with few_open_files():
        line = fails(out, repo)
    assert line == (
        f"{out}: {count} files, expected at most 100 in a commit; "
        "build it with --max-shard-size 1MB or more"
    )
    assert hub.requests == []
    build_folder(out, archives, ["fashion"], max_shard_size="1MB")
    with few_open_files():
        push(out, repo)
    assert len(commits(hub, repo)) == 1
    assert pushed_files(hub, repo) == as_pushed(out)


def test_more_files_than_any_shard_size_helps_are_refused(hub, repo, folder):
    for number in range(MOST_FILES):
        (folder / f"{number}.txt").write_text("")
    count = len(contents(folder))
    line = f"{folder}: {count} files, expected at most 100 in a commit; push fewer files"
    assert fails(folder, repo, include=["*.txt"]) == line


@pytest.mark.parametrize(
    ("num_bytes", "most_shards", "megabytes"),
    [
        ([10_000_000], 10, 1),
        ([10_000_000], 9, 2),
        ([30_000_000, 5_000_000], 6, 8),
        ([30_000_000, 5_000_000], 2, 32),
        ([30_000_000, 5_000_000], 1, None),
        ([], 5, None),
    ],
)
def test_the_shard_size_that_fits_gives_no_more_shards(num_bytes, most_shards, megabytes):
    splits = [{"name": str(size), "num_bytes": size} for size in num_bytes]
    front_matter = {"dataset_info": {"splits": splits}}
    assert fitting_shard_size(front_matter, most_shards) == megabytes
