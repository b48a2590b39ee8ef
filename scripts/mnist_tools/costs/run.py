"""Run code in a process of its own and watch what it and its children take (Linux)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import NamedTuple

PAUSE = 0.05  # seconds between two looks


class Cost(NamedTuple):
    """What a run took: seconds, CPU seconds, and the peaks of anonymous memory and disk in MB.

    CPU seconds are those of all its processes. The memory is that of the process that used most;
    `output` is what the run printed.
    """

    seconds: float
    cpu_seconds: float
    memory: float
    disk: float
    output: str


class _Peaks(NamedTuple):
    """What was seen during a run: CPU seconds, anonymous memory in kB and disk in bytes."""

    cpu_seconds: float
    memory: int
    disk: int


def measure_run(code: str, arguments: list[str], folder: Path) -> Cost:
    """Run Python code with arguments, and watch `folder`, to which it writes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, *arguments]
    before = os.times()
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        peaks = _watch(process, folder)
        output = process.stdout.read() if process.stdout else ""
    seconds = time.perf_counter() - start
    after = os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    # The system counts only processes whose parents wait for them; those of Ray's do not.
    cpu = max(cpu, peaks.cpu_seconds)
    disk = max(peaks.disk, _disk_usage(folder))
    return Cost(seconds, cpu, peaks.memory / 1e3, disk / 1e6, output)


def _watch(process: subprocess.Popen[str], folder: Path) -> _Peaks:
    """Watch a process and its descendants until it has ended."""
    memory = disk = 0
    cpu_seconds: dict[int, float] = {}  # by process
    while process.poll() is None:
        processes = [*_tree(process.pid)]
        memory = max([memory, *(_anonymous_memory(each) for each in processes)])
        cpu_seconds |= {each: _cpu_seconds(each, cpu_seconds.get(each, 0)) for each in processes}
        disk = max(disk, _disk_usage(folder))
        time.sleep(PAUSE)
    return _Peaks(sum(cpu_seconds.values()), memory, disk)


def _tree(process: int) -> Iterator[int]:
    """Yield a process and those of its descendants that are still running."""
    yield process
    for path in glob(f"/proc/{process}/task/*/children"):  # each thread has its own
        try:
            children = Path(path).read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in children:
            yield from _tree(int(child))


def _cpu_seconds(process: int, before: float) -> float:
    """Return the CPU seconds that a process has taken; or `before` if it has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return before
    user, system = text.rpartition(")")[2].split()[11:13]  # a name with spaces may come before
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _anonymous_memory(process: int) -> int:
    """Return the anonymous memory of a process in kB; 0 if it has ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line[:7] == "RssAnon"), 0)


def _disk_usage(folder: Path) -> int:
    """Return the bytes that the files below a folder take on disk."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except FileNotFoundError:
                continue  # it was moved meanwhile
    return total
