"""What each page shows: asks the ledger, the registry and the planner, and hands values to the templates."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cachetools import TTLCache
from litestar import Response
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from proxy.dashboard import charts
from proxy.dashboard.frame import HEADERS, Frame
from proxy.dashboard.measured import MeasuredAction, measured_action, pareto
from proxy.dashboard.models_page import brier, calibration, model_rows
from proxy.dashboard.operating import Held, clear_point, points_held, set_point
from proxy.dashboard.runs_page import Wanted, find_runs
from proxy.dashboard.sampled import CLUSTERS, POINTS, Predicted, predict_all
from proxy.dashboard.spend_page import burn_chart_of, burn_of, days_of
from proxy.dashboard.tree import tree_of
from proxy.dashboard.viewer import Asked, Viewer
from proxy.house import House
from router.errors import Forbidden
from router.ledger.ledger import Spend
from router.ledger.registry import SERVER
from router.task import FinishReason

PREDICTED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks and whose."""

    cluster: str
    team: str | None


class Pages:
    """One method a page."""

    def __init__(self, house: House, frame: Frame) -> None:
        self._house = house
        self._frame = frame
        self._predicted: TTLCache[tuple[Any, ...], Predicted] = TTLCache(64, PREDICTED_SECONDS)

    async def tradeoffs(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """Accuracy × cost × latency of actions and plans, and the operating point."""
        query = request.query_params
        cluster = query.get("cluster", "checked")
        filters = Filters(cluster if cluster in CLUSTERS else "checked", viewer.only(query.get("team")))
        teams = await self._teams(viewer)
        effort, efforts = self._house.settings.defaults.effort, self._house.rooms.dispatcher.efforts
        held = await points_held(self._house.rooms.registry, teams, effort, efforts)
        predicted = await self._predict(viewer, filters, held)
        measured = await self._measured(filters)
        return self._frame.page("tradeoffs", viewer, **self._tradeoff_words(filters, teams, held, predicted, measured))

    def _tradeoff_words(
        self,
        filters: Filters,
        teams: tuple[str, ...],
        held: Sequence[Held],
        predicted: Predicted,
        measured: Sequence[MeasuredAction],
    ) -> dict[str, Any]:
        actions, plans = predicted.actions, predicted.plans
        best = pareto([(a.success, a.usd, a.seconds) for a in actions])
        offered = plans[: len(POINTS)]
        reached = {(plan.usd_value, plan.seconds_value): plan for plan in plans[len(POINTS) :]}
        current = {h.whose: reached.get((h.tradeoff.usd, h.tradeoff.seconds)) for h in held}
        figures = {axis: charts.tradeoff_chart(axis, actions, best, measured, offered) for axis in ("usd", "seconds")}
        return {
            "title": "Trade-offs",
            "clusters": CLUSTERS,
            "filters": filters,
            "teams": teams,
            "held": held,
            "current": current,
            "plans": offered,
            "actions": sorted(zip(actions, best, strict=True), key=lambda pair: -pair[0].success),
            "measured": {m.action: m for m in measured},
            "extra": [m for m in measured if m.action not in {a.action for a in actions}],
            "figures": figures,
        }

    async def set_point(self, viewer: Viewer, form: Mapping[str, str]) -> Response[Any]:
        """Sets or clears an operating point, and shows the page again. Raises Forbidden, BadRequest."""
        if not viewer.is_admin:
            raise Forbidden("Only an admin may set an operating point.")
        registry, whose = self._house.rooms.registry, form.get("whose", "")
        if form.get("act") == "clear":
            await clear_point(registry, whose)
        else:
            await set_point(registry, whose, form.get("usd", ""), form.get("seconds", ""))
        where = urlencode({"cluster": form.get("cluster", "checked"), "team": form.get("team", "")})
        to = f"/dashboard/tradeoffs?{where}#point"
        return Redirect(to, status_code=HTTP_303_SEE_OTHER, headers=HEADERS)

    async def runs(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """The list of runs."""
        query = request.query_params
        wanted = Wanted(
            team=viewer.only(query.get("team")),
            search=query.get("search", "").strip(),
            finish=query.get("finish", ""),
            score=query.get("score", ""),
            before=_number(query.get("before")),
        )
        found = await find_runs(self._house.rooms.ledger, wanted)
        words: dict[str, Any] = {
            "wanted": wanted,
            "found": found,
            "teams": await self._teams(viewer),
            "reasons": list(FinishReason),
        }
        return self._frame.page("runs", viewer, title="Runs", **words)

    async def run(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """One run as a tree."""
        run_id = str(request.path_params["run_id"])
        run = await self._house.rooms.ledger.find_run(run_id)
        if run is None or (viewer.team is not None and run.get("team") != viewer.team):
            words = f"There is no run '{run_id[:80]}', or it is another team's."
            return self._frame.page("error", viewer, 404, message=words, title="No such run")
        tree = tree_of({"id": run_id, **(run.get("run") or run)})
        stores = self._house.settings.ledger.store_texts
        return self._frame.page("run", viewer, title=f"Run {run_id}", tree=tree, run=run, stores_texts=stores)

    async def spend(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """Who spent what, and how budgets go."""
        team = viewer.only(request.query_params.get("team"))
        ledger, now = self._house.rooms.ledger, time.time()
        today = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        sums = {
            by: await ledger.spend(Spend((by,), team=team)) for by in ("team", "key", "model", "purpose", "technique")
        }
        daily = await ledger.spend(Spend(("day", "model"), team=team))
        by_model = {
            str(row["model"]): days_of([r for r in daily if r["model"] == row["model"]], today) for row in sums["model"]
        }
        burns = []
        for budget in await self._house.rooms.registry.list_budgets():
            burn = burn_of(budget, now)
            if burn is not None and (team is None or (burn.scope, burn.id) == ("team", team)):
                spent = await ledger.spend(_spend_of(burn.scope, burn.id))
                burns.append((burn, burn_chart_of(burn, spent, now)))
        words: dict[str, Any] = {"sums": sums, "burns": burns, "teams": await self._teams(viewer), "team": team}
        return self._frame.page("spend", viewer, title="Spend", days=charts.days_chart([], by_model), **words)

    async def models(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """How far predictions hold, and how fast models are."""
        rooms = self._house.rooms
        rows = await rooms.ledger.predictions(viewer.team)
        offered = {model.id: model for model in rooms.dispatcher.models_for(viewer.caller)}
        table = model_rows(rows, list(offered), rooms.dispatcher.speeds)
        bins = calibration(rows)
        labels = await rooms.ledger.read_labels()
        words: dict[str, Any] = {
            "rows": table,
            "bins": bins,
            "brier": brier(rows),
            "labels": labels,
            "offered": offered,
        }
        return self._frame.page("models", viewer, title="Models", chart=charts.calibration_chart(bins), **words)

    async def playground(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """A prompt with requirements and a budget."""
        models = [model.id for model in self._house.rooms.dispatcher.models_for(viewer.caller)]
        teams = await self._teams(viewer)
        origin = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
        return self._frame.page("playground", viewer, title="Playground", models=models, teams=teams, origin=origin)

    async def _teams(self, viewer: Viewer) -> tuple[str, ...]:
        if viewer.team is not None:
            return (viewer.team,)
        rows = await self._house.rooms.registry.list_teams()
        return tuple(str(row["team"]) for row in rows if row["team"] not in ("", SERVER))

    async def _measured(self, filters: Filters) -> list[MeasuredAction]:
        rows = await self._house.rooms.ledger.outcome_sums(filters.team)
        return [measured_action(row) for row in rows if row["cluster"] == filters.cluster]

    async def _predict(self, viewer: Viewer, filters: Filters, held: Sequence[Held]) -> Predicted:
        """Kept for half a minute: the same question is asked at every filter."""
        points = {h.tradeoff: None for h in held}
        asked = (viewer.team, filters, tuple(points))
        if asked not in self._predicted:
            caller = viewer.asking_for(filters.team or "")
            dispatcher = self._house.rooms.dispatcher
            self._predicted[asked] = await asyncio.to_thread(
                predict_all, dispatcher, caller, filters.cluster, tuple(points)
            )
        return self._predicted[asked]


def _spend_of(scope: str, name: str) -> Spend:
    return Spend(("day",), team=name) if scope == "team" else Spend(("day",), key_id=name)


def _number(said: str | None) -> float | None:
    try:
        return float(said) if said else None
    except ValueError:
        return None
