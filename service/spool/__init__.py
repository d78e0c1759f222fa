"""Uploads on disk: received, kept until their job is deleted, and read line by line into an index of pairs.

Knows neither HTTP routes nor Redis. What it promises: an upload that was kept is whole and on disk; each of its lines
ends in exactly one place (a pair, a twin of a pair, a gold pair, the refused lines); reading it again gives the same.
"""
