"""A progress bar with money and time left; without a terminal, a line now and then."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from action_model.prices import to_usd
from scripts.offline import collector

LINE_SECONDS = 10.0


class Bar:
    """Shows how far a collection is."""

    def __init__(self, console: Console, cap: int | None) -> None:
        self._console = console
        self._cap = cap
        self._progress = Progress(
            TextColumn("{task.completed}/{task.total} answers"),
            BarColumn(),
            TextColumn("{task.fields[money]}"),
            TextColumn("{task.fields[flying]} in flight"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, money="$0", flying=0)
        self._line = time.monotonic()

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tell(self, at: "collector.Progress") -> None:
        """Moves the bar."""
        money = f"${to_usd(at.nanodollars):.4f}" + ("" if self._cap is None else f" of ${to_usd(self._cap):.2f}")
        self._progress.update(self._task, completed=at.done, total=at.planned, money=money, flying=at.flying)
        if not self._console.is_terminal and time.monotonic() - self._line > LINE_SECONDS:
            self._line = time.monotonic()
            self._console.print(f"{at.done}/{at.planned} answers, {money}, {at.flying} in flight")
