"""Write shards in processes of this machine."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, NoReturn, cast

from mnist_tools.causes import naming_dataset
from mnist_tools.shards.task import ShardTask
from mnist_tools.shards.write import write_shard

RETRIES = 3  # of a shard whose process died
LOOK_FOR_PARENT = 0.5  # seconds between two looks


class _Attempt(NamedTuple):
    """A process that writes a shard; it sends an error, or else nothing, through `errors`."""

    task: ShardTask
    number: int
    process: BaseProcess
    errors: Connection


def write_locally(tasks: Sequence[ShardTask], num_proc: int) -> Iterator[ShardTask]:
    """Write shards in up to `num_proc` processes; yield each task when its shard is finished.

    A shard whose process dies is started again, up to three times. ValueError for wrong rows,
    OSError for a file that cannot be written, or if the processes of a shard keep dying.
    """
    if min(num_proc, len(tasks)) < 2:
        for task in tasks:
            with naming_dataset(task.config, task.path):
                write_shard(task)
            yield task
        return
    waiting = deque((task, 0) for task in tasks)
    running: dict[Connection, _Attempt] = {}
    try:
        while waiting or running:
            while waiting and len(running) < num_proc:
                with _interruptions_wait():  # or a process not listed yet would keep running
                    attempt = _start(*waiting.popleft())
                    running[attempt.errors] = attempt
            for connection in wait([*running]):
                attempt = running.pop(cast(Connection, connection))
                if _has_finished(attempt):
                    yield attempt.task
                else:
                    waiting.append((attempt.task, attempt.number + 1))
    finally:
        with _interruptions_wait():  # even if the user presses Ctrl-C twice
            _stop([*running.values()])


def _start(task: ShardTask, number: int) -> _Attempt:
    # A forked process is ready at once and runs no main module; elsewhere, fork is not safe.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, sender, os.getpid()), daemon=True)
    process.start()
    sender.close()  # so that the receiver sees the end when the process dies
    return _Attempt(task, number, process, receiver)


@contextlib.contextmanager
def _interruptions_wait() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM, since Python loses exceptions raised just as a fork returns."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread only
        return
    arrived: deque[int] = deque()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def remember(number: int, _: object) -> None:
        arrived.append(number)

    before = {number: signal.signal(number, remember) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if arrived:
        signal.raise_signal(arrived[0])


def _has_finished(attempt: _Attempt) -> bool:
    """Check whether a process that has ended wrote its shard; raise the error that it sent.

    OSError if it died, and so did those before it.
    """
    error = None
    with contextlib.suppress(EOFError):
        error = attempt.errors.recv()
    attempt.errors.close()
    attempt.process.join()
    with naming_dataset(attempt.task.config, attempt.task.path):
        if error is not None:
            raise error
        if attempt.process.exitcode == 0:
            return True
        if attempt.number == RETRIES:
            _refuse_to_go_on(attempt)
    return False


def _refuse_to_go_on(attempt: _Attempt) -> NoReturn:
    code = attempt.process.exitcode or 0
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise OSError(
        f"{attempt.task.path.name}: its process died {RETRIES + 1} times ({how}), expected a "
        "shard; free some memory, or give a smaller --num-proc"
    )


def _stop(attempts: Sequence[_Attempt]) -> None:
    for attempt in attempts:
        attempt.process.kill()
    for attempt in attempts:
        attempt.process.join()
        attempt.errors.close()


# --- In the process -------------------------------------------------------------------------------


def _work(task: ShardTask, errors: Connection, parent: int) -> None:
    """Write a shard, or send the error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent deals with Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    try:
        write_shard(task)
    except Exception as error:
        errors.send(error)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone: nobody needs its shard."""
    own = multiprocessing.parent_process()
    # Where processes are forked, siblings keep the pipe of is_alive open.
    while own is not None and own.is_alive() and os.getppid() == parent:
        time.sleep(LOOK_FOR_PARENT)
    os._exit(1)
