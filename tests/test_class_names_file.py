"""A built folder has class names in a form that other readers can join with its rows."""

import pandas
import polars
import pytest
from conftest import rows_of_duckdb

from mnist_tools.cards.card import own_card_path
from mnist_tools.class_names_file import class_names_path, write_class_names
from mnist_tools.hub.record import config_of

FASHION_NAMES = [(0, 60, "T-shirt/top"), (1, 60, "Trouser"), (2, 60, "Pullover")]


def test_duckdb_joins_rows_with_class_names(sample):
    rows, names = sample / "fashion" / "train-*.parquet", sample / "class_names" / "fashion.csv"
    query = f"""SELECT label, count(*), class_name FROM '{rows}' JOIN '{names}' USING (label)
        GROUP BY ALL ORDER BY label LIMIT 3"""
    assert rows_of_duckdb(query) == FASHION_NAMES


def test_polars_joins_rows_with_class_names(sample):
    rows = polars.read_parquet(sample / "fashion" / "train-*.parquet")
    names = polars.read_csv(sample / "class_names" / "fashion.csv")
    counts = rows.join(names, on="label").group_by("label", "class_name").len().sort("label")
    assert counts.select("label", "len", "class_name").rows()[:3] == FASHION_NAMES


@pytest.mark.parametrize("read", [pandas.read_parquet, polars.read_parquet])
def test_readers_take_the_folder_of_a_dataset(sample, read):
    """It holds Parquet files only: any other file would stop pandas, Polars and Spark."""
    assert len(read(sample / "fashion")) == 700


def test_the_card_says_where_other_readers_find_rows_and_class_names(sample):
    card = (sample / own_card_path("fashion")).read_text(encoding="utf-8")
    assert "such as `fashion/train-*.parquet`; `image.bytes` holds PNG files" in card
    assert "`class_names/fashion.csv` has the class name of each label." in card


def test_any_class_name_comes_back(tmp_path):
    names = ['a "b"', "c, d", "э\u3042", "7", "NA"]
    write_class_names(tmp_path, "letters", names)
    table = pandas.read_csv(tmp_path / "class_names" / "letters.csv", dtype=str, na_filter=False)
    assert table["label"].tolist() == ["0", "1", "2", "3", "4"]
    assert table["class_name"].tolist() == names


@pytest.mark.parametrize(
    ("path_of", "folder", "ending"),
    [(class_names_path, "class_names", ".csv"), (own_card_path, "dataset_cards", ".md")],
)
def test_table_and_card_of_a_config_are_its_own(path_of, folder, ending):
    assert path_of("a") == f"{folder}/a{ending}"
    assert config_of(path_of("a"), ["a", "a.b", "b"]) == "a"
    assert config_of(path_of("a.b"), ["a", "a.b", "b"]) == "a.b"
    assert config_of(path_of("c"), ["a", "a.b", "b"]) is None
