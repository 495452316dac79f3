"""The `maestro` command: each sub-command lives in its own module and is imported only when it is called."""

import importlib
import os
from typing import cast

import click

COMMANDS = {
    "serve": "scripts.serve",
    "init": "scripts.init",
    "teams": "scripts.teams",
    "keys": "scripts.keys",
    "budgets": "scripts.budgets",
    "profiles": "scripts.profiles",
    "feedback": "scripts.feedback",
    "ledger": "scripts.ledger",
    "migrate": "scripts.migrate",
    "spend": "scripts.spend",
    "check": "scripts.check",
    "judge": "scripts.judge",
    "evaluate": "scripts.evaluate",
    "train": "scripts.train",
    "collect": "scripts.collect",
    "portfolio": "scripts.portfolio",
    "replay": "scripts.replay_runs",
    "optimize-prompt": "scripts.optimize_prompt",
    "efforts": "scripts.efforts",
    "onboard": "scripts.onboard",
    "bench": "scripts.bench",
    "top": "scripts.top",
}


class LazyGroup(click.Group):
    """Loads `command` from the module of the command that was asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, without importing anything."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one module."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name == "serve":
            # One text at a time: the threads of numpy's BLAS would cost five times what they bring, on the event loop.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        return cast(click.Command, importlib.import_module(COMMANDS[cmd_name]).command)


@click.command(cls=LazyGroup)
@click.version_option(package_name="maestro-proxy")
def main() -> None:
    """Maestro: an OpenAI-compatible proxy that plans, checks and repairs answers within a budget."""
