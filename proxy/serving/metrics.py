"""Counters of the surface for `/metrics`: labels from closed sets only, no key, run or text."""

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy.telemetry.runs import RunMetrics

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
CLIENT_LEFT = 499


class RouteMetrics:
    """The counters of one route, looked up once, and only there once it was asked for."""

    def __init__(self, requests: Counter, seconds: Histogram, route: str) -> None:
        self._requests = requests
        self._all_seconds = seconds
        self._seconds: Histogram | None = None
        self._route = route
        self._by_status: dict[int, Counter] = {}

    def count(self, status: int, seconds: float) -> None:
        """One request answered; status 499 is a client that left."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = self._requests.labels(self._route, str(status))
        counter.inc()
        if self._seconds is None:
            self._seconds = self._all_seconds.labels(self._route)
        self._seconds.observe(seconds)


class Metrics:
    """Requests by route and status, how long they took, how many are in flight, and what runs did.

    With several workers each writes its counters to files of one folder (`PROMETHEUS_MULTIPROC_DIR`, set by
    `maestro serve`), and any of them tells the sums of all.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("maestro_requests", "Requests answered.", ("route", "status"), registry=self._registry)
        self._seconds = Histogram(
            "maestro_request_seconds", "To the end of the answer.", ("route",), buckets=SECONDS, registry=self._registry
        )
        self._inside = Gauge(
            "maestro_requests_inside", "Requests in flight.", registry=self._registry, multiprocess_mode="livesum"
        )
        self.runs = RunMetrics(self._registry)

    def route(self, name: str) -> RouteMetrics:
        """The counters of one route."""
        return RouteMetrics(self._requests, self._seconds, name)

    def note_inside(self, inside: int) -> None:
        """How many requests are in flight in this worker."""
        self._inside.set(inside)

    def page(self, spend: Iterable[tuple[str, str, float]] = ()) -> bytes:
        """Prometheus' text format. `spend` are (team, model, usd) of the ledger: right whoever is asked."""
        registry = self._registry
        if MULTIPROCESS in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(_spend_registry(spend))


class _Spend(Collector):
    def __init__(self, spend: Iterable[tuple[str, str, float]]) -> None:
        self._spend = spend

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily("maestro_spend_usd", "Dollars charged, of the ledger.", labels=("team", "model"))
        for team, model, usd in self._spend:
            family.add_metric((team, model), usd)
        yield family


def _spend_registry(spend: Iterable[tuple[str, str, float]]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Spend(spend))
    return registry


def forget_worker(pid: int | None) -> None:
    """A worker is dead: what it counted stays, what it had in flight does not."""
    if MULTIPROCESS in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
