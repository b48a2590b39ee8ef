"""Write a folder beside its place and move it in when it is whole; never over a folder that is not ours."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import tempfile

import filelock

MARKER = ".mnist_family.json"  # says that a folder is ours, of what it was made, and which files it has


def refusal(out):
    """Why nothing may be written to `out`, as `got, expected …; what to do`; None where it may."""
    out = pathlib.Path(out)
    remedy = "; name a new folder, or delete this one yourself"
    if os.path.lexists(out) and not out.is_dir():
        return f"{out}: a file, expected a folder{remedy}"
    if out.resolve() in (pathlib.Path.cwd(), *pathlib.Path.cwd().parents):
        return f"{out}: the working directory or one above it, expected a folder of its own; name one"
    if out.is_dir() and any(out.iterdir()) and read_marker(out) is None:
        return f"{out}: holds other files, expected an empty folder or one that this command wrote{remedy}"
    above = next(folder for folder in out.resolve().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        return f"{out}: {above} cannot be written to, expected a folder; name one elsewhere"


def read_marker(folder):
    """What `publishing` wrote into the marker, {"made_of": …, "files": {name: sha256}}; None where it did not."""
    try:
        marker = json.loads((pathlib.Path(folder) / MARKER).read_text(encoding="utf-8"))
        return marker if isinstance(marker, dict) and {"made_of", "files"} <= {*marker} else None
    except (OSError, ValueError):
        return None


def is_current(folder, made_of):
    """Whether a folder was made of the same and has been left alone since."""
    marker = read_marker(folder)
    return marker is not None and marker["made_of"] == made_of and marker["files"] == _files(pathlib.Path(folder))


def _files(folder):
    """{name: sha256} of every file but the marker."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def sha256_of(path):
    """Of a file, with little of it in memory."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def publishing(out, made_of):
    """Give an empty folder to fill, which then takes the place of `out`; with an error, `out` stays what it was.

    OSError where the folder cannot be written, or another process is at it. What a killed one left is cleared away.
    """
    out = pathlib.Path(out).resolve()
    partial, old = (out.parent / f".{out.name}.{end}" for end in ("incomplete", "old"))
    name = hashlib.sha256(str(out).encode()).hexdigest()[:16]
    lock = filelock.FileLock(pathlib.Path(tempfile.gettempdir()) / f"mnist_family-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise OSError(f"{out}: another process is writing it, expected none; wait for its end") from None
    with contextlib.ExitStack() as stack:
        try:
            if old.exists() and not out.exists():
                old.rename(out)  # killed between the two moves
            for left in (partial, old):
                shutil.rmtree(left, ignore_errors=True)
            out.parent.mkdir(parents=True, exist_ok=True)
            partial.mkdir()
            yield partial
            stack.enter_context(_undisturbed())
            marker = {"made_of": made_of, "files": _files(partial)}
            (partial / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
            if out.exists():
                out.rename(old)
            try:
                partial.rename(out)
            except BaseException:
                if old.exists():
                    old.rename(out)
                raise
        finally:
            stack.enter_context(_undisturbed())
            for left in (partial, old):
                shutil.rmtree(left, ignore_errors=True)
            lock.release()


@contextlib.contextmanager
def _undisturbed():
    """Ignore Ctrl-C and SIGTERM for the moment that the moves and the clearing away take."""
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
