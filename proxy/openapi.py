"""What the OpenAPI page says of the routes that are raw ASGI applications, which Litestar cannot describe itself."""

from collections.abc import Mapping, Sequence

from litestar.openapi.spec import OpenAPIMediaType, Operation, Parameter, PathItem, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from proxy.openapi_stored import stored_paths
from proxy.openapi_words import HEADERS, INPUT, MESSAGES, OBJECT, OURS, TEXT, TEXTS, WORDS, answers


def api_paths() -> dict[str, PathItem]:
    """The routes of OpenAI's and AI21's shapes."""
    chat = _post("Chat completion", {"messages": MESSAGES, "stream": _flag(), **OURS}, ["model", "messages"], "chat")
    response = _post("Response", {"input": INPUT, "stream": _flag(), **OURS}, ["model", "input"], "response")
    text = _post("Text completion", {"prompt": TEXTS, "stream": _flag()}, ["model", "prompt"], "completion")
    vectors = _post("Embeddings", {"input": TEXTS}, ["model", "input"], "embeddings")
    return {
        "/v1/chat/completions": PathItem(post=chat),
        "/v1/responses": PathItem(post=response),
        "/v1/completions": PathItem(post=text),
        "/v1/embeddings": PathItem(post=vectors),
        "/v1/models": PathItem(get=_get("Models this key may use, and the virtual ones", "models", [])),
        "/v1/models/{name}": PathItem(get=_get("One model", "model", ["name"])),
        **stored_paths(),
    }


def _flag() -> Schema:
    return Schema(type=OpenAPIType.BOOLEAN)


def _post(summary: str, fields: Mapping[str, Schema], required: Sequence[str], name: str) -> Operation:
    schema = Schema(type=OpenAPIType.OBJECT, required=required, properties={"model": WORDS, **fields})
    return Operation(
        operation_id=f"create_{name}",
        summary=summary,
        parameters=_headers("requirements" in fields),
        request_body=RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=True),
        responses=answers(OBJECT),
    )


def _headers(with_requirements: bool) -> list[Parameter | Reference]:
    plain = [
        Parameter(name=header, param_in="header", schema=kind, description=words)
        for header, (kind, words) in HEADERS.items()
    ]
    listed = {"application/json": OpenAPIMediaType(schema=OURS["requirements"])}
    asked = Parameter(name="X-Maestro-Requirements", param_in="header", content=listed, description="As JSON.")
    return [*plain, asked] if with_requirements else [*plain]


def _get(summary: str, name: str, parameters: Sequence[str]) -> Operation:
    return Operation(
        operation_id=f"get_{name}",
        summary=summary,
        parameters=[Parameter(name=name, param_in="path", required=True, schema=TEXT) for name in parameters],
        responses=answers(OBJECT),
    )
