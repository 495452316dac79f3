"""The two commands and the example of the README, with the embedded real model."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
pytestmark = pytest.mark.real_model


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, port: int) -> dict[str, str]:
    said = {
        "PORT": str(port),
        "MAESTRO_CONFIG": str(folder / "maestro.toml"),
        "MAESTRO_LEDGER__URL": f"sqlite:///{folder}/maestro.db",
    }
    return {**os.environ, **said}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """`./scripts/start`, once for all: the proxy's origin and what was printed until it served."""
    folder, port = tmp_path_factory.mktemp("start"), free_port()
    with subprocess.Popen(
        [ROOT / "scripts" / "start"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(folder, port),
        start_new_session=True,
    ) as process:
        printed = ""
        for line in process.stdout or ():
            printed += line
            if line.startswith("Serving on"):
                break
        yield f"http://127.0.0.1:{port}", printed
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_start_answers_a_first_request_with_scores_and_spend(started: tuple[str, str]) -> None:
    _, printed = started
    assert "Answer:" in printed
    assert "at most 40 words" in printed
    assert re.search(r"\d+ waves, [\d.]+ s, \$[\d.]+, \d+ tokens", printed)


def test_the_example_of_the_readme_runs(started: tuple[str, str]) -> None:
    origin, _ = started
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example is not None
    code = example.group(1).replace("http://127.0.0.1:8000", origin)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_real_answer_streams(started: tuple[str, str]) -> None:
    origin, _ = started
    client = openai.OpenAI(base_url=f"{origin}/v1", api_key="none")
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(
            model="maestro", messages=[{"role": "user", "content": "Count to five."}], max_tokens=24, stream=True
        )
        if chunk.choices
    ]
    assert "".join(pieces).strip()


def test_a_real_run_is_checked_and_found_again(started: tuple[str, str]) -> None:
    origin, _ = started
    client = openai.OpenAI(base_url=f"{origin}/v1", api_key="none")
    completion = client.chat.completions.create(
        model="maestro-low",
        messages=[
            {"role": "system", "content": '<maestro budget-calls="3">\n- Use no more than 5 sentences\n</maestro>'},
            {"role": "user", "content": "Tell me about rain."},
        ],
        max_tokens=60,
    )
    said = completion.model_dump()
    result, run = said["requirements_result"], said["maestro"]
    assert result["requirements"][0]["reason"]
    assert completion.usage is not None
    assert completion.usage.completion_tokens >= run["chosen"]["usage"]["completion_tokens"]
    stored = httpx.get(f"{origin}/v1/maestro/runs/{run['run_id']}").json()
    assert stored["id"] == run["run_id"]


def test_the_embedded_model_is_started_again_after_a_crash(started: tuple[str, str]) -> None:
    origin, _ = started
    client = openai.OpenAI(base_url=f"{origin}/v1", api_key="none", max_retries=0)
    found = subprocess.run(["pgrep", "-f", "router.upstreams.llama_server"], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout.split()[-1]), signal.SIGKILL)
    end = time.monotonic() + 60
    while True:
        try:
            client.chat.completions.create(model="smollm2", messages=[{"role": "user", "content": "Hi"}], max_tokens=4)
        except openai.APIStatusError:
            assert time.monotonic() < end
        else:
            break


def test_the_readme_fits_one_screen() -> None:
    assert len(README.splitlines()) <= 50
