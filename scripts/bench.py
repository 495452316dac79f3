"""`maestro bench`: measurements of the whole, each in its own module."""

import importlib.util
from typing import cast

import click

BENCHES = {
    "decide": "scripts.bench_decide",
    "latency": "scripts.bench_latency",
    "onboard": "scripts.bench_onboard",
    "plan": "scripts.bench_plan",
    "prior": "scripts.bench_prior",
    "repair": "scripts.bench_repair",
    "replay": "scripts.bench_replay",
    "ifeval": "scripts.bench_ifeval",
    "following": "scripts.bench_following",
    "scaling": "scripts.bench_scaling",
    "report": "scripts.bench_report",
}


class LazyBenches(click.Group):
    """Loads `command` from the module of the bench that was asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those whose module is there, without importing any."""
        return sorted(name for name, module in BENCHES.items() if importlib.util.find_spec(module))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one module."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return cast(click.Command, importlib.import_module(BENCHES[cmd_name]).command)


@click.command(cls=LazyBenches)
def command() -> None:
    """Benchmarks: the planner on outcome tables, IFEval and the following set on the configured upstreams."""
