"""Shards written and read by a Ray cluster: as by one process, also when a node dies."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from conftest import run
from shard_plans import ONE, SMALL, contents, make_plan, make_source

from mnist_tools.shards.on_ray import write_on_ray
from mnist_tools.shards.run import write_datasets

HERE = Path(__file__).parent
IS_INSTALLED = importlib.util.find_spec("ray") is not None
pytestmark = pytest.mark.ray
needs_ray = pytest.mark.skipif(not IS_INSTALLED, reason="needs Ray: pip install -e .[ray]")


def run_with_ray(arguments, **settings):
    """Run Python in a process that may connect to its own machine by any of its addresses."""
    path = os.pathsep.join([str(HERE), *sys.path])
    environment = {**os.environ, "MNIST_FAMILY_NETWORK": "1", "PYTHONPATH": path}
    return run(arguments, env=environment, **settings)


@needs_ray
def test_a_cluster_that_loses_a_node_writes_the_bytes_of_one_process(tmp_path):
    finished = run_with_ray([HERE / "ray_cluster.py", tmp_path])
    assert finished.returncode == 0, finished.stderr
    told = [line for line in finished.stdout.splitlines() if line.startswith("told: ")]
    assert len(told) == 2  # between the lines that nodes print
    assert told[0] == "told: killed a node"
    assert told[1].startswith(f"told: digits: {tmp_path}/rows/train-labels-idx1-ubyte: label ")
    assert told[1].endswith("expected 0 to 2; name every class in labels.txt beside the archives")
    write_datasets(tmp_path / "one", [make_source(tmp_path / "rows")], SMALL, ONE)
    assert contents(tmp_path / "cluster") == contents(tmp_path / "one")


@needs_ray
def test_ray_data_decodes_every_row_of_shards(tmp_path):
    """The reader of `benchmark --read`; Ray may print lines of its own before the last."""
    write_datasets(tmp_path / "shards", [make_source(tmp_path / "rows")], SMALL, ONE)
    code = "import sys, mnist_tools.costs.readers as ways; print(ways.with_ray(sys.argv[1]))"
    finished = run_with_ray(["-c", code, tmp_path / "shards" / "digits" / "*.parquet"])
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.split()[-1] == "1500"


@needs_ray
@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1:1", "[Errno 111] Connection refused"),
        ("127.0.0.1:x", "invalid literal for int() with base 10: 'x'"),
    ],
)
def test_a_cluster_that_there_is_not_is_one_line(tmp_path, address, found):
    with pytest.raises(ConnectionError) as caught:
        [*write_on_ray(make_plan(tmp_path), address)]
    assert str(caught.value) == (
        f"--address {address}: {found}, expected a Ray cluster; start one with ray start --head"
    )


@pytest.mark.skipif(IS_INSTALLED, reason="Ray is installed")
def test_without_ray_one_line_says_how_to_install_it(tmp_path):
    with pytest.raises(ValueError, match="expected") as caught:
        [*write_on_ray(make_plan(tmp_path))]
    assert str(caught.value) == (
        "--engine ray: Ray is not installed, expected the package ray; run pip install "
        '"mnist_family[ray]"'
    )
