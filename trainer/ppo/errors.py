"""What ends a PPO run early, beside an unusable model.

TrainingError
├── PromptsUnusable    a file of prompts, or one of them, cannot be trained on
└── OtherRun           the folder holds a run that learns something else
"""

from trainer.errors import TrainingError


class PromptsUnusable(TrainingError):
    """Names the prompt by its number, counted from 1, never by its text."""


class OtherRun(TrainingError):
    """Trying again helps with another folder only."""
