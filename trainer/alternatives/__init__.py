"""What else makes a policy better, by TRL: RLOO and GRPO of a reward model, DPO of the labels themselves."""
