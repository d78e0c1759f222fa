"""What a training command has to deal with; each says what to do about it."""


class TrainingError(Exception):
    """The parent of everything that the trainer raises on purpose; its text goes to the person who called it."""


class LabelsGone(TrainingError):
    """Labels were trimmed from the feed before they were taken up."""


class NothingToTrainOn(TrainingError):
    """No label is left once those that teach nothing are dropped."""


class ModelUnusable(TrainingError):
    """A model folder is missing, or not of the kind that is needed."""


class SnapshotDamaged(TrainingError):
    """A snapshot's files do not say what its manifest says."""


class Diverged(TrainingError):
    """The gradient is no longer a number: trying again ends the same way; other settings may not."""
