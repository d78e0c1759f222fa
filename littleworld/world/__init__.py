"""The world itself: questions, answers of known quality, and which of two answers a principle prefers.

Pure: it imports nothing of this project but itself, so that the demo and the benchmarks can use its gold.
"""
