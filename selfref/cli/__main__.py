"""`python -m selfref.cli`, for where the `selfref` script is not on the path."""

from selfref.cli import app

app(prog_name="selfref")
