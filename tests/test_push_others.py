"""What others wrote to a repository is neither overwritten nor deleted unless the user names it."""

import hashlib
import json

import datasets
import pytest
import yaml
from hub_contents import as_pushed, as_pushed_to, contents, edit, fails, pushed_files

from mnist_tools.arguments import make_parser
from mnist_tools.commands.push import push, run
from mnist_tools.hub.record import RECORD
from mnist_tools.hub.shared_card import merge_cards, own_digest, parse_card, same_cards

pytest_plugins = ["hub_fixtures"]

SHARD = "fashion/test-00000-of-00001.parquet"


def front_matter(hub, repo):
    return parse_card(hub.files(repo)["README.md"].decode()).front_matter


def config_names(hub, repo, key="configs"):
    return [entry["config_name"] for entry in front_matter(hub, repo)[key]]


def push_extra(repo, name="extra", **options):
    """Push a dataset of somebody else's into the repository, as `datasets` does."""
    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"]})
    rows.push_to_hub(repo, name, **options)


def note(hub, repo, name="README.md"):
    """Edit a file on the Hub, as on its website."""
    text = hub.files(repo)[name].decode()
    return hub.add(repo, {name: f"{text}\nA line of mine.\n".encode()})


# --- Datasets of others ---------------------------------------------------------------------------


@pytest.mark.release
def test_a_dataset_of_somebody_else_stays(hub, repo, small, folder, cache):
    push(small, repo)
    push_extra(repo)
    theirs = hub.files(repo)
    assert push(small, repo).outcome == "up to date"
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    push(folder, repo)
    there = hub.files(repo)
    extra = {path: theirs[path] for path in theirs if path.startswith("extra/")}
    assert extra
    assert extra.items() <= there.items()
    assert sorted(config_names(hub, repo)) == ["extra", "fashion"]
    assert sorted(config_names(hub, repo, "dataset_info")) == ["extra", "fashion"]
    assert b"More." in there["README.md"]
    rows = datasets.load_dataset(repo, "extra", split="train", cache_dir=str(cache))
    assert rows["text"][:] == ["a", "b", "c"]
    ours = datasets.load_dataset(repo, split="test", streaming=True)
    assert ours.features["label"].names[9] == "Ankle boot"
    assert push(folder, repo).outcome == "up to date"


@pytest.mark.release
def test_a_dataset_of_somebody_else_may_come_first(hub, repo, small, cache):
    hub.make(repo)
    push_extra(repo, "extra", set_default=True)
    line = fails(small, repo)
    assert line.startswith(f"{repo}: README.md there was written or edited by somebody else (")
    assert line.endswith(", expected what an earlier push left; pass --replace-card to replace it")
    push(small, repo, replace_card=True)
    assert sorted(config_names(hub, repo)) == ["extra", "fashion"]
    defaults = [entry for entry in front_matter(hub, repo)["configs"] if entry.get("default")]
    assert [entry["config_name"] for entry in defaults] == ["fashion"]
    rows = datasets.load_dataset(repo, "extra", split="train", cache_dir=str(cache))
    assert rows["text"][:] == ["a", "b", "c"]
    assert push(small, repo).outcome == "up to date"


def test_a_shard_of_somebody_else_is_not_deleted(hub, repo, small):
    """It would be read as ours, so the push is refused, with or without a card there."""
    hub.make(repo)
    theirs = "fashion/train-00000-of-00009.parquet"
    before = hub.add(repo, {theirs: b"theirs"})
    line = (
        f"{repo}: {theirs} would be read as data, expected no such file; rename or delete it there"
    )
    assert fails(small, repo) == line
    assert hub.head(repo) == before
    hub.add(repo, {theirs: None})
    push(small, repo)
    hub.add(repo, {theirs: b"theirs"})
    assert fails(small, repo) == line
    assert hub.files(repo)[theirs] == b"theirs"


def test_files_that_no_push_put_there_stay(hub, repo, small, folder):
    push(small, repo)
    theirs = {
        "pictures/fashion-train-9.png": b"mine",
        "pictures/me.png": b"mine",
        "fashion/notes.txt": b"mine",
        "other/train-00000-of-00001.parquet": b"mine",
        "LICENSE": b"mine",
        ".gitignore": b"*.png",
    }
    hub.add(repo, theirs)
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    push(folder, repo)
    assert pushed_files(hub, repo) == {**as_pushed(folder), **theirs}


def test_odd_entries_of_somebody_else_stay_as_they_are(small):
    """Keys of several types, dates, texts that look like numbers, and a mapping for a list."""
    theirs = """---
configs:
- {config_name: odd, 0: 1, since: 2020-02-03, "1": "no"}
dataset_info: {config_name: odd, names: {0: "on", x: 1.5, null: !!binary aGk=}}
---
Theirs.
"""
    ours = (small / "README.md").read_text(encoding="utf-8")
    merged = merge_cards(ours, theirs, dropped=())
    card, other = parse_card(merged), parse_card(theirs)
    assert card.front_matter["configs"][1] == other.front_matter["configs"][0]
    assert card.front_matter["dataset_info"][1] == other.front_matter["dataset_info"]
    assert card.body == parse_card(ours).body
    assert own_digest(merged, {"fashion"}) == own_digest(ours, {"fashion"})
    assert own_digest(merged, {"odd"}) != own_digest(merged.replace("'on'", "'off'"), {"odd"})
    assert merge_cards(ours, merged, dropped=()) == merged
    assert merge_cards(ours, merged, dropped=["odd"]) == ours
    assert same_cards(merged, merged.replace("'on'", '"on"'))


def test_a_default_of_somebody_else_stays_if_ours_has_none(small):
    ours = (small / "README.md").read_text(encoding="utf-8")
    theirs = "---\nconfigs:\n- {config_name: odd, default: true}\n---\n"
    for text, default in ((ours, {}), (ours.replace("  default: true\n", ""), {"default": True})):
        entry = parse_card(merge_cards(text, theirs, dropped=())).front_matter["configs"][1]
        assert entry == {"config_name": "odd", **default}


# --- Datasets of earlier pushes -------------------------------------------------------------------


def test_a_folder_without_configs_of_an_earlier_push_is_refused(hub, repo, built, small):
    push(built, repo)
    before = hub.head(repo)
    assert fails(small, repo) == (
        f"{repo}: holds kmnist, mnist of an earlier push, which {small} lacks, "
        "expected to be told what becomes of them; "
        "pass --keep-configs, or --delete-config NAME for each"
    )
    assert "holds kmnist of an earlier push" in fails(small, repo, delete_configs=["mnist"])
    assert hub.head(repo) == before


def test_configs_of_an_earlier_push_can_be_kept(hub, repo, built, small, capsys):
    push(built, repo)
    before = pushed_files(hub, repo)
    parser = make_parser("push", from_clone=True)
    assert run(**vars(parser.parse_args([str(small), repo, "--keep-configs"]))) == 0
    assert (
        "  Note: kmnist, mnist stay in the repository; "
        "README.md, LICENSE.md and croissant.json describe fashion only\n"
    ) in capsys.readouterr().out
    there = pushed_files(hub, repo)
    assert {*there} == {*before} - {
        "dataset_cards/fashion.md"
    }  # the root's is about fashion alone now
    assert config_names(hub, repo) == ["fashion", "mnist", "kmnist"]
    for path in before:
        if path.startswith(
            ("mnist/", "kmnist/", "pictures/", "dataset_cards/mnist", "dataset_cards/k")
        ):
            assert there[path] == before[path]
    loaded = datasets.load_dataset(repo, "mnist", split="test", streaming=True)
    assert len([*loaded]) == 13
    assert push(small, repo, keep_configs=True).outcome == "up to date"
    assert push(built, repo).outcome == "pushed"  # they still count as ours
    assert pushed_files(hub, repo) == before


def test_configs_of_an_earlier_push_can_be_deleted(hub, repo, built, small):
    push(built, repo)
    push(small, repo, delete_configs=["mnist", "kmnist"])
    assert pushed_files(hub, repo) == as_pushed(small)
    assert config_names(hub, repo) == ["fashion"]
    assert push(small, repo).outcome == "up to date"


def test_one_config_is_kept_and_another_deleted(hub, repo, built, small):
    push(built, repo)
    push(small, repo, delete_configs=["mnist"], keep_configs=True)
    assert config_names(hub, repo) == ["fashion", "kmnist"]
    there = pushed_files(hub, repo)
    assert {path.split("/")[0] for path in there if path.endswith("parquet")} == {
        "fashion",
        "kmnist",
    }


def test_a_config_is_not_deleted_with_an_edit_of_somebody_else(hub, repo, built, small):
    push(built, repo)
    shard = "mnist/test-00000-of-00001.parquet"
    before = hub.add(repo, {shard: b"theirs", "mnist/train-00000-of-00001.parquet": None})
    options = {"delete_configs": ["mnist"], "keep_configs": True}
    assert fails(small, repo, **options) == (
        f"{repo}: --delete-config mnist: {shard} was changed there, expected it as pushed; "
        "delete it there yourself"
    )
    assert hub.head(repo) == before
    hub.add(repo, {shard: None})
    push(small, repo, **options)
    assert config_names(hub, repo) == ["fashion", "kmnist"]


@pytest.mark.parametrize(
    ("name", "found", "remedy"),
    [
        (
            "fashion",
            "the folder has that config, expected another one",
            "leave the option out",
        ),
        (
            "extra",
            "no earlier push put that config there, expected kmnist, mnist",
            "correct the name",
        ),
    ],
)
def test_only_configs_of_earlier_pushes_are_deleted(hub, repo, built, small, name, found, remedy):
    push(built, repo)
    line = f"--delete-config {name}: {found}; {remedy}"
    assert fails(small, repo, delete_configs=[name]) == line


def test_only_stale_files_that_an_earlier_push_put_there_go(hub, repo, small):
    """Not those that somebody edited since, nor those that belong to no config."""
    push(small, repo)
    record = json.loads(hub.files(repo)[RECORD])
    stale = "fashion/train-00000-of-00007.parquet"
    digest = {
        "size": 5,
        "blob_id": hashlib.sha1(b"blob 5\0stale").hexdigest(),
        "sha256": hashlib.sha256(b"stale").hexdigest(),
    }
    record["configs"]["fashion"][stale] = digest
    record["configs"]["fashion"]["pictures/fashion-old.png"] = digest
    record["shared"]["kept.txt"] = digest
    hub.add(
        repo,
        {
            RECORD: json.dumps(record).encode(),
            stale: b"stale",
            "pictures/fashion-old.png": b"edited by somebody else",
            "kept.txt": b"stale",
        },
    )
    result = push(small, repo)
    assert result.plan.delete == (stale,)
    there = pushed_files(hub, repo)
    assert {*there} - {*contents(small)} == {"pictures/fashion-old.png", "kept.txt"}


# --- Files that others edited ---------------------------------------------------------------------


def test_an_edited_card_is_replaced_only_when_told(hub, repo, small, folder):
    push(small, repo)
    before = note(hub, repo)
    line = (
        f"{repo}: README.md there was written or edited by somebody else "
        "(the line 'A line of mine.'), "
        "expected what an earlier push left; pass --replace-card to replace it"
    )
    assert fails(small, repo) == line
    edit(folder / "README.md", "license: unknown", "license: mit")
    assert "(license in its front matter, the line 'A line of mine.')" in fails(folder, repo)
    assert hub.head(repo) == before
    push(small, repo, replace_card=True)
    assert pushed_files(hub, repo) == as_pushed(small)


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ("license: unknown", "license: mit", "license in its front matter"),
        ("license: unknown", "license: unknown # really?", "a comment in its front matter"),
        ("config_name: fashion", "config_name: mode", "configs in its front matter"),
        ("tags:", "tags: &all", None),
        ("---\n", "", "front matter that is missing or cannot be read"),
    ],
)
def test_an_edit_of_the_front_matter_is_an_edit(hub, repo, small, before, after, difference):
    push(small, repo)
    text = hub.files(repo)["README.md"].decode()
    assert before in text
    head = hub.add(repo, {"README.md": text.replace(before, after, 1).encode()})
    if difference is None:  # the same values in other words
        assert push(small, repo).outcome == "up to date"
    else:
        assert f"edited by somebody else ({difference}" in fails(small, repo)
    assert hub.head(repo) == head


def test_the_layout_of_the_yaml_is_not_an_edit(hub, repo, small, folder):
    """`datasets` sorts and reflows the front matter of every card that it touches."""
    push(small, repo)
    card = parse_card(hub.files(repo)["README.md"].decode())
    block = yaml.safe_dump(dict(card.front_matter), sort_keys=True, default_flow_style=True)
    hub.add(repo, {"README.md": f"---\n{block}---\n{card.body}".encode()})
    assert push(small, repo).outcome == "up to date"
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    push(folder, repo)
    assert pushed_files(hub, repo) == as_pushed(folder)


@pytest.mark.parametrize("card", [b"# Mine\n", b"---\ntags: [mine]\n---\n", b"\xff\xfe"])
def test_a_card_of_somebody_else_is_replaced_only_when_told(hub, repo, small, card):
    hub.make(repo)
    before = hub.add(repo, {"README.md": card, "fashion/mine.txt": b"mine"})
    line = fails(small, repo)
    assert line.startswith(f"{repo}: README.md there was written or edited by somebody else (")
    assert line.endswith("pass --replace-card to replace it")
    assert hub.head(repo) == before
    push(small, repo, replace_card=True)
    assert pushed_files(hub, repo) == {**as_pushed(small), "fashion/mine.txt": b"mine"}


@pytest.mark.parametrize(
    ("path", "option"),
    [
        ("LICENSE.md", "--replace-card"),
        ("croissant.json", "--replace-card"),
        ("pictures/fashion-means.png", "--replace pictures/fashion-means.png"),
        (SHARD, f"--replace {SHARD}"),
    ],
)
def test_an_edited_file_is_replaced_only_when_told(hub, repo, small, path, option):
    push(small, repo)
    before = hub.add(repo, {path: contents(small)[path][::-1]})  # of the same size
    assert fails(small, repo) == (
        f"{repo}: {path} there was written or changed by somebody else, "
        f"expected what an earlier push left; pass {option} to replace it"
    )
    assert hub.head(repo) == before
    if option == "--replace-card":
        push(small, repo, replace_card=True)
    else:
        assert f"pass {option} to" in fails(small, repo, replace_card=True)
        push(small, repo, replace=[path])
    assert pushed_files(hub, repo) == as_pushed(small)


def test_a_file_that_somebody_deleted_is_pushed_again(hub, repo, small):
    push(small, repo)
    hub.add(repo, {"LICENSE.md": None, "README.md": None})
    push(small, repo)
    assert pushed_files(hub, repo) == as_pushed(small)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda text: f"{text}\none\ntwo\x1b[31m\n", r"the line 'one' and 1 more"),
        (lambda text: f"{text}\ntwo\x1b[31m\n", r"the line 'two\x1b[31m'"),
        (lambda text: text.replace("\n# ", "\n\n# ", 1), "lines that were removed or moved"),
        (
            lambda text: text.rstrip("\n").rpartition("\n")[0] + "\n",
            "lines that were removed or moved",
        ),
    ],
)
def test_an_edit_of_the_text_is_an_edit(hub, repo, small, change, difference):
    push(small, repo)
    text = hub.files(repo)["README.md"].decode()
    hub.add(repo, {"README.md": change(text).encode()})
    assert f"edited by somebody else ({difference}), expected" in fails(small, repo)


# --- The record -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"theirs",
        b"[]",
        b'{"format": 2}',
        b'{"format": 1, "card": "", "shared": {"a": 1}}',
        b'{"format": 1, "card": "", "configs": {}, "shared": {"a": '
        b'{"size": "1", "blob_id": "", "sha256": ""}}}',
        b"\xff",
    ],
)
def test_a_record_that_cannot_be_read_is_somebody_elses(hub, repo, small, folder, content):
    """Then nothing counts as ours."""
    push(small, repo)
    before = hub.add(repo, {RECORD: content})
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    assert "README.md there was written or edited by somebody else" in fails(folder, repo)
    assert fails(small, repo) == (
        f"{repo}: {RECORD} there was written or changed by somebody else, "
        f"expected what an earlier push left; pass --replace {RECORD} to replace it"
    )
    assert hub.head(repo) == before
    push(small, repo, replace=[RECORD])
    assert push(small, repo).outcome == "up to date"


def test_a_record_of_a_later_version_is_somebody_elses(hub, repo, small):
    push(small, repo)
    record = json.loads(hub.files(repo)[RECORD])
    hub.add(repo, {RECORD: json.dumps({**record, "format": 2}).encode()})
    assert f"{RECORD} there was written or changed by somebody else" in fails(small, repo)


def test_a_record_is_not_touched_if_nothing_changed(hub, repo, small):
    first = push(small, repo)
    record = json.loads(hub.files(repo)[RECORD])
    assert {*record} == {"about", "format", "card", "shared", "configs"}
    listed = {*record["shared"], *record["configs"]["fashion"], "README.md"}
    assert listed == {*contents(small)}
    assert push(small, repo).revision == first.revision


# --- Repositories of version 1.0.0 ----------------------------------------------------------------


@pytest.fixture
def old_repo(hub, repo, small):
    """Return a repository that version 1.0.0 pushed to, which left no record."""
    hub.make(repo)
    hub.add(repo, as_pushed_to(repo, small))
    return repo


def test_a_repository_of_1_0_0_gets_a_record(hub, old_repo, small):
    result = push(small, old_repo)
    assert (result.plan.add, result.plan.update, result.plan.delete) == ((RECORD,), (), ())


def test_files_of_1_0_0_count_as_edited(hub, old_repo, small, folder):
    before = hub.head(old_repo)
    edit(folder / "README.md", "\n# ", "\nMore.\n\n# ")
    assert "README.md there was written or edited by somebody else" in fails(folder, old_repo)
    assert hub.head(old_repo) == before
    push(folder, old_repo, replace_card=True)
    assert pushed_files(hub, old_repo) == as_pushed(folder)


def test_configs_of_1_0_0_stay(hub, repo, built, small):
    hub.make(repo)
    hub.add(repo, contents(built))
    push(small, repo, replace_card=True)
    there = pushed_files(hub, repo)
    assert {*there} == {*contents(built)}
    assert config_names(hub, repo) == ["fashion", "mnist", "kmnist"]
