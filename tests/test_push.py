"""A push is one commit that is read back: whole or not at all, whatever goes wrong; with the real clients."""

import itertools
import json
import shutil

import datasets
import numpy as np
import pyarrow.parquet
import pytest
from aiohttp import web
from conftest import HUB_SOCKET, NAMES, ROOT, assert_rows, run, write_split
from hub_server import Hub
from mirror_server import Mirror

from mnist_tools.commands import build
from mnist_tools.commands import push as push_to_hub

numbers_of_repositories = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    HUB_SOCKET.listen(100)
    return Hub(tmp_path_factory.mktemp("hub"), HUB_SOCKET)


@pytest.fixture
def hub(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    server.requests.clear()
    server.faults, server.before_commit, server.uploaded = {}, None, 0
    return server


@pytest.fixture
def repo():
    return f"writer/family-{next(numbers_of_repositories)}"


@pytest.fixture(scope="session")
def built(tmp_path_factory, tiny):
    """A folder of the three tiny datasets."""
    out = tmp_path_factory.mktemp("push") / "built"
    build.main([str(out), "--archives", str(tiny.folder())])
    return out


@pytest.fixture
def folder(built, tmp_path):
    shutil.copytree(built, tmp_path / "built")
    return tmp_path / "built"


@pytest.fixture(scope="session")
def small(tmp_path_factory, tiny):
    """A folder of one tiny dataset."""
    out = tmp_path_factory.mktemp("push") / "small"
    build.main([str(out), "fashion", "--archives", str(tiny.folder())])
    return out


def push(*arguments):
    push_to_hub.main([*map(str, arguments)])


def fails(*arguments):
    """The lines with which a push ends."""
    with pytest.raises(SystemExit) as caught:
        push(*arguments)
    assert isinstance(caught.value.code, str), "the exit code is not 1"
    assert "hf_writer" not in caught.value.code
    return caught.value.code


def contents(folder):
    """{path: bytes} of what is pushed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".mnist_family.json"
    }


def commits(hub, repo):
    return [path for method, path in hub.requests if path.startswith(f"/api/datasets/{repo}/commit/")]


# --- Round trips ------------------------------------------------------------------------------------------------------


def test_three_datasets_come_back_as_they_were_pushed(hub, repo, built, tiny, cache, capsys):
    push(built, repo)
    assert len(commits(hub, repo)) == 1
    assert len(hub.read(repo)["commits"]) == 2  # the Hub makes the first
    assert {**hub.files(repo), ".gitattributes": None} == {**contents(built), ".gitattributes": None}
    output = capsys.readouterr().out
    assert f"{hub.url}/datasets/{repo}" in output
    assert f"Revision {hub.head(repo)}" in output
    for name, streaming in itertools.product(NAMES, [False, True]):
        loaded = datasets.load_dataset(repo, name, streaming=streaming, cache_dir=str(cache))
        for split, rows in loaded.items():
            assert_rows(rows, *tiny.arrays[name][split])


def test_a_second_push_makes_no_commit(hub, repo, built, capsys):
    push(built, repo)
    before, hub.uploaded = hub.head(repo), 0
    hub.requests.clear()
    push(built, repo)
    assert (commits(hub, repo), hub.uploaded, hub.head(repo)) == ([], 0, before)
    assert {method for method, _ in hub.requests} <= {"GET", "HEAD"}
    assert f"already up to date at {before}" in capsys.readouterr().out


def test_a_changed_card_is_all_that_is_uploaded(hub, repo, folder, capsys):
    push(folder, repo)
    card = folder / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nOne line more.\n", encoding="utf-8")
    hub.uploaded = 0
    push(folder, repo)
    assert hub.uploaded == card.stat().st_size
    assert hub.files(repo)["README.md"] == card.read_bytes()
    assert "0 to add, 1 to update, 0 to delete" in capsys.readouterr().out


def test_one_dataset_has_its_own_repository_and_a_private_one_stays_so(hub, repo, small):
    push(small, repo, "--private", "--message", "the first")
    assert hub.read(repo)["private"]
    assert hub.read(repo)["commits"][hub.head(repo)]["title"] == "the first"
    assert datasets.load_dataset(repo, split="test", streaming=True).features["label"].names[9] == "Ankle boot"


def test_a_branch_is_made_and_main_is_left_alone(hub, repo, small, folder):
    push(small, repo)
    before = hub.files(repo)
    push(folder, repo, "--revision", "all")
    assert hub.files(repo) == before
    assert {**hub.files(repo, "all"), ".gitattributes": None} == {**contents(folder), ".gitattributes": None}
    hub.requests.clear()
    push(folder, repo, "--revision", "all")
    assert commits(hub, repo) == []


# --- What is ours and what is not -------------------------------------------------------------------------------------


def test_stale_shards_go_and_what_is_not_ours_stays(hub, repo, folder, small):
    push(folder, repo)
    hub.add(repo, {
        "fashion/train-00000-of-00007.parquet": b"stale", "fashion/validation-00000-of-00001.parquet": b"stale",
        "pictures/fashion-train-9.png": b"stale", "pictures/me.png": b"mine", "notes/fashion.txt": b"mine",
        "other/train-00000-of-00001.parquet": b"mine", "LICENSE": b"mine",
    })  # fmt: skip
    push(small, repo)  # fashion alone: the others' shards are ours, too
    there = hub.files(repo)
    kept = {".gitattributes", "pictures/me.png", "notes/fashion.txt", "other/train-00000-of-00001.parquet", "LICENSE"}
    assert {*there} == {*contents(small)} | kept
    assert {path: there[path] for path in contents(small)} == contents(small)


def test_a_file_that_would_be_read_as_data_is_refused(hub, repo, small):
    push(small, repo)
    hub.add(repo, {"fashion/train-notes.parquet": b"whose?"})
    before = hub.head(repo)
    assert "fashion/train-notes.parquet would be read as data, expected no such file" in fails(small, repo)
    assert hub.head(repo) == before


@pytest.mark.parametrize("card", [b"# Mine\n", b"---\ntags: [mine]\n---\n", b"---\n- broken: [\n---\n"])
def test_a_card_of_others_is_replaced_only_when_told(hub, repo, small, card):
    hub.make(repo)
    before = hub.add(repo, {"README.md": card, "fashion/mine.txt": b"mine"})
    assert "README.md there is not of this project, expected one that it wrote; pass --replace-card" in fails(
        small, repo
    )
    assert hub.head(repo) == before
    push(small, repo, "--replace-card")
    assert hub.files(repo)["README.md"] == (small / "README.md").read_bytes()
    assert hub.files(repo)["fashion/mine.txt"] == b"mine"


def test_a_repository_named_after_a_script_is_refused(hub, small, tmp_path):
    hub.make("writer/mine")
    hub.add("writer/mine", {"mine.py": b""})
    assert "has a file mine.py, expected none, for `datasets` 4 takes it for a script" in fails(small, "writer/mine")
    shutil.copytree(small, tmp_path / "copy")
    (tmp_path / "copy" / "mnist_family.py").write_text("")
    assert "has a file mnist_family.py" in fails(tmp_path / "copy", "writer/mnist_family")


# --- Before anything is sent ------------------------------------------------------------------------------------------


def edit(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8", newline="\n")


def other_column(path):
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.rename_columns(["picture", "label"]), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "README.md").unlink(), "has no README.md, expected a folder that scripts/build.py wrote"),
        (lambda f: (f / "LICENSE.md").unlink(), "has no LICENSE.md, expected one; build the folder again"),
        (lambda f: (f / "croissant.json").unlink(), "has no croissant.json, expected one"),
        (lambda f: (f / "mnist" / "test-00000-of-00001.parquet").unlink(), "['mnist/test-*'] is no file"),
        (lambda f: (f / "mnist" / "test-00000-of-00001.parquet").write_bytes(b"PAR1"), "Parquet that cannot be read"),
        (lambda f: edit(f / "README.md", "num_examples: 40", "num_examples: 41"), "expected 40 as in Parquet"),
        (lambda f: edit(f / "README.md", "license: unknown", "license: MIT"), "'MIT', expected a value"),
        (lambda f: edit(f / "croissant.json", '"sha256": "', '"sha256": "0'), "croissant.json: sha256 0"),
        (lambda f: other_column(f / "mnist" / "test-00000-of-00001.parquet"), ""),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_whole_is_refused_before_anything_is_sent(hub, repo, folder, change, message):
    change(folder)
    line = fails(folder, repo)
    assert message in line
    assert len(line.splitlines()) == 1
    assert hub.requests == []


def test_a_sample_is_pushed_only_when_told(hub, repo, sample):
    assert "synthetic stand-ins, expected a dataset; build it, or pass --allow-sample" in fails(sample, repo)
    assert hub.requests == []
    push(sample, repo, "--allow-sample")
    assert b"synthetic" in hub.files(repo)["README.md"]


def test_a_dry_run_changes_nothing(hub, repo, small, capsys):
    push(small, repo, "--dry-run")
    assert {method for method, _ in hub.requests} <= {"GET", "HEAD"}
    output = capsys.readouterr().out
    assert "a repository to be made" in output
    for path, content in contents(small).items():
        assert f"add     {len(content):>12,} B  {path}" in output
    assert output.endswith("Dry run: nothing was sent.\n")
    assert not hub.path(repo).exists()


# --- Tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "name", "message"),
    [
        ("hf_wrong", "writer/a", "HTTP status 401, the token is not valid"),
        ("hf_reader", "writer/a", "HTTP status 403, the token may not do this"),
        ("hf_reader", "reader/a", "HTTP status 403, the token may not do this"),
        ("hf_writer", "nobody/a", "HTTP status 403, the token may not do this"),
        (None, "writer/a", "no token, expected one that may write; run `hf auth login` or set HF_TOKEN"),
        ("hf_writer", "a", "no name of a repository, expected USER/NAME; correct it"),
    ],
)
def test_wrong_tokens_and_names_are_one_line(hub, small, monkeypatch, token, name, message):
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    else:
        monkeypatch.delenv("HF_TOKEN")
    line = fails(small, name)
    assert message in line
    assert len(line.splitlines()) == 1
    assert str(token) not in line
    assert not hub.path(name).exists()


def test_a_gated_repository_is_one_line(hub, repo, folder):
    push(folder, repo)
    (folder / "README.md").write_text((folder / "README.md").read_text() + "\nmore\n")
    hub.gated.add(repo)
    line = fails(folder, repo)
    assert "HTTP status 403" in line
    assert len(line.splitlines()) == 1


def test_a_token_is_never_shown(hub, repo, small):
    for fault in (None, 503, "cut", 401):
        hub.requests.clear()
        hub.faults = {} if fault is None else {3: fault}
        result = run([ROOT / "scripts" / "push_to_hub.py", small, repo])
        assert "hf_writer" not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        assert result.returncode == (0 if fault is None else result.returncode)
    for path in small.rglob("*"):
        assert path.is_dir() or b"hf_writer" not in path.read_bytes()


# --- Trouble on the way -----------------------------------------------------------------------------------------------


def is_old_or_new(hub, repo, small, before):
    """Whether the repository is new, which else is old."""
    if not hub.path(repo).exists() or hub.head(repo) == before:
        return False
    there = hub.files(repo)
    if {*there} <= {".gitattributes"}:
        return False
    assert {**there, ".gitattributes": None} == {**contents(small), ".gitattributes": None}
    return True


def attempt(*arguments):
    """The lines with which a push ends, none if it is done."""
    try:
        push(*arguments)
    except SystemExit as end:
        return end.code.splitlines()
    return []


@pytest.mark.parametrize("fault", [503, "cut"])
def test_a_fault_at_any_request_leaves_the_old_or_the_new(hub, small, fault):
    first = f"writer/family-{next(numbers_of_repositories)}"
    push(small, first)
    last = max(n for n, (_, path) in enumerate(hub.requests) if f"{first}/commit/" in path) + 2
    for number in range(last):
        repo = f"writer/family-{next(numbers_of_repositories)}"
        hub.requests.clear()
        hub.faults = {number: fault}
        lines = attempt(small, repo)
        new = is_old_or_new(hub, repo, small, None)
        if len(lines) == 2:
            assert lines[1].startswith(f"The repository is {'new' if new else 'old'}")
        assert new or lines
        assert len(lines) <= 2
        hub.faults = {}
        push(small, repo)
        assert is_old_or_new(hub, repo, small, None)
        assert len(hub.read(repo)["commits"]) == 2


@pytest.mark.parametrize("fault", ["performed, then 503", "performed, then cut"])
def test_a_commit_whose_answer_is_lost_is_told_as_new(hub, repo, small, fault):
    push(small, f"{repo}-other")
    number = [path for _, path in hub.requests].index(f"/api/datasets/{repo}-other/commit/main")
    hub.requests.clear()
    hub.faults = {number: fault}
    lines = fails(small, repo).splitlines()
    assert lines[-1] == f"The repository is new, at {hub.head(repo)}; run this again to see it compared."
    hub.faults = {}
    push(small, repo)
    assert len(hub.read(repo)["commits"]) == 2


def test_a_concurrent_push_is_told_and_loses_nothing(hub, repo, small):
    hub.make(repo)
    hub.before_commit = lambda name: hub.add(name, {"theirs.txt": b"theirs"})
    lines = fails(small, repo).splitlines()
    assert "HTTP status 412, somebody else made a commit in between" in lines[0]
    assert lines[-1].startswith("The repository is old, but somebody else has changed it, now at ")
    assert {*hub.files(repo)} == {".gitattributes", "theirs.txt"}
    hub.before_commit = None
    push(small, repo)
    assert hub.files(repo)["theirs.txt"] == b"theirs"


def test_what_is_corrupted_on_the_server_is_found(hub, repo, small, monkeypatch):
    """The tree still has the digests that were sent, and no client compares them with what it reads."""
    content = hub.content

    def broken(name, file):
        bytes_ = bytearray(content(name, file))
        if bytes_.startswith(b"PAR1"):
            bytes_[100] ^= 1  # in the first row
        return bytes(bytes_)

    monkeypatch.setattr(hub, "content", broken)
    lines = fails(small, repo).splitlines()
    assert len(lines) == 2
    assert lines[-1] == f"The repository is new, at {hub.head(repo)}."


def test_a_tree_that_differs_is_found(hub, repo, small, monkeypatch):
    entry = hub.entry

    def other(path, file):
        return entry(path, {**file, "size": file["size"] + 1} if path.endswith(".parquet") else file)

    monkeypatch.setattr(hub, "entry", other)
    lines = fails(small, repo).splitlines()
    assert "is there as (" in lines[0]
    assert lines[-1] == f"The repository is new, at {hub.head(repo)}."


@pytest.mark.parametrize("status", [429, 500, 504])
def test_a_hub_that_stays_in_trouble_is_one_line(hub, repo, small, status):
    hub.faults = dict.fromkeys(range(2, 99), status)
    lines = fails(small, repo).splitlines()
    assert str(status) in lines[0]
    assert len(lines) <= 2


def test_no_connection_is_one_line(small, repo, hub, monkeypatch):
    hub.faults = dict.fromkeys(range(50), "cut")
    line = fails(small, repo)
    assert "no connection" in line
    assert len(line.splitlines()) == 1


def test_invalid_metadata_is_told_in_the_hubs_words(hub, repo, small):
    async def refuse(request):
        return web.json_response({"errors": [{"message": '"license" is odd'}], "warnings": []}, status=400)

    number = push(small, f"{repo}-other") or [path for _, path in hub.requests].index("/api/validate-yaml")
    hub.requests.clear()
    hub.faults = {number: refuse}
    lines = fails(small, repo).splitlines()
    assert '"license" is odd' in lines[0]
    assert lines[-1].startswith("The repository is old")


def test_the_server_is_strict(hub, repo, small):
    """One that accepts anything would prove nothing."""
    import urllib.error
    import urllib.request

    push(small, repo)
    head = hub.head(repo)

    def answer(path, body, token="hf_writer"):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{hub.url}{path}", body, headers)
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    def commit(*lines, parent=head, **more):
        header = {"key": "header", "value": {"summary": "s", "description": "", "parentCommit": parent, **more}}
        body = "\n".join(json.dumps(line) for line in (header, *lines)).encode()
        return answer(f"/api/datasets/{repo}/commit/main", body)

    assert commit(parent="0" * 40) == 412
    assert commit(odd=1) == 400
    assert commit({"key": "deletedFile", "value": {"path": "none"}}) == 400
    assert commit({"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "0" * 64, "size": 1}}) == 400
    assert commit({"key": "odd", "value": {}}) == 400
    assert answer(f"/api/datasets/{repo}/preupload/main", b'{"files": [{"path": "a", "sample": "", "size": 3}]}') == 400
    assert answer(f"/api/datasets/{repo}/preupload/main", b'{"files": []}', "hf_reader") == 403
    assert answer("/api/repos/create", b'{"name": "x", "type": "dataset", "odd": 1}') == 400
    assert hub.head(repo) == head


@pytest.mark.real
def test_the_commands_of_readme_publish(hub, tmp_path, real_archives, monkeypatch):
    """Read from a mirror of the tests, pushed to their Hub; the environment is there already."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    install, *commands = readme.split("<!-- publish -->\n```sh\n")[1].split("```")[0].splitlines()
    assert install == "python3 -m venv .venv && .venv/bin/pip install -q -e ."
    assert len(commands) == 2
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", Mirror(real_archives).url)
    for command in commands:
        python, script, *arguments = command.replace(" me/", " writer/").split()
        assert python == ".venv/bin/python"
        result = run([ROOT / script, *arguments], cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    files = hub.files("writer/fashion-mnist")
    assert "Permission is hereby granted" in files["LICENSE.md"].decode()
    table = pyarrow.parquet.read_table(tmp_path / "fashion-mnist" / "fashion" / "test-00000-of-00001.parquet")
    assert table.num_rows == 10_000
    assert (
        files["fashion/test-00000-of-00001.parquet"]
        == (tmp_path / "fashion-mnist" / "fashion" / "test-00000-of-00001.parquet").read_bytes()
    )


def test_rows_are_compared_by_value(hub, repo, tmp_path):
    """The first row of every split, as `datasets` decodes it."""
    images = np.zeros((3, 28, 28), np.uint8)
    archives = write_split(tmp_path / "archives", "val", images, np.arange(3, dtype=np.uint8))
    build.main([str(tmp_path / "out"), "mnist", "--archives", str(archives)])
    push(tmp_path / "out", repo)
    assert [row["label"] for row in datasets.load_dataset(repo, split="val", streaming=True)] == [0, 1, 2]
