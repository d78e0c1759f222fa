"""A tiny randomly initialised Llama, made in seconds without a network, for demos and tests of everything around it."""
