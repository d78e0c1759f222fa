"""Measuring what the service itself costs, beside an engine that costs nothing."""
