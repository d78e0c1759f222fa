"""The whole service on one machine with one command: every part as a child process, data in one folder.

`supervisor.standing` is the way in, with `parts.StackSettings`; what can go wrong is in `errors`.
"""
