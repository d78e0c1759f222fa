"""The process that keeps jobs moving: `python -m service.keeper`."""
