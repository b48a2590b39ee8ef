"""Folders that are whole or as they were, and in which nothing of the user's is lost."""

import errno
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from mnist_tools import manifest
from mnist_tools.folder_lock import hold_lock
from mnist_tools.manifest import MANIFEST, Manifest, hash_file, is_current, read_manifest
from mnist_tools.out_folder import check_place, check_replaceable
from mnist_tools.whole_folder import whole_folder

posix = pytest.mark.skipif(os.name == "nt", reason="has no fork, no FIFO, and other permissions")


def write(out, files, **settings):
    """Write a folder of text files, as a command does."""
    with whole_folder(out, **{"command": "build", "made_of": "this", **settings}) as folder:
        fill(folder, files)


def fill(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def contents(folder):
    """Return the bytes of every file below a folder, by path; None for folders and broken links."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def refused(call, *args, **settings):
    with pytest.raises(ValueError, match="expected") as caught:
        call(*args, **settings)
    return str(caught.value)


OURS = {"README.md": "card", "mnist/train.parquet": "rows"}


# --- The manifest ---------------------------------------------------------------------------------


def test_a_manifest_lists_every_file_with_its_digest(out):
    write(out, OURS)
    assert read_manifest(out) == Manifest(
        command="build",
        made_of="this",
        files={path: hash_file(out / path) for path in ("README.md", "mnist/train.parquet")},
    )
    assert json.loads((out / MANIFEST).read_text()) == {
        "command": "build",
        "made_of": "this",
        "files": read_manifest(out).files,
    }


def test_a_digest_is_sha256_as_of_the_standard(tmp_path):
    (tmp_path / "abc").write_text("abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(tmp_path / "abc") == digest


def test_a_manifest_that_is_not_ours_is_none(out):
    out.mkdir()
    assert read_manifest(out) is None
    for text in ("", "[]", '{"made_of": "this"}', '{"files": {}}', '{"made_of": 1, "files": {}}'):
        (out / MANIFEST).write_text(text)
        assert read_manifest(out) is None
    (out / MANIFEST).write_text('{"made_of": "this", "files": []}')
    assert read_manifest(out) is None
    (out / MANIFEST).write_bytes(b"\xff")
    assert read_manifest(out) is None
    (out / MANIFEST).write_text("[" * 100_000)
    assert read_manifest(out) is None


@pytest.mark.parametrize(
    ("made_of", "command"), [("0123abcd", "build"), ("convert 0123abcd", "convert")]
)
def test_the_manifest_of_1_0_0_names_no_command_and_protects_as_well(out, made_of, command):
    write(out, OURS)
    files = read_manifest(out).files
    (out / MANIFEST).write_text(json.dumps({"made_of": made_of, "files": files}))
    assert read_manifest(out) == Manifest(command, made_of, files)
    assert is_current(out, made_of)
    (out / "README.md").write_text("mine")
    assert "edits in README.md" in refused(check_replaceable, out, command=command)


def test_a_file_that_is_listed_without_a_digest_counts_as_edited(out):
    write(out, OURS)
    files = {**read_manifest(out).files, "README.md": None}
    (out / MANIFEST).write_text(json.dumps({"made_of": "this", "files": files}))
    assert not is_current(out, "this")
    assert "edits in README.md" in refused(check_replaceable, out, command="build")


def test_a_folder_is_current_until_anything_changes(out):
    assert not is_current(out, "this")
    write(out, OURS)
    assert is_current(out, "this")
    assert is_current(str(out), "this")
    assert not is_current(out, "that")
    (out / "README.md").write_text("Card")
    assert not is_current(out, "this")
    (out / "README.md").unlink()
    assert not is_current(out, "this")
    (out / "README.md").write_text("card")
    assert is_current(out, "this")
    (out / "notes").mkdir()
    assert not is_current(out, "this")


def test_a_link_to_the_same_bytes_counts_as_an_edit(out, tmp_path):
    write(out, OURS)
    (tmp_path / "README.md").write_text("card")
    (out / "README.md").unlink()
    (out / "README.md").symlink_to(tmp_path / "README.md")
    assert not is_current(out, "this")


def test_a_folder_of_many_files_is_one_entry(out, monkeypatch):
    monkeypatch.setattr(manifest, "FILES_PER_FOLDER", 3)
    many = {f"train/{label}/{row}.png": f"{row}" for label in "01" for row in range(2)}
    few = {f"test/0/{row}.png": f"{row}" for row in range(3)}
    write(out, {**many, **few, "labels.txt": "0\n1\n"}, command="convert")
    assert [*read_manifest(out).files] == ["labels.txt", *few, "train/"]
    assert is_current(out, "this")
    for change in ("train/0/0.png", "train/0/mine.png"):
        before = contents(out)
        (out / change).write_text("mine")
        assert not is_current(out, "this")
        for force in (False, True):
            assert refused(check_replaceable, out, command="convert", force=force) == (
                f"{out}: changes in train/, "
                "expected the files as convert wrote them; "
                "move the folder elsewhere, or choose another"
            )
        (out / change).unlink()
        fill(out, {path: data.decode() for path, data in before.items() if data is not None})
    assert is_current(out, "this")
    (out / "train/0/0.png").rename(out / "train/0/2.png")
    assert not is_current(out, "this")
    write(out.with_name("other"), many, command="convert")
    assert read_manifest(out.with_name("other")).files == {
        "train/": read_manifest(out).files["train/"]
    }


# --- What is refused ------------------------------------------------------------------------------


def test_added_files_are_named_and_kept_even_with_force(out):
    write(out, OURS)
    (out / "notes.txt").write_text("mine")
    (out / ".git" / "refs").mkdir(parents=True)
    (out / "mnist" / "link").symlink_to("nowhere")
    (out / "mnist" / "conversion").mkdir()
    (out / "mnist" / "conversion" / MANIFEST).write_text("{}")
    before = contents(out)
    for force in (False, True):
        with pytest.raises(ValueError, match="expected") as caught:
            write(out, {"new": "new"}, force=force)
        assert str(caught.value) == (
            f"{out}: holds .git/refs/, mnist/conversion/{MANIFEST}, mnist/link and 1 more, which "
            "build did not write, expected only its own files; move your files elsewhere"
        )
        assert contents(out) == before
        assert os.listdir(out.parent) == ["out"]


def test_a_folder_is_refused_before_anything_is_written(out):
    """Not after the minutes that a build may take."""
    write(out, OURS)
    (out / "notes.txt").write_text("mine")
    with (
        pytest.raises(ValueError, match=r"holds notes\.txt"),
        whole_folder(out, command="build", made_of="that"),
    ):
        pytest.fail("was yielded")


def test_a_link_to_a_folder_is_a_file_of_the_user(out, tmp_path):
    fill(tmp_path / "elsewhere", {"notes.txt": "mine"})
    write(out, OURS)
    (out / "link").symlink_to(tmp_path / "elsewhere")
    (out / "around").symlink_to(out)
    assert f"{out}: holds around, link, which build did not write" in refused(
        check_replaceable, out, command="build"
    )


def test_edited_files_are_named_and_replaced_only_with_force(out):
    write(out, OURS)
    (out / "README.md").write_text("mine")
    before = contents(out)
    with pytest.raises(ValueError, match="expected") as caught:
        write(out, {"README.md": "new card"})
    assert str(caught.value) == (
        f"{out}: edits in README.md, expected the files as build wrote them; "
        "save your edits elsewhere, or pass --force to discard them"
    )
    assert contents(out) == before
    write(out, {"README.md": "new card"}, force=True)
    assert (out / "README.md").read_text() == "new card"
    assert sorted(path.name for path in out.iterdir()) == [MANIFEST, "README.md"]
    assert os.listdir(out.parent) == ["out"]


def test_a_link_to_nothing_in_place_of_a_file_is_replaced_with_force(out):
    write(out, {"README.md": "card"})
    (out / "README.md").unlink()
    (out / "README.md").symlink_to("nowhere")
    write(out, {"README.md": "new card"}, force=True)
    assert (out / "README.md").read_text() == "new card"


def test_a_file_that_the_user_removed_stops_nothing(out):
    write(out, OURS)
    (out / "README.md").unlink()
    write(out, OURS)
    assert is_current(out, "this")


def test_a_folder_that_the_user_emptied_stops_nothing(out):
    write(out, {"letters/train.parquet": "rows"})
    (out / "letters" / "train.parquet").unlink()
    assert not is_current(out, "this")
    write(out, {"letters/train.parquet": "rows"})
    assert is_current(out, "this")


def test_names_are_shown_escaped(out):
    write(out, OURS)
    (out / "a\n\x1b[2J").write_text("mine")
    assert r"holds a\n\x1b[2J, which build did not write" in refused(
        check_replaceable, out, command="build"
    )


@posix
def test_a_pipe_is_not_waited_for(out):
    write(out, OURS)
    os.mkfifo(out / "pipe")
    assert "holds pipe, which build did not write" in refused(
        check_replaceable, out, command="build"
    )


NO_FOLDER = "not a folder, expected a folder; choose a new folder, or delete this yourself"
NO_PLACE = "is not a writable folder, expected a folder in a writable one; choose another folder"
WORKING = (
    "the working directory or a folder above it, expected a separate folder; choose another folder"
)
EXPECTED = "expected an empty folder or one that build wrote"
OVERLAP = "expected a folder apart from the source; choose another folder"


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("file", NO_FOLDER),
        ("link", NO_FOLDER),
        ("loop", NO_FOLDER),
        ("file/out", f"{{tmp}}/file {NO_PLACE}"),
        ("fixed/deep/out", f"{{tmp}}/fixed {NO_PLACE}"),
        ("repository", f"holds other files, {EXPECTED}; choose a new folder"),
        ("converted", f"written by convert, {EXPECTED}; choose another folder"),
        ("here", WORKING),
        (".", WORKING),
        ("sources/out", f"inside {{tmp}}/sources, {OVERLAP}"),
        ("around", f"contains {{tmp}}/around/sources, {OVERLAP}"),
        ("linked", f"contains {{tmp}}/shortcut, {OVERLAP}"),
    ],
)
def test_what_may_not_be_written_is_left_alone(tmp_path, monkeypatch, place, fault):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for folder in ("repository/.git", "here/deeper", "sources", "around/sources", "linked/far"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "shortcut").symlink_to(tmp_path / "linked" / "far")
    (tmp_path / "fixed").mkdir(0o555)
    write(tmp_path / "converted", OURS, command="convert")
    monkeypatch.chdir(tmp_path / "here" / "deeper")
    before = contents(tmp_path)
    sources = [tmp_path / "sources", tmp_path / "around" / "sources", tmp_path / "shortcut"]
    out = tmp_path / place
    with pytest.raises(ValueError, match="expected") as caught:
        write(out, OURS, sources=sources)
    assert str(caught.value) == f"{out}: {fault.format(tmp=tmp_path)}"
    assert contents(tmp_path) == before


@posix
@pytest.mark.parametrize("fixed", ["", "mnist", "README.md"])
def test_what_is_read_only_is_not_replaced_behind_its_permissions(out, fixed):
    write(out, OURS)
    mode = (out / fixed).stat().st_mode
    (out / fixed).chmod(mode & ~0o222)
    before = contents(out)
    shown = out / fixed
    with pytest.raises(ValueError, match="expected") as caught:
        write(out, {"README.md": "new"}, force=True)
    assert str(caught.value) == (
        f"{out}: {shown} is read-only, expected files that may be replaced; "
        "make it writable, or choose another folder"
    )
    assert contents(out) == before
    assert os.listdir(out.parent) == ["out"]
    (out / fixed).chmod(mode)
    write(out, OURS)


def test_a_mount_point_is_refused(out, monkeypatch):
    out.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == out)
    assert refused(check_place, out) == (
        f"{out}: a mount point, expected a folder that can be moved aside; "
        "choose a folder inside it"
    )
    check_place(out / "inside")


MOUNTED = """
mount --bind "$1" "$2" || exit 9
"$3" -c 'import sys; from mnist_tools.out_folder import check_place; check_place(sys.argv[1])' "$2"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="has no namespaces for mounts")
def test_a_folder_mounted_from_the_same_file_system_is_refused(tmp_path):
    for name in ("from", "back\\slash and blank"):
        (tmp_path / name).mkdir()
    place = tmp_path / "back\\slash and blank"
    command = ["unshare", "--mount", "sh", "-c", MOUNTED, "sh", tmp_path / "from", place]
    result = subprocess.run([*command, sys.executable], capture_output=True, text=True)
    if result.returncode == 9 or "unshare" in result.stderr:
        pytest.skip(f"may not mount: {result.stderr.strip()}")
    assert result.stderr.splitlines()[-1] == (
        f"ValueError: {place}: a mount point, expected a folder that can be moved aside; "
        "choose a folder inside it"
    )


# --- Whole or as it was ---------------------------------------------------------------------------


def test_what_is_written_moves_in_at_the_end(out):
    with whole_folder(out, command="build", made_of="this") as folder:
        fill(folder, OURS)
        assert not out.exists()
    assert contents(out) == {
        "README.md": b"card",
        "mnist": None,
        "mnist/train.parquet": b"rows",
        MANIFEST: (out / MANIFEST).read_bytes(),
    }
    assert os.listdir(out.parent) == ["out"]


def test_an_empty_folder_and_a_link_to_one_are_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    write(tmp_path / "empty", OURS)
    write(tmp_path / "link", {"README.md": "new"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / "README.md").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["empty", "link"]


@posix
def test_the_permissions_of_a_folder_stay(out):
    out.mkdir(0o700)
    write(out, OURS)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700


def fail_after_writing(out, error):
    with whole_folder(out, command="build", made_of="that") as folder:
        fill(folder, {"README.md": "new"})
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("earlier", [False, True])
def test_an_error_leaves_everything_as_it_was(tmp_path, error, earlier):
    out = tmp_path / "deep" / "deeper" / "out"
    if earlier:
        write(out, OURS)
    before = contents(tmp_path)
    with pytest.raises(error):
        fail_after_writing(out, error)
    assert contents(tmp_path) == before


def test_a_change_made_meanwhile_is_kept(out):
    write(out, OURS)
    with (
        pytest.raises(ValueError, match=r"out: edits in README\.md, expected"),
        whole_folder(out, command="build", made_of="that"),
    ):
        (out / "README.md").write_text("mine")
    assert (out / "README.md").read_text() == "mine"
    assert os.listdir(out.parent) == ["out"]


def test_a_folder_with_a_long_name_is_written(tmp_path):
    out = tmp_path / ("n" * 255)
    write(out, OURS)
    write(out, {"README.md": "new"})
    assert os.listdir(tmp_path) == [out.name]


def test_an_error_while_it_moves_in_puts_the_old_one_back(out, monkeypatch):
    write(out, OURS)
    before = contents(out)
    rename = Path.rename

    def fail(self, target):
        if self.name == "new":
            raise OSError(errno.EBUSY, "busy", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="busy"):
        write(out, {"README.md": "new"})
    assert contents(out) == before
    assert os.listdir(out.parent) == ["out"]


def test_interruptions_wait_while_it_moves_in(out, monkeypatch):
    """Both signals arrive between the two moves."""
    write(out, OURS)
    rename = Path.rename
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def interrupt(self, target):
        if self.name == "new":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupt)
    write(out, {"README.md": "new"})
    assert (out / "README.md").read_text() == "new"
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_thread_can_write_a_folder(out):
    thread = threading.Thread(target=write, args=(out, OURS))
    thread.start()
    thread.join()
    assert is_current(out, "this")


# --- After a kill ---------------------------------------------------------------------------------


def kill_at_rename(out, name, *, before):
    """Write `out` in a process that is killed before, or after, it renames the folder `name`."""
    process = os.fork()
    if process:
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
        return
    rename = Path.rename

    def kill(self, target):
        if self.name == name and before:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(self, target)
        if self.name == name:
            os.kill(os.getpid(), signal.SIGKILL)

    Path.rename = kill
    write(out, {"README.md": "new"})
    os._exit(1)


@posix
def test_a_kill_between_the_two_moves_is_put_right_by_the_next_run(out):
    write(out, OURS)
    before = contents(out)
    kill_at_rename(out, "new", before=True)
    assert not out.exists()
    with pytest.raises(RuntimeError):
        fail_after_writing(out, RuntimeError)
    assert contents(out) == before
    assert os.listdir(out.parent) == ["out"]


@posix
@pytest.mark.parametrize(("moved", "before"), [("out", True), ("new", False)])
def test_a_kill_before_or_after_the_moves_leaves_a_whole_folder(out, moved, before):
    write(out, OURS)
    kill_at_rename(out, moved, before=before)
    assert is_current(out, "this")
    assert (out / "README.md").read_text() == ("card" if before else "new")
    write(out, {"README.md": "newer"})
    assert sorted(os.listdir(out)) == [MANIFEST, "README.md"]
    assert os.listdir(out.parent) == ["out"]


@posix
def test_files_that_a_killed_run_left_are_never_taken_for_ours(out):
    write(out, OURS)
    kill_at_rename(out, "out", before=True)
    left = out.parent / ".out.mnist_family" / "new"
    (left / "mnist").mkdir()
    (left / "mnist" / "left.parquet").write_text("half")
    write(out, OURS)
    assert sorted(read_manifest(out).files) == sorted(OURS)
    assert contents(out).keys() == {*OURS, "mnist", MANIFEST}


def test_a_file_that_changes_while_it_is_moved_aside_is_kept(out, monkeypatch):
    write(out, OURS)
    rename = Path.rename

    def edit(self, target):
        if self.name == "out":
            (self / "README.md").write_text("edited just now")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", edit)
    old = out.parent / ".out.mnist_family" / "old"
    message = re.escape(
        f"{old}: holds README.md, changed or added while the folder was replaced, "
        "expected nothing; move it elsewhere"
    )
    with pytest.raises(ValueError, match=message):
        write(out, {"README.md": "new"})
    monkeypatch.undo()
    with pytest.raises(ValueError, match=message):
        write(out, {"README.md": "newer"})
    assert contents(old) == {"README.md": b"edited just now"} | {"mnist": None}
    assert (out / "README.md").read_text() == "new"
    (old / "README.md").unlink()
    write(out, {"README.md": "newer"})
    assert os.listdir(out.parent) == ["out"]


@pytest.mark.parametrize(
    "name", [".out.incomplete", ".out.old", ".out.mnist_family", ".out.mnist_family.lock"]
)
@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_the_user_has_beside_the_folder_is_kept(out, name, kind):
    """The first two names are those that version 1.0.0 took for its own."""
    beside = out.parent / name
    if kind == "folder":
        fill(beside, {"notes.txt": "mine"})
    elif kind == "file":
        beside.write_text("mine")
    else:
        fill(out.parent / "elsewhere", {"new/notes.txt": "mine"})
        beside.symlink_to("elsewhere")
    before = contents(out.parent)
    if "mnist_family" in name:
        with pytest.raises((ValueError, OSError)):
            write(out, OURS)
        assert contents(out.parent) == before
    else:
        write(out, OURS)
        assert before.items() <= contents(out.parent).items()


def test_a_folder_of_others_in_the_place_of_the_work_folder_is_named(out):
    work = out.parent / ".out.mnist_family"
    fill(work, {"notes.txt": "mine"})
    message = f"{work}: not written by mnist_family, expected nothing there; move it elsewhere"
    with pytest.raises(ValueError, match=re.escape(message)):
        write(out, OURS)


def test_a_file_that_somebody_puts_into_the_work_folder_is_kept(out):
    work = out.parent / ".out.mnist_family"
    with whole_folder(out, command="build", made_of="this") as folder:
        fill(folder, OURS)
        (work / "notes.txt").write_text("mine")
    assert contents(work) == {"notes.txt": b"mine"}
    assert is_current(out, "this")


# --- Two at once ----------------------------------------------------------------------------------


def test_two_commands_do_not_write_one_folder(out, tmp_path, monkeypatch):
    with whole_folder(out, command="build", made_of="this") as folder:
        fill(folder, OURS)
        (tmp_path / "other").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "other"))
        with pytest.raises(OSError, match="expected") as caught:
            write(out, {"README.md": "other"})
        assert str(caught.value) == (
            f"{out}: being written by another process, expected no other writer; "
            "wait until it has finished"
        )
    assert is_current(out, "this")
    assert sorted(os.listdir(tmp_path)) == ["other", "out"]


def test_a_lock_that_its_holder_removes_while_it_is_opened_is_not_taken(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    flock, path, calls = fcntl.flock, tmp_path / "lock", []

    def remove_first(descriptor, operation):
        if not calls:
            path.unlink()
        calls.append(operation)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with hold_lock(path), pytest.raises(BlockingIOError), hold_lock(path):
        pass
    assert len(calls) == 3
    assert not path.exists()


@posix
def test_a_lock_that_a_killed_process_left_stops_nobody(out):
    kill_at_rename(out, "new", before=True)
    assert (out.parent / ".out.mnist_family.lock").exists()
    write(out, OURS)
    assert os.listdir(out.parent) == ["out"]


def test_a_file_of_others_in_the_place_of_the_lock_is_named(tmp_path):
    (tmp_path / "lock").write_text("mine")
    message = f"{tmp_path / 'lock'}: not empty, expected an empty lock file; move it elsewhere"
    with pytest.raises(FileExistsError, match=re.escape(message)), hold_lock(tmp_path / "lock"):
        pass
