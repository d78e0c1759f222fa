"""The markers that chat templates are made of, found in texts that must be data.

A tokenizer cannot tell a caller's `[INST]` or `</s>` from its own template's, so such a text could end the judge's turn
and speak in its place. Nothing here decides what to do: the gateway refuses or escapes, the worker fails the pair.
"""

import re

MARKERS = (
    # Llama 2, Mistral
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    # sentencepiece's own
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<bos>",
    "<eos>",
    # Gemma
    "<start_of_turn>",
    "<end_of_turn>",
)
_FAMILIES = (
    r"<\|[^|<>\s]{1,40}\|>",  # <|im_start|>, <|eot_id|>, <|user|>: ChatML, Llama 3 and 4, Phi, Zephyr, Qwen
    r"<｜[^｜<>]{1,40}｜>",  # DeepSeek
    r"<unused\d+>",  # Gemma
)
_ZERO_WIDTH_SPACE = "\u200b"
_ANY = re.compile("|".join([*map(re.escape, MARKERS), *_FAMILIES]), re.IGNORECASE)


def find_marker(text: str) -> str | None:
    """The first template marker in the text as it is written there, or None."""
    found = _ANY.search(text)
    return found.group() if found else None


def escape_markers(text: str) -> str:
    """The text with a zero-width space after the first character of every marker: it reads the same and is none."""
    while find_marker(text):  # again for a marker within a marker
        text = _ANY.sub(lambda found: found.group()[0] + _ZERO_WIDTH_SPACE + found.group()[1:], text)
    return text
