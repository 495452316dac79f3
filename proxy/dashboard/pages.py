"""What each page shows: asks the ledger, the registry and the planner, and hands values to the templates."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cachetools import TTLCache
from litestar import Response
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from proxy.dashboard import charts
from proxy.dashboard.frame import HEADERS, Frame
from proxy.dashboard.knowledge import CheckpointFile
from proxy.dashboard.measured import MeasuredAction, measured_action, measured_plans, pareto, topics_of
from proxy.dashboard.models_page import brier, calibration, model_rows
from proxy.dashboard.operating import Held, clear_point, points_held, set_point
from proxy.dashboard.runs_page import Wanted, find_runs
from proxy.dashboard.sampled import CLUSTERS, Predicted, predict_all
from proxy.dashboard.spend_page import burn_chart_of, burn_of, days_of
from proxy.dashboard.tradeoffs_page import Filters, PlanRow, filters_of, plan_rows, points_asked
from proxy.dashboard.tree import tree_of
from proxy.dashboard.viewer import Asked, Viewer
from proxy.house import House
from router.errors import Forbidden
from router.ledger.ledger import Spend, Topic
from router.ledger.registry import SERVER
from router.planning.situation import Tradeoff
from router.task import FinishReason

PREDICTED_SECONDS = 30.0


class Pages:
    """One method a page."""

    def __init__(self, house: House, frame: Frame) -> None:
        self._house = house
        self._frame = frame
        self._checkpoint = CheckpointFile(house.settings.checkpoint)
        self._predicted: TTLCache[tuple[Any, ...], Predicted] = TTLCache(64, PREDICTED_SECONDS)

    async def tradeoffs(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """Accuracy × cost × latency of actions and plans, and the operating point."""
        rooms = self._house.rooms
        basis = rooms.estimator.reading("").get("basis")
        filters = filters_of(request.query_params, viewer.only(request.query_params.get("team")), basis)
        teams = await self._teams(viewer)
        effort, efforts = self._house.settings.defaults.effort, rooms.dispatcher.efforts
        held = await points_held(rooms.registry, teams, effort, efforts)
        sums = await rooms.ledger.plan_sums(filters.team)
        came = measured_plans(sums, filters.selection)
        names = points_asked(efforts, held, came)
        words: dict[str, Any] = {
            "title": "Trade-offs",
            "clusters": CLUSTERS,
            "filters": filters,
            "topics": topics_of(sums, filters.selection),
            "teams": teams,
            "held": held,
            "origin": _origin(request),
        }
        predicted = await self._predict(viewer, filters, tuple(names))
        rows = plan_rows(names, predicted.asked, came)
        measured = await self._measured(filters)
        return self._frame.page("tradeoffs", viewer, **words, **_tradeoff_words(held, predicted, measured, rows))

    async def set_point(self, viewer: Viewer, form: Mapping[str, str]) -> Response[Any]:
        """Sets or clears an operating point, and shows the page again. Raises Forbidden, BadRequest."""
        if not viewer.is_admin:
            raise Forbidden("Only an admin may set an operating point.")
        registry, whose = self._house.rooms.registry, form.get("whose", "")
        if form.get("act") == "clear":
            await clear_point(registry, whose)
        else:
            await set_point(registry, whose, form.get("usd", ""), form.get("seconds", ""))
        kept = {name: form.get(name, "") for name in ("cluster", "topic", "team")}
        where = urlencode({name: value for name, value in kept.items() if value})
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
            "origin": _origin(request),
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
        await rooms.verifier.rates.refresh()
        families = {name: model.family or model.name for name, model in offered.items()}
        words: dict[str, Any] = {
            "rows": table,
            "bins": bins,
            "brier": brier(rows),
            "judges": rooms.verifier.rates.report(),
            "knowledge": await self._checkpoint.describe(families),
            "offered": offered,
        }
        return self._frame.page("models", viewer, title="Models", chart=charts.calibration_chart(bins), **words)

    async def playground(self, request: Asked, viewer: Viewer) -> Response[Any]:
        """A prompt with requirements and a budget."""
        models = [model.id for model in self._house.rooms.dispatcher.models_for(viewer.caller)]
        teams = await self._teams(viewer)
        words: dict[str, Any] = {"models": models, "teams": teams, "origin": _origin(request)}
        return self._frame.page("playground", viewer, title="Playground", **words)

    async def _teams(self, viewer: Viewer) -> tuple[str, ...]:
        if viewer.team is not None:
            return (viewer.team,)
        rows = await self._house.rooms.registry.list_teams()
        return tuple(str(row["team"]) for row in rows if row["team"] not in ("", SERVER))

    async def _measured(self, filters: Filters) -> list[MeasuredAction]:
        topic = None if filters.topic is None else Topic(str(filters.selection.basis), filters.topic)
        rows = await self._house.rooms.ledger.outcome_sums(filters.team, topic)
        return [measured_action(row) for row in rows if row["cluster"] == filters.cluster]

    async def _predict(self, viewer: Viewer, filters: Filters, points: tuple[Tradeoff, ...]) -> Predicted:
        """Kept for half a minute: the same question is asked at every filter."""
        asked = (viewer.team, filters.team, filters.cluster, points)
        known = self._predicted.get(asked)
        if known is None:
            caller = viewer.asking_for(filters.team or "")
            dispatcher = self._house.rooms.dispatcher
            known = await asyncio.to_thread(predict_all, dispatcher, caller, filters.cluster, points)
            self._predicted[asked] = known
        return known


def _tradeoff_words(
    held: Sequence[Held], predicted: Predicted, measured: Sequence[MeasuredAction], rows: Sequence[PlanRow]
) -> dict[str, Any]:
    actions, plans = predicted.actions, predicted.plans
    best = pareto([(a.success, a.usd, a.seconds) for a in actions])
    reached = {row.point: row.predicted for row in rows}
    came = [(row.name, row.measured) for row in rows if row.measured is not None]
    figures = {axis: charts.tradeoff_chart(axis, actions, best, measured, plans, came) for axis in ("usd", "seconds")}
    return {
        "current": {h.whose: reached.get(h.tradeoff) for h in held},
        "plans": plans,
        "rows": rows,
        "actions": sorted(zip(actions, best, strict=True), key=lambda pair: -pair[0].success),
        "measured": {m.action: m for m in measured},
        "extra": [m for m in measured if m.action not in {a.action for a in actions}],
        "figures": figures,
    }


def _spend_of(scope: str, name: str) -> Spend:
    return Spend(("day",), team=name) if scope == "team" else Spend(("day",), key_id=name)


def _origin(request: Asked) -> str:
    """Where the reader's browser found us: examples name it."""
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def _number(said: str | None) -> float | None:
    try:
        return float(said) if said else None
    except ValueError:
        return None
