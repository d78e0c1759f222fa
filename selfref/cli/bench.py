"""`selfref bench`: measurements, with a command line of their own that is loaded only when asked for."""

import typer


def bench(context: typer.Context) -> None:
    """Measure the service: what it costs, how fast it judges, and how well."""
    from selfref.bench.cli import app

    app(args=context.args, prog_name="selfref bench")
