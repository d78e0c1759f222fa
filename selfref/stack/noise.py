"""The stand-in judge's name and warning; importing this costs nothing."""

NOISE_MODEL = "selfref/random-noise"  # its name in every judgment's provenance
NOISE_WARNING = (
    "This judge is a tiny model with random weights: its verdicts are NOISE and mean nothing. "
    "Give a real one with `selfref up --model DIR` or `--engine-url URL`."
)
