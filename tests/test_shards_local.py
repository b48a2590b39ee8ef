"""Processes of this machine that write shards: their errors, their deaths, their end."""

import dataclasses
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shard_plans import ONE, SMALL, TWO, contents, make_plan, make_source

from mnist_tools.shards import local
from mnist_tools.shards.finish import find_finished
from mnist_tools.shards.local import write_locally
from mnist_tools.shards.run import write_datasets


def children():
    """The processes that this one has started, as Linux lists them."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    if not listed.exists():
        pytest.skip("only Linux lists the children of a process")
    return [int(each) for each in listed.read_text().split()]


def killing(monkeypatch, is_killed):
    """Let a process that is about to write a task kill itself if `is_killed` says so."""
    write = local.write_shard

    def write_or_die(task):
        if is_killed(task):
            os.kill(os.getpid(), signal.SIGKILL)
        write(task)

    monkeypatch.setattr(local, "write_shard", write_or_die)


def test_two_processes_write_the_bytes_of_one(tmp_path):
    source = make_source(tmp_path / "rows")
    write_datasets(tmp_path / "one", [source], SMALL, ONE)
    write_datasets(tmp_path / "two", [source], SMALL, TWO)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_shard_of_a_dead_process_is_written_by_another(tmp_path, monkeypatch):
    tasks = make_plan(tmp_path)
    marks = tmp_path / "marks"
    marks.mkdir()

    def dies_three_times(task):
        deaths = len([*marks.glob(f"{task.number}-*")])
        (marks / f"{task.number}-{deaths}").touch()
        return task.number in (1, 2) and deaths < 3

    killing(monkeypatch, dies_three_times)
    assert sorted(task.number for task in write_locally(tasks, 2)) == [*range(len(tasks))]
    assert len([*marks.iterdir()]) == len(tasks) + 6
    assert all(task.sidecar.exists() for task in tasks)


def test_processes_that_keep_dying_are_given_up(tmp_path, monkeypatch):
    tasks = make_plan(tmp_path)
    killing(monkeypatch, lambda task: task.number == 1)
    with pytest.raises(OSError, match="expected a shard") as caught:
        [*write_locally(tasks, 2)]
    assert str(caught.value) == (
        f"digits: {tasks[1].name}: its process died 4 times (SIGKILL), expected a shard; free some "
        "memory, or give a smaller --num-proc"
    )
    assert children() == []


@pytest.mark.parametrize("num_proc", [1, 2])
def test_a_wrong_row_is_told_as_the_loader_tells_it(tmp_path, num_proc):
    tasks = make_plan(tmp_path)
    few = dataclasses.replace(tasks[0].split, num_classes=3)
    tasks[1] = dataclasses.replace(tasks[1], split=few)
    with pytest.raises(ValueError, match="digits: .*: label .*, expected 0 to 2; name every class"):
        [*write_locally(tasks, num_proc)]
    assert children() == []
    assert not tasks[1].path.exists()


def test_processes_end_with_their_parent(tmp_path):
    code = """
import os, sys, time
from pathlib import Path
from shard_plans import make_plan
from mnist_tools.shards import local

def wait_forever(task):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(1000)

local.write_shard = wait_forever
[*local.write_locally(make_plan(Path(sys.argv[1])), 2)]
"""
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])}
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], env=environment) as parent:
        workers = wait_for(lambda: two_numbers_in(tmp_path))
        parent.kill()
    wait_for(lambda: not any(is_running(worker) for worker in workers))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_arrives_while_a_process_is_forked_is_obeyed(tmp_path, number):
    """Python would print and forget the exception of a function that runs after a fork."""
    tasks = make_plan(tmp_path)
    process = os.fork()
    if not process:
        signal.signal(number, signal.default_int_handler)
        os.register_at_fork(after_in_parent=functools.partial(signal.raise_signal, number))
        try:
            [*write_locally(tasks, 2)]
        except KeyboardInterrupt:
            os._exit(len(children()))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert find_finished(tasks) == []


def two_numbers_in(folder):
    found = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    return found if len(found) == 2 else None


def is_running(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(ask):
    """Return the first answer that is true, or fail after a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError("nothing happened for a minute")
