"""The workbench of one run: its searches and calls, bounded, and what they brought."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema_rs

from router.errors import BadRequest
from router.tools.calls import Caller as ToolCaller
from router.tools.calls import ToolFailed
from router.tools.documents.library import Library
from router.tools.documents.values import Lookup
from router.tools.passages import Function, Gathered, Passage, ToolCall, renumbered
from router.tools.search.engine import Engine, SearchTerms
from router.tools.specs import FileSearch, HttpTool, McpServer, Spec, WebSearch

MOST_PASSAGES = 24
MOST_PASSAGE_CHARACTERS = 24_000
MOST_CALLS = 32
LONGEST_QUERY = 1000


@dataclass(frozen=True)
class Toolroom:
    """What tools need that outlives a run."""

    library: Library
    caller: ToolCaller
    engine: Engine | None = None
    rounds: int = 8


@dataclass
class Bench:
    """One run's tools. `team` is whose documents are searched; `terms` pay for searches that cost money."""

    room: Toolroom
    specs: tuple[Spec, ...]
    team: str
    terms: SearchTerms
    passages: list[Passage] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    _owners: dict[str, HttpTool | McpServer] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _schemas: dict[str, Any] = field(default_factory=dict)
    _asked: int = 0

    @property
    def can_search(self) -> bool:
        """Is there anything to search?"""
        return any(isinstance(spec, FileSearch | WebSearch) for spec in self.specs)

    @property
    def rounds(self) -> int:
        """How many rounds of calls one answer may take."""
        return self.room.rounds

    async def gather(self, query: str) -> Gathered:
        """One search for the question, and the functions of all servers. Raises BadRequest."""
        functions = await self._functions()
        found = await self.search([query]) if self.can_search and query.strip() else ()
        return Gathered(tuple(found), tuple(functions))

    async def search(self, queries: Sequence[str]) -> tuple[Passage, ...]:
        """What is new for these queries, the best first, numbered on from what was found before."""
        jobs = [
            self._search_one(spec, query[:LONGEST_QUERY])
            for query in queries
            for spec in self.specs
            if isinstance(spec, FileSearch | WebSearch)
        ]
        seen = {(p.source, p.text) for p in self.passages}
        fresh: list[Passage] = []
        for passage in sorted((p for part in await asyncio.gather(*jobs) for p in part), key=lambda p: -p.score):
            if (passage.source, passage.text) not in seen:
                seen.add((passage.source, passage.text))
                fresh.append(passage)
        kept = renumbered(_bounded(fresh), len(self.passages) + 1)
        self.passages += kept
        return kept

    async def _search_one(self, spec: FileSearch | WebSearch, query: str) -> list[Passage]:
        if isinstance(spec, WebSearch):
            if self.room.engine is None:
                raise BadRequest("No web search engine is configured here (tools.web_search).", "tools")
            return list(await self.room.engine.passages(query, spec, self.terms))
        return await self._search_files(spec, query)

    async def _search_files(self, spec: FileSearch, query: str) -> list[Passage]:
        library = self.room.library
        stores = [await library.find_store(self.team, name) for name in spec.stores]
        for name, store in zip(spec.stores, stores, strict=True):
            if store is None:
                raise BadRequest(f"No vector store found with id '{name[:80]}'.", "tools", "not_found")
        known = (
            [store for store in stores if store is not None] if spec.stores else await library.list_stores(self.team)
        )
        lookup = Lookup(
            query,
            spec.limit,
            spec.threshold,
            files=spec.files,
            neighbours=spec.neighbours,
            strategy=spec.strategy,  # type: ignore[arg-type]
        )
        parts = [await library.search(store, lookup, spec.matches) for store in known]
        hits = sorted((hit for part in parts for hit in part), key=lambda hit: -hit.score)[: spec.limit]
        return [Passage(0, "file", h.file, h.name, _headed(h.heading, h.text), h.score, h.position) for h in hits]

    async def _functions(self) -> list[Function]:
        """What a model may call: each HTTP tool, and each allowed tool of each server. Raises BadRequest."""
        found: list[Function] = []
        for spec in self.specs:
            if isinstance(spec, HttpTool):
                found.append(self._offer(spec.name, spec.name, spec.description, spec.parameters, spec))
            elif isinstance(spec, McpServer):
                try:
                    listed = await self.room.caller.list_tools(spec)
                except ToolFailed as error:
                    said = f"The MCP server '{spec.label}' cannot be used: {error}."
                    raise BadRequest(said, "tools", "mcp_server_unavailable") from None
                found += [
                    self._offer(f"{spec.label}__{name}"[:64], name, description, schema, spec)
                    for name, description, schema in listed
                ]
        return found

    def _offer(
        self, shown: str, name: str, description: str, schema: Mapping[str, Any], owner: HttpTool | McpServer
    ) -> Function:
        if shown in self._owners:
            raise BadRequest(f"Two tools are named '{shown}'.", "tools")
        try:
            self._schemas[shown] = jsonschema_rs.validator_for(dict(schema))
        except (ValueError, jsonschema_rs.ValidationError):
            raise BadRequest(f"The parameters of the tool '{shown}' are no JSON schema.", "tools") from None
        self._owners[shown], self._names[shown] = owner, name
        function = {"name": shown, "description": description, "parameters": dict(schema)}
        return Function(shown, {"type": "function", "function": function})

    def owns(self, name: str) -> bool:
        """Is this function ours?"""
        return name in self._owners

    async def call(self, name: str, arguments: str) -> str:
        """Carries out a model's call; what goes wrong is told to the model. Never raises."""
        self._asked += 1
        if self._asked > MOST_CALLS:
            return f"Error: no more than {MOST_CALLS} calls are made for one request."
        owner = self._owners[name]
        try:
            given = json.loads(arguments or "{}")
        except ValueError:
            return "Error: the arguments are not valid JSON."
        problem = next(self._schemas[name].iter_errors(given), None) if isinstance(given, dict) else "not an object"
        if problem is not None:
            said = problem if isinstance(problem, str) else problem.message
            return f"Error: the arguments do not fit the schema: {said}."
        try:
            told = await self.room.caller.call(owner, self._names[name], given)
        except ToolFailed as error:
            told = f"Error: {error}."
        kind = "http" if isinstance(owner, HttpTool) else "mcp"
        label = owner.label if isinstance(owner, McpServer) else None
        self.calls.append(ToolCall(self._names[name], kind, label, given, told))  # type: ignore[arg-type]
        return told


def _bounded(passages: Sequence[Passage]) -> list[Passage]:
    """The first passages, as many as may be read at once."""
    kept, size = [], 0
    for passage in passages[:MOST_PASSAGES]:
        room = MOST_PASSAGE_CHARACTERS - size
        if room < 200:
            break
        kept.append(replace(passage, text=passage.text[:room]))
        size += len(kept[-1].text)
    return kept


def _headed(heading: str, text: str) -> str:
    last = heading.rpartition(" > ")[2]
    return f"{heading}\n{text}" if heading and last not in text[: len(last) + 4] else text
