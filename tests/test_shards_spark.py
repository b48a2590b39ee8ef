"""With Spark itself, the code in CONTRIBUTING builds the folder of one process."""

import importlib.util
import os
import re
import shutil
import sys

import pytest
from conftest import ROOT, contents, numbers, run, write_split
from shard_plans import IMAGES

from mnist_tools.commands.build import build

START = """
from pyspark.sql import SparkSession

settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
"""

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="needs PySpark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="needs Java"),
]


def code_in_contributing():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall("<!-- spark -->\n```python\n(.*?)```", text, re.DOTALL)
    small = code.replace("engine=", 'max_shard_size="100KB", engine=')
    assert small != code
    return small


def test_spark_builds_the_folder_of_one_process(tmp_path):
    shared = tmp_path / "shared"
    write_split(shared / "letters", "train", IMAGES, numbers(len(IMAGES), 1))
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}
    code = START + code_in_contributing().replace("/shared", str(shared))
    finished = run(["-c", code], env=environment)
    assert finished.returncode == 0, finished.stderr
    by_one = tmp_path / "letters-built"
    build(by_one, [shared / "letters"], num_proc=1, max_shard_size="100KB")
    assert len([*by_one.glob("letters/*.parquet")]) > 5
    assert contents(shared / "letters-built") == contents(by_one)
    assert sorted(os.listdir(shared)) == ["letters", "letters-built"]
