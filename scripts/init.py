"""`maestro init`: writes a commented settings file from the providers' keys found in the environment."""

import sys
from pathlib import Path

import click

from proxy.providers import PROVIDERS, Provider, found_providers

HEAD = """\
# Maestro settings. Every key is optional; maestro.example.toml explains all of them.
[server]
host = "127.0.0.1"        # another address needs API keys: maestro teams create, maestro keys create
port = 8000

[ledger]
url = "sqlite:///maestro.db"

[defaults]
effort = "low"            # low, medium or high: what a dollar and a second are worth

# [aliases]               # upgrades an app that names a model in its code
# "gpt-4" = "maestro"
"""
LOCAL = """
[[upstream]]              # no provider's key was found: the embedded model, which needs none
name = "local"
builtin = "smollm2"
"""


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("maestro.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(config: Path, force: bool) -> None:
    """Write a commented maestro.toml from the keys found in the environment. Secrets are named, never written."""
    if config.exists() and not force:
        click.echo(f"maestro: {config} is there already (--force replaces it)", err=True)
        sys.exit(2)
    found = found_providers()
    config.write_text(HEAD + "".join(map(_table, found)) if found else HEAD + LOCAL, "utf-8")
    names = ", ".join(provider.name for provider in found) or "the embedded model"
    click.echo(f"wrote {config} with {names}")
    if not found:
        click.echo("known keys: " + ", ".join(provider.key for provider in PROVIDERS))


def _table(provider: Provider) -> str:
    head = (
        f'\n[[upstream]]\nname = "{provider.name}"\nbase_url = "{provider.base_url}"\napi_key_env = "{provider.key}"\n'
    )
    models = "".join(f'  [[upstream.model]]\n  name = "{name}"\n' for name in provider.models)
    star = (
        '  [[upstream.model]]\n  name = "*"              # any other name, if its price is known\n  routable = false\n'
    )
    return head + models + star
