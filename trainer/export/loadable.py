"""Make a reward model that OpenRLHF has saved one that transformers loads: python loadable.py FOLDER PADDING

OpenRLHF saves the weights of a head with one output, and a config.json that says nothing of it, so transformers would
build a head with two. And where the tokenizer has no padding token of its own, the config calls end-of-text padding, so
transformers would read the score of the token before it. This needs nothing but Python, and may be run again.
"""

import json
import sys
from pathlib import Path


def make_loadable(folder: Path, *, padding: int) -> None:
    """Write into FOLDER's config.json that there is one score, and which token is padding. Raises OSError."""
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["id2label"], config["label2id"] = {"0": "LABEL_0"}, {"LABEL_0": 0}
    config["pad_token_id"] = padding
    aside = folder / ".config.json.partial"
    aside.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    aside.replace(file)


if __name__ == "__main__":
    make_loadable(Path(sys.argv[1]), padding=int(sys.argv[2]))
