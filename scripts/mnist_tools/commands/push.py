"""Push a built folder to a dataset repository of the Hub in one commit, then read it back and compare."""

import argparse
import contextlib
import dataclasses
import fnmatch
import hashlib
import json
import pathlib
import re
import sys
import tempfile

import datasets
import huggingface_hub
import numpy as np
import pyarrow.parquet
import yaml
from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from tqdm import tqdm

from mnist_tools.lint import findings
from mnist_tools.whole_folder import MARKER

EXAMPLE = "example: python scripts/push_to_hub.py sample me/mnist-family --allow-sample --dry-run"
OURS = "mnist_family"  # the tag of our cards
CARD_FILES = ("README.md", "LICENSE.md", "croissant.json")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path, help="what scripts/build.py wrote")
    parser.add_argument("repo_id", metavar="REPO_ID", help="USER/NAME; made where there is none")
    parser.add_argument("--private", action="store_true", help="if the repository is made, for your eyes alone")
    parser.add_argument("--revision", metavar="BRANCH", default="main", help="default: main; made where there is none")
    parser.add_argument("--message", metavar="TEXT", help="of the commit")
    parser.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
    parser.add_argument("--replace-card", action="store_true", help="also where the card there is not of this project")
    parser.add_argument("--allow-sample", action="store_true", help="push synthetic stand-ins, too")
    arguments = parser.parse_args(argv)
    try:
        push(arguments)
    except KeyboardInterrupt:
        sys.exit(f"{arguments.repo_id}: interrupted before anything was committed; run it again")
    except Failure as failure:
        sys.exit(str(failure))
    except Exception as error:  # what clients raise differs from release to release
        sys.exit(f"{arguments.repo_id}: {reason(error)}")


class Failure(Exception):
    """A line for the user."""


def push(arguments):
    repo_id, branch = arguments.repo_id, arguments.revision
    local = checked(arguments.folder, repo_id, arguments.allow_sample)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise Failure(f"{repo_id}: no name of a repository, expected USER/NAME; correct it")
    api = huggingface_hub.HfApi()
    if huggingface_hub.get_token() is None and not arguments.dry_run:
        raise Failure(f"{repo_id}: no token, expected one that may write; run `hf auth login` or set HF_TOKEN")
    remote = Remote(api, repo_id, branch)
    if remote.missing and not arguments.dry_run:
        remote.make(arguments.private)
    plan = planned(local, remote, arguments.replace_card)
    print_plan(plan, local, remote)
    if arguments.dry_run:
        print("Dry run: nothing was sent.")
    elif not (plan.add or plan.update or plan.delete):
        print(f"{repo_id}: already up to date at {remote.head}")
    else:
        revision = commit(plan, local, remote, arguments.message or f"Push {', '.join(local.configs)} of mnist_family")
        verify(local, remote, revision)
        tree = f"/tree/{branch}" if branch != "main" else ""
        print(f"{repo_id}: pushed and read back, {api.endpoint}/datasets/{repo_id}{tree}\nRevision {revision}")


# --- What is pushed ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Local:
    """A complete folder: {path: (bytes, git's SHA-1, sha256)} of its files, and {config: [split]} of its card."""

    folder: pathlib.Path
    files: dict
    configs: dict
    patterns: tuple


def checked(folder, repo_id, allow_sample):
    """The folder's `Local`; Failure where it is not whole, or no folder to push."""
    if not (folder / "README.md").is_file():
        raise Failure(f"{folder}: has no README.md, expected a folder that scripts/build.py wrote; build one")
    if found := findings(folder):
        raise Failure(found[0] + f" ({len(found) - 1} more, see scripts/lint_card.py)" * (len(found) > 1))
    card = front_matter_of((folder / "README.md").read_text(encoding="utf-8"))
    if "synthetic" in card.get("tags", ()) and not allow_sample:
        raise Failure(f"{folder}: synthetic stand-ins, expected a dataset; build it, or pass --allow-sample")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    files = {}
    with tqdm(desc="Hashing", total=sum(path.stat().st_size for path in paths), unit="B", unit_scale=True) as bar:
        for path in paths:
            size = path.stat().st_size
            sha1, sha256 = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False), hashlib.sha256()
            with open(path, "rb") as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    sha1.update(chunk)
                    sha256.update(chunk)
                    bar.update(len(chunk))
            files[path.relative_to(folder).as_posix()] = size, sha1.hexdigest(), sha256.hexdigest()
    refuse_script(repo_id, files)
    configs = {config["config_name"]: [each["split"] for each in config["data_files"]] for config in card["configs"]}
    patterns = tuple(each["path"] for config in card["configs"] for each in config["data_files"])
    check_croissant(folder, files)
    check_features(folder, files)
    return Local(folder, files, configs, patterns)


def front_matter_of(text):
    match = re.match(r"---[ \t]*\r?\n(.*?)^---", text, re.DOTALL | re.MULTILINE)
    try:
        values = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        values = None
    return values if isinstance(values, dict) else {}


def refuse_script(repo_id, paths):
    script = f"{repo_id.split('/')[-1]}.py"
    if script in paths:
        remedy = "take another name, or remove the script"
        raise Failure(
            f"{repo_id}: has a file {script}, expected none, for `datasets` 4 takes it for a script; {remedy}"
        )


def check_croissant(folder, files):
    for name in CARD_FILES:
        if name not in files:
            raise Failure(f"{folder}: has no {name}, expected one; build the folder again")
    described = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))["distribution"]
    digests = {each["contentUrl"]: each["sha256"] for each in described if each["@type"] == "cr:FileObject"}
    parquet = {path: digest for path, (_, _, digest) in files.items() if path.endswith(".parquet")}
    for path in sorted({*digests, *parquet}):
        if digests.get(path) != parquet.get(path):
            got, expected = f"sha256 {digests.get(path)} of {path}", f"{parquet.get(path)}, the file's"
            raise Failure(f"{folder / 'croissant.json'}: {got}, expected {expected}; build the folder again")


def check_features(folder, files):
    for path in files:
        if path.endswith(".parquet"):
            features = datasets.Features.from_arrow_schema(pyarrow.parquet.read_schema(folder / path))
            kinds = {name: type(feature) for name, feature in features.items()}
            if kinds != {"image": datasets.Image, "label": datasets.ClassLabel}:
                got = ", ".join(f"{name} {kind.__name__}" for name, kind in kinds.items())
                raise Failure(f"{folder / path}: {got}, expected image Image, label ClassLabel; build the folder again")


# --- Where it is pushed to --------------------------------------------------------------------------------------------


class Remote:
    """A branch of a dataset repository: its head, its files as {path: (bytes, git's SHA-1, sha256 or None)}."""

    def __init__(self, api, repo_id, branch):
        self.api, self.repo_id, self.branch = api, repo_id, branch
        self.head, self.files, self.missing = None, {}, None
        try:
            self.read()
        except RevisionNotFoundError:
            self.missing = "branch"
            if branch != "main":
                self.read("main")
        except RepositoryNotFoundError as error:
            if getattr(error.response, "status_code", None) == 401:
                raise
            self.missing = "repository"

    def read(self, branch=None):
        self.head = self.api.repo_info(self.repo_id, repo_type="dataset", revision=branch or self.branch).sha
        self.files = self.listed(self.head)

    def listed(self, revision):
        entries = self.api.list_repo_tree(self.repo_id, recursive=True, revision=revision, repo_type="dataset")
        files = [each for each in entries if hasattr(each, "size")]
        return {each.path: (each.size, each.blob_id, each.lfs.sha256 if each.lfs else None) for each in files}

    def make(self, private):
        """The repository, or the branch from main."""
        if self.missing == "repository":
            self.api.create_repo(self.repo_id, repo_type="dataset", private=private or None, exist_ok=True)
            self.read("main")
        if self.branch != "main":
            self.api.create_branch(
                self.repo_id, branch=self.branch, revision=self.head, repo_type="dataset", exist_ok=True
            )
        self.read()

    def text(self, path):
        with tempfile.TemporaryDirectory() as cache:
            options = {"repo_type": "dataset", "revision": self.head, "cache_dir": cache}
            return pathlib.Path(self.api.hf_hub_download(self.repo_id, path, **options)).read_text(encoding="utf-8")


def same(file, other):
    """Whether a local and a remote file are equal."""
    return other is not None and file[0] == other[0] and (file[2] == other[2] if other[2] else file[1] == other[1])


@dataclasses.dataclass(frozen=True)
class Plan:
    add: list
    update: list
    delete: list


def planned(local, remote, replace_card):
    """What one commit has to change; Failure where that would touch what is not ours."""
    refuse_script(remote.repo_id, remote.files)
    readme, there = remote.files.get("README.md"), {}
    ours = same(local.files["README.md"], readme)
    if readme and not ours:
        there = front_matter_of(remote.text("README.md"))
        ours = OURS in (there.get("tags") or ())
    changed = [path for path, file in local.files.items() if not same(file, remote.files.get(path))]
    foreign = [path for path in CARD_FILES if path in remote.files and path in changed]
    if foreign and not (ours or replace_card):
        got, expected = f"{foreign[0]} there is not of this project", "one that it wrote"
        raise Failure(f"{remote.repo_id}: {got}, expected {expected}; pass --replace-card to replace it")
    listed = there.get("configs") if ours and isinstance(there.get("configs"), list) else []
    names = {*local.configs, *(str(each.get("config_name")) for each in listed if isinstance(each, dict))}
    config, split = "|".join(map(re.escape, sorted(names))), r"\w[\w.]*"
    stale = rf"({config})/{split}-\d{{5}}-of-\d{{5}}\.parquet|pictures/({config})-(examples|means|{split}-\d+)\.png"
    delete = [path for path in remote.files if path not in local.files and re.fullmatch(stale, path)]
    for path in {*remote.files} - {*local.files} - {*delete}:
        if any(fnmatch.fnmatch(path, pattern) for pattern in local.patterns):
            remedy = "rename or delete it there"
            raise Failure(f"{remote.repo_id}: {path} would be read as data, expected no such file; {remedy}")
    add = [path for path in changed if path not in remote.files]
    return Plan(add, [path for path in changed if path in remote.files], delete)


def print_plan(plan, local, remote):
    where = f"{remote.repo_id}, branch {remote.branch}"
    where += f", a {remote.missing} to be made" if remote.missing else f", at {remote.head}"
    print(f"{local.folder} to {remote.api.endpoint}/datasets/{where}")
    for verb, paths in (("add", plan.add), ("update", plan.update), ("delete", plan.delete)):
        for path in paths:
            size = local.files[path][0] if path in local.files else remote.files[path][0]
            print(f"  {verb:6}  {size:>12,} B  {path}")
    sent = sum(local.files[path][0] for path in [*plan.add, *plan.update])
    kept = len(local.files) - len(plan.add) - len(plan.update)
    changes = f"{len(plan.add)} to add, {len(plan.update)} to update, {len(plan.delete)} to delete"
    print(f"  {changes}, {kept} unchanged; {sent:,} B")


# --- One commit, read back --------------------------------------------------------------------------------------------


def commit(plan, local, remote, message):
    """The revision of the one commit; Failure says whether the repository is old or new."""
    operations = [CommitOperationDelete(path) for path in plan.delete]
    operations += [CommitOperationAdd(path, str(local.folder / path)) for path in [*plan.add, *plan.update]]
    options = {"repo_type": "dataset", "revision": remote.branch, "parent_commit": remote.head}
    try:
        return remote.api.create_commit(remote.repo_id, operations, commit_message=message, **options).oid
    except BaseException as error:
        raise Failure(f"{remote.repo_id}: {reason(error)}\n{state(local, remote)}") from None


def state(local, remote):
    """Whether a repository is old or new, after a commit that may have been made."""
    before = remote.head
    try:
        remote.read()
    except Exception as error:
        return f"The repository could not be read again ({reason(error)}); look at it before you run this again."
    if remote.head == before:
        return f"The repository is old, at {before}; nothing was changed."
    if all(same(file, remote.files.get(path)) for path, file in local.files.items()):
        return f"The repository is new, at {remote.head}; run this again to see it compared."
    return f"The repository is old, but somebody else has changed it, now at {remote.head}; run this again."


def verify(local, remote, revision):
    """Failure where a file, or the first row of a split as `datasets` reads it, is not what was pushed."""
    new = f"The repository is new, at {revision}."
    try:
        files = remote.listed(revision)
        for path, file in local.files.items():
            if not same(file, files.get(path)):
                raise Failure(f"{path} is there as {files.get(path)}, expected {file}; run this again")
        with tempfile.TemporaryDirectory() as cache:
            for config, splits in tqdm(local.configs.items(), desc="Reading back", unit="config"):
                for split in splits:
                    compare_first(local.folder, remote.repo_id, revision, config, split, cache)
    except BaseException as error:
        text = str(error) if isinstance(error, Failure) else f"not read back, {reason(error)}"
        raise Failure(f"{remote.repo_id}: {text}\n{new}") from None


def compare_first(folder, repo_id, revision, config, split, cache):
    options = {"split": split, "streaming": True, "revision": revision, "cache_dir": cache}
    there = datasets.load_dataset(repo_id, config, **options)
    file = min((folder / config).glob(f"{split}-*.parquet"))
    table = next(pyarrow.parquet.ParquetFile(file).iter_batches(1))
    features = datasets.Features.from_arrow_schema(table.schema)
    here, row = features.decode_example(table.to_pylist()[0]), next(iter(there))
    equal = np.array_equal(np.asarray(here["image"]), np.asarray(row["image"])) and here["label"] == row["label"]
    if not equal or there.features != features:
        raise Failure(f"{config} {split}: another first row or class names, expected those of {file}; run this again")


# --- What went wrong --------------------------------------------------------------------------------------------------

REASONS = {
    400: "refused",
    401: "the token is not valid, expected one that may write; run `hf auth login` or set HF_TOKEN",
    403: "the token may not do this, expected one with the right to write there; take another, or ask for access",
    404: "no such repository, or not one for this token, expected one to write to; correct the name or the token",
    412: "somebody else made a commit in between, expected none; run this again",
    413: "too large, expected files that the Hub takes; build with a smaller --max-shard-size",
    429: "too many requests, expected fewer; wait some minutes and run this again",
}


def reason(error):
    """What an exception of the clients comes to, in one line and without the token."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    said, status, cause = "", None, error
    while cause is not None:
        status = status or getattr(getattr(cause, "response", None), "status_code", None)
        said, cause = f"{said} {type(cause).__name__}: {cause}", cause.__cause__ or cause.__context__
    token = huggingface_hub.get_token()
    said = said.replace(token, "…") if token else said
    said = re.sub(r"hf_\w{4,}", "…", said)
    if "xet" in said.lower():
        remedy = "set HF_HUB_DISABLE_XET=1 and run it again"
        return f"the Xet upload failed ({first_line(said)}), expected it to work; {remedy}"
    if (status or 0) >= 500 or "JSONDecodeError" in said:
        return f"the Hub answered {status or 'no JSON'}, expected success; run this again later"
    if status in REASONS and status != 400:
        return f"HTTP status {status}, {REASONS[status]}"
    if re.search("connect|timeout|timed out|disconnected|protocol", said, re.IGNORECASE):
        return f"no connection ({first_line(said)}), expected one to the Hub; run this again when there is one"
    return f"{first_line(said)}, expected success; correct it and run this again"


def first_line(text):
    return " ".join(text.split())[:200]


def run(folder, repo_id, private, revision, message, dry_run, replace_card, allow_sample):
    push(argparse.Namespace(**locals()))
    return 0
