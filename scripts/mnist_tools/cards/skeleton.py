"""Write a facts.yaml for people to fill in: every key with its question and an example."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mnist_tools.cards.facts_file import answer_keys, load_schema, schema_text

SCHEMA_COPY = "facts.schema.json"  # beside facts.yaml, where any editor finds it
LINE_WIDTH = 100
IN_CONFIGS = ("title", "licence", "homepage", "version")  # for published datasets
FIRST_RARE_KEY = "note"
SAME_AS_LICENCE = "license"


def schema_copy() -> str:
    """Return the JSON Schema of facts.yaml, to be written beside one."""
    return schema_text("facts")


def schema_path_from(folder: Path) -> str:
    """Return the path of this package's JSON Schema from a folder of the same clone."""
    path = os.path.relpath(Path(__file__).with_name(SCHEMA_COPY), folder)
    return Path(path).as_posix()


def skeleton(title: str, *, data: str | None = None, known: Mapping[str, Any] | None = None) -> str:
    """Return the text of a facts.yaml in which only title, licence and what is `known` count.

    `data` is a line about the rows, such as "26 classes; 800 train rows". `known` has values by
    key; they are written out, not commented out.
    """
    head = [
        f"# yaml-language-server: $schema=./{SCHEMA_COPY}",
        f"# Facts about {_one_line(title)}, for its card. Nothing is required: the card leaves out",
        "# what you leave out. To answer a question, remove the # before the example and edit it.",
    ]
    if data:
        head.append(f"# The data: {_one_line(data)}.")
    written = {"title": title, "licence": "unknown", **(known or {})}
    return "\n".join([*head, *_body(written, published=False)]) + "\n"


def published_skeleton(name: str, schema_path: str) -> str:
    """Return the text of cards/<name>/facts.yaml for a new row of CONFIGS.

    Title, licence id, homepage and version are in CONFIGS. Examples of answers name a source.
    """
    head = [
        f"# yaml-language-server: $schema={schema_path}",
        f"# What is said of {name}, and by whom. Every claim names its source; of what you looked",
        "# for and did not find, say where you looked.",
    ]
    return "\n".join([*head, *_body({}, published=True)]) + "\n"


def _body(written: Mapping[str, Any], *, published: bool) -> Iterator[str]:
    properties = load_schema("facts")["properties"]
    left_out = (SAME_AS_LICENCE, *(IN_CONFIGS if published else ()))
    for key, schema in properties.items():
        if key in left_out:
            continue
        if key == FIRST_RARE_KEY:
            yield ""
            yield "# --- More questions, which fewer datasets need ---"
        yield ""
        yield f"# {schema['description']}"
        if key in written:
            yield from to_yaml({key: written[key]}).splitlines()
        else:
            example = _example(key, schema, published=published)
            yield from (f"# {line}" for line in to_yaml({key: example}).splitlines())


def _example(key: str, schema: Mapping[str, Any], *, published: bool) -> Any:
    example = schema["examples"][0]
    if not published or key not in answer_keys():
        return example
    texts = example if isinstance(example, list) else [example]
    return [
        {"claim": text, "source": "report"} if isinstance(text, str) else text for text in texts
    ]


class _Dumper(yaml.SafeDumper):
    """A dumper that writes texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Mapping[str, Any]) -> str:
    """Return YAML for people: keys in their order, texts of several lines as they are."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=LINE_WIDTH - 2
    )
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())
