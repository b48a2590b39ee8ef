"""What people say of the datasets, with their sources: cards/facts.yaml and cards/<name>/facts.yaml, checked."""

import pathlib

import jsonschema
import yaml

CARDS = pathlib.Path(__file__).parents[3] / "cards"
SECTION_NAMES = """summary curated_by funded_by language homepage direct_use out_of_scope_use curation_rationale
collection_and_processing source_data_producers annotation_process annotators personal_and_sensitive_information
social_impact biases limitations folklore recommendations benchmarks"""
SECTIONS = SECTION_NAMES.split()
KINDS = ("claim", "measured", "unknown", "advice", "table")

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT}


def _object(required, **optional):
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": [*required],
        "additionalProperties": False,
    }


CELLS = {"type": "array", "items": {"type": ["string", "integer"]}}
TABLE = _object({"title": TEXT, "columns": TEXTS, "rows": {"type": "array", "items": CELLS, "minItems": 1}})
STATEMENT = _object({}, claim=TEXT, measured=TEXT, unknown=TEXT, advice=TEXT, table=TABLE, source={}, looked=TEXT)
STATEMENTS = {"type": "array", "items": STATEMENT, "minItems": 1}
SOURCES = {
    "type": "object",
    "additionalProperties": _object({"short": TEXT, "name": TEXT}, url={**TEXT, "pattern": "^https?://"}, read=TEXT),
}
ROWS = _object({"rows": {"type": "integer"}, "rows_of_each_class": {"type": "integer"}})
LINKS = _object({}, repository=TEXT, paper=_object({"text": TEXT}, url=TEXT))
LICENCE = _object({"name": TEXT, "statements": STATEMENTS}, id=TEXT, url=TEXT, attribution=TEXT, notice=TEXT)
DATASET = _object(
    {
        "tags": TEXTS,
        "language": TEXTS,
        "annotations_creators": TEXTS,
        "source_datasets": TEXTS,
        "sources": SOURCES,
        "links": LINKS,
        "sections": _object(dict.fromkeys(SECTIONS, STATEMENTS), classes=STATEMENTS),
        "licence": LICENCE,
        "citations": TEXTS,
    },
    title=TEXT,
    note=TEXT,
    creator=TEXT,
    published_counts=_object({"source": TEXT, "splits": {"type": "object", "additionalProperties": ROWS}}),
)
FAMILY = _object(
    {
        "pretty_name": TEXT,
        "license_name": TEXT,
        "license_link": TEXT,
        "date_published": {**TEXT, "format": "date", "pattern": r"^\d{4}-\d\d-\d\d$"},
        "tags": TEXTS,
        "releases": _object(dict.fromkeys(("script", "module", "lazy_column"), TEXT)),
        "sources": SOURCES,
        "sections": {"type": "object", "additionalProperties": STATEMENTS},
        "versions": {"type": "array", "items": TEXTS},
        "usage": {"type": "array", "items": _object({"title": TEXT, "code": TEXT})},
        "decoding": TEXT,
        "glossary": {"type": "array", "items": {**TEXTS, "minItems": 2, "maxItems": 2}},
    }
)


class StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key which a mapping has twice; the last would silently win."""

    def construct_mapping(self, node, deep=False):
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            keys = [key.value for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.MarkedYAMLError(None, None, f"the key {twice!r} twice", node.start_mark)
        return mapping


def family_facts():
    """What holds for all datasets."""
    facts = _read(CARDS / "facts.yaml", FAMILY)
    _check_statements(CARDS / "facts.yaml", facts["sections"], facts["sources"])
    return facts


def dataset_facts(name):
    """What is said of one dataset, of the drawn `synthetic` ones, or of `own` archives; sources with the family's."""
    path, shared = CARDS / name / "facts.yaml", family_facts()["sources"]
    facts = _read(path, DATASET)
    if twice := {*facts["sources"]} & {*shared}:
        raise ValueError(f"{path}: sources: {min(twice)}, expected a key that cards/facts.yaml has not; rename it")
    facts["sources"] = {**shared, **facts["sources"]}
    _check_statements(path, {**facts["sections"], "licence": facts["licence"]["statements"]}, facts["sources"])
    return facts


def _read(path, schema):
    try:
        facts = yaml.load(path.read_text(encoding="utf-8"), StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}, expected YAML; correct it") from None
    validator = jsonschema.Draft202012Validator(schema)
    if error := next(
        iter(sorted(validator.iter_errors(facts), key=lambda error: [*map(str, error.absolute_path)])), None
    ):
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.absolute_path)
        raise ValueError(f"{path}: {place.lstrip('.') or 'the whole'}: {error.message:.200}; correct it")
    return facts


def _check_statements(path, sections, sources):
    """ValueError where a statement is not of exactly one kind, or has no source though it is a claim or a table."""
    for section, statements in sections.items():
        for number, statement in enumerate(statements):
            place = f"{path}: {section}[{number}]"
            kinds = [kind for kind in KINDS if kind in statement]
            if len(kinds) != 1:
                raise ValueError(
                    f"{place}: {', '.join(kinds) or 'none'}, expected one of {', '.join(KINDS)}; correct it"
                )
            needed = {"claim": {"source"}, "table": {"source"}, "unknown": {"looked"}}.get(kinds[0], set())
            if {*statement} != {kinds[0], *needed}:
                got = ", ".join(sorted({*statement}))
                expected = " and ".join([kinds[0], *needed])
                raise ValueError(f"{place}: has {got}, expected {expected}; correct it")
            if wrong := [key for key in keys_of(statement) if key not in sources]:
                raise ValueError(f"{place}.source: {wrong[0]!r}, expected one of {', '.join(sources)}; correct it")
            if kinds[0] == "table":
                width = len(statement["table"]["columns"])
                for row in statement["table"]["rows"]:
                    if len(row) != width:
                        raise ValueError(f"{place}.table: a row of {len(row)} cells, expected {width}; correct it")


def keys_of(statement):
    """The keys of a statement's sources."""
    source = statement.get("source", [])
    return source if isinstance(source, list) else [source]
