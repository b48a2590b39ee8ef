"""Render dataset cards and LICENSE.md: the template's words, the tables that are made here, facts and measurements."""

import dataclasses
import re

import jinja2

import mnist_family
from mnist_tools.cards.facts import CARDS, KINDS, dataset_facts, family_facts, keys_of
from mnist_tools.cards.front_matter import front_matter

TASKS = {"task_categories": ["image-classification"], "task_ids": ["multi-class-image-classification"]}
SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
}


@dataclasses.dataclass(frozen=True)
class Dataset:
    """What a card says of one dataset: `facts` of people, figures `measured` in archives or None, `sizes` of a build.

    `sizes` is {split: {num_bytes of the Arrow table, num_examples, parquet_bytes}}, or None for a card without a build;
    `pictures` has (file in the folder, text) for `examples` and `means`, (split, row, file) for `rows`.
    """

    config: mnist_family.FamilyConfig
    title: str
    class_names: tuple
    facts: dict
    measured: dict | None = None
    sizes: dict | None = None
    pictures: dict = dataclasses.field(default_factory=dict)

    @property
    def published(self):
        return "title" not in self.facts

    @property
    def licence(self):
        return self.facts["licence"].get("id", self.config.license)

    @property
    def counts(self):
        """{split: (rows, [rows of each class])}, measured or else the publisher's."""
        if self.measured:
            return {split: (each["rows"], each["class_counts"]) for split, each in self.measured["splits"].items()}
        splits, classes = self.facts["published_counts"]["splits"], len(self.class_names)
        return {split: (each["rows"], [each["rows_of_each_class"]] * classes) for split, each in splits.items()}

    @property
    def names(self):
        """What the text of its facts may refer to."""
        names = {
            "name": self.config.name,
            "title": self.title,
            "of": self.config.title,
            "class_names": self.class_names,
        }
        if self.measured:
            names.update(self.measured.get("whole", self.measured["splits"]))
            neighbours = self.measured.get("neighbours", {"cosine": (), "knn": ()})
            names["cosine"], names["knn"] = neighbours["cosine"], neighbours["knn"]
        return names


def published(config, measured=None, **built):
    """A dataset of published archives."""
    return Dataset(config, config.title, config.class_names, dataset_facts(config.name), measured, **built)


def unpublished(config, kind, class_names, measured, **built):
    """A dataset of other archives in the form of a config's: `kind` is synthetic or own."""
    facts = dataset_facts(kind)
    return Dataset(config, _text(facts["title"], of=config.title), tuple(class_names), facts, measured, **built)


def render(datasets):
    """The card of one dataset, or of several as one folder has them: front matter and text."""
    text = _render("template.md.j2", Card(datasets), contents=HERE)
    headings = re.findall(r"^(##|###) (.*)$", text.partition(HERE)[2], re.MULTILINE)
    contents = "\n".join(f"{'  ' * (len(level) - 2)}- [{name}](#{_anchor(name)})" for level, name in headings)
    return text.replace(HERE, contents)


def plain(statement, dataset):
    """A statement as one text without Markdown, its sources after it."""
    kind = next(kind for kind in KINDS if kind in statement)
    sources = "; ".join(dataset.facts["sources"][key]["name"] for key in keys_of(statement))
    if kind == "table":
        rows = ["; ".join(map(str, row)) for row in statement["table"]["rows"]]
        text = f"{statement['table']['title']}: {'. '.join(rows)}."
    else:
        text = {"measured": "Measured: ", "unknown": "Unknown: "}.get(kind, "")
        text += " ".join(_text(statement[kind], **dataset.names).split())
    return text + (f" (Source: {sources})" if sources else "")


def citations(dataset):
    """Its BibTeX entries."""
    return [entry.strip() for entry in [dataset.config.citation] * dataset.published + dataset.facts["citations"]]


def render_licence(datasets):
    """LICENSE.md, with the notices and sentences that the licences ask for."""
    return _render("license.md.j2", Licences(datasets))


def _render(template, card, **names):
    text = ENVIRONMENT.get_template(template).render(card=card, note=_note(card.datasets), **names)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _note(datasets):
    """What a reader has to know first, of all datasets or of those by name; None where there is nothing."""
    notes = {dataset.title: dataset.facts["note"] for dataset in datasets if "note" in dataset.facts}
    if len(notes) == len(datasets) and len({*notes.values()}) == 1:
        return next(iter(notes.values()))
    return " ".join(f"{title}: {note}" for title, note in notes.items()) or None


HERE = "<!-- contents -->"


def _anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _number(value):
    return f"{value:,}" if isinstance(value, int) else str(value)


def _spread(values):
    return f"{min(values):,} to {max(values):,}" if min(values) < max(values) else f"{min(values):,}"


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(CARDS, encoding="utf-8"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["n"] = _number
ENVIRONMENT.filters["spread"] = _spread


def _text(text, **names):
    """What facts say, with the figures that they refer to; ValueError where there are no such figures."""
    try:
        return ENVIRONMENT.from_string(text).render(names).strip()
    except jinja2.TemplateError as error:
        raise ValueError(f"facts, {text!r:.80}: {error}, expected names of measurements; correct one of them") from None


def table(columns, rows):
    """A Markdown table; what reads as a number is aligned to the right."""
    rows = [[_number(cell) for cell in row] for row in rows]
    cells = [[row[i] for row in rows if row[i]] for i in range(len(columns))]
    right = [all(re.match(r"[\d,.]+( |%|\*|$)", cell) for cell in column) and column for column in cells]
    lines = [columns, ["---:" if each else "---" for each in right], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


class Card:
    """The parts of a card of one dataset or more; each is Markdown, under the name that the template has for it."""

    def __init__(self, datasets):
        self.datasets, self.family, self.several = datasets, family_facts(), len(datasets) > 1
        self.used = {}  # the sources so far

    # --- Front matter -------------------------------------------------------------------------------------------------

    def pretty_name(self):
        if len(self.datasets) == len(mnist_family.CONFIGS) and all(dataset.published for dataset in self.datasets):
            return self.family["pretty_name"]
        return ", ".join(dataset.title for dataset in self.datasets)

    def front_matter(self):
        licences = self._union(lambda dataset: [dataset.licence])
        mixed = {key: self.family[key] for key in ("license_name", "license_link")} if len(licences) > 1 else {}
        rows = sum(rows for dataset in self.datasets for rows, _ in dataset.counts.values())
        keys = {
            "pretty_name": self.pretty_name(),
            "license": "other" if mixed else licences[0],
            **mixed,
            "language": self._union(lambda dataset: dataset.facts["language"]),
            **TASKS,
            "size_categories": [next(SIZES[size] for size in SIZES if rows < size)],
            "annotations_creators": self._union(lambda dataset: dataset.facts["annotations_creators"]),
            "source_datasets": self._union(lambda dataset: dataset.facts["source_datasets"]),
            "tags": [*self.family["tags"], *self._union(lambda dataset: dataset.facts["tags"])],
        }
        sizes = {
            dataset.config.name: dataset.sizes
            or {split: {"num_examples": n} for split, (n, _) in dataset.counts.items()}
            for dataset in self.datasets
        }
        configs = [(each.config.name, each.class_names, sizes[each.config.name]) for each in self.datasets]
        return front_matter({key: value for key, value in keys.items() if value}, configs)

    def _union(self, values):
        return [*dict.fromkeys(value for dataset in self.datasets for value in values(dataset))]

    # --- Statements ---------------------------------------------------------------------------------------------------

    def said(self, section):
        """The statements of a section: the family's, then each dataset's under its title where there are several."""
        parts = [shared] if (shared := self.shared(section)) else []
        each = self._each(lambda dataset: self._statements(dataset.facts["sections"][section], dataset))
        return "\n\n".join([*parts, each])

    def shared(self, section):
        """What is said of all published archives; nothing where there are none."""
        if not any(dataset.published for dataset in self.datasets):
            return ""
        return self._statements(self.family["sections"].get(section, ()), None)

    def _each(self, part):
        """A part for each dataset; of several, under their titles, or as a list where none needs two lines."""
        parts = [(dataset, text) for dataset in self.datasets if (text := part(dataset))]
        if not self.several:
            return parts[0][1]
        if all("\n" not in text and not text.startswith("*Meas") for _, text in parts):
            return "\n".join(f"- **{dataset.title}:** {text.removeprefix('- ')}" for dataset, text in parts)
        return "\n\n".join(f"**{dataset.title}**\n\n{text}" for dataset, text in parts)

    def _statements(self, statements, dataset):
        blocks = [self._statement(statement, dataset) for statement in statements]
        return "\n".join(blocks).strip()

    def _statement(self, statement, dataset):
        kind = next(kind for kind in KINDS if kind in statement)
        if kind == "table":
            content = statement["table"]
            rows = [[*map(str, row)] for row in content["rows"]]
            heading = f"{content['title']} ({self._sources(statement, dataset)})"
            return f"\n{heading}:\n\n{table(content['columns'], rows)}\n"
        text = " ".join(_text(statement[kind], **(dataset.names if dataset else {})).split())
        if kind == "claim":
            text = f"{text} ({self._sources(statement, dataset)})"
        elif kind == "measured":
            text = f"*Measured:* {text}"
        elif kind == "unknown":
            text = f"*Unknown:* {text} Looked for in {statement['looked']}."
        return f"- {text}"

    def _sources(self, statement, dataset):
        known = dataset.facts["sources"] if dataset else self.family["sources"]
        for key in keys_of(statement):
            if self.used.setdefault(key, known[key]) != known[key]:
                raise ValueError(f"source {key}: two of that key, expected one; rename it in one facts.yaml")
        return "; ".join(self._source(known[key]) for key in keys_of(statement))

    def _source(self, source):
        return f"[{source['short']}](#more-information)"

    # --- Tables and other parts, under the names that the template has for them ---------------------------------------

    def glance(self):
        columns = [dict(_glance(dataset)) for dataset in self.datasets]
        names = max(columns, key=len)
        rows = [[name, *(column.get(name, "not measured") for column in columns)] for name in names]
        return table(["", *(dataset.title for dataset in self.datasets)], rows)

    def description(self):
        return self._each(lambda dataset: dataset.config.description if dataset.published else dataset.title)

    def links(self):
        return self._each(_links)

    def usage(self):
        names = {"name": self.datasets[0].config.name, "releases": self.family["releases"]}
        return "\n\n".join(
            f"{_text(each['title'], **names)}:\n\n```python\n{_text(each['code'], **names)}\n```"
            for each in self.family["usage"]
        )

    def decoding(self):
        return _text(self.family["decoding"], releases=self.family["releases"])

    def pictures(self, use):
        return [
            {"file": file, "text": text} for dataset in self.datasets for file, text in dataset.pictures.get(use, ())
        ]

    def instances(self):
        return self._each(_instances)

    def features(self):
        return self._each(lambda dataset: f"```python\n{_features(dataset)}\n```")

    def fields(self):
        image = "a PNG file, decoded to a PIL image of mode L when asked for; zero is background"
        label = "the number of the class, whose name it has with it; minus one where a row has no label"
        rows = [["`image`", "Image", _shape(), "uint8", image], ["`label`", "ClassLabel", "", "int64", label]]
        return table(["feature", "class", "shape", "dtype", "description"], rows)

    def classes(self):
        def part(dataset):
            extra = dataset.facts["sections"].get("classes")
            return self._counts(dataset) + (f"\n\n{self._statements(extra, dataset)}" if extra else "")

        return self._each(part)

    def _counts(self, dataset):
        if dataset.measured:
            heading = "*Measured:* rows of each class."
        else:
            sources = self._sources(dataset.facts["published_counts"], dataset)
            command = COMMAND.format(dataset.config.name)
            heading = f"Rows of each class, as the publisher counts ({sources}), not recomputed; `{command}` would."
        names, splits = dataset.class_names, dataset.counts
        counts = [counts for _, counts in splits.values()]
        rows = [[label, name, *(each[label] for each in counts)] for label, name in enumerate(names)]
        if unlabelled := [each["unlabelled"] for each in (dataset.measured or {"splits": {}})["splits"].values()]:
            rows += [["−1", "no label", *unlabelled]] * any(unlabelled)
        rows = [[*row, sum(row[2:])] for row in rows]
        return f"{heading}\n\n{table(['label', 'class name', *splits, 'all'], rows)}"

    def splits(self):
        built = any(dataset.sizes for dataset in self.datasets)
        rows = [row for dataset in self.datasets for row in _split_rows(dataset, built)]
        columns = ["config", "split", "rows", "archives, bytes", *["Parquet, bytes", "Arrow, bytes"] * built]
        text = "Archives are what the loader downloads, compressed."
        if built:
            text += " Parquet files are what a reader of this folder or its repository downloads (`download_size`);"
            text += " Arrow tables are what `datasets` keeps of them (`dataset_size`)."
        return f"{table(columns, rows)}\n\n{text}"

    def pixels(self):
        return self._each(self._pixels)

    def _pixels(self, dataset):
        if not dataset.measured:
            return f"- *Unknown:* pixel statistics. {_not_measured(dataset.config)}"
        splits = dataset.measured["splits"]
        rows = [[name, *(value(each) for each in splits.values())] for name, value in PIXELS.items()]
        return f"*Measured:* pixels.\n\n{table(['', *splits], rows)}"

    def archives(self):
        return self._each(_archives)

    def neighbours(self):
        return self._each(self._neighbours)

    def _neighbours(self, dataset):
        if not dataset.measured:
            return f"- *Unknown:* duplicates. {_not_measured(dataset.config)}"
        lines = [f"- *Measured:* {line}" for line in _duplicates(dataset.measured["duplicates"])]
        if "neighbours" not in dataset.measured:
            command = COMMAND.format(dataset.config.name)
            return "\n".join([*lines, f"- Near duplicates: not measured; `{command} --neighbours` would."])
        return "\n\n".join(["\n".join(lines), *_near(dataset, dataset.measured["neighbours"])])

    def versions(self):
        released, rows = dict(self.family["versions"]), []
        for config in (dataset.config for dataset in self.datasets):
            if str(config.version) not in released:
                got, expected = f"no version {config.version}", f"that of {config.name} in mnist_family.py"
                raise ValueError(f"cards/facts.yaml: versions: {got}, expected {expected}; say what is new in it")
            rows.append([config.name, str(config.version), released[str(config.version)]])
        return table(["config", "version", "release notes"], rows)

    def licences(self):
        return self._each(self.licence)

    def licence(self, dataset):
        facts = dataset.facts["licence"]
        lines = [f"**{facts['name']}** (tag `{dataset.licence}`)", "", self._statements(facts["statements"], dataset)]
        if "url" in facts:
            lines += ["", f"Text of the licence: <{facts['url']}>"]
        if "attribution" in facts:
            lines += ["", "The sentence that names the makers:", "", f"> {facts['attribution']}"]
        return "\n".join(lines)

    def citations(self):
        def part(dataset):
            return "\n\n".join(f"```bibtex\n{entry}\n```" for entry in citations(dataset)) or "Nothing to cite."

        return self._each(part)

    def glossary(self):
        return "\n".join(f"- **{word}**: {meaning}" for word, meaning in self.family["glossary"])

    def sources(self):
        """Of all statements so far, in the order of their first use."""
        rows = []
        for source in self.used.values():
            name = f"[{source['name']}]({source['url']})" if "url" in source else source["name"]
            rows.append([source["short"], name, source.get("read", "")])
        return table(["source", "what it is", "what was read"], rows)


class Licences(Card):
    """The parts of LICENSE.md, which has no list of sources to refer to."""

    def _source(self, source):
        return f"[{source['name']}]({source['url']})" if "url" in source else source["name"]


COMMAND = "python scripts/measure.py {}"
SHOWN = 10  # groups of duplicates
PIXELS = {
    "shape": lambda split: " × ".join(map(str, split["shape"])),
    "lowest value": lambda split: split["min"],
    "highest value": lambda split: split["max"],
    "mean, of pixels scaled to the unit interval": lambda split: split["mean"],
    "standard deviation, likewise": lambda split: split["standard_deviation"],
    "zero pixels, percent": lambda split: split["zero_percent"],
    "positions that are equal in all rows": lambda split: split["constant_pixels"],
    "longer side of what is not background, in pixels: rows": lambda split: "; ".join(
        f"{each['pixels']}: {each['rows']:,}" for each in split["longer_side"]
    ),
}


def _shape():
    return " × ".join(map(str, mnist_family.ROW_SHAPES["images"]))


def _glance(dataset):
    """(what, value) of the table that compares datasets; figures only where they are measured."""
    counts, said = dataset.counts, "" if dataset.measured else " (as published)"
    yield "config", f"`{dataset.config.name}`"
    yield "licence", dataset.facts["licence"]["name"]
    yield "classes", len(dataset.class_names)
    yield "rows", ", ".join(f"{rows:,} {split}" for split, (rows, _) in counts.items()) + said
    extremes = [f"{_spread(each)} in {split}" for split, (_, each) in counts.items()]
    yield "rows of a class", ", ".join(extremes) + said
    yield "archives, bytes", sum(archive["bytes"] for pair in _archives_of(dataset).values() for archive in pair)
    if dataset.measured:
        split, figures = next(iter(dataset.measured["splits"].items()))
        yield (
            "pixels, scaled to the unit interval",
            f"mean {figures['mean']}, standard deviation {figures['standard_deviation']} in {split}",
        )
        for knn in dataset.measured.get("neighbours", {"knn": ()})["knn"]:
            yield f"accuracy of {knn['k']}-NN", f"{knn['accuracy_percent']} %"


def _archives_of(dataset):
    """{split: [what is known of its two files]}, measured or as published."""
    if dataset.measured:
        return dataset.measured["archives"]
    keys = ("file", "bytes", "sha256")
    archives = dataset.config.archives
    return {split: [{key: getattr(file, key) for key in keys} for file in pair] for split, pair in archives.items()}


def _links(dataset):
    links, none = dataset.facts["links"], "none"
    paper = links.get("paper", {"text": none})
    paper = f"[{paper['text']}]({paper['url']})" if "url" in paper else paper["text"]
    homepage = dataset.config.homepage if dataset.published else none
    return f"- **Homepage:** {homepage}\n- **Repository:** {links.get('repository', none)}\n- **Paper:** {paper}"


def _instances(dataset):
    if not dataset.measured:
        return f"- *Unknown:* which rows come first. {_not_measured(dataset.config)}"
    splits = dataset.measured["splits"]
    label = next(iter(splits.values()))["first_labels"][0]
    size = "x".join(map(str, mnist_family.ROW_SHAPES["images"]))
    row = f"```python\n{{'image': <PIL.PngImagePlugin.PngImageFile image mode=L size={size}>, 'label': {label}}}\n```"
    labels = "; ".join(f"{' '.join(map(str, each['first_labels']))} in {split}" for split, each in splits.items())
    parts = [row, f"*Measured:* the first labels are {labels}."]
    if rows := dataset.pictures.get("rows"):
        parts.append(table(["split", "row", "image", "label", "class name"], [_row(dataset, *each) for each in rows]))
    return "\n\n".join(parts)


def _row(dataset, split, row, file):
    label = dataset.measured["splits"][split]["first_labels"][row]
    name = dataset.class_names[label] if label >= 0 else "no label"
    return [split, row, f"![{name}]({file})", label, name]


def _features(dataset):
    names = "".join(f"        {name!r},\n" for name in dataset.class_names)
    return f"Features({{\n    'image': Image(),\n    'label': ClassLabel(names=[\n{names}    ]),\n}})"


def _split_rows(dataset, built):
    """A line for each split and one for all."""
    archives, lines = _archives_of(dataset), []
    for split, (rows, _) in dataset.counts.items():
        size = [dataset.sizes[split]["parquet_bytes"], dataset.sizes[split]["num_bytes"]] if built else []
        lines.append([rows, sum(each["bytes"] for each in archives[split]), *size])
        yield [f"`{dataset.config.name}`", f"`{split}`", *lines[-1]]
    yield [f"`{dataset.config.name}`", "all", *map(sum, zip(*lines, strict=True))]


def _archives(dataset):
    archives, config = _archives_of(dataset), dataset.config
    if dataset.measured:
        columns, heading = ["bytes", "decompressed", "dated", "sha256"], "*Measured:* the archives."
        keys = ["bytes", "uncompressed_bytes", "dated", "sha256"]
    else:
        columns, keys = ["bytes", "sha256"], ["bytes", "sha256"]
        heading = "The archives as published; the loader takes no others. " + _not_measured(config)
    rows = [
        [split, each["file"], *(each[key] or "" for key in keys)] for split, pair in archives.items() for each in pair
    ]
    text = f"{heading}\n\n{table(['split', 'archive', *columns], rows)}"
    if dataset.published:
        text += "\n\nMirrors, in the order in which they are asked:\n\n" + "\n".join(
            f"- {url}" for url in config.mirrors
        )
    return text


def _not_measured(config):
    return f"The archives have not been measured, which `{COMMAND.format(config.name)}` would do."


def _duplicates(duplicates):
    for split, groups in duplicates["within"].items():
        listed = "; ".join(", ".join(map(str, rows)) for rows in groups[:SHOWN])
        more = " and so on" * (len(groups) > SHOWN)
        yield (
            f"in {split}, {len(groups):,} images occur more than once, in rows {listed}{more}."
            if groups
            else (f"no image of {split} occurs twice.")
        )
    if groups := duplicates["across"]:
        listed = "; ".join(
            ", ".join(f"{split} {row}" for split, rows in each.items() for row in rows) for each in groups[:SHOWN]
        )
        yield f"{len(groups):,} images occur in more than one split: {listed}{' and so on' * (len(groups) > SHOWN)}."
    elif len(duplicates["within"]) > 1:
        yield "no image occurs in more than one split."


def _near(dataset, measured):
    """The tables of neighbours, each after its heading."""
    rows = [[each["at_least"], each["rows"], each["other_label"]] for each in measured["cosine"]]
    yield "*Measured:* test images by the cosine of their nearest train image.\n"
    yield table(["cosine, at least", "test rows", "of these, nearest has another label"], rows)
    if measured["closest"]:
        pairs = ", ".join(f"{test} and {train}" for test, train in measured["closest"])
        yield f"The closest, test row and train row: {pairs}."
    rows = [
        [f"{knn['k']}-NN", f"{knn['accuracy_percent']} %", knn["errors"]["first_half"], knn["errors"]["second_half"]]
        for knn in measured["knn"]
    ]
    yield "*Measured:* k-NN with votes weighted by inverse distance.\n"
    yield table(["", "accuracy", "errors in the first half of test", "errors in the second half"], rows)
    names, methods = dataset.class_names, [f"{knn['k']}-NN" for knn in measured["knn"]]
    rows = [
        [name, *(f"{knn['class_accuracy_percent'][label]} %" for knn in measured["knn"])]
        for label, name in enumerate(names)
    ]
    yield "Accuracy by class:\n"
    yield table(["class name", *methods], rows)
    rows = [
        [f"{knn['k']}-NN", names[pair["label"]], names[pair["taken_for"]], pair["rows"]]
        for knn in measured["knn"]
        for pair in knn["confusions"]
    ]
    yield "The most frequent errors:\n"
    yield table(["", "class name", "taken for", "test rows"], rows)
