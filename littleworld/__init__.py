"""A little world of short questions with exact answers, and the small judge that is trained on it.

An example domain: it renders its training turns with the worker's own prompts, and the demo and the benchmark use its
gold preferences. No service code knows it.
"""

from pathlib import Path

JUDGE: Path = Path(__file__).parent / "judge"  # a Hugging Face folder; its README.md is the model card
