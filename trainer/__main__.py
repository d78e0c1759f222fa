"""`python -m trainer`: each command's module imports what it runs with only when it runs, so that help is quick."""

import typer

app = typer.Typer(
    name="trainer",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would print the texts of pairs
    help="From the label feed to a reward model to a better policy.",
)


if __name__ == "__main__":
    app()
