"""`python -m trainer`: each command's module imports what it runs with only when it runs, so that help is quick."""

import typer

from trainer.alternatives.command import DPO_EPILOG, ONLINE_EPILOG, dpo, grpo, rloo
from trainer.export.command import export
from trainer.follow.command import EPILOG as FOLLOW_EPILOG
from trainer.follow.command import PREFIX, follow
from trainer.on_policy.command import EPILOG as PAIRS_EPILOG
from trainer.on_policy.command import pairs
from trainer.ppo.command import EPILOG as PPO_EPILOG
from trainer.ppo.command import ppo
from trainer.reward.command import EPILOG as REWARD_EPILOG
from trainer.reward.command import reward_model
from trainer.snapshots.command import EPILOG as SNAPSHOT_EPILOG
from trainer.snapshots.command import snapshot

app = typer.Typer(
    name="trainer",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would print the texts of pairs
    help="From the label feed to a reward model to a better policy.",
)
app.command(epilog=SNAPSHOT_EPILOG)(snapshot)
app.command(name="reward-model", epilog=REWARD_EPILOG)(reward_model)
app.command(epilog=PPO_EPILOG)(ppo)
app.command(name="rloo", epilog=ONLINE_EPILOG)(rloo)
app.command(name="grpo", epilog=ONLINE_EPILOG)(grpo)
app.command(epilog=DPO_EPILOG)(dpo)
app.command(epilog=PAIRS_EPILOG)(pairs)
app.add_typer(export, name="export")
app.command(epilog=FOLLOW_EPILOG, context_settings={"auto_envvar_prefix": PREFIX})(follow)


if __name__ == "__main__":
    app()
