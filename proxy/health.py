"""`/healthz`, `/readyz`, `/metrics`: without a key, and without anything that belongs to a team."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from proxy.house import House
from router.ledger.ledger import Spend


async def spend_rows(house: House) -> list[tuple[str, str, float]]:
    """(team, model, usd) of the ledger, anew each time: a counter must not differ between workers."""
    if house.built is None:
        return []
    found = await house.built.ledger.spend(Spend(("team", "model")))
    return [(row["team"], row["model"], row["usd"]) for row in found]


def health_routes(house: House) -> list[HTTPRouteHandler]:
    """Alive; ready for requests (503 before the start and while draining); counters."""

    @get("/healthz", summary="Is the process alive?")
    async def healthz() -> dict[str, str]:
        """Always ok while the process answers."""
        return {"status": "ok"}

    @get("/readyz", summary="Are requests served?")
    async def readyz() -> Response[dict[str, str]]:
        """200 while requests are served, else 503."""
        if house.gate.is_leaving or house.built is None:
            return Response({"status": "draining" if house.gate.is_leaving else "starting"}, status_code=503)
        return Response({"status": "ready"})

    @get("/metrics", summary="Counters, for Prometheus")
    async def metrics() -> Response[bytes]:
        """Prometheus' text format, of all workers."""
        house.metrics.note_inside(house.gate.inside)
        return Response(house.metrics.page(await spend_rows(house)), media_type=house.metrics.content_type)

    return [healthz, readyz, metrics]
