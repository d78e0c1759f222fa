"""The `selfref` command. Each command's module imports what it runs with only when it runs, so that help is quick."""

import typer

from selfref.cli.bench import bench
from selfref.cli.calibrate import calibrate
from selfref.cli.deadletters import app as deadletters
from selfref.cli.demo import demo
from selfref.cli.doctor import doctor
from selfref.cli.exit_codes import CALIBRATE_EPILOG, DOCTOR_EPILOG, JUDGE_EPILOG, REJUDGE_EPILOG, UP_EPILOG
from selfref.cli.jobs import app as jobs
from selfref.cli.judge import judge
from selfref.cli.keys import app as keys
from selfref.cli.labels import app as labels
from selfref.cli.rejudge import rejudge
from selfref.cli.up import up

app = typer.Typer(
    name="selfref",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # they would print the texts of pairs
    help="Label preference pairs with AI feedback: a chat model answers the prompt itself, criticises two answers "
    "against its own, and says which one better serves one principle, and by how much.\n\n"
    "[bold]Start here:[/bold] `selfref demo` shows the whole on made-up pairs; `selfref up` starts the service on "
    "this machine, and `selfref judge` then judges a pair of yours.",
)
_RUN, _LOOK, _MEND = "Run it", "Use it", "Look after it"
app.command(rich_help_panel=_RUN)(demo)
app.command(rich_help_panel=_RUN, epilog=UP_EPILOG)(up)
app.command(rich_help_panel=_LOOK, epilog=JUDGE_EPILOG)(judge)
app.add_typer(jobs, name="jobs", rich_help_panel=_LOOK)
app.command(rich_help_panel=_LOOK, epilog=REJUDGE_EPILOG)(rejudge)
app.add_typer(keys, name="keys", rich_help_panel=_MEND)
app.command(rich_help_panel=_MEND, epilog=DOCTOR_EPILOG)(doctor)
app.add_typer(deadletters, name="deadletters", rich_help_panel=_MEND)
app.add_typer(labels, name="labels", rich_help_panel=_MEND)
app.command(rich_help_panel=_MEND, epilog=CALIBRATE_EPILOG)(calibrate)
app.command(
    rich_help_panel=_MEND,
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(bench)
