"""Why there is no calibration."""


class Refused(Exception):
    """What the judgments do not allow; the message says why, and what would help."""
