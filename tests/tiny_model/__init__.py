"""A tiny randomly initialised Llama, made in seconds without a network, for tests of everything around a judge."""
