"""Counters of the surface for `/metrics`: labels from closed sets only, no key, team, run or text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
CLIENT_LEFT = 499


class RouteMetrics:
    """The counters of one route, looked up once."""

    def __init__(self, requests: Counter, seconds: Histogram, route: str) -> None:
        self._requests = requests
        self._seconds = seconds.labels(route)
        self._route = route
        self._by_status: dict[int, Counter] = {}

    def count(self, status: int, seconds: float) -> None:
        """One request answered; status 499 is a client that left."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = self._requests.labels(self._route, str(status))
        counter.inc()
        self._seconds.observe(seconds)


class Metrics:
    """Requests by route and status, how long they took, and how many are in flight."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("maestro_requests", "Requests answered.", ("route", "status"), registry=self._registry)
        self._seconds = Histogram(
            "maestro_request_seconds", "To the end of the answer.", ("route",), buckets=SECONDS, registry=self._registry
        )
        self._inside = Gauge("maestro_requests_inside", "Requests in flight.", registry=self._registry)

    def route(self, name: str) -> RouteMetrics:
        """The counters of one route."""
        return RouteMetrics(self._requests, self._seconds, name)

    def page(self, inside: int) -> bytes:
        """Prometheus' text format."""
        self._inside.set(inside)
        return generate_latest(self._registry)
