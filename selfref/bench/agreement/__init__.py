"""How well a judge agrees with known labels, how consistent it is, and whether its reference helps.

Pairs with a known better answer, of the little world (`world`) or of labelled files (`files`), go through `POST /judge`
of a real service, once for every arm (a preset, or a preset with a reference that is known to be right or wrong). `run`
asks, `ledger` remembers what was paid for, `recorded` reads what judges said elsewhere. `scoring`, `bootstrap` and
`baselines` are pure statistics, `report` puts them together, `sheets` into tables for `view` (terminal) and `page`
(Markdown), `plot` into pictures; `command` is the command.
"""
