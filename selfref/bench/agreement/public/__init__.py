"""Public sets of labelled pairs: where their publishers keep them (`catalog`), how they are fetched (`fetching`) and
made into the rows that `selfref.bench.agreement.files` reads (`converting`). None of them is part of this project.
"""
