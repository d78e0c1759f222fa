"""The reward model: a score for an answer, learnt from the judge's preferences."""
