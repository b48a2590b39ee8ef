"""Write the shards of a folder of rows on a Ray cluster of two nodes, one of which is killed.

Run as `python ray_cluster.py FOLDER`, in a process of its own: the processes of a cluster ask for
the address of the machine, which those of the tests may not.
"""

import dataclasses
import functools
import sys
from pathlib import Path

import ray
from ray.cluster_utils import Cluster
from shard_plans import SMALL, make_source

from mnist_tools.shards.on_ray import write_on_ray
from mnist_tools.shards.plan import plan_shards
from mnist_tools.shards.run import write_datasets


def write_and_kill(tasks, cluster, node):
    """Write tasks on the cluster; kill a node after the first is finished."""
    for number, task in enumerate(write_on_ray(tasks)):
        if number == 0:
            cluster.remove_node(node, allow_graceful=False)
            print("told: killed a node")
        yield task


def write_wrong_rows(folder, source):
    """Print the error of a cluster that is to write rows with labels outside their classes."""
    tasks = plan_shards(folder, source, SMALL)
    few = dataclasses.replace(tasks[1].split, num_classes=3)
    try:
        [*write_on_ray([dataclasses.replace(tasks[1], split=few)])]
    except ValueError as error:
        print(f"told: {error}")


def main(folder):
    head = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        source = make_source(folder / "rows")
        engine = functools.partial(write_and_kill, cluster=cluster, node=node)
        write_datasets(folder / "cluster", [source], SMALL, engine)
        write_wrong_rows(folder / "wrong", source)
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
