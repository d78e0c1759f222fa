"""The trainer: from the label feed to snapshots, a reward model and a better policy. It pulls; nothing calls it."""
