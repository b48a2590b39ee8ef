"""CONTRIBUTING is true: its commands are those of README, its code runs, its index is complete."""

import pickle
import re

import datasets
from conftest import ROOT, assert_rows, numbers, pictures, write_split

CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = (ROOT / ".github" / "RECIPES.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(CONTRIBUTING))


def test_contributing_has_two_blocks_of_code_and_both_are_tested():
    assert [language for language, _ in BLOCK.findall(CONTRIBUTING)] == ["sh", "python"]


def test_the_checks_are_run_as_in_readme():
    """.ci/run runs README's command."""
    readme = README.split("<!-- test -->\n```sh\n")[1].split("```")[0]
    _, *commands = readme.replace(" &&\n", "\n").splitlines()
    assert BLOCKS["sh"].splitlines() == commands


class SparkOnThisMachine:
    """Runs tasks as Spark would, each of them pickled, but one after another in this process."""

    @property
    def sparkContext(self):
        return self

    def parallelize(self, tasks, slices):
        assert len(tasks) == slices
        self.tasks = [pickle.dumps(task) for task in tasks]
        return self

    def foreach(self, function):
        for task in reversed(self.tasks):
            pickle.loads(pickle.dumps(function))(pickle.loads(task))


def test_spark_builds_a_folder_with_all_rows(tmp_path):
    """test_shards_spark.py runs the same code with Spark itself."""
    images, labels = pictures(300, 1), numbers(300, 1, 2)
    write_split(tmp_path / "letters", "train", images, labels)
    code = BLOCKS["python"].replace('"/shared/', f'"{tmp_path.as_posix()}/')
    code = code.replace("engine=", 'max_shard_size="100KB", engine=')
    spark = SparkOnThisMachine()
    exec(compile(code, "CONTRIBUTING.md", "exec"), {"spark": spark})
    assert len(spark.tasks) > 1
    built = tmp_path / "letters-built"
    assert len([*built.glob("letters/*.parquet")]) == len(spark.tasks)
    rows = datasets.load_dataset(str(built), split="train", cache_dir=str(tmp_path / "cache"))
    assert_rows(rows, images, labels)


def test_the_index_has_every_recipe():
    index = re.findall(r"^- \[(.*)\]\(RECIPES\.md#(.*)\)$", CONTRIBUTING, re.MULTILINE)
    titles = re.findall(r"^## (.*)$", RECIPES, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
    assert index == [*zip(titles, anchors, strict=True)]


def test_the_index_links_to_headings():
    assert "](../README.md#train)" in CONTRIBUTING
    assert "\n## Train\n" in README
    assert "](../cards/mnist/README.md#training)" in CONTRIBUTING
    card = (ROOT / "cards" / "mnist" / "README.md").read_text(encoding="utf-8")
    assert "\n## Training\n" in card
