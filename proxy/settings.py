"""Settings: `maestro.toml`, every key optional; `MAESTRO_…` variables override. The environment is read only here."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from proxy.terms import Effort, EffortSettings, Section, TeamSettings, Usd
from proxy.variants import VariantsSettings


class ServerSettings(Section):
    """Where and how the proxy listens; how long a stopping one still serves new requests, and then finishes its own."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1)] = 1
    max_body_mb: Annotated[float, Field(gt=0)] = 25
    leave_seconds: Annotated[float, Field(ge=0)] = 0
    drain_seconds: Annotated[float, Field(ge=0)] = 20
    admin_key_env: str = "MAESTRO_ADMIN_KEY"
    budget_error_status: Literal[402, 429] = 429
    keep_alive_seconds: Annotated[float, Field(gt=0)] = 5


class LedgerSettings(Section):
    """Where money is recorded. `durability` "full" survives a power loss, "normal" only a crash of the process.

    `url_env` names a variable (or NAME_FILE a file) that holds the URL, where it has a password; it is the stronger.
    `outage_usd` is what each team may spend through this proxy while PostgreSQL is away, written down in `outage_file`.
    """

    url: str = "sqlite:///maestro.db"
    url_env: str | None = None
    store_texts: bool = False
    durability: Literal["full", "normal"] = "full"
    outage_usd: Usd = 0.0
    outage_file: str = "maestro.outage.db"


class ModelSettings(Section):
    """A model of an upstream. Prices not given come from the price table; neither: the model is refused."""

    name: str
    served_as: str | None = None
    input_usd_per_mtok: Usd | None = None
    output_usd_per_mtok: Usd | None = None
    cached_input_usd_per_mtok: Usd | None = None
    cache_write_usd_per_mtok: Usd | None = None
    reasoning_usd_per_mtok: Usd | None = None
    audio_input_usd_per_mtok: Usd | None = None
    audio_output_usd_per_mtok: Usd | None = None
    image_input_usd_per_mtok: Usd | None = None
    image_output_usd_per_mtok: Usd | None = None
    usd_per_request: Usd | None = None
    usd_per_second: Usd | None = None
    context_tokens: Annotated[int, Field(gt=0)] | None = None
    max_output_tokens: Annotated[int, Field(gt=0)] | None = None
    supports: tuple[str, ...] = ("tools", "images", "json_schema", "logprobs")
    fallbacks: tuple[str, ...] = ()
    routable: bool = True
    family: str | None = None
    parameters_billions: Annotated[float, Field(gt=0)] | None = None


class UpstreamSettings(Section):
    """One OpenAI-compatible server, or an embedded model (`gguf = path`, or `builtin = "smollm2"`)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    base_url: str | None = None
    api_key_env: str | None = None
    headers: Mapping[str, str] = {}
    timeout_seconds: Annotated[float, Field(gt=0)] = 60
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    max_parallel: Annotated[int, Field(ge=1)] = 64
    asks_usage: bool = True
    responses: bool = False
    forward_traceparent: bool = False
    gguf: str | None = None
    builtin: Literal["smollm2"] | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    slots: Annotated[int, Field(ge=1)] = 2
    context_tokens: Annotated[int, Field(gt=0)] = 8192
    model: tuple[ModelSettings, ...] = ()

    @model_validator(mode="after")
    def _says_where(self) -> "UpstreamSettings":
        given = [source for source in (self.base_url, self.gguf, self.builtin) if source is not None]
        if len(given) != 1:
            raise ValueError(f"upstream '{self.name}' needs exactly one of base_url, gguf, builtin")
        return self

    @property
    def is_embedded(self) -> bool:
        """Do we start its server ourselves?"""
        return self.base_url is None


class JudgeSettings(Section):
    """Which models judge, in order of preference; empty: any routable one.

    `audit_share` of the judge's calls also ask about what checks decide, so that its error is learnt.
    """

    models: tuple[str, ...] = ()
    audit_share: Annotated[float, Field(ge=0, le=1)] = 0.0


class DefaultsSettings(Section):
    """What holds where request, key and team say nothing."""

    effort: Effort = "low"
    quality_threshold: Annotated[float, Field(ge=0, le=1)] = 0.95
    budget_usd: Usd | None = None
    budget_seconds: Annotated[float, Field(gt=0)] | None = None
    budget_calls: Annotated[int, Field(ge=1)] | None = None


class WebhookSettings(Section):
    """Where operators are told of budgets, and what proves that it was us. Teams may name a URL of their own."""

    url: str | None = None
    secret_env: str = "MAESTRO_WEBHOOK_SECRET"
    hosts: tuple[str, ...] = ()


class RunsSettings(Section):
    """Runs that outlive their request: how long they are kept, and whether an interrupted one may be begun anew.

    `resume` keeps a run's request in the ledger until the run ends; without a word it follows `ledger.store_texts`.
    `batch_parallel` requests of batches run at once in each worker; one, while a client waits for an answer.
    """

    keep_hours: Annotated[float, Field(gt=0)] = 168
    resume: bool | None = None
    batch_parallel: Annotated[int, Field(ge=1)] = 4


class WebSearchSettings(Section):
    """Which engine searches the web: searxng, tavily, brave, or one registered under `maestro.web_search`."""

    engine: str
    base_url: str | None = None
    api_key_env: str | None = None
    usd_per_search: Usd = 0.0
    cache_seconds: Annotated[float, Field(ge=0)] = 900
    read_pages: Annotated[int, Field(ge=0, le=10)] = 3
    obey_robots: bool = True


class ToolsSettings(Section):
    """Maestro's own tools. `hosts` may be called besides public ones; `documents` is a file beside the ledger."""

    documents: str | None = None
    team_storage_mb: Annotated[int, Field(ge=1)] = 2048
    conversion_seconds: Annotated[int, Field(ge=1)] = 60
    conversion_memory_mb: Annotated[int, Field(ge=128)] = 1024
    hosts: tuple[str, ...] = ()
    call_seconds: Annotated[float, Field(gt=0)] = 20
    rounds: Annotated[int, Field(ge=1, le=32)] = 8
    web_search: WebSearchSettings | None = None


class TelemetrySettings(Section):
    """Logs."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    log_requests: bool = True
    otel: bool = False


class LimitsSettings(Section):
    """How much one request may ask; whether a slow call may get a second one beside it."""

    requirements: Annotated[int, Field(ge=1)] = 32
    requirement_characters: Annotated[int, Field(ge=1)] = 4000
    parallel_attempts: Annotated[int, Field(ge=1)] = 8
    hedging: bool = True


class ChecksSettings(Section):
    """What checks with effects may do: hosts that webhooks may call besides public ones, and whether code may run."""

    webhook_hosts: tuple[str, ...] = ()
    run_code: bool = True


class Settings(BaseSettings):
    """Everything the operator may set."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="MAESTRO_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    server: ServerSettings = ServerSettings()
    ledger: LedgerSettings = LedgerSettings()
    upstream: tuple[UpstreamSettings, ...] = ()
    aliases: Mapping[str, str] = {}
    judge: JudgeSettings = JudgeSettings()
    defaults: DefaultsSettings = DefaultsSettings()
    efforts: Mapping[Effort, EffortSettings] = {}
    teams: Mapping[str, TeamSettings] = {}
    validators: Mapping[str, str] = {}
    webhooks: WebhookSettings = WebhookSettings()
    runs: RunsSettings = RunsSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    limits: LimitsSettings = LimitsSettings()
    checks: ChecksSettings = ChecksSettings()
    tools: ToolsSettings = ToolsSettings()
    variants: VariantsSettings = VariantsSettings()
    checkpoint: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    exploration_share: Annotated[float, Field(ge=0, le=1)] = 0.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment is stronger than the file."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _upstreams_differ(self) -> "Settings":
        names = [upstream.name for upstream in self.upstream]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two upstreams are named '{doubled[0]}'")
        return self


class SettingsError(Exception):
    """The settings are wrong; the message says which key, and what would be right."""


def load_settings(path: Path | None) -> Settings:
    """Reads the file (None: only the environment). Raises SettingsError with one line for each thing that is wrong."""
    try:
        values = tomllib.loads(path.read_text("utf-8")) if path else {}
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file (maestro init writes one)") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    try:
        return Settings(**values)
    except ValidationError as error:
        lines = [_explain(problem["loc"], problem["type"], problem["msg"]) for problem in error.errors()]
        raise SettingsError(f"{path or 'environment'}: " + "; ".join(lines)) from None


def read_secret(variable: str | None) -> str | None:
    """A secret from the environment, or from the file that `VARIABLE_FILE` names; None if there is none."""
    if not variable:
        return None
    if os.environ.get(variable):
        return os.environ[variable].strip()
    file = os.environ.get(f"{variable}_FILE")
    return Path(file).read_text("utf-8").strip() if file else None


def _explain(location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(part) for part in location) or "settings"
    if kind != "extra_forbidden":
        return f"{name}: {message}"
    near = difflib.get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
    return f"unknown setting '{name}'" + (f" (did you mean '{near[0]}'?)" if near else "")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, Any] = {
        "server": ServerSettings,
        "ledger": LedgerSettings,
        "upstream": UpstreamSettings,
        "model": ModelSettings,
        "judge": JudgeSettings,
        "defaults": DefaultsSettings,
        "teams": TeamSettings,
        "webhooks": WebhookSettings,
        "runs": RunsSettings,
        "tools": ToolsSettings,
        "web_search": WebSearchSettings,
        "telemetry": TelemetrySettings,
        "limits": LimitsSettings,
        "variants": VariantsSettings,
    }
    found = next((tables[str(part)] for part in reversed(location) if part in tables), None if location else Settings)
    return [] if found is None else list(found.model_fields)
