"""Counters of runs. Labels come from closed sets: models, techniques, requirement kinds, reasons, configured teams."""

from prometheus_client import CollectorRegistry, Counter, Histogram, Summary

from proxy.telemetry.figures import by_purpose, overhead_seconds, requirement_scores, succeeded, waste_usd
from router.ended import Ended
from router.task import Run

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
SMALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
RATIOS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 10.0)


class RunMetrics:
    """An observer of requests that are over."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter("maestro_runs", "Runs by why they ended.", ("outcome",), registry=registry)
        self._seconds = Histogram("maestro_run_seconds", "Runs, whole.", buckets=SECONDS, registry=registry)
        self._overhead = Histogram(
            "maestro_overhead_seconds",
            "Of a run, the time in which no upstream worked for it.",
            buckets=SMALL_SECONDS,
            registry=registry,
        )
        self._actions = Counter(
            "maestro_wave_actions", "Actions that waves began.", ("model", "action"), registry=registry
        )
        self._calls = Counter("maestro_upstream_calls", "Attempts.", ("model", "purpose", "outcome"), registry=registry)
        self._counters: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        self._histograms: dict[tuple[Histogram, str], Histogram] = {}
        self._error = Histogram(
            "maestro_prediction_error",
            "Success: |actual - predicted|; usd and seconds: actual / predicted.",
            ("target",),
            buckets=sorted({*SHARES, *RATIOS}),
            registry=registry,
        )
        self._brier = Summary(
            "maestro_calibration_brier", "Squared error of predicted success: sum / count.", registry=registry
        )
        self._scores = Histogram(
            "maestro_requirement_score",
            "Scores of chosen answers by the kind of requirement.",
            ("kind",),
            buckets=(0.0, 0.25, 0.5, 0.75, 0.9, 0.999, 1.0),
            registry=registry,
        )
        self._waste = Counter(
            "maestro_waste_usd", "Dollars that brought nothing of the answer.", ("reason",), registry=registry
        )

    def observe(self, ended: Ended) -> None:
        """Counts one request."""
        for labels in by_purpose(ended.attempts):
            self._counter(self._calls, *labels).inc()
        if ended.run is None:
            return
        run = ended.run
        self._counter(self._runs, str(run.finish_reason) if run.chosen else "no_answer").inc()
        self._seconds.observe(run.seconds)
        self._overhead.observe(overhead_seconds(run))
        for wave in run.waves:
            for planned in wave.actions:
                self._counter(self._actions, planned.action.model, planned.action.technique).inc()
        subject = ended.road.subject
        kinds = dict(zip((r.name for r in subject.requirements), subject.kinds, strict=False))
        for kind, score in requirement_scores(run, kinds):
            self._histogram(self._scores, kind).observe(score)
        for reason, usd in waste_usd(run).items():
            self._waste.labels(reason).inc(usd)
        self._compare(run)

    def _compare(self, run: Run) -> None:
        predicted, actual = run.predicted.get("success"), succeeded(run)
        if predicted is not None and actual is not None:
            self._histogram(self._error, "success").observe(abs(actual - predicted))
            self._brier.observe((actual - predicted) ** 2)
        for target, value in (("usd", run.spent / 1e9), ("seconds", run.seconds)):
            expected = run.predicted.get(target)
            if expected:
                self._histogram(self._error, target).observe(value / expected)

    def _counter(self, counter: Counter, *labels: str) -> Counter:
        """One of its counters, found faster than by itself."""
        known = self._counters.get((counter, labels))
        if known is None:
            known = self._counters[counter, labels] = counter.labels(*labels)
        return known

    def _histogram(self, histogram: Histogram, label: str) -> Histogram:
        known = self._histograms.get((histogram, label))
        if known is None:
            known = self._histograms[histogram, label] = histogram.labels(label)
        return known
