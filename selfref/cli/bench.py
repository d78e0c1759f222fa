"""`selfref bench`: measurements, with a command line of their own that is loaded only when asked for."""

import typer


def bench(context: typer.Context) -> None:
    """Measure the service: what it costs per engine call, and how much of the engine it keeps busy."""
    from selfref.bench.cli import app

    app(args=context.args, prog_name="selfref bench")
