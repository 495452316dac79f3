"""Answers on disk, one a line: what was asked is never asked again."""

import json
from pathlib import Path
from typing import Any

from scripts.ifeval.arms import Played


class Journal:
    """An append-only file. A line cut off by a crash is dropped, and its answer asked again."""

    def __init__(self, path: Path, setting: dict[str, Any]) -> None:
        self._path = path
        self.played: list[Played] = []
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
        whole = [line for line in lines if line.endswith("\n")]
        if whole and json.loads(whole[0]) != setting:
            raise ValueError(f"{path} was made with other settings: {whole[0].strip()}")
        self.played = [Played(**json.loads(line)) for line in whole[1:]]
        if len(whole) != len(lines) or not whole:
            path.write_text("".join(whole) or json.dumps(setting) + "\n", "utf-8")
        self._done = {(one.key, one.arm, one.mode) for one in self.played}

    def has(self, key: str, arm: str, mode: str) -> bool:
        """Was it asked?"""
        return (key, arm, mode) in self._done

    def add(self, played: Played) -> None:
        """Keeps an answer."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(played.line())
        self.played.append(played)
        self._done.add((played.key, played.arm, played.mode))
