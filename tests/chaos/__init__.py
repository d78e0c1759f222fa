"""The chaos suite: real processes, faults on a seeded schedule, callers that remember, and one checker of the promises.

    python -m tests.chaos --seed 1 --minutes 2

`schedule` draws what goes wrong and when; `stack` and `faults` do it; `judge_callers`, `job_callers` and `trainer` are
the users, who write down in `history` what they were told; `quiescence` waits for the end and reads what is stored;
`checker` compares the two. `breakages` proves that the checker objects where a promise is broken.
"""
