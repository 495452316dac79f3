"""What the operator may say of teams, keys and their requests, in the file, over `/admin` and by command."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Effort = Literal["low", "medium", "high"]
Window = Literal["day", "week", "month", "total"]
Usd = Annotated[float, Field(ge=0, le=1_000_000_000)]
Worth = Annotated[float, Field(ge=0, le=1_000_000_000_000)]


class Section(BaseModel):
    """A table of the file: frozen, and an unknown key is an error, as is a number without end."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PointSettings(Section):
    """An operating point: what a dollar and a second are worth where a satisfied task is worth 1."""

    usd: Worth
    seconds: Worth


class EffortSettings(PointSettings):
    """An effort's point; with `mean_usd`, a dollar is then worth what keeps the mean cost of its runs there."""

    mean_usd: Annotated[float, Field(gt=0)] | None = None


class RunDefaults(Section):
    """What holds of a team's or key's requests where they say nothing, and what they may not pass.

    `run_…` are defaults of one run; `max_run_usd` bounds every run; the rates hold for team and key each.
    """

    effort: Effort | None = None
    operating_point: PointSettings | None = None
    quality_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    models: tuple[str, ...] = ()
    requirements: tuple[str | Mapping[str, Any], ...] = ()
    response_language: str | None = None
    run_usd: Usd | None = None
    run_seconds: Annotated[float, Field(gt=0)] | None = None
    run_calls: Annotated[int, Field(ge=1)] | None = None
    max_run_usd: Usd | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None


class TeamSettings(RunDefaults):
    """A team declared in the file: created or updated at start."""

    budget_usd: Usd | None = None
    window: Window = "month"
    soft_limit: Annotated[float, Field(gt=0, le=1)] | None = None
    webhook_url: str | None = None
