"""Run code in a process of its own and watch what it and its children take (Linux)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAUSE = 0.05  # seconds between two looks


class Cost(NamedTuple):
    """What a run took: seconds, CPU seconds, and the peaks of anonymous memory and disk in MB.

    The memory is that of the process that had most; `output` is what the run printed.
    """

    seconds: float
    cpu_seconds: float
    memory: float
    disk: float
    output: str


def measure_run(code: str, arguments: list[str], folder: Path) -> Cost:
    """Run Python code with arguments, and watch `folder`, to which it writes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, *arguments]
    before = os.times()
    start = time.perf_counter()
    memory = disk = 0.0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        while process.poll() is None:
            memory = max([memory, *(_anonymous_memory(each) for each in _tree(process.pid))])
            disk = max(disk, _disk_usage(folder))
            time.sleep(PAUSE)
        output = process.stdout.read() if process.stdout else ""
    seconds = time.perf_counter() - start
    after = os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Cost(seconds, cpu, memory / 1e3, max(disk, _disk_usage(folder)) / 1e6, output)


def _tree(process: int) -> Iterator[int]:
    """Yield a process and its descendants, as far as they are still there."""
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:
        return
    for child in children.split():
        yield from _tree(int(child))


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
