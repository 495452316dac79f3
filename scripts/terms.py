"""Options that several money commands share, by the names of the settings file."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
WINDOWS = ("day", "week", "month", "total")

window_option = click.option(
    "--window", type=click.Choice(WINDOWS), help="What the limit is over (UTC); teams: month, keys: total."
)


def rate_options(function: F) -> F:
    """Requests and tokens a minute."""
    return _all_of(
        function,
        click.option("--requests-per-minute", type=click.IntRange(min=1)),
        click.option("--tokens-per-minute", type=click.IntRange(min=1)),
    )


def run_options(function: F) -> F:
    """Defaults and bounds of one request."""
    return _all_of(
        function,
        click.option("--effort", type=click.Choice(["low", "medium", "high"])),
        click.option("--operating-point", type=(float, float), metavar="USD SECONDS", help="Instead of an effort."),
        click.option("--quality", "quality_threshold", type=click.FloatRange(0, 1)),
        click.option("--model", "models", multiple=True, help="A model that may be used; several times; default all."),
        click.option("--requirement", "requirements", multiple=True, help="Must hold of every answer; several times."),
        click.option("--response-language", help="A language code."),
        click.option("--run-usd", type=click.FloatRange(min=0), help="Default budget of one request."),
        click.option("--run-seconds", type=click.FloatRange(0, min_open=True)),
        click.option("--run-calls", type=click.IntRange(min=1)),
        click.option("--max-run-usd", type=click.FloatRange(min=0), help="The most one request may spend."),
    )


def said_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was said, in the shapes of the settings file."""
    said = {name: value for name, value in options.items() if value is not None and value != ()}
    if "operating_point" in said:
        usd, seconds = said["operating_point"]
        said["operating_point"] = {"usd": usd, "seconds": seconds}
    return said


def _all_of(function: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        function = option(function)
    return function
