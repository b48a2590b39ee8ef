"""A push is one commit that is read back; what `datasets` loads then is what was built."""

import itertools
import json
import re

import datasets
import numpy as np
import pytest
from aiohttp import web
from conftest import NAMES, ROOT, assert_rows, numbers, pictures, run, write_split
from hub_contents import (
    as_pushed,
    as_pushed_to,
    build_folder,
    commits,
    contents,
    edit,
    fails,
    pushed_files,
)

from mnist_tools import cli
from mnist_tools.arguments import make_parser
from mnist_tools.commands.build import build
from mnist_tools.commands.push import push
from mnist_tools.hub.record import RECORD

pytest_plugins = ["hub_fixtures"]


def printed(capsys, *arguments):
    """Return what the command prints when it succeeds."""
    parser = make_parser("push", from_clone=True)
    assert cli.run_command("push", vars(parser.parse_args([*map(str, arguments)]))) == 0
    return capsys.readouterr().out


# --- Round trips ----------------------------------------------------------------------------------


def test_three_datasets_come_back_as_they_were_pushed(hub, repo, built, tiny, cache, capsys):
    output = printed(capsys, built, repo)
    assert len(commits(hub, repo)) == 1
    assert len(hub.read(repo)["commits"]) == 2  # the Hub makes the first
    assert pushed_files(hub, repo) == as_pushed(built)
    assert output.endswith(
        f"{repo}: pushed and read back, {hub.url}/datasets/{repo}\nRevision {hub.head(repo)}\n"
    )
    for name, streaming in itertools.product(NAMES, [False, True]):
        loaded = datasets.load_dataset(repo, name, streaming=streaming, cache_dir=str(cache))
        for split, rows in loaded.items():
            assert_rows(rows, *tiny.arrays[name][split])


def test_a_second_push_makes_no_commit_but_reads_back(hub, repo, built, capsys):
    push(built, repo)
    before, hub.uploaded = hub.head(repo), 0
    hub.requests.clear()
    output = printed(capsys, built, repo)
    assert (commits(hub, repo), hub.uploaded, hub.head(repo)) == ([], 0, before)
    writes = [path for method, path in hub.requests if method not in ("GET", "HEAD")]
    assert [path for path in writes if "/paths-info/" not in path] == []  # older clients read so
    assert output.endswith(f"{repo}: already up to date at {before}, and read back\n")


def test_the_result_can_be_used_from_python(hub, repo, small):
    result = push(small, repo)
    assert (result.outcome, result.url) == ("pushed", f"{hub.url}/datasets/{repo}")
    assert result.revision == hub.head(repo)
    assert {*result.plan.add} == {*contents(small), RECORD}
    assert push(str(small), repo).outcome == "up to date"


def test_one_dataset_has_its_own_repository_and_a_private_one_stays_so(hub, repo, small):
    push(small, repo, private=True, message="the first")
    assert hub.read(repo)["private"]
    assert hub.read(repo)["commits"][hub.head(repo)]["title"] == "the first"
    loaded = datasets.load_dataset(repo, split="test", streaming=True)
    assert loaded.features["label"].names[9] == "Ankle boot"
    assert push(small, repo, private=True).outcome == "up to date"


def test_a_public_repository_is_not_taken_for_a_private_one(hub, repo, small):
    hub.make(repo)
    before = hub.head(repo)
    assert fails(small, repo, private=True) == (
        f"{repo}: public, expected a private repository; "
        "make it private in its settings, or leave --private out"
    )
    assert hub.head(repo) == before


def test_a_repository_that_somebody_makes_public_just_before_is_refused(hub, repo, small):
    async def lose_the_race(request):
        hub.make(repo)
        return web.json_response({"url": f"{hub.url}/datasets/{repo}"}, status=409)

    hub.faults = {"/api/repos/create": lose_the_race}
    assert fails(small, repo, private=True).startswith(f"{repo}: public, expected a private")
    assert commits(hub, repo) == []


def test_a_repository_without_main_is_refused(hub, repo, small):
    hub.make(repo)
    repository = hub.read(repo)
    hub.write(repo, {**repository, "refs": {"dev": repository["refs"]["main"]}})
    line = f"{repo}: no branch main, expected one to start from; create it on the Hub"
    assert fails(small, repo) == line
    push(small, repo, revision="dev")
    assert pushed_files(hub, repo, "dev") == as_pushed(small)


def test_a_file_that_changes_during_the_push_is_refused(hub, repo, folder):
    def change(_):
        (folder / "LICENSE.md").write_text("changed")

    assert fails(folder, repo, on_preview=change).splitlines() == [
        f"{folder / 'LICENSE.md'}: changed during the push, expected it left alone; run this again",
        f"The repository is old, at {hub.head(repo)}; nothing was committed.",
    ]


def test_rows_of_any_split_are_read_back(hub, repo, tmp_path):
    images = np.zeros((3, 28, 28), np.uint8)
    labels = np.arange(3, dtype=np.uint8)
    archives = write_split(tmp_path / "archives", "val", images, labels)
    push(build_folder(tmp_path / "out", archives, ["mnist"]), repo)
    rows = datasets.load_dataset(repo, split="val", streaming=True)
    assert [row["label"] for row in rows] == [0, 1, 2]


# --- Branches, pull requests and tags -------------------------------------------------------------


def test_a_branch_is_made_and_main_is_left_alone(hub, repo, small, built):
    push(small, repo)
    before = hub.files(repo)
    push(built, repo, revision="all")
    assert hub.files(repo) == before
    assert pushed_files(hub, repo, "all") == as_pushed(built)
    hub.requests.clear()
    assert push(built, repo, revision="all").outcome == "up to date"
    assert commits(hub, repo) == []


def test_a_repository_can_begin_with_another_branch(hub, repo, small):
    result = push(small, repo, revision="draft")
    assert pushed_files(hub, repo, "draft") == as_pushed(small)
    assert pushed_files(hub, repo) == {}
    assert push(small, repo, revision="draft").outcome == "up to date"
    assert result.url == f"{hub.url}/datasets/{repo}/tree/draft"


def test_a_tag_or_a_commit_is_not_taken_for_a_branch(hub, repo, small):
    push(small, repo, tag="v1")
    head = hub.head(repo)
    line = f"{repo}, revision {{}}: {{}}, expected a branch; name a branch"
    assert fails(small, repo, revision="v1") == line.format("v1", "a tag")
    assert fails(small, repo, revision=head) == line.format(head, "a commit")
    missing = line.format("refs/pr/7", "no such pull request")
    assert fails(small, repo, revision="refs/pr/7") == missing


def test_a_tag_names_the_pushed_revision(hub, repo, small, folder, capsys):
    assert printed(capsys, small, repo, "--tag", "v1").endswith("\nTag v1\n")
    first = hub.head(repo)
    assert hub.read(repo)["tags"] == {"v1": first}
    assert push(small, repo, tag="v1").outcome == "up to date"
    push(small, repo, tag="v2")
    assert hub.read(repo)["tags"] == {"v1": first, "v2": first}
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    hub.requests.clear()
    line = f"{repo}: there is a tag v1 at {first}, expected a new name; choose another --tag"
    assert fails(folder, repo, tag="v1") == line
    assert {method for method, _ in hub.requests} <= {"GET", "HEAD"}


def test_a_pull_request_that_is_open_can_be_pushed_to(hub, repo, small, folder):
    hub.make(repo)
    push(small, repo, create_pr=True)
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    result = push(folder, repo, revision="refs/pr/1")
    assert result.plan.update == ("README.md", RECORD)
    assert hub.read(repo)["pulls"]["1"] == result.revision
    assert pushed_files(hub, repo) == {}


def test_a_pull_request_leaves_main_alone(hub, repo, small, capsys):
    hub.make(repo)
    before = hub.head(repo)
    url = f"{hub.url}/datasets/{repo}/discussions/1"
    output = printed(capsys, small, repo, "--create-pr")
    head = hub.read(repo)["pulls"]["1"]
    assert f"{repo}: pull request opened and read back, {url}\nRevision {head}\n" in output
    assert hub.head(repo) == before
    assert len(hub.read(repo)["pulls"]) == 1
    result = push(small, repo, create_pr=True)
    assert (result.pull_request, len(hub.read(repo)["pulls"])) == (url[:-1] + "2", 2)


def test_a_reader_can_open_a_pull_request(hub, repo, small, monkeypatch):
    hub.make(repo)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert push(small, repo, create_pr=True).pull_request.endswith("/discussions/1")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"create_pr": True, "revision": "dev"},
            "--create-pr: the Hub opens pull requests on main only, expected no --revision; "
            "leave one of them out",
        ),
        (
            {"create_pr": True, "tag": "v1"},
            "--tag: a pull request has no revision to tag until it is merged, "
            "expected no --create-pr; leave one of them out",
        ),
        ({"num_workers": 0}, "--num-workers 0: too few, expected 1 or more; correct it"),
        ({"revision": ""}, "--revision: empty, expected the name of a branch; correct it"),
    ],
)
def test_requests_that_make_no_sense_are_refused(hub, repo, small, options, line):
    assert fails(small, repo, **options) == line
    assert hub.requests == []


def test_texts_name_the_repository(hub, repo, built):
    """The load lines of every card, and the URLs that Croissant wants to be absolute."""
    push(built, repo)
    there = hub.files(repo)
    for path in (
        "README.md",
        *(f"dataset_cards/{name}.md" for name in ("mnist", "fashion", "kmnist")),
    ):
        card = there[path].decode()
        loaded = re.findall(r'load_dataset\("(.*?)"', card)
        assert {*loaded} == {repo}
        on_disk = (built / path).read_text(encoding="utf-8")
        assert card.replace(f'"{repo}"', f'"./{built.name}"') == on_disk
    block = json.loads(there["croissant.json"])
    assert block["url"] == f"{hub.url}/datasets/{repo}"
    for licence in block["license"]:
        assert licence["url"].startswith(("https://", f"{hub.url}/datasets/{repo}/blob/main/"))


# --- Many and large files -------------------------------------------------------------------------


def test_only_what_changed_is_uploaded(hub, repo, folder):
    push(folder, repo)
    edit(folder / "README.md", "\n# ", "\nOne line more.\n\n# ")
    hub.uploaded = 0
    result = push(folder, repo)
    record = hub.files(repo)[RECORD]
    card = hub.files(repo)["README.md"]
    assert hub.uploaded == len(card) + len(record)
    assert card == as_pushed_to(repo, folder)["README.md"]
    assert (result.plan.add, result.plan.update) == ((), ("README.md", RECORD))


def test_objects_are_uploaded_before_the_commit_and_not_twice(hub, repo, small):
    """An upload that was cut short goes on where it ended."""
    hub.make(repo)
    probe = f"{repo}-probe"
    push(small, probe)
    puts = [number for number, (method, _) in enumerate(hub.requests) if method == "PUT"]
    commit = [path for _, path in hub.requests].index(f"/api/datasets/{probe}/commit/main")
    assert puts
    assert max(puts) < commit
    hub.requests.clear()
    hub.faults = dict.fromkeys(range(commit - 1, 200), 403)
    assert "HTTP status 403" in fails(small, repo)
    assert any(method == "PUT" for method, _ in hub.requests)
    hub.faults = {}
    hub.requests.clear()
    push(small, repo)
    assert [path for method, path in hub.requests if method == "PUT"] == []
    assert pushed_files(hub, repo) == as_pushed(small)


def test_a_gitignore_in_the_repository_leaves_nothing_out(hub, repo, small):
    hub.make(repo)
    hub.add(repo, {".gitignore": b"*.parquet\nREADME.md\n"})
    push(small, repo)
    assert len(commits(hub, repo)) == 1
    assert {**as_pushed(small), ".gitignore": b"*.parquet\nREADME.md\n"} == pushed_files(hub, repo)


# --- Dry runs -------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(hub, repo, small, capsys):
    output = printed(capsys, small, repo, "--dry-run")
    assert {method for method, _ in hub.requests} <= {"GET", "HEAD"}
    assert f"{hub.url}/datasets/{repo}, branch main, a repository to be created\n" in output
    for path, content in as_pushed_to(repo, small).items():
        assert f"  add     {len(content):>12,} B  {path}\n" in output
    assert output.endswith("Dry run: nothing was sent.\n")
    assert not hub.path(repo).exists()


def test_an_odd_name_of_a_file_is_escaped(hub, repo, folder, capsys):
    (folder / "a\x1b[2Jb").write_bytes(b"")
    output = printed(capsys, folder, repo, "--include", "a*", "--dry-run")
    assert "  add                0 B  a\\x1b[2Jb\n" in output


def test_a_dry_run_for_a_new_branch_makes_no_branch(hub, repo, small, capsys):
    push(small, repo)
    output = printed(capsys, small, repo, "--dry-run", "--revision", "new")
    assert "branch new, a branch to be created\n" in output
    assert "  0 to add, 0 to update, 0 to delete, " in output
    assert [*hub.read(repo)["refs"]] == ["main"]


@pytest.mark.parametrize("trouble", ["offline", "no token"])
def test_a_dry_run_that_cannot_compare_says_so_and_prints_the_folder(
    hub, repo, small, capsys, monkeypatch, trouble
):
    if trouble == "offline":
        hub.faults = dict.fromkeys(range(50), "cut")
        reason = f"{repo}: no connection ("
    else:
        monkeypatch.delenv("HF_TOKEN")
        reason = f"{repo}: HTTP status 401, the token is not valid"
    output = printed(capsys, small, repo, "--dry-run")
    assert "branch main, which was not compared\n" in output
    assert f"  Note: the repository was not compared. {reason}" in output
    for path, content in as_pushed_to(repo, small).items():
        assert f"  push    {len(content):>12,} B  {path}\n" in output
    assert output.endswith("Dry run: nothing was sent.\n")


# --- README ---------------------------------------------------------------------------------------


def test_the_command_of_readme_publishes(hub, tmp_path):
    """The folder is one that README's `build` would have written."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = readme.split("<!-- publish -->\n```sh\n")[1].split("```")[0].splitlines()
    python, script, folder, repo = line.split()
    assert python == ".venv/bin/python"
    write_split(tmp_path / "letters", "train", pictures(40, 1), numbers(40, 1, 4))
    build(tmp_path / folder, [str(tmp_path / "letters")])
    result = run([ROOT / script, folder, repo.replace("me/", "writer/")], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert pushed_files(hub, "writer/letters") == as_pushed(tmp_path / folder)
