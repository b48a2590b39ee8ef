"""Render cards/FACTS.md, the reference of facts.yaml, from its JSON Schema."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mnist_tools.cards.card import render_template
from mnist_tools.cards.facts_file import load_schema
from mnist_tools.cards.skeleton import to_yaml

REFERENCE_FILE, REFERENCE_TEMPLATE = "FACTS.md", "facts_reference.md.j2"
DESCRIBED = {  # definitions of the schema, and headings
    "answer": "Texts and statements",
    "statement": "A statement",
    "table": "A table",
    "source": "A source",
    "author": "An author",
    "paper": "A paper",
    "licence": "A licence",
}
STATEMENTS = {
    "rationale": [
        "Your own words, without a source.",
        {"claim": "What the authors say.", "source": "report"},
        {"claim": "What a web page says.", "source": "https://example.org/about"},
        {"measured": "There are {{ train.rows }} rows in train."},
        {"unknown": "Who paid for it.", "looked": "the report, the web page"},
        {"advice": "Choose models on rows held out of train."},
    ],
    "sources": {"report": {"name": "Example, The making of the letters"}},
}


class KeyReference(NamedTuple):
    """A key of facts.yaml or of a value in it; examples are YAML."""

    name: str
    description: str
    value: str
    examples: tuple[str, ...] = ()


class ValueReference(NamedTuple):
    """A kind of value, and the keys that it may have."""

    title: str
    description: str
    parts: tuple[KeyReference, ...]
    example: str | None


def facts_reference() -> str:
    """Return the text of cards/FACTS.md."""
    return render_template(
        REFERENCE_TEMPLATE,
        keys=[*_keys()],
        values=[*_values()],
    )


def _keys() -> Iterator[KeyReference]:
    for name, schema in load_schema("facts")["properties"].items():
        examples = tuple(to_yaml({name: example}) for example in schema["examples"])
        yield KeyReference(name, schema["description"], _expected(schema), examples)


def _values() -> Iterator[ValueReference]:
    definitions = load_schema("facts")["$defs"]
    for name, title in DESCRIBED.items():
        schema = definitions[name]
        parts = (
            KeyReference(part, each["description"], _expected(each))
            for part, each in _properties(schema).items()
        )
        example = to_yaml(STATEMENTS) if name == "statement" else None
        yield ValueReference(title, schema["description"], tuple(parts), example)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keys of a mapping, which may be one of several alternatives."""
    for each in (schema, *schema.get("anyOf", ())):
        if "properties" in each:
            properties: Mapping[str, Any] = each["properties"]
            return properties
    return {}


def _expected(schema: Mapping[str, Any]) -> str:
    """Return what a value has to be, in words."""
    if "title" in schema:
        return str(schema["title"])
    _, _, name = schema["$ref"].rpartition("/")
    return _expected(load_schema("facts")["$defs"][name])
