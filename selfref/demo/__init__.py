"""The demonstration: pairs of the little world whose better answer is known exactly, judged at once, and what became of
them beside what should have become of them.
"""
