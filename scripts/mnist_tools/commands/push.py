"""Push a built folder to a dataset repository on the Hub in one commit, and read it back."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import huggingface_hub

from mnist_family import fault
from mnist_tools.errors import Interrupted
from mnist_tools.hub.addressed import addressed
from mnist_tools.hub.delivery import deliver, then_telling, unknown_state
from mnist_tools.hub.failures import HubError
from mnist_tools.hub.folder import CARD_FILES, BuiltFolder, read_folder
from mnist_tools.hub.plan import Choices, Plan, make_plan, read_remote_state, refuse_script
from mnist_tools.hub.read_back import compare_revision
from mnist_tools.hub.report import Outcome, Preview, Pushed, preview_lines, result_lines
from mnist_tools.hub.repository import Commit, Repository, Snapshot

REPO_ID = r"[\w.-]+/[\w.-]+"


def _say_nothing(_: Preview) -> None:
    """Ignore the preview."""


def push(  # noqa: PLR0913 - the options of a command, all but two keyword-only
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str = "main",
    message: str | None = None,
    dry_run: bool = False,
    replace_card: bool = False,
    allow_sample: bool = False,
    include: Sequence[str] = (),
    replace: Sequence[str] = (),
    delete_configs: Sequence[str] = (),
    keep_configs: bool = False,
    create_pr: bool = False,
    tag: str | None = None,
    num_workers: int = 5,
    on_preview: Callable[[Preview], None] = _say_nothing,
) -> Pushed:
    """Push what `build` wrote to a dataset repository, which is created if it does not exist.

    Nothing that others wrote is overwritten or deleted unless the caller names it: `replace` takes
    patterns of paths, `replace_card` means the card, the licence and croissant.json. `on_preview`
    is called before anything is sent. ValueError if the folder or the arguments are refused,
    HubError if a call to the Hub fails; its last line describes the state of the repository.
    """
    _check_request(repo_id, revision, create_pr=create_pr, tag=tag, num_workers=num_workers)
    repository = Repository(repo_id, revision)
    with _interrupted_as(f"{repo_id}: interrupted before anything was committed; run it again"):
        read = read_folder(Path(folder), include=include, allow_sample=allow_sample)
        built = addressed(read, repo_id, repository.url)
        refuse_script(repo_id, built.files)
        cards = CARD_FILES if replace_card else ()
        choices = Choices((*replace, *cards), delete_configs, keep_configs)
        preview = _compare(repository, built, choices, private=private, tag=tag, dry_run=dry_run)
        on_preview(preview)
        if dry_run:
            return _report("dry run", preview, preview.revision)
        preview = _create_missing(preview, choices, private=private)
    with _interrupted_as(f"{repo_id}: interrupted\n{unknown_state(repository)}"):
        commit = None
        if preview.plan.changes:
            commit = deliver(
                repository,
                preview.plan,
                preview.revision,
                message=message or f"Push {', '.join(built.shards)} of mnist_family",
                create_pr=create_pr,
                num_workers=num_workers,
            )
        reached = commit.revision if commit else preview.revision
        _read_back(preview, reached, tag, _state_after(commit, reached))
    outcome: Outcome = "pushed" if commit else "up to date"
    return _report(outcome, preview, reached, commit.pull_request if commit else None, tag)


@contextlib.contextmanager
def _interrupted_as(lines: str) -> Iterator[None]:
    """Turn Ctrl-C into Interrupted(`lines`), unless the state has been reported already."""
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(lines) from None


# --- Before the commit ----------------------------------------------------------------------------


def _check_request(
    repo_id: str, revision: str, *, create_pr: bool, tag: str | None, num_workers: int
) -> None:
    """Raise ValueError for arguments that are wrong for any folder."""
    if not re.fullmatch(REPO_ID, repo_id):
        raise fault(repo_id, "not the name of a repository", "USER/NAME", "correct it")
    if not revision:
        raise fault("--revision", "empty", "the name of a branch", "correct it")
    if num_workers < 1:
        raise fault(f"--num-workers {num_workers}", "too few", "1 or more", "correct it")
    if create_pr and revision != "main":
        found = "the Hub opens pull requests on main only"
        raise fault("--create-pr", found, "no --revision", "leave one of them out")
    if create_pr and tag is not None:
        found = "a pull request has no revision to tag until it is merged"
        raise fault("--tag", found, "no --create-pr", "leave one of them out")


def _compare(
    repository: Repository,
    built: BuiltFolder,
    choices: Choices,
    *,
    private: bool,
    tag: str | None,
    dry_run: bool,
) -> Preview:
    """Compare folder and repository; a dry run continues if the repository cannot be read."""
    repo_id = repository.repo_id
    if huggingface_hub.get_token() is None and not dry_run:
        remedy = "run `hf auth login` or set HF_TOKEN"
        raise fault(repo_id, "no token", "one that may write", remedy)
    try:
        remote = read_remote_state(repository)
        if private and remote.snapshot.missing != "repository":
            _refuse_public(repository)
    except HubError as error:
        if not dry_run:
            raise
        everything = Plan(built.files, tuple(built.files), (), ())
        return Preview(built, repository, everything, not_compared=str(error))
    plan = make_plan(repo_id, built, remote, choices)
    _refuse_taken_tag(repo_id, tag, remote.snapshot, plan)
    return Preview(built, repository, plan, remote.snapshot)


def _refuse_public(repository: Repository) -> None:
    if not repository.is_private():
        remedy = "make it private in its settings, or leave --private out"
        raise fault(repository.repo_id, "public", "a private repository", remedy)


def _refuse_taken_tag(repo_id: str, tag: str | None, snapshot: Snapshot, plan: Plan) -> None:
    """Raise ValueError if the tag exists and would have to be moved."""
    taken = snapshot.tags.get(tag) if tag is not None else None
    if taken is not None and (plan.changes or taken != snapshot.revision):
        found = f"there is a tag {tag} at {taken}"
        raise fault(repo_id, found, "a new name", "choose another --tag")


def _create_missing(preview: Preview, choices: Choices, *, private: bool) -> Preview:
    """Create the repository or branch if it is missing, and plan again with its content."""
    if preview.snapshot is None or preview.snapshot.missing is None:
        return preview
    repository = preview.repository
    repository.create(preview.snapshot, private=private)
    if private:
        _refuse_public(repository)  # somebody else may have just created it
    remote = read_remote_state(repository)
    plan = make_plan(repository.repo_id, preview.folder, remote, choices)
    return Preview(preview.folder, repository, plan, remote.snapshot)


# --- After the commit -----------------------------------------------------------------------------


def _state_after(commit: Commit | None, revision: str) -> str:
    if commit is None:
        return f"The repository is at {revision}; this push changed nothing."
    if commit.pull_request:
        return f"The pull request is open, at {commit.pull_request}."
    return f"The repository is new, at {revision}."


def _read_back(preview: Preview, revision: str, tag: str | None, state: str) -> None:
    """Compare a revision with the folder, then tag it; `state` is the last line of any error."""
    repository = preview.repository
    with then_telling(repository.repo_id, lambda _: state):
        compare_revision(repository, revision, preview.plan.files, preview.folder)
    snapshot = preview.snapshot
    if tag is not None and (snapshot is None or tag not in snapshot.tags):
        with then_telling(repository.repo_id, lambda _: f"{state} It has no tag {tag}."):
            repository.tag(tag, revision)


def _report(
    outcome: Outcome,
    preview: Preview,
    revision: str,
    pull_request: str | None = None,
    tag: str | None = None,
) -> Pushed:
    repository = preview.repository
    tree = "" if repository.branch == "main" else f"/tree/{repository.branch}"
    return Pushed(outcome, f"{repository.url}{tree}", revision, preview.plan, pull_request, tag)


# --- The command ----------------------------------------------------------------------------------


def run(  # noqa: PLR0913 - all that the parser passes
    folder: Path,
    repo_id: str,
    private: bool,
    revision: str,
    message: str | None,
    dry_run: bool,
    replace_card: bool,
    allow_sample: bool,
    include: Sequence[str],
    replace: Sequence[str],
    delete_configs: Sequence[str],
    keep_configs: bool,
    create_pr: bool,
    tag: str | None,
    num_workers: int,
) -> int:
    """Push; print what will change, then what was done."""
    pushed = push(
        folder,
        repo_id,
        private=private,
        revision=revision,
        message=message,
        dry_run=dry_run,
        replace_card=replace_card,
        allow_sample=allow_sample,
        include=include,
        replace=replace,
        delete_configs=delete_configs,
        keep_configs=keep_configs,
        create_pr=create_pr,
        tag=tag,
        num_workers=num_workers,
        on_preview=_print_preview,
    )
    for line in result_lines(pushed, repo_id):
        print(line)
    return 0


def _print_preview(preview: Preview) -> None:
    for line in preview_lines(preview):
        print(line)
