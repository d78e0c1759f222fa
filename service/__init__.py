"""The HTTP gateway: takes pairs in, waits for their judgments, and serves the label feed. Holds no state of its own."""
