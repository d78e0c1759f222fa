"""The closed loop in the little world: a weak policy, the judge's labels, a reward model, a better policy.

Gold is exact here, so what the judge's labels are worth to a policy can be measured rather than believed.
"""
