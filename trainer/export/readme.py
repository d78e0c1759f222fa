"""The README.md of an export to OpenRLHF: how to run it, what it needs and what it is not."""

from trainer.export.settings import VERSION, ExportSettings

_TEXT = """# Reward model and PPO by OpenRLHF

Written by `python -m trainer export openrlhf` from preference labels. **None of it has been run on a GPU:** its flags
are held against the parsers of OpenRLHF {version}, and its files against what its dataset classes read.

    ./reward-model.sh [FOLDER OF THE BASE MODEL]             # into reward-model/
    ./ppo.sh [FOLDER OF THE POLICY TO START FROM]            # then into policy/

Without an argument both take the folders that the export was made with. This folder may be moved, to another machine
too; its path must hold none of `, @ * ? [ ::`, which OpenRLHF and `datasets` take for something else.

## What it needs

- `pip install 'openrlhf[vllm]=={version}'`: another version has other flags. It pins flash-attn, DeepSpeed, Ray,
  transformers and vLLM, all of them for CUDA.
- One machine with {gpus} GPUs. The layout is meant for 7 billion weights on GPUs of 80 GB; with less memory lower
  `--vllm.gpu_memory_utilization` or add `--ds.adam_offload`, and with more raise the micro batches.
- `ppo.sh` starts Ray by itself. Where a Ray cluster runs already, all its machines need this folder at the same path.

## What it trains

| file | what it is for |
| --- | --- |
| `preferences/train.jsonl` | {train} pairs; `margin` is the strength of the judge's preference, 0 to 1 |
| `preferences/heldout.jsonl` | {heldout} pairs of prompts that are never trained on; {measured} |
| `prompts.jsonl` | {prompts} prompts, none of them held out; PPO answers {answered}, in whole batches of {batch} |
| `chat_template.jinja` | the base model's, but end-of-text alone follows an answer, as where a policy ends it |
| `manifest.json` | what went in, and what was left out for which reason |

Values are those of arXiv 2406.11190 and its scripts where they say something. What is different:

- {margin}
- The paper's loss also models the language of the better answer. OpenRLHF has no such loss, nor one that learns from
  the judge's probability or from ties. `python -m trainer reward-model` has both.
- Sampling is not narrowed (the paper's scripts: top-k 5, top-p 0.9, repetition penalty 1.02), since PPO's ratio is that
  of the whole policy.
- Scores are normalised by the reward model's `mean` and `std`. Leave `--ds.zero_stage 3` as it is: under any other,
  transformers 5 loads OpenRLHF's reward model without these two, and every score is noise (measured on a CPU).
- An answer that has not ended after {answer_tokens} tokens gets -1, in these units, instead of a score.

## The reward model comes back

    python -m trainer ppo --policy FOLDER --reward-model reward-model --prompts prompts.jsonl --out DIR

OpenRLHF saves the head as `score`, as transformers does, and writes `mean` and `std` into `config.json`, from where
`ppo` takes them. It does not write that there is one score, and it may name end-of-text as padding: transformers would
refuse the weights, or read the score a token too early. `reward-model.sh` ends with `loadable.py`, which puts both
right. For a reward model that was trained without that script: `python loadable.py FOLDER {padding}`.
"""


def readme(settings: ExportSettings, *, train: int, heldout: int, prompts: int, padding: int) -> str:
    """For these counts of pairs and prompts; `padding` is the token that a reward model skips."""
    return _TEXT.format(
        version=VERSION,
        gpus=settings.gpus,
        train=train,
        heldout=heldout,
        measured="`mean` and `std` come from them" if heldout else "so `mean` and `std` come from the training part",
        prompts=prompts,
        answered=prompts // settings.batch * settings.batch,
        batch=settings.batch,
        margin=_MARGIN if settings.margin else _NO_MARGIN,
        answer_tokens=settings.answer_tokens,
        padding=padding,
    )


_MARGIN = (
    "The loss is -log σ(Δ - margin), as in the paper; its published command leaves the margin out (`--no-margin`)."
)
_NO_MARGIN = "The loss is -log σ(Δ), as in the paper's published command; its text has the margin too (`--margin`)."
