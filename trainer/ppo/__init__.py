"""PPO: from a reward model and prompts to a better policy."""
