"""Fits what a judge's odds are worth on pairs that people have labelled.

`samples` takes what can be fitted on out of judgments, `ranking` asks whether there is anything to fit, `temperature`
and `tie_width` fit, `folds` leaves prompts out. `fitting` does it all, says how true the outcome is on what was left
out, or refuses with the reason. All of these are pure; `view` shows, `command` asks and writes. Judges are asked as
`selfref.bench.agreement` asks them.
"""
