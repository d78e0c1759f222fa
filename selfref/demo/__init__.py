"""The built-in demonstration: a dozen pairs judged at once, and what became of them.

`pairs.jsonl` holds request bodies of `POST /judge`. They show what is worth showing: a pair and its swapped twin, two
equal answers, an empty answer, a conversation, an answer that gives orders to the judge, other principles and presets.
"""
