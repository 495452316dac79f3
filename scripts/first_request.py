"""The first request of `scripts/start`: through the official client, with requirements, and what came of it."""

import os
import sys
import time
from typing import Any

import httpx
import openai

REQUIREMENTS = [
    {"name": "short", "description": "Answer in at most 40 words", "is_mandatory": True},
    {"name": "sea", "description": "Use the word 'sea'"},
    {"name": "no lists", "description": "Use no more than 2 sentences"},
]
READY_SECONDS = 300.0


def main(origin: str, process: int) -> None:
    """Waits until the proxy is ready, asks once and prints answer, scores, waves and spend."""
    wait_until_ready(origin, process)
    client = openai.OpenAI(base_url=f"{origin}/v1", api_key=os.environ.get("MAESTRO_API_KEY", "none"), timeout=300)
    question = "Why do people love the sea?"
    print(f"\nQuestion: {question}")
    started = time.monotonic()
    completion = client.chat.completions.create(
        model="maestro",
        messages=[{"role": "user", "content": question}],
        max_tokens=120,
        extra_body={"requirements": REQUIREMENTS, "budget": "medium"},
    )
    show(completion.model_dump(), completion.choices[0].message.content or "", time.monotonic() - started)


def wait_until_ready(origin: str, process: int) -> None:
    """Returns once /readyz answers 200; ends the program if the proxy ended or takes too long."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            if httpx.get(f"{origin}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if not _is_alive(process):
            sys.exit("The proxy ended before it was ready.")
        time.sleep(0.2)
    sys.exit("The proxy did not become ready.")


def show(completion: dict[str, Any], text: str, seconds: float) -> None:
    """Prints what a person wants to know of a run."""
    result, run = completion["requirements_result"], completion["maestro"]
    print(f"Answer:   {text}\n")
    print(f"Score {result['score']}  ({result['finish_reason']})")
    for requirement in result["requirements"]:
        print(f"  {requirement['score']}  {requirement['description']}: {requirement['reason']}")
    print(
        f"\n{len(run['waves'])} waves, {seconds:.1f} s, ${run['usd']:.6f}, {completion['usage']['total_tokens']} tokens"
    )
    for number, wave in enumerate(run["waves"], 1):
        print(f"  wave {number}: {wave['reason']}")
        for candidate in wave.get("candidates", ()):
            print(f"    {candidate['technique']:7} {candidate['model']}  score {candidate['score']}")
    print(f"\nThe run again: GET /v1/maestro/runs/{run['run_id']}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
