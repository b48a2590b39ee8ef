"""Write the YAML front matter that a card starts with, for the Hub and `load_dataset`."""

import yaml


def front_matter(keys, configs):
    """The block with its --- lines: `keys`, then `configs`, (name, class names, {split: size}), the first the default.

    A size is a dict of num_examples and, where there are files, num_bytes of the Arrow table and parquet_bytes.
    """
    block = {
        **keys,
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
    info = {
        "config_name": name,
        "features": [
            {"name": "image", "dtype": "image"},
            {"name": "label", "dtype": {"class_label": {"names": names}}},
        ],
        "splits": [
            {"name": split, **{key: size[key] for key in counts if key in size}} for split, size in splits.items()
        ],
    }
    if all("parquet_bytes" in size for size in splits.values()):
        info["download_size"] = sum(size["parquet_bytes"] for size in splits.values())
        info["dataset_size"] = sum(size["num_bytes"] for size in splits.values())
    return info
