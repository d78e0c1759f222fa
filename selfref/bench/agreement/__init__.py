"""How well the judge agrees with the little world's gold preferences, and whether its reference helps.

Pairs with a known better answer go through `POST /judge` of a real stack, once for every arm (a preset, or a preset
with a reference that is known to be right or wrong). `run` asks, `scoring` and `bootstrap` are pure statistics,
`report` puts them together, `view` and `plot` show them, `command` is the command.
"""
