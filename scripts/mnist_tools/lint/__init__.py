"""Check the front matter of a card for what the Hub or `load_dataset` would refuse or misread."""

import copy
import difflib
import functools
import glob
import json
import pathlib
import re

import datasets
import pyarrow.parquet
import yaml

# The Hub's licence ids, of docs/hub/repositories-licenses.md in huggingface/hub-docs.
LICENCES = """apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0
cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0
openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license
fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community
gemma unknown other"""
# Its tasks, of packages/tasks/src/pipelines.ts in huggingface/huggingface.js; and the ids of ours.
TASKS = """any-to-any audio-classification audio-text-to-text audio-to-audio automatic-speech-recognition biology
depth-estimation document-question-answering feature-extraction fill-mask graph-ml image-classification
image-feature-extraction image-segmentation image-text-to-image image-text-to-text image-text-to-video image-to-3d
image-to-image image-to-text image-to-video keypoint-detection mask-generation multiple-choice object-detection other
question-answering reinforcement-learning robotics sentence-similarity summarization table-question-answering
table-to-text tabular-classification tabular-regression tabular-to-text text-classification text-generation text-ranking
text-retrieval text-to-3d text-to-audio text-to-image text-to-speech text-to-video text2text-generation
time-series-forecasting token-classification translation unconditional-image-generation video-classification
video-text-to-text video-to-video visual-document-retrieval visual-question-answering voice-activity-detection
zero-shot-classification zero-shot-image-classification zero-shot-object-detection"""
TASK_IDS = "multi-class-image-classification multi-label-image-classification"
LEGACY = {"languages": "language", "licenses": "license", "task_category": "task_categories", "task_id": "task_ids"}
KEYS = """annotations_creators configs dataset_info extra_gated_button_content extra_gated_description
extra_gated_eu_disallowed extra_gated_fields extra_gated_heading extra_gated_prompt gated language language_creators
language_details license license_details license_link license_name multilinguality paperswithcode_id pretty_name
size_categories source_datasets tags task_categories task_ids thumbnail train-eval-index viewer"""
SIZES = ("num_bytes", "num_examples", "download_size", "dataset_size")


@functools.cache
def _vocabularies():
    """{key: the values that it may have}; what lies inside `datasets` is read there."""
    resources = pathlib.Path(datasets.__file__).parent / "utils" / "resources"
    names = ("creators", "multilingualities", "size_categories", "languages")
    read = {name: json.loads((resources / f"{name}.json").read_text(encoding="utf-8")) for name in names}
    return {
        "license": LICENCES.split(),
        "language": [*read["languages"]],
        "annotations_creators": read["creators"]["annotations"],
        "language_creators": read["creators"]["language"],
        "multilinguality": [*read["multilingualities"]],
        "size_categories": read["size_categories"],
        "task_categories": TASKS.split(),
        "task_ids": TASK_IDS.split(),
    }


def findings(path):
    """What is wrong with a card, or with a folder's README.md beside its Parquet: a line each, in the card's order.

    A line is `file:line: key: got, expected wanted; what to do`. OSError where there is no such file.
    """
    path = pathlib.Path(path)
    card = path / "README.md" if path.is_dir() else path
    check = _Check(card)
    if check.read(card.read_bytes()) and check.block():
        parquet = {*card.parent.rglob("*.parquet")}
        if path.is_dir() or parquet:
            check.files(card.parent)
    return [f"{card}:{line}: {text}" for line, text in sorted(check.found, key=lambda found: found[0])]


class _Check:
    """Collects what is wrong with the front matter of one card."""

    def __init__(self, card):
        self.card, self.found, self.lines = card, [], {}
        self.values = {}

    def add(self, place, got, expected, remedy):
        """`place` is a tuple of keys into the front matter, or the number of a line."""
        line = place
        if isinstance(place, tuple):
            line = next(self.lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in self.lines)
            key = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")
            got = f"{key or 'front matter'}: {got}"
        self.found.append((line, f"{got}, expected {expected}; {remedy}"))

    # --- The text -----------------------------------------------------------------------------------------------------

    def read(self, content):
        """Whether the front matter could be read."""
        if content.startswith(b"\xef\xbb\xbf"):
            self.add(1, "a byte order mark", "--- as the first bytes", "save it as UTF-8 without one")
            content = content[3:]
        if b"\r" in content:
            line = content[: content.index(b"\r")].count(b"\n") + 1
            self.add(line, "a carriage return", "lines that end in LF alone", "convert the line ends")
            content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self.add(line, f"the byte {content[error.start]:#04x}", "UTF-8", "save it as such")
            return False
        match = re.match(r"---[ \t]*\n(.*?)^---[ \t]*$", text, re.DOTALL | re.MULTILINE)
        if not match:
            got = "front matter without an end" if re.match(r"---[ \t]*\n", text) else "no front matter"
            self.add(1, got, "YAML between two lines of ---", "write it")
            return False
        try:
            root = yaml.compose(match[1], yaml.SafeLoader)
            self.values = yaml.safe_load(match[1])
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error)
            self.add(mark.line + 2 if mark else 1, f"no YAML ({problem})", "YAML", "correct the syntax")
            return False
        if not isinstance(self.values, dict):
            self.add(2, f"a {type(self.values).__name__}", "a mapping of keys", "write key: value lines")
            return False
        self.lines[()] = 1
        self.walk(root, ())
        return True

    def walk(self, node, place):
        """Note the line of every key and element, and the keys that a mapping has twice."""
        if isinstance(node, yaml.MappingNode):
            seen = {}
            for key, value in node.value:
                name = yaml.safe_load(yaml.serialize(key)) if isinstance(key, yaml.ScalarNode) else str(key)
                line = key.start_mark.line + 2
                if key.value in seen:
                    self.add(line, f"{key.value}: twice, first in line {seen[key.value]}", "a key once", "remove one")
                seen[key.value] = line
                self.lines[(*place, name)] = line
                self.walk(value, (*place, name))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self.lines[(*place, number)] = value.start_mark.line + 2
                self.walk(value, (*place, number))

    # --- The keys -----------------------------------------------------------------------------------------------------

    def block(self):
        for key in self.values:
            if key in LEGACY:
                self.add((key,), "a legacy key", LEGACY[key], "rename it")
            elif key not in KEYS.split() and (near := difflib.get_close_matches(str(key), KEYS.split(), 1, 0.8)):
                self.add((key,), "no key of a card", near[0], "rename it")
        for key, known in _vocabularies().items():
            if key in self.values:
                self.vocabulary(key, known)
        for key in ("tags", "source_datasets"):
            if key in self.values and not _texts(self.values[key]):
                self.add((key,), _shown(self.values[key]), "a list of texts", "write one, with quotes where needed")
        for key in ("pretty_name", "license_name", "license_link"):
            if key in self.values:
                self.want((key,), self.values[key], _text, "a text")
        self.licence()
        if not self.shapes():
            return False
        self.configs()
        for place, info in _listed(self.values, "dataset_info"):
            self.info(place, info)
        self.pairs()
        return True

    def want(self, place, value, right, expected):
        """Whether a value is what it has to be, which is told if not."""
        if not right(value):
            self.add(place, _shown(value), expected, "correct it")
        return right(value)

    def shapes(self):
        """Whether configs and dataset_info are built of mappings, lists and texts as they have to be."""
        before, values = len(self.found), self.values
        if "configs" in values and self.want(("configs",), values["configs"], _listing, "a list of configs"):
            for place, config in _listed(values, "configs"):
                if self.want(place, config, _mapping, "a mapping"):
                    self.config_shape(place, config)
        if "dataset_info" in values and not isinstance(values["dataset_info"], dict):
            self.want(("dataset_info",), values["dataset_info"], _listing, "a mapping, or a list of them")
        for place, info in _listed(values, "dataset_info"):
            if self.want(place, info, _mapping, "a mapping"):
                self.info_shape(place, info)
        return len(self.found) == before

    def config_shape(self, place, config):
        if not _text(config.get("config_name")):
            self.add(place, f"config_name {_shown(config.get('config_name'))}", "a text of its own", "correct it")
        if "default" in config:
            self.want((*place, "default"), config["default"], lambda value: isinstance(value, bool), "true or false")
        files = config.get("data_files", "")
        if not isinstance(files, str) and self.want((*place, "data_files"), files, _listing, "a path or a list"):
            for number, each in enumerate(files):
                where = (*place, "data_files", number)
                if not _text(each) and self.want(where, each, _mapping, "a path, or a mapping of split and path"):
                    self.want((*where, "split"), each.get("split"), _text, "the name of a split")
                    self.want((*where, "path"), each.get("path"), _paths, "a path or a list of paths")

    def info_shape(self, place, info):
        self.want((*place, "config_name"), info.get("config_name", "default"), _text, "a text")
        for key in ("features", "splits"):
            if key in info and self.want((*place, key), info[key], _listing, "a list of mappings"):
                for number, each in enumerate(info[key]):
                    if self.want((*place, key, number), each, _mapping, "a mapping"):
                        self.want((*place, key, number, "name"), each.get("name"), _text, "a text")
                    if key == "splits" and isinstance(each, dict) and "num_examples" not in each:
                        self.add((*place, key, number), "no num_examples", "the number of rows", "add it")
        names = _class_names(info)
        if names and not isinstance(names[1], dict):
            self.want((*place, *names[0]), names[1], _listing, "class names by label")

    def vocabulary(self, key, known):
        values = self.values[key]
        alone = isinstance(values, str) and key in ("license", "language")
        if not alone and not _listing(values):
            kind = "an id, or a list of ids" if key == "license" else "a list"
            self.add((key,), _shown(values), kind, "write it so; quote a value such as 'no'")
            return
        for number, value in enumerate([values] if alone else values):
            if value in known and isinstance(value, str):
                continue
            near = difflib.get_close_matches(str(value).lower(), known, 1, 0.5)
            expected = f"a value that the Hub knows{f', such as {near[0]}' if near else ''}"
            remedy = "quote it" if isinstance(value, bool) else "correct it"
            self.add((key,) if alone else (key, number), _shown(value), expected, remedy)

    def licence(self):
        value = self.values.get("license")
        if value is None and "licenses" not in self.values:
            self.add((), "no license", "an id of the Hub's list, unknown where nobody states one", "add the key")
        others = [key for key in ("license_name", "license_link") if not self.values.get(key)]
        if value == "other" and others:
            self.add(("license",), f"other without {' and '.join(others)}", "both beside it", "add them")

    def configs(self):
        configs, names = self.values.get("configs"), []
        if configs is None:
            if "dataset_info" in self.values:
                remedy = "add configs, or load_dataset merges every file that it finds"
                self.add(("dataset_info",), "without configs", "configs with the data files of each", remedy)
            return None
        for number, config in enumerate(configs):
            name = config["config_name"]
            if name in names:
                self.add(("configs", number), f"config_name {name!r} twice", "a text of its own", "correct it")
            elif not config.get("data_files") and not config.get("data_dir"):
                self.add(("configs", number), "no data_files", "the paths of each split", "add them")
            names.append(name)
        defaults = [n for n, config in enumerate(configs) if config.get("default")]
        for number in defaults[1:]:
            first = self.lines["configs", defaults[0]]
            self.add(("configs", number, "default"), f"a second default, after line {first}", "one", "remove it")
        if len(configs) > 1 and not defaults:
            self.add(("configs",), "no default", "default: true in one config", "add it")

    def info(self, place, info):
        if "features" in info:
            try:
                datasets.Features._from_yaml_list(copy.deepcopy(info["features"]))
            except Exception as error:
                got = f"{type(error).__name__}: {str(error)[:80]}"
                self.add((*place, "features"), got, "features that `datasets` reads", "correct them")
        if names := _class_names(info):
            self.class_names((*place, *names[0]), names[1])
        splits = [((*place, "splits", n), s) for n, s in enumerate(info.get("splits") or []) if isinstance(s, dict)]
        for where, mapping in [(place, info), *splits]:
            for key in SIZES:
                value = mapping.get(key, 0)
                if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                    self.add((*where, key), _shown(value), "a whole number", "write it without point or quotes")
        sizes = [split.get("num_bytes") for _, split in splits]
        if all(isinstance(size, int) for size in sizes) and info.get("dataset_size", sum(sizes)) != sum(sizes):
            got, expected = _shown(info["dataset_size"]), f"{sum(sizes)}, the sum of its splits' num_bytes"
            self.add((*place, "dataset_size"), got, expected, "correct one of them")
        return None

    def class_names(self, place, names):
        if isinstance(names, dict):
            for key in names:
                if not isinstance(key, str):
                    self.add((*place, key), f"the key {_shown(key)}", f"the text '{key}'", "put it into quotes")
            if sorted(map(str, names)) != sorted(map(str, range(len(names)))):
                got = ", ".join(map(str, names))
                self.add(place, f"labels {got}", f"0 to {len(names) - 1}, each once", "number them so")
            values = names
        else:
            values = dict(enumerate(names)) if isinstance(names, list) else {}
        if not values:
            self.add(place, _shown(names), "class names by label", "write '0': name and so on")
        for key, value in values.items():
            if not isinstance(value, str):
                self.add((*place, key), _shown(value), "a text", "put it into quotes")
            elif not value.strip() or list(values.values()).count(value) > 1:
                got = f"{value!r} more than once" if value.strip() else f"{value!r}"
                self.add((*place, key), got, "names that differ", "correct it")

    def pairs(self):
        """Configs and dataset_info name the same configs, and the same splits of each."""
        infos, configs = _by_name(self.values, "dataset_info"), _by_name(self.values, "configs")
        if not infos or not configs:
            return
        for name in {**configs, **infos}:
            if name not in infos or name not in configs:
                place = (infos.get(name) or configs[name])[0]
                lacking = "dataset_info" if name not in infos else "configs"
                self.add(place, f"config {name!r} is not in {lacking}", "each config in both", "add or remove it")
                continue
            place, info = infos[name]
            told = {split.get("name") for split in info.get("splits") or [] if isinstance(split, dict)}
            files = configs[name][1].get("data_files")
            listed = (
                {each["split"] for each in files if isinstance(each, dict) and "split" in each}
                if isinstance(files, list)
                else told
            )
            if told and told != listed:
                self.add((*place, "splits"), _names(told), f"{_names(listed)} as in configs", "correct one of them")

    # --- The Parquet beside it ----------------------------------------------------------------------------------------

    def files(self, folder):
        infos = _by_name(self.values, "dataset_info")
        for place, config in _listed(self.values, "configs"):
            files, name, found = config.get("data_files"), config["config_name"], {}
            for number, each in enumerate(files if isinstance(files, list) else []):
                paths = each.get("path", []) if isinstance(each, dict) else []
                paths = [paths] if isinstance(paths, str) else paths
                found[each.get("split")] = sorted(
                    file for path in paths for file in glob.glob(str(path), root_dir=folder)
                )
                if not found[each.get("split")]:
                    self.add(
                        (*place, "data_files", number), f"{_shown(paths)} is no file", "the split's files", "add them"
                    )
            if name in infos:
                self.compare(*infos[name], {split: [folder / file for file in each] for split, each in found.items()})

    def compare(self, place, info, found):
        """A config's dataset_info with its Parquet: rows, bytes, class names."""
        try:
            opened = {split: [pyarrow.parquet.ParquetFile(file) for file in each] for split, each in found.items()}
        except (OSError, pyarrow.ArrowInvalid) as error:
            return self.add(place, f"Parquet that cannot be read ({error})", "Parquet files", "build the folder again")
        for number, split in enumerate(info.get("splits") or []):
            files = opened.get(split.get("name"))
            if not files:
                continue
            where, rows = (*place, "splits", number), sum(file.metadata.num_rows for file in files)
            if split.get("num_examples") != rows:
                self.add(
                    (*where, "num_examples"), _shown(split.get("num_examples")), f"{rows} as in Parquet", "correct it"
                )
            arrow, told = sum(file.read().nbytes for file in files), split.get("num_bytes")
            if isinstance(told, int) and abs(told - arrow) > rows // 4 + 64 * (len(files) + rows // 100):  # of bitmaps
                self.add((*where, "num_bytes"), _shown(told), f"about {arrow} as in Parquet", "correct it")
        size = sum(file.stat().st_size for each in found.values() for file in each)
        if info.get("download_size", size) != size:
            got, expected = _shown(info["download_size"]), f"{size}, the bytes of the Parquet files"
            self.add((*place, "download_size"), got, expected, "correct it")
        for files in opened.values():
            for file in files[:1]:
                self.compare_names(place, info, datasets.Features.from_arrow_schema(file.schema_arrow))
                return None
        return None

    def compare_names(self, place, info, features):
        inside = next((f.names for f in features.values() if isinstance(f, datasets.ClassLabel)), None)
        if inside is None or not (told := _class_names(info)):
            return
        names = [*told[1].values()] if isinstance(told[1], dict) else told[1]
        if names != inside:
            number = next(
                (n for n, pair in enumerate(zip(names, inside, strict=False)) if len({*pair}) > 1), len(inside)
            )
            got = f"{len(names)} names" if len(names) != len(inside) else _shown(names[number])
            expected = f"{len(inside)}" if len(names) != len(inside) else repr(inside[number])
            keys = [*told[1]] if isinstance(told[1], dict) else range(len(names))
            where = (*place, *told[0], keys[number]) if number < len(names) else (*place, *told[0])
            self.add(where, got, f"{expected} as in Parquet", "correct it, or every row is relabelled")


def _listed(values, key):
    """[(place, element)] of a key that holds a list, or a mapping for a list of one."""
    value = values.get(key)
    if isinstance(value, dict):
        return [((key,), value)] if value else []
    return [((key, number), each) for number, each in enumerate(value if isinstance(value, list) else [])]


def _by_name(values, key):
    """{config name: (place, element)} of a key, those that are mappings."""
    listed = [(place, each) for place, each in _listed(values, key) if isinstance(each, dict)]
    return {str(each.get("config_name", "default")): (place, each) for place, each in listed}


def _class_names(info):
    """(place within dataset_info, names) of its first ClassLabel; None without."""
    features = info.get("features")
    for number, feature in enumerate(features if isinstance(features, list) else []):
        dtype = feature.get("dtype") if isinstance(feature, dict) else None
        if isinstance(dtype, dict) and isinstance(dtype.get("class_label"), dict):
            return ("features", number, "dtype", "class_label", "names"), dtype["class_label"].get("names") or {}


def _text(value):
    return isinstance(value, str) and value.strip() != ""


def _listing(value):
    return isinstance(value, list) and value != []


def _mapping(value):
    return isinstance(value, dict) and value != {}


def _paths(value):
    return _text(value) or (_listing(value) and all(map(_text, value)))


def _texts(value):
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _shown(value):
    kind = {bool: " (a boolean)", float: " (a float)", int: " (an integer)", dict: " (a mapping)"}.get(type(value), "")
    return f"{value!r:.60}{kind}"


def _names(values):
    return ", ".join(sorted(map(str, values)))
