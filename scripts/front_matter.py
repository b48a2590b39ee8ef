"""The YAML that a card starts with: what the Hub and `load_dataset` read."""

import yaml


def front_matter(pretty_name, tags, configs):
    """The block with its --- lines, for `configs`: [(name, class names, {split: size})], the first being the default.

    A size is a dict of num_bytes, those of the Arrow table, num_examples and parquet_bytes, all int.
    """
    block = {
        "pretty_name": pretty_name,
        "task_categories": ["image-classification"],
        "task_ids": ["multi-class-image-classification"],
        "tags": list(tags),
        "configs": [_config(name, splits) for name, _, splits in configs],
        "dataset_info": [_dataset_info(*config) for config in configs],
    }
    block["configs"][0]["default"] = True
    return f"---\n{yaml.safe_dump(block, allow_unicode=True, sort_keys=False, width=1000)}---\n"


def _config(name, splits):
    return {
        "config_name": name,
        "data_files": [{"split": split, "path": f"{name}/{split}-*"} for split in splits],
    }


def _dataset_info(name, class_names, splits):
    names = {str(label): class_name for label, class_name in enumerate(class_names)}  # the Hub takes no integer keys
    counts = ("num_bytes", "num_examples")
    return {
        "config_name": name,
        "features": [
            {"name": "image", "dtype": "image"},
            {"name": "label", "dtype": {"class_label": {"names": names}}},
        ],
        "splits": [{"name": split, **{key: size[key] for key in counts}} for split, size in splits.items()],
        "download_size": sum(size["parquet_bytes"] for size in splits.values()),
        "dataset_size": sum(size["num_bytes"] for size in splits.values()),
    }
