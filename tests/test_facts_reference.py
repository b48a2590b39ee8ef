"""cards/FACTS.md and the JSON Schema: every key has a question, and every example is valid."""

import re

import jsonschema
import pytest
import yaml
from conftest import ROOT

from mnist_tools.cards import facts
from mnist_tools.cards.facts_file import load_schema
from mnist_tools.cards.facts_reference import facts_reference
from mnist_tools.licences import find_licence
from mnist_tools.vocabularies import vocabulary

PROPERTIES = load_schema("facts")["properties"]
EXAMPLES = [
    (key, number) for key, each in PROPERTIES.items() for number in range(len(each["examples"]))
]


@pytest.mark.parametrize(("key", "number"), EXAMPLES)
def test_every_example_is_read(tmp_path, key, number):
    value = PROPERTIES[key]["examples"][number]
    path = tmp_path / "facts.yaml"
    path.write_text(yaml.safe_dump({key: value}), encoding="utf-8")
    read = facts.read_facts(path)
    assert (read == facts.DatasetFacts(path)) == (key == "sources")  # these are read when named


def test_every_key_has_a_question_of_one_line():
    for key, schema in PROPERTIES.items():
        assert len(f"# {schema['description']}") <= 100
        assert "?" in schema["description"] or key == "license"


def test_every_block_of_the_reference_is_a_facts_file(tmp_path):
    text = (ROOT / "cards" / "FACTS.md").read_text(encoding="utf-8")
    assert text == facts_reference()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(EXAMPLES) + 1
    for block in blocks:
        (tmp_path / "facts.yaml").write_text(block, encoding="utf-8")
        facts.read_facts(tmp_path / "facts.yaml")
    headings = re.findall(r"^### `(.*)`$", text, re.MULTILINE)
    assert headings == [*PROPERTIES]


def test_the_schema_is_one_that_editors_understand():
    schema = load_schema("facts")
    jsonschema.Draft202012Validator.check_schema(schema)
    known = {"$schema", "$ref", "$defs", "title", "description", "examples", "type", "properties",
             "additionalProperties", "required", "items", "minItems", "anyOf", "enum", "pattern",
             "minimum"}  # fmt: skip
    assert keywords(schema) <= known


def keywords(schema):
    """The keywords of a JSON Schema and of all below it."""
    found = {*schema}
    for key in ("properties", "$defs"):
        found |= {each for part in schema.get(key, {}).values() for each in keywords(part)}
    for part in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
        found |= keywords(part) if isinstance(part, dict) else set()
    return found


def test_the_schema_lists_the_hubs_words_for_annotators():
    words = PROPERTIES["annotations_creators"]["items"]["enum"]
    assert sorted(words) == sorted(vocabulary("annotations_creators"))


def test_every_licence_of_the_hub_has_a_name():
    for key in vocabulary("license"):
        licence = find_licence(key)
        assert licence is not None
        assert licence.id == key
        assert licence.name


@pytest.mark.parametrize("name", ["mnist", "fashion", "kmnist", "synthetic"])
def test_published_facts_are_of_the_same_schema(name):
    values = yaml.safe_load((ROOT / "cards" / name / "facts.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(load_schema("facts")).validate(values)
