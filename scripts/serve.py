"""`maestro serve`: runs the proxy."""

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from litestar import Litestar

from proxy.app import create_app
from proxy.assembly import EMBEDDED_URLS, RATES_FILE, start_embedded
from proxy.dashboard.routes import SECRET
from proxy.serving.metrics import MULTIPROCESS
from proxy.serving.server import run_server
from proxy.settings import Settings, SettingsError, load_settings
from proxy.telemetry.logs import set_up_logs
from router.upstreams.weights import WeightsError

CONFIG = "MAESTRO_CONFIG_FILE"
OVERRIDES = "MAESTRO_SERVER__"


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="The settings file; without one, only the environment.")
@click.option("--host", help="Overrides server.host.")
@click.option("--port", type=int, help="Overrides server.port.")
@click.option("--workers", type=int, help="Overrides server.workers.")
def command(config: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Run the proxy. It is ready when GET /readyz answers 200."""
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"{OVERRIDES}{name}"] = str(value)
    if config is not None:
        os.environ[CONFIG] = str(config)
    try:
        settings = load_settings(config)
        set_up_logs(settings.telemetry.log_level, settings.telemetry.log_format)
        with shared_embedded(settings), shared_rates(settings), shared_metrics(settings):
            os.environ.setdefault(SECRET, secrets.token_urlsafe(32))
            run_server(settings, "scripts.serve:application")
    except (SettingsError, WeightsError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)


def application() -> Litestar:
    """The application of one worker, from the environment that `command` left."""
    settings = read_settings()
    set_up_logs(settings.telemetry.log_level, settings.telemetry.log_format)
    return create_app(settings, read_settings)


def read_settings() -> Settings:
    """The settings of the file that `command` was given, as it is now."""
    config = os.environ.get(CONFIG)
    return load_settings(Path(config) if config else None)


@contextlib.contextmanager
def shared_embedded(settings: Settings) -> Iterator[None]:
    """Starts the embedded models once for all workers, and ends them after."""
    servers, urls = start_embedded(settings.upstream)
    if servers is None:
        yield
        return
    os.environ[EMBEDDED_URLS] = msgspec.json.encode(dict(urls)).decode()
    try:
        yield
    finally:
        servers.close()


@contextlib.contextmanager
def shared_rates(settings: Settings) -> Iterator[None]:
    """A file in which several workers keep one set of buckets, so that together they hold the rate limits exactly."""
    if settings.server.workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="maestro-rates-") as folder:
        os.environ[RATES_FILE] = str(Path(folder) / "buckets")
        yield


@contextlib.contextmanager
def shared_metrics(settings: Settings) -> Iterator[None]:
    """A folder in which several workers keep their counters, so that each can tell the sums of all."""
    if settings.server.workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="maestro-metrics-") as folder:
        os.environ[MULTIPROCESS] = folder
        yield
