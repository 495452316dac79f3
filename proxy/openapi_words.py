"""The words of the OpenAPI page: schemas and answers that several operations share."""

from collections.abc import Mapping

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

TEXT = Schema(type=OpenAPIType.STRING)
WORDS = Schema(type=OpenAPIType.STRING, min_length=1, max_length=200, pattern=r"\S")
ANYTHING = Schema(description="Any JSON value, as OpenAI defines it; passed on as it came.")
OBJECT = Schema(type=OpenAPIType.OBJECT)
NUMBER = Schema(type=OpenAPIType.NUMBER, minimum=0)
EFFORT = Schema(type=OpenAPIType.STRING, enum=["low", "medium", "high"])
REQUIREMENT = Schema(
    one_of=[
        WORDS,
        Schema(
            type=OpenAPIType.OBJECT,
            required=["description"],
            properties={
                "name": WORDS,
                "description": WORDS,
                "is_mandatory": Schema(type=OpenAPIType.BOOLEAN),
                "weight": Schema(type=OpenAPIType.NUMBER, exclusive_minimum=0, maximum=1000),
                "check": Schema(type=OpenAPIType.OBJECT, required=["type"], properties={"type": TEXT}),
                "check_only": Schema(type=OpenAPIType.BOOLEAN),
            },
        ),
    ]
)
BUDGET = Schema(
    one_of=[
        EFFORT,
        Schema(
            type=OpenAPIType.OBJECT,
            properties={
                "usd": NUMBER,
                "seconds": Schema(type=OpenAPIType.NUMBER, exclusive_minimum=0),
                "calls": Schema(type=OpenAPIType.INTEGER, minimum=1),
                "effort": EFFORT,
            },
        ),
    ]
)
OURS: Mapping[str, Schema] = {
    "requirements": Schema(type=OpenAPIType.ARRAY, items=REQUIREMENT, max_items=32),
    "budget": BUDGET,
    "quality_threshold": Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=1),
    "models": Schema(type=OpenAPIType.ARRAY, items=WORDS),
    "response_language": WORDS,
    "dry_run": Schema(type=OpenAPIType.BOOLEAN, description="Plan and predict only; nothing is called."),
}
MESSAGES = Schema(
    type=OpenAPIType.ARRAY,
    min_items=1,
    items=Schema(type=OpenAPIType.OBJECT, required=["role"], properties={"role": TEXT, "content": ANYTHING}),
)
TEXTS = Schema(one_of=[TEXT, Schema(type=OpenAPIType.ARRAY, items=ANYTHING, min_items=1)])
INPUT = Schema(one_of=[TEXT, MESSAGES])
HEADERS: Mapping[str, tuple[Schema, str]] = {
    "X-Maestro-Budget-Usd": (NUMBER, "Most dollars of this request."),
    "X-Maestro-Budget-Seconds": (NUMBER, "Most seconds of this request."),
    "X-Maestro-Budget-Calls": (Schema(type=OpenAPIType.INTEGER, minimum=1), "Most upstream calls."),
    "X-Maestro-Effort": (EFFORT, "What money and time are worth."),
    "X-Maestro-Quality": (Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=1), "The score that is good enough."),
    "X-Maestro-Team": (TEXT, "Who pays, of the teams this key may name."),
}
ERROR = Schema(
    type=OpenAPIType.OBJECT,
    required=["error"],
    properties={
        "error": Schema(
            type=OpenAPIType.OBJECT,
            required=["message", "type", "param", "code"],
            properties={"message": TEXT, "type": TEXT, "param": ANYTHING, "code": ANYTHING},
        )
    },
)
ERRORS: Mapping[str, str] = {
    "400": "The request is malformed; `param` names where.",
    "401": "No valid key.",
    "403": "This key may not do that.",
    "404": "No such model, run or path.",
    "413": "Too large.",
    "429": "Money spent or held, or too many requests.",
    "502": "No upstream gave an answer.",
    "503": "Starting or shutting down.",
    "504": "The upstream took too long.",
}


def answers(schema: Schema) -> dict[str, OpenAPIResponse | Reference]:
    """The answer and the errors that every operation may give."""
    fine: dict[str, OpenAPIResponse | Reference] = {
        "200": OpenAPIResponse("The answer.", content={"application/json": OpenAPIMediaType(schema=schema)})
    }
    failed = {
        status: OpenAPIResponse(words, content={"application/json": OpenAPIMediaType(schema=ERROR)})
        for status, words in ERRORS.items()
    }
    return {**fine, **failed}
