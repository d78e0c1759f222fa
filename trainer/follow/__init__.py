"""The trainer that runs for ever: waits for labels, takes a snapshot, trains on it, and waits for the next ones.

    DATA/snapshots/00001/ …       the label feed, `--size` labels each
    DATA/runs/reward-3f9c…/       a reward model of the snapshots up to the newest; CURRENT-reward names the last one
    DATA/runs/ppo-51a0…/          a policy of that reward model, where one is asked for; CURRENT-policy
    DATA/following                held by flock(2) while a process follows

What is on disk is all that it knows, so it may be killed at any moment. The next snapshot is taken only when the newest
one has its runs: whatever comes meanwhile, and however often it is started again, snapshot k is followed by the run of
snapshots 1 to k, which is done once.
"""
