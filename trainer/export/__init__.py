"""Snapshots as files and commands for other trainers; nothing here trains.

    OUT/preferences/train.jsonl, heldout.jsonl    decided pairs, in the row format of `selfref.exports`
    OUT/prompts.jsonl                             what a policy is to answer
    OUT/reward-model.sh, ppo.sh                   the commands of both stages
    OUT/manifest.json                             what went in, what was left out and why

`openrlhf` makes such a folder for OpenRLHF; the other modules are its parts, each without the others' concerns.
"""
