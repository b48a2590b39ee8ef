"""Whatever goes wrong on the way, the repository is old or new, and the last line says which."""

import _thread
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import datasets
import pytest
from aiohttp import web
from conftest import ROOT, run
from hub_contents import as_pushed, contents, edit, fails, new_repo, pushed_files

from mnist_tools.commands.push import push
from mnist_tools.errors import Interrupted
from mnist_tools.hub import read_back
from mnist_tools.hub.failures import HubError, describe_failure, is_refusal
from mnist_tools.hub.repository import Repository

pytest_plugins = ["hub_fixtures"]

SCRIPT = ROOT / "scripts" / "push_to_hub.py"
SHARD = "fashion/test-00000-of-00001.parquet"
FAULTS = [503, "cut", "performed, then cut"]
if os.environ.get("MNIST_FAMILY_EVERY_REQUEST") == "1":
    FAULTS += [429, "performed, then 503"]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Let the clients retry at once."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def is_new(hub, repo, small):
    """Tell whether the repository is new; if it is not, it must be old."""
    if not hub.path(repo).exists() or pushed_files(hub, repo) == {}:
        return False
    assert pushed_files(hub, repo) == as_pushed(small)
    return True


def attempt(*arguments):
    """Return the lines with which a push ends, none if it succeeds."""
    try:
        push(*arguments)
    except (ValueError, OSError) as error:
        return str(error).splitlines()
    return []


def kinds_of_requests(hub, small):
    """Return the number of the first request of each kind, or of all if the environment says so."""
    hub.faults = {}
    hub.requests.clear()
    push(small, new_repo())
    if os.environ.get("MNIST_FAMILY_EVERY_REQUEST") == "1":
        return [*range(len(hub.requests))]
    first = {}
    for number, (method, path) in enumerate(hub.requests):
        kind = re.sub(r"/(writer|lfs/writer)/[^/]+|[0-9a-f]{40,}|[^/]+\.\w+$", "", path)
        first.setdefault((method, kind), number)
    assert len(first) > 12
    return [*first.values()]


# --- Faults at every request ----------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_request_leaves_the_old_or_the_new(hub, small, fault):
    for number in kinds_of_requests(hub, small):
        repo = new_repo()
        hub.requests.clear()
        hub.faults = {number: fault}
        lines = attempt(small, repo)
        new = is_new(hub, repo, small)
        assert new or lines
        assert len(lines) <= 2
        assert "hf_writer" not in "".join(lines)
        if len(lines) == 2:
            assert lines[1].startswith(f"The repository is {'new' if new else 'old'}, at ")
        hub.faults = {}
        push(small, repo)
        assert is_new(hub, repo, small)
        assert len(hub.read(repo)["commits"]) == 2


@pytest.mark.parametrize("fault", [503, "cut"])
@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("/preupload/main", "The repository is old, at "),
        ("/api/validate-yaml", "It is not known whether the commit was made: look at "),
        ("/commit/main", "It is not known whether the commit was made: look at "),
        (SHARD, "The repository is new, at "),
    ],
)
def test_a_hub_that_stays_in_trouble_leaves_the_old_or_the_new(
    hub, repo, small, fault, path, state
):
    async def begin(request):
        hub.faults = dict.fromkeys(range(10_000), fault)
        request.transport.abort()

    hub.faults = {path: begin}
    lines = attempt(small, repo)
    hub.faults = {}
    assert lines[1].startswith(state)
    assert is_new(hub, repo, small) == ("new" in state)
    push(small, repo)
    assert is_new(hub, repo, small)
    assert len(hub.read(repo)["commits"]) == 2


def test_a_commit_of_somebody_else_at_any_request_is_kept(hub, small):
    for number in kinds_of_requests(hub, small):
        repo = new_repo()
        hub.requests.clear()
        hub.faults = {number: "somebody commits"}
        lines = attempt(small, repo)
        there = pushed_files(hub, repo)
        theirs = there.pop("theirs.txt", None)
        assert there in ({}, as_pushed(small))
        if lines:
            assert "HTTP status 412, somebody else made a commit in between" in lines[0]
            assert lines[1].startswith("The repository is old, but somebody else has changed it")
        hub.faults = {}
        push(small, repo)
        after = pushed_files(hub, repo)
        assert after.pop("theirs.txt", None) == theirs
        assert after == as_pushed(small)


@pytest.mark.parametrize("fault", ["performed, then 503", "performed, then cut"])
def test_a_commit_whose_answer_is_lost_is_told_as_new(hub, repo, small, fault):
    hub.faults = {"/commit/main": fault}
    lines = fails(small, repo).splitlines()
    head = hub.head(repo)
    assert lines[1] == f"The repository is new, at {head}; run this again to see it compared."
    hub.faults = {}
    assert push(small, repo).outcome == "up to date"
    assert len(hub.read(repo)["commits"]) == 2


def test_a_pull_request_whose_answer_is_lost_is_not_told_as_missing(hub, repo, small):
    hub.make(repo)
    hub.faults = {"/commit/main": "performed, then cut"}
    lines = fails(small, repo, create_pr=True).splitlines()
    assert len(hub.read(repo)["pulls"]) == 1
    where = f"{hub.url}/datasets/{repo}/discussions"
    assert lines[1] == f"It is not known whether the pull request was opened; look at {where}"


def test_a_pull_request_that_cannot_be_read_back_is_told_as_open(hub, repo, small, monkeypatch):
    hub.make(repo)
    damage(hub, monkeypatch, b"PAR1", 100)
    lines = fails(small, repo, create_pr=True).splitlines()
    url = f"{hub.url}/datasets/{repo}/discussions/1"
    assert lines[1] == f"The pull request is open, at {url}."


def test_a_commit_that_is_refused_is_known_even_if_the_state_cannot_be_read(hub, repo, small):
    hub.make(repo)

    async def refuse(request):
        hub.faults["/refs"] = 500
        return web.json_response({"error": "no"}, status=403)

    hub.faults = {"/commit/main": refuse}
    lines = fails(small, repo).splitlines()
    assert lines[0].startswith(f"{repo}: HTTP status 403, ")
    assert lines[1] == "Nothing was committed."


def test_an_interrupt_while_a_refusal_is_treated_is_no_refusal():
    interrupt = KeyboardInterrupt()
    interrupt.__context__ = HubError("refused", refused=True)
    assert not is_refusal(interrupt)


def test_a_concurrent_push_is_told_and_loses_nothing(hub, repo, small):
    hub.make(repo)
    hub.before_commit = lambda name: hub.add(name, {"theirs.txt": b"theirs"})
    lines = fails(small, repo).splitlines()
    assert lines == [
        f"{repo}: HTTP status 412, somebody else made a commit in between, expected none; "
        "run this again",
        f"The repository is old, but somebody else has changed it, now at {hub.head(repo)}; "
        "run this again.",
    ]
    assert pushed_files(hub, repo) == {"theirs.txt": b"theirs"}
    hub.before_commit = None
    push(small, repo)
    assert hub.files(repo)["theirs.txt"] == b"theirs"


# --- Damage that the Hub does not notice ----------------------------------------------------------


def damage(hub, monkeypatch, wanted, place):
    """Deliver other bytes than were stored, while the listed digests stay as they are."""
    content = hub.content

    def damaged(name, file):
        changed = bytearray(content(name, file))
        if changed.startswith(wanted):
            changed[place] ^= 1
        return bytes(changed)

    monkeypatch.setattr(hub, "content", damaged)


@pytest.mark.parametrize(
    ("wanted", "place", "path"),
    [
        (b"PAR1", 100, SHARD),
        (b"PAR1", -20, SHARD),
        (b"\x89PNG", -1, "pictures/fashion-examples.png"),
        (b"# Licences", 9, "LICENSE.md"),
    ],
)
def test_damage_is_found_by_the_push_and_by_the_next_one(
    hub, repo, small, monkeypatch, wanted, place, path
):
    assert contents(small)[path].startswith(wanted)
    damage(hub, monkeypatch, wanted, place)
    lines = fails(small, repo).splitlines()
    head, size = hub.head(repo), len(contents(small)[path])
    assert lines[0] == (
        f"{repo}: other bytes in {path}, between 0 and {size}, expected those of the folder; "
        "delete it there and push again"
    )
    assert lines[1] == f"The repository is new, at {head}."
    again = fails(small, repo).splitlines()
    assert again[0] == lines[0]
    assert again[1] == f"The repository is at {head}; this push changed nothing."
    monkeypatch.undo()


@pytest.mark.parametrize("place", [100, -20])
def test_of_a_large_shard_the_first_row_group_and_the_footer_are_read(
    hub, repo, small, monkeypatch, place
):
    monkeypatch.setattr(read_back, "WHOLE", 1000)
    push(small, f"{repo}-whole")
    damage(hub, monkeypatch, b"PAR1", place)
    line = fails(small, repo).splitlines()[0]
    size = len(contents(small)[SHARD])
    start, stop = map(int, re.search(r"between (\d+) and (\d+)", line).groups())
    assert stop - start < size
    assert (start == 0, stop == size) == (place > 0, place < 0)


def test_a_server_that_ignores_ranges_is_read_all_the_same(hub, repo, small):
    head = push(small, repo).revision
    for hub.ignores_ranges in (False, True):
        assert (
            Repository(repo, "main").read(SHARD, head, 100, 200) == contents(small)[SHARD][100:200]
        )


def test_rows_that_datasets_reads_otherwise_are_found(hub, repo, small, monkeypatch):
    """The bytes are right, but the card in the repository sends `load_dataset` elsewhere."""
    load_dataset = datasets.load_dataset

    def other_rows(*args, **options):
        there = load_dataset(*args, **options)
        return {"train": there["test"], "test": there["train"]}

    monkeypatch.setattr("datasets.load_dataset", other_rows)
    lines = fails(small, repo).splitlines()
    assert lines[0] == (
        f"{repo}: fashion train begins with another row or has other class names, expected those "
        "of fashion/train-00000-of-00001.parquet; delete it there and push again"
    )


def test_labels_that_datasets_reads_otherwise_are_found(hub, repo, small, monkeypatch):
    load_dataset = read_back.datasets.load_dataset

    def relabelled(*args, **options):
        loaded = load_dataset(*args, **options)
        features = loaded["train"].features

        def next_label(row):
            return {**row, "label": (row["label"] + 1) % 10}

        return {split: loaded[split].map(next_label, features=features) for split in loaded}

    monkeypatch.setattr(read_back.datasets, "load_dataset", relabelled)
    assert "fashion train begins with another row or has other class names" in fails(small, repo)


@pytest.mark.parametrize("change", ["size", "path"])
def test_a_list_of_files_that_differs_is_found(hub, repo, small, monkeypatch, change):
    entry = hub.entry
    size = len(contents(small)[SHARD])

    def other(path, file):
        if path != SHARD:
            return entry(path, file)
        if change == "path":
            return entry("another.parquet", file)
        return entry(path, {**file, "size": size + 1})

    monkeypatch.setattr(hub, "entry", other)
    found = "not listed" if change == "path" else f"listed with other content, {size + 1:,} bytes"
    assert fails(small, repo).splitlines() == [
        f"{repo}: {SHARD} is {found}, expected the {size:,} bytes that were pushed; "
        "delete it there and push again",
        f"The repository is new, at {hub.head(repo)}.",
    ]


# --- Reasons --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "HTTP status 401, the token is not valid, expected one that may write; "),
        (403, "HTTP status 403, the token may not do this, expected one that may write there; "),
        (413, "HTTP status 413, too large, expected files that the Hub accepts; "),
        (418, "HTTP status 418 ("),
        (429, "HTTP status 429, too many requests, expected fewer; wait some minutes"),
        (500, "the Hub answered 500, expected success; run this again later"),
        (504, "the Hub answered 504, expected success; run this again later"),
    ],
)
def test_a_status_of_the_hub_is_one_line(hub, repo, small, status, reason):
    hub.faults = dict.fromkeys(range(2, 99), status)
    lines = fails(small, repo).splitlines()
    assert lines[0].startswith(f"{repo}: {reason}")
    assert len(lines) <= 2


def test_no_connection_is_one_line(hub, repo, small):
    hub.faults = dict.fromkeys(range(50), "cut")
    line = fails(small, repo)
    assert line.startswith(f"{repo}: no connection (")
    assert line.endswith("), expected one to the Hub; run this again when there is one")
    assert len(line.splitlines()) == 1


def test_an_answer_that_is_no_json_is_one_line(hub, repo, small):
    async def page(request):
        return web.Response(text="<html>hello</html>", content_type="text/html")

    hub.make(repo)
    hub.faults = {0: page}
    assert fails(small, repo) == (
        f"{repo}: the Hub answered no JSON, expected JSON; run this again later"
    )


def test_offline_mode_is_named():
    from huggingface_hub.errors import OfflineModeIsEnabled

    assert describe_failure(OfflineModeIsEnabled("words that may change")) == (
        "offline mode is on, expected a connection to the Hub; unset HF_HUB_OFFLINE"
    )


def test_a_timeout_deep_in_the_cause_is_no_connection():
    error = RuntimeError("the words of a wrapper")
    error.__cause__ = TimeoutError("60 s")
    assert describe_failure(error).startswith("no connection (60 s), expected one to the Hub; ")


def test_words_in_a_message_are_not_taken_for_a_reason():
    line = describe_failure(ValueError("xet: connection timeout 503 of JSONDecodeError"))
    assert line == (
        "xet: connection timeout 503 of JSONDecodeError, expected success; "
        "correct it and run this again"
    )


def test_other_messages_are_short_printable_and_without_tokens(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret-token")
    line = describe_failure(ValueError("secret-token hf_abcdef\n\x1b[31m " + "x" * 300))
    assert line.startswith(r"… … \x1b[31m xxx")
    assert "x" * 200 not in line


def test_the_metadata_that_the_hub_refuses_is_told_in_its_words(hub, repo, small):
    async def refuse(request):
        answer = {"errors": [{"message": '"license" is odd'}], "warnings": []}
        return web.json_response(answer, status=400)

    hub.faults = {"/api/validate-yaml": refuse}
    lines = fails(small, repo).splitlines()
    assert '"license" is odd' in lines[0]
    assert lines[1].startswith("The repository is old, at ")


def test_a_gated_repository_is_one_line(hub, repo, folder):
    push(folder, repo)
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    hub.gated.add(repo)
    line = fails(folder, repo)
    assert line.startswith(f"{repo}: HTTP status 403, the token may not do this")
    assert len(line.splitlines()) == 1


def test_a_failed_tag_leaves_the_repository_new(hub, repo, small, monkeypatch):
    push(small, repo)
    hub.faults = {f"/tag/{hub.head(repo)}": 403}
    lines = fails(small, repo, tag="v1").splitlines()
    state = f"The repository is at {hub.head(repo)}; this push changed nothing."
    assert lines[1] == f"{state} It has no tag v1."


# --- Ctrl-C, SIGTERM and processes ----------------------------------------------------------------


async def interrupt(request):
    """Interrupt the push, as Ctrl-C does, when it makes this request."""
    _thread.interrupt_main()
    return web.Response(status=500)


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("/refs", "interrupted before anything was committed; run it again"),
        (
            "/preupload/main",
            "interrupted\nThe repository is old, at {head}; nothing was committed.",
        ),
        (
            "/commit/main",
            "interrupted\nThe repository is old, at {head}, unless the Hub is still at it; "
            "run this again.",
        ),
        (SHARD, "interrupted\nThe repository is new, at {head}."),
    ],
)
def test_an_interrupt_ends_in_a_line_that_is_true(hub, repo, small, path, lines):
    hub.make(repo)
    hub.faults = {path: interrupt}
    with pytest.raises(Interrupted) as caught:
        push(small, repo)
    assert str(caught.value) == f"{repo}: {lines.format(head=hub.head(repo))}"


def test_an_interrupt_while_the_state_is_read_says_that_it_is_not_known(hub, repo, small):
    """The commit was made, its answer was lost, and Ctrl-C comes before the head is known."""
    hub.make(repo)

    def from_now_on(name):
        hub.faults["/refs"] = interrupt

    hub.before_commit = from_now_on
    hub.faults = {"/commit/main": "performed, then cut"}
    try:
        lines = fails(small, repo).splitlines()
    except KeyboardInterrupt:
        pytest.fail("the interrupt hides what the push has to say")
    assert len(hub.read(repo)["commits"]) == 2
    assert lines[1] == (
        "It is not known whether the commit was made: "
        f"look at {hub.url}/datasets/{repo}/commits/main, or run this again, which compares first."
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("moment", ["held", "performed, then held"])
def test_a_signal_during_the_commit_ends_in_a_line_that_is_true(hub, repo, small, name, moment):
    """A commit that the Hub makes after the push has ended is found by the next push."""
    hub.faults = {"/commit/main": moment}
    process = subprocess.Popen(
        [sys.executable, SCRIPT, small, repo],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert hub.held.wait(60)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=60)
    made = moment != "held"
    lines = errors.splitlines()[-2:]
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert lines[0].endswith(f"{repo}: interrupted")
    if made:
        state = f"The repository is new, at {hub.head(repo)}; run this again to see it compared."
    else:
        old = hub.head(repo)
        state = f"The repository is old, at {old}, unless the Hub is still at it; run this again."
    assert lines[1] == state
    hub.released.set()
    hub.faults = {}
    push(small, repo)
    assert pushed_files(hub, repo) == as_pushed(small)
    assert len(hub.read(repo)["commits"]) == 2


def test_a_token_is_never_shown(hub, small):
    hub.faults = {"/commit/main": "cut"}
    result = run([SCRIPT, small, new_repo()])
    assert "hf_writer" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == 1


# --- The server of these tests --------------------------------------------------------------------


def test_the_server_is_strict(hub, repo, small):
    """One that accepts anything would prove nothing."""
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
        value = {"summary": "s", "description": "", "parentCommit": parent, **more}
        every = ({"key": "header", "value": value}, *lines)
        body = "\n".join(json.dumps(line) for line in every).encode()
        return answer(f"/api/datasets/{repo}/commit/main", body)

    def preupload(body, token="hf_writer"):
        return answer(f"/api/datasets/{repo}/preupload/main", body, token)

    missing = {"path": "a", "algo": "sha256", "oid": "0" * 64, "size": 1}
    assert commit(parent="0" * 40) == 412
    assert commit(odd=1) == 400
    assert commit({"key": "deletedFile", "value": {"path": "none"}}) == 400
    assert commit({"key": "lfsFile", "value": missing}) == 400
    assert commit({"key": "odd", "value": {}}) == 400
    assert preupload(b'{"files": [{"path": "a", "sample": "YQ==", "size": 3}]}') == 400
    assert preupload(b'{"files": []}', "hf_reader") == 403
    assert answer("/api/repos/create", b'{"name": "x", "type": "dataset", "odd": 1}') == 400
    assert answer(f"/api/datasets/{repo}/tag/main", b'{"tag": "v", "odd": 1}') == 400
    assert hub.head(repo) == head
