"""The code for Spark in CONTRIBUTING writes the shards of one process, and does so once."""

import importlib.util
import os
import re
import shutil
import sys

import pytest
from conftest import ROOT, numbers, run
from shard_plans import IMAGES, ONE, SMALL, contents, make_source

from mnist_tools.shards.run import write_datasets

CLASS_NAMES = ("alpha", "beta")  # as in the code
START = """
from pyspark.sql import SparkSession

settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
"""
AGAIN = f"""
print(write_datasets(Path("/shared/shards"), [source], {SMALL}, on_spark).reused)
"""

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="needs PySpark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="needs Java"),
]


def code_in_contributing():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall("<!-- spark -->\n```python\n(.*?)```", text, re.DOTALL)
    return code.replace("64_000_000", str(SMALL))


def test_spark_writes_the_bytes_of_one_process(tmp_path):
    labels = numbers(len(IMAGES), 1, classes=2)
    files = {"names": CLASS_NAMES, "fingerprint": "letters of May", "suffix": ".gz"}
    source = make_source(tmp_path / "letters", IMAGES, labels, **files)
    code = (START + code_in_contributing() + AGAIN).replace("/shared", str(tmp_path))
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}
    finished = run(["-c", code], env=environment)
    assert finished.returncode == 0, finished.stderr
    written = write_datasets(tmp_path / "one", [source], SMALL, ONE)
    assert contents(tmp_path / "shards") == contents(tmp_path / "one")
    assert int(finished.stdout) == len(written.shards["digits"]["train"]) > 5
    assert os.listdir(tmp_path / "shards") == ["letters"]
