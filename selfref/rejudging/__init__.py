"""Judgments held against themselves: decided again from what is stored of them, or made again by the same judge.

`results` reads what a job's results or single judgments are as lines, `pairs` finds the uploaded texts that they are
about. `rederiving` and `shift` decide again without a judge and say what that changes; `asking` makes the upload that
asks the judge once more, `floor` says how far its second judgments are from the first. The command is
`selfref.cli.rejudge`.
"""
