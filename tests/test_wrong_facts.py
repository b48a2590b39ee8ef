"""Careless and hostile facts.yaml: one line each, with the file, the line and the key."""

import os
import re

import pytest

from mnist_tools.cards import facts
from mnist_tools.cards.facts_file import load_schema

ALL_KEYS = [*load_schema("facts")["properties"]]
KEYS = ", ".join(ALL_KEYS)
FEW_KEYS = f"{', '.join(ALL_KEYS[:7])} and {len(ALL_KEYS) - 7} more"
# Text, and what is said after the path. <KEYS> are those of the schema, <FEW_KEYS> the first ones.
WRONG_FACTS = {
    "a tab": (
        "title: a\nmore:\n\ta: b\n",
        (
            ":3: invalid YAML (found character '\\t' that cannot start any token), "
            "expected YAML; indent with spaces, not tabs"
        ),
    ),
    "a key twice": (
        "title: a\nlicence: mit\ntitle: b\n",
        (":3: the key 'title' again, first on line 1, expected it once; remove one of them"),
    ),
    "a list for a text": (
        "title: [a]\n",
        ":1: title: ['a'], expected a text; correct it",
    ),
    "a number for a text": (
        "title: 2024\n",
        ":1: title: 2024 (an integer), expected a text; put it in quotes",
    ),
    "a boolean for a text": (
        "title: true\n",
        ":1: title: True (a boolean), expected a text; put it in quotes",
    ),
    "a version that YAML takes for a number": (
        "version: 1.0\n",
        (":1: version: 1.0 (a float), expected a version such as 1.0.0; correct it"),
    ),
    "an answer that YAML takes for a boolean": (
        "sensitive: false\n",
        (
            ":1: sensitive: False (a boolean), expected a text, a list of texts, or statements "
            "with sources; write a sentence"
        ),
    ),
    "an answer without its question": (
        "title: a\nsensitive: no\n",
        (
            ":2: sensitive: 'no', expected a sentence; write one, such as 'The writers agreed to "
            "publication; their names were not kept.', or remove the key"
        ),
    ),
    "an answer without its question in a list": (
        "collection:\n  - Each writer filled in a page.\n  - N/A.\n",
        (
            ":3: collection[1]: 'N/A.', expected a sentence; write one, such as 'Each writer "
            "filled in one page.', or remove the key"
        ),
    ),
    "an answer without its question in a claim": (
        "funding:\n  - claim: None\n    source: https://a.b\n",
        (
            ":2: funding[0].claim: 'None', expected a sentence; write one, such as 'The Example "
            "Foundation, grant 42.', or remove the key"
        ),
    ),
    "no results": (
        "benchmarks: none\n",
        ":1: benchmarks: 'none', expected a sentence; write one, or remove the key",
    ),
    "no contact": (
        "contact: '-'\n",
        (
            ":1: contact: '-', expected an address or a page; write one, such as "
            "'ada@example.org', or remove the key"
        ),
    ),
    "nothing to cite": (
        "citation: None\n",
        ":1: citation: 'None', expected a BibTeX entry; write one, or remove the key",
    ),
    "a version of another form": (
        "version: v1\n",
        ":1: version: 'v1', expected a version such as 1.0.0; correct it",
    ),
    "a licence that nobody knows": (
        "licence: proprietary\n",
        (
            ":1: licence: 'proprietary', expected an id of the Hub or of SPDX, or "
            "unknown; for any other, give a mapping with its name"
        ),
    ),
    "the name of a licence": (
        "\nlicence: MIT License\n",
        (
            ":2: licence: 'MIT License', expected an id of the Hub or of SPDX, or "
            "unknown; did you mean 'mit'?"
        ),
    ),
    "a list of licences": (
        "licence: [mit]\n",
        (":1: licence: ['mit'], expected a licence's id, unknown, or a mapping; correct it"),
    ),
    "two licences": (
        "licence: mit\nlicense: mit\n",
        (":2: license: both licence and license, expected one of the two; remove one of them"),
    ),
    "a mistyped key": (
        "titel: a\n",
        ":1: the key 'titel', expected one of <FEW_KEYS>; did you mean 'title'?",
    ),
    "a key in capitals": (
        "Title: a\n",
        ":1: the key 'Title', expected one of <FEW_KEYS>; did you mean 'title'?",
    ),
    "a list at the top": (
        "- title: a\n",
        (":1: [{'title': 'a'}], expected a mapping of keys to values; start with title: …"),
    ),
    "text alone": (
        "hello\n",
        ":1: 'hello', expected a mapping of keys to values; start with title: …",
    ),
    "an alias, as in a bomb": (
        "a: &a [x,x]\nb: [*a,*a]\n",
        ":2: the alias *a, expected values written out; repeat the value",
    ),
    "half a pair": (
        'licence: mit\ntitle: "\\ud800"\n',
        ":2: the character U+D800, expected text; remove it",
    ),
    "a colon in a text": (
        "description: Letters: a set\n",
        (
            ":1: invalid YAML (mapping values are not allowed here), expected YAML; put "
            "the text in quotes"
        ),
    ),
    "braces without quotes": (
        "title: {{ name }}\n",
        (":1: invalid YAML (found unhashable key), expected YAML; put the text in quotes"),
    ),
    "a quote that never ends": (
        "title: 'a\n",
        (":2: invalid YAML (found unexpected end of stream), expected YAML; correct the syntax"),
    ),
    "a control character": (
        "title: a\x07\n",
        ":1: the character U+0007, expected printable text; remove it",
    ),
    "a URL with spaces": (
        "homepage: https://a b\n",
        (
            ":1: homepage: 'https://a b', expected a URL such as https://example.org, "
            "without spaces; correct it"
        ),
    ),
    "a URL of another kind": (
        "homepage: javascript:alert(1)\n",
        (
            ":1: homepage: 'javascript:alert(1)', expected a URL such as "
            "https://example.org, without spaces; correct it"
        ),
    ),
    "an unknown source": (
        "description:\n- claim: a\n  source: foo\nsources:\n  fob: {name: x}\n",
        (":2: description[0].source: 'foo', expected one of fob, or a URL; did you mean 'fob'?"),
    ),
    "a claim without a source": (
        "description:\n- claim: a\n",
        (
            ":2: description[0]: has claim, expected claim and source; add its source, "
            "or write the text without claim"
        ),
    ),
    "something unknown that nobody looked for": (
        "description:\n- unknown: a\n",
        ":2: description[0]: has unknown, expected looked and unknown; add looked",
    ),
    "two kinds of statement": (
        "description:\n- {claim: a, advice: b, source: https://x.y}\n",
        (
            ":2: description[0]: claim and advice, expected one of claim, measured, "
            "unknown, advice, table; make each a statement of its own"
        ),
    ),
    "a kind that there is not": (
        "description:\n- hope: a\n",
        (
            ":2: description[0]: the key 'hope', expected one of claim, measured, "
            "unknown, advice, table, source, looked; rename or remove it"
        ),
    ),
    "a statement without a text": (
        "description:\n- source: https://a.b\n",
        (
            ":2: description[0]: no text, expected one of claim, measured, unknown, "
            "advice, table; add it"
        ),
    ),
    "a wrong ORCID iD": (
        "authors:\n- name: A\n  orcid: 0000-0002-1825-0098\n",
        (
            ":3: authors[0].orcid: '0000-0002-1825-0098', expected one that ends in 7 if "
            "its other digits are right; copy it from orcid.org"
        ),
    ),
    "a number for an ORCID iD": (
        "authors:\n- name: A\n  orcid: 12\n",
        (
            ":3: authors[0].orcid: 12 (an integer), expected an ORCID iD such as "
            "0000-0002-1825-0097; correct it"
        ),
    ),
    "a text for a list of authors": (
        "authors: Ada\n",
        (":1: authors: 'Ada', expected a list of authors; start each with - on a line of its own"),
    ),
    "a mistyped key of an author": (
        "authors:\n- nmae: A\n",
        (
            ":2: authors[0]: the key 'nmae', expected one of name, type, affiliation, "
            "url, orcid; did you mean 'name'?"
        ),
    ),
    "an author of another type": (
        "authors:\n- {name: A, type: human}\n",
        (":2: authors[0].type: 'human', expected person or organization; choose one of them"),
    ),
    "an author without a name": (
        "authors:\n- {url: https://a.b}\n",
        ":2: authors[0]: no name, expected an author with a name; add name",
    ),
    "the name of a language": (
        "languages: [english]\n",
        (
            ":1: languages[0]: 'english', expected a language code that the Hub knows, "
            "such as en; did you mean 'en'?"
        ),
    ),
    "a name that the code does not resemble": (
        "languages: [Greek]\n",
        (
            ":1: languages[0]: 'Greek', expected a language code that the Hub knows, "
            "such as en; did you mean 'el'?"
        ),
    ),
    "no language": (
        "languages: [xx-yy]\n",
        (
            ":1: languages[0]: 'xx-yy', expected a language code that the Hub knows, "
            "such as en; look it up in ISO 639"
        ),
    ),
    "a text for a list of languages": (
        "languages: en\n",
        (
            ":1: languages: 'en', expected a list of language codes; start each with - "
            "on a line of its own"
        ),
    ),
    "annotators that the Hub does not know": (
        "annotations_creators: [experts]\n",
        (
            ":1: annotations_creators[0]: 'experts', expected one of crowdsourced, "
            "expert-generated, found, machine-generated, no-annotation, other; choose "
            "one of them"
        ),
    ),
    "a day that there is not": (
        "date_published: 2024-13-45\n",
        ":1: date_published: '2024-13-45', expected a day of the calendar; correct it",
    ),
    "a date of another form": (
        "date_published: May 2024\n",
        (":1: date_published: 'May 2024', expected a date such as 2026-05-31; correct it"),
    ),
    "a blank title": (
        "title: '  '\n",
        ":1: title: '  ', expected a text; correct it",
    ),
    "two wrong values, in another order than in the schema": (
        "version: 1.5\ntitle: 5\n",
        ":1: version: 1.5 (a float), expected a version such as 1.0.0; correct it",
    ),
    "a licence that may be any": (
        "licence: m\n",
        (
            ":1: licence: 'm', expected an id of the Hub or of SPDX, or unknown; "
            "for any other, give a mapping with its name"
        ),
    ),
    "a list with nothing in it": (
        "tags: [a, ]\nrationale: [~]\n",
        ":2: rationale[0]: nothing, expected a text or a statement; correct it",
    ),
    "a code block without an end": (
        "more:\n  A: |\n    ```\n    x\n",
        (":2: more.A: a code block that ``` opens, expected its end; add a line with ```"),
    ),
    "a code block that opens again instead of ending": (
        "more:\n  A: |\n    ~~~~\n    x\n    ~~~\n    ~~~~ text\n",
        (":2: more.A: a code block that ~~~~ opens, expected its end; add a line with ~~~~"),
    ),
    "a comment without an end": (
        "more:\n  A: 'x <!-- y'\n",
        ":2: more.A: a comment that <!-- opens, expected its end; add -->",
    ),
    "a comment that begins after another one": (
        "more:\n  A: '<!-- x --> <!-- y'\n",
        ":2: more.A: a comment that <!-- opens, expected its end; add -->",
    ),
    "a heading with a character that reorders text": (
        'more: {"a\\u202eb": x}\n',
        (
            ":1: more.a\\u202eb: the invisible character U+202E, expected Markdown that shows "
            "all it has; remove it"
        ),
    ),
    "a character that reorders text": (
        'more: {A: "a\\u202eb"}\n',
        (
            ":1: more.A: the invisible character U+202E, expected Markdown that shows "
            "all it has; remove it"
        ),
    ),
    "a heading of two lines": (
        'more: {"a\\nb": x}\n',
        ":1: more.a\\nb: 'a\\nb', expected a heading on one line; shorten it",
    ),
    "a list of sections": (
        "more: [a]\n",
        ":1: more: ['a'], expected a mapping of headings to Markdown; correct it",
    ),
    "an empty list": (
        "tags: []\n",
        ":1: tags: an empty list, expected a list of texts; correct it",
    ),
    "deep nesting": (
        (
            "a: "
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"
        ),
        ":1: more than 50 levels of nesting, expected at most 50; make it flatter",
    ),
    "a tag that runs code": (
        "title: !!python/object/apply:os.system ['ls']\n",
        (
            ":1: invalid YAML (could not determine a constructor for the tag "
            "'tag:yaml.org,…), expected YAML; correct the syntax"
        ),
    ),
    "a row that is too long": (
        ("benchmarks:\n- table: {title: a, columns: [b], rows: [[1,2]]}\n  source: https://a.b\n"),
        (
            ":2: benchmarks[0].table.rows[0]: 2 cells, expected 1, as there are columns; "
            "correct the row"
        ),
    ),
    "a cell that is a fraction": (
        ("benchmarks:\n- table: {title: a, columns: [b], rows: [[1.5]]}\n  source: https://a.b\n"),
        (
            ":2: benchmarks[0].table.rows[0][0]: 1.5 (a float), expected a text or a "
            "whole number; correct it"
        ),
    ),
    "an unknown id in a mapping": (
        "licence: {id: foo, name: b}\n",
        (
            ":1: licence.id: 'foo', expected an id of the Hub or of SPDX, or unknown; "
            "for any other, give a mapping with its name"
        ),
    ),
    "a path for a URL": (
        "licence: {name: b, url: foo}\n",
        (
            ":1: licence.url: 'foo', expected a URL such as https://example.org, without "
            "spaces; correct it"
        ),
    ),
    "a mistyped key of a licence": (
        "licence: {nane: b}\n",
        (
            ":1: licence: the key 'nane', expected one of id, spdx, name, url, "
            "attribution, notice, statements; did you mean 'name'?"
        ),
    ),
    "two documents": (
        "title: a\n---\ntitle: b\n",
        (":2: invalid YAML (but found another document), expected YAML; correct the syntax"),
    ),
    "a number for a key": (
        "1: a\n",
        ":1: the key 1 (an integer), expected one of <KEYS>; rename or remove it",
    ),
    "another licence without a name": (
        "licence: other\n",
        (
            ":1: licence: another licence without a name, expected a mapping with name, "
            "url and notice; add its name"
        ),
    ),
}


def message_about(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        facts.read_facts(path)
    return str(caught.value)


@pytest.mark.parametrize(("text", "message"), WRONG_FACTS.values(), ids=WRONG_FACTS)
def test_what_is_wrong_is_named_by_file_line_and_key(tmp_path, text, message):
    path = tmp_path / "facts.yaml"
    told = message_about(path, text.encode())
    assert told == f"{path}{message.replace('<KEYS>', KEYS).replace('<FEW_KEYS>', FEW_KEYS)}"
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title: a".encode("utf-16"), ": UTF-16, expected UTF-8; save it as UTF-8"),
        (
            b"title: a\ncontact: caf\xe9\n",
            ":2: the byte 0xe9, which is not UTF-8, expected UTF-8; save it as UTF-8",
        ),
        (
            b"title: " + b"a" * 1_000_000,
            ": 1,000,007 bytes, expected at most 1,000,000; shorten it",
        ),
    ],
    ids=["UTF-16", "Latin-1", "very long"],
)
def test_bytes_that_are_no_facts_are_refused(tmp_path, content, message):
    path = tmp_path / "facts.yaml"
    assert message_about(path, content) == f"{path}{message}"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused(tmp_path):
    path = tmp_path / "facts.yaml"
    os.mkfifo(path)
    message = f"{path}: not a regular file, expected a YAML file; remove or replace it"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        facts.read_facts(path)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("\ufefftitle: a\n", "a"),
        ("title: no\n", "no"),
        ("title: 2024-01-01\n", "2024-01-01"),
        ("title: 12:30\n", "12:30"),
        ("title:\nrationale:\n", None),
        ("title: <!-- a --> {{ train.rows }}\n", "<!-- a --> {{ train.rows }}"),
    ],
)
def test_what_people_mean_is_read(tmp_path, text, title):
    path = tmp_path / "facts.yaml"
    path.write_text(text, encoding="utf-8")
    assert facts.read_facts(path).title == title


@pytest.mark.parametrize(
    ("written", "licence_id", "name"),
    [
        ("mit", "mit", "MIT License"),
        ("CC-BY-SA-4.0", "cc-by-sa-4.0", "Creative Commons Attribution Share Alike 4.0"),
        ("MIT-0", "other", "MIT-0"),
        ("unknown", None, "No licence stated"),
        ("{name: Ours, url: 'https://a.example'}", None, "Ours"),
        ("{spdx: MIT}", "mit", "MIT License"),
    ],
)
def test_a_licence_has_the_id_of_the_hub_and_a_name(tmp_path, written, licence_id, name):
    path = tmp_path / "facts.yaml"
    path.write_text(f"licence: {written}\n")
    licence = facts.read_facts(path).licence
    assert (licence.id, licence.name) == (licence_id, name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("MIT License", "mit"),
        ("cc by 4.0", "cc-by-4.0"),
        ("Apache", "apache-2.0"),
        ("GPLv3", "gpl-3.0"),
        ("CC0", "cc0-1.0"),
        ("unkown", "unknown"),
        ("Creative Commons Attribution 4.0", "cc-by-4.0"),
    ],
)
def test_the_licence_that_was_meant_is_suggested(tmp_path, written, meant):
    path = tmp_path / "facts.yaml"
    assert message_about(path, f"licence: {written}\n".encode()) == (
        f"{path}:1: licence: {written!r}, expected an id of the Hub or of SPDX, or unknown; "
        f"did you mean {meant!r}?"
    )
