"""What the OpenAPI page says of what is stored: runs and agents in AI21's shapes, batches, files and vector stores."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, Parameter, PathItem, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from proxy.openapi_words import ANYTHING, BUDGET, INPUT, NUMBER, OBJECT, OURS, REQUIREMENT, TEXT, WORDS, answers

PREFIXES = ("/v1", "/studio/v1")
WHOLE = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=100)
LIST = Schema(type=OpenAPIType.ARRAY, items=ANYTHING)
REQUIREMENTS = Schema(type=OpenAPIType.ARRAY, items=REQUIREMENT)
PAGE: Mapping[str, Schema] = {
    "limit": WHOLE,
    "after": TEXT,
    "order": Schema(type=OpenAPIType.STRING, enum=["asc", "desc"]),
}
FILE = Schema(
    type=OpenAPIType.OBJECT,
    required=["file", "purpose"],
    properties={
        "file": Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream"),
        "purpose": TEXT,
        "expires_after": OBJECT,
    },
)
RUN: Mapping[str, Schema] = {
    **{name: schema for name, schema in OURS.items() if name != "dry_run"},
    "input": INPUT,
    "system_prompt": TEXT,
    "tools": LIST,
    "tool_resources": OBJECT,
    "include": Schema(type=OpenAPIType.ARRAY, items=TEXT),
    "stream": Schema(type=OpenAPIType.BOOLEAN),
    "webhook": ANYTHING,
}
AGENT: Mapping[str, Schema] = {
    **dict.fromkeys(("name", "description", "system_prompt", "visibility", "assistant_type", "avatar"), TEXT),
    **dict.fromkeys(("models", "tools"), LIST),
    **{"tool_resources": OBJECT, "requirements": REQUIREMENTS, "budget": BUDGET, "response_language": WORDS},
}
FEEDBACK: Mapping[str, Schema] = {
    "score": Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=1),
    **dict.fromkeys(("requirement", "comment", "better_answer", "input"), TEXT),
}
SEARCH: Mapping[str, Schema] = {"query": ANYTHING, "filters": OBJECT, "max_num_results": WHOLE}
STORE: Mapping[str, Schema] = {"name": TEXT, "expires_after": OBJECT, "metadata": OBJECT}
BATCH: Mapping[str, Schema] = {
    "input_file_id": TEXT,
    "endpoint": TEXT,
    "completion_window": Schema(type=OpenAPIType.STRING, description="24h, or 1h to 14d"),
    "metadata": OBJECT,
}


@dataclass(frozen=True, slots=True)
class Said:
    """One operation: what it does, the fields of its JSON body (None: it has none), its query."""

    summary: str
    fields: Mapping[str, Schema] | None = None
    required: Sequence[str] = ()
    query: Mapping[str, Schema] | None = None
    form: Schema | None = None


RUNS: Mapping[str, Mapping[str, Said]] = {
    "/maestro/runs": {
        "GET": Said("The team's runs, newest first", query={**PAGE, "status": TEXT}),
        "POST": Said("Start a run", RUN, ("input",)),
    },
    "/maestro/runs/{run_id}": {"GET": Said("A run with its tree"), "DELETE": Said("Forget a run that has ended")},
    "/maestro/runs/{run_id}/cancel": {"POST": Said("Cancel a run")},
    "/maestro/runs/{run_id}/events": {"GET": Said("What happens in a run, as events", query={"after": NUMBER})},
    "/maestro/runs/{run_id}/feedback": {"POST": Said("A late word on an answer", FEEDBACK)},
    "/assistants": {"GET": Said("The team's agents"), "POST": Said("Store an agent", AGENT, ("name",))},
    "/assistants/{agent_id}": {
        "GET": Said("One agent"),
        "PATCH": Said("Change an agent", AGENT),
        "DELETE": Said("Forget an agent"),
    },
}
_S, _F, _B = "/v1/vector_stores/{store_id}", "/files/{file_id}", "/file_batches/{batch}"
_ENTRY: Mapping[str, Schema] = {"attributes": OBJECT, "chunking_strategy": OBJECT}
STORED: Mapping[str, Mapping[str, Said]] = {
    "/v1/batches": {
        "GET": Said("The team's batches", query=PAGE),
        "POST": Said("Begin a batch", BATCH, ("input_file_id", "endpoint", "completion_window")),
    },
    "/v1/batches/{batch_id}": {"GET": Said("One batch")},
    "/v1/batches/{batch_id}/cancel": {"POST": Said("Cancel a batch")},
    "/v1/files": {
        "GET": Said("The team's files", query={**PAGE, "purpose": TEXT}),
        "POST": Said("Upload a file", form=FILE),
    },
    "/v1/files/{file_id}": {"GET": Said("One file"), "DELETE": Said("Delete a file")},
    "/v1/files/{file_id}/content": {"GET": Said("A file's bytes")},
    "/v1/vector_stores": {
        "GET": Said("The team's vector stores", query=PAGE),
        "POST": Said("Create a vector store", {**STORE, "file_ids": LIST, "chunking_strategy": OBJECT}),
    },
    _S: {
        "GET": Said("One vector store"),
        "POST": Said("Change a vector store", STORE),
        "DELETE": Said("Delete a vector store"),
    },
    f"{_S}/search": {
        "POST": Said(
            "Search a vector store", {"query": ANYTHING, "filters": OBJECT, "max_num_results": WHOLE}, ("query",)
        )
    },
    f"{_S}/files": {
        "GET": Said("A store's files", query={**PAGE, "filter": TEXT}),
        "POST": Said("Add a file to a store", {"file_id": TEXT, **_ENTRY}, ("file_id",)),
    },
    f"{_S}{_F}": {
        "GET": Said("One file of a store"),
        "POST": Said("Change a file's attributes", {"attributes": OBJECT}),
        "DELETE": Said("Take a file out of a store"),
    },
    f"{_S}{_F}/content": {"GET": Said("A file's text, as it was read")},
    f"{_S}/file_batches": {"POST": Said("Add several files", {"file_ids": LIST, "files": LIST, **_ENTRY})},
    f"{_S}{_B}": {"GET": Said("One file batch")},
    f"{_S}{_B}/cancel": {"POST": Said("Cancel a file batch")},
    f"{_S}{_B}/files": {"GET": Said("A file batch's files", query={**PAGE, "filter": TEXT})},
}


def stored_paths() -> dict[str, PathItem]:
    """All of them."""
    tables = [(prefix + path, operations) for prefix in PREFIXES for path, operations in RUNS.items()]
    return {path: _item(path, operations) for path, operations in [*tables, *STORED.items()]}


def _item(path: str, operations: Mapping[str, Said]) -> PathItem:
    item = PathItem()
    for method, said in operations.items():
        setattr(item, method.lower(), _operation(path, method, said))
    return item


def _operation(path: str, method: str, said: Said) -> Operation:
    return Operation(
        operation_id=f"{method.lower()}{re.sub(r'[^a-z0-9]+', '_', path.lower()).rstrip('_')}",
        summary=said.summary,
        parameters=[*_parameters(path, said)],
        request_body=_body(said),
        responses=answers(OBJECT),
    )


def _parameters(path: str, said: Said) -> Iterator[Parameter | Reference]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield Parameter(name=name, param_in="path", required=True, schema=TEXT)
    for name, schema in (said.query or {}).items():
        yield Parameter(name=name, param_in="query", schema=schema)


def _body(said: Said) -> RequestBody | None:
    if said.form is not None:
        return RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=said.form)}, required=True)
    if said.fields is None:
        return None
    schema = Schema(type=OpenAPIType.OBJECT, required=list(said.required), properties=dict(said.fields))
    return RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=bool(said.required))
