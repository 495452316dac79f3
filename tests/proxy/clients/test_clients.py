"""Real clients, unchanged, against a concrete model and against `maestro`.

The Python ones live in an environment of their own, made once inside `.venv`; openai-node comes by `npm ci`.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
MODELS = ("small", "maestro")


def script(body: Any) -> Scripted:
    """Calls the first tool once, answers a schema with JSON, and says hello otherwise."""
    tools = body.get("tools") or []
    if tools and body["messages"][-1]["role"] != "tool":
        name = tools[0]["function"]["name"]
        return Scripted(behaviour="tools", tool_name=name, tool_arguments='{"city": "Paris"}')
    if body.get("response_format", {}).get("type") == "json_schema":
        return Scripted(text='{"city": "Paris"}')
    return Scripted(text="Hello there.")


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Served]:
    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as served:
        yield served


@pytest.fixture(scope="session")
def clients_python() -> Iterator[Path]:
    """The Python of the clients' environment, which is made when their list has changed."""
    folder = Path(sys.prefix) / "clients"
    wanted = hashlib.sha256((PROGRAMS / "requirements.txt").read_bytes()).hexdigest()
    stamp, python = folder / ".installed", folder / "bin" / "python"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]
            subprocess.run([*install, str(PROGRAMS / "requirements.txt")], check=True)
            stamp.write_text(wanted)
    yield python


async def run(*command: str, folder: Path | None = None) -> str:
    """The output of a program that must succeed."""
    done = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT, cwd=folder)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["langchain", "instructor", "litellm", "pydantic_ai", "openai_agents", "llm"])
async def test_python_clients(proxy: Served, clients_python: Path, name: str, model: str) -> None:
    await run(str(clients_python), str(PROGRAMS / f"use_{name}.py"), proxy.base_url, model)


@pytest.mark.parametrize("prefix", ["/v1", "/studio/v1"])
async def test_ai21(tmp_path: Path, clients_python: Path, prefix: str) -> None:
    def answer(body: Any) -> Scripted:
        return Scripted(behaviour="error") if "FAIL" in json.dumps(body["messages"]) else Scripted("Short and kind")

    async with FakeUpstream(answer) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        said = await run(str(clients_python), str(PROGRAMS / "use_ai21.py"), proxy.origin + prefix)
        seen = json.loads(said.splitlines()[-1])
        assert fake.requests[0].body["messages"][0]["content"].startswith("Be kind.")
        assert "english" in json.dumps(fake.requests[0].body["messages"]).lower()
    assert (seen["run"]["status"], seen["agent"]["name"]) == ("completed", "kinder")


async def test_openai_node(proxy: Served, tmp_path: Path) -> None:
    folder = tmp_path / "node"
    shutil.copytree(HERE / "node", folder)
    await run("npm", "ci", "--no-audit", "--no-fund", folder=folder)
    for model in MODELS:
        await run("node", "use_openai.mjs", proxy.base_url, model, folder=folder)


@pytest.mark.parametrize("model", MODELS)
async def test_curl(proxy: Served, model: str) -> None:
    url = f"{proxy.base_url}/chat/completions"
    body = {"model": model, "messages": MESSAGES, "requirements": ["At most 9 words"]}
    curl = ("curl", "--silent", "--show-error", "--no-buffer", "--include", url, "-H", "Content-Type: application/json")
    whole = await run(*curl, "--data", json.dumps(body))
    assert json.loads(whole.split("\r\n\r\n")[-1])["choices"][0]["message"]["content"] == "Hello there."
    assert "x-maestro-score: 1.0000" in whole
    streamed = await run(*curl, "--data", json.dumps({**body, "stream": True}))
    assert streamed.rstrip().endswith("data: [DONE]")
    assert "HTTP/1.1 200 OK" in streamed
    bad = await run(*curl, "--data", "{")
    assert "HTTP/1.1 400" in bad


async def test_schemathesis_finds_no_5xx(clients_python: Path, tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(text="Hello there.")) as fake:
        settings = settings_for(fake, tmp_path)
        (small, big), upstream = settings.upstream[0].model, settings.upstream[0]
        any_name = upstream.model_copy(update={"model": (small.model_copy(update={"name": "*"}), big)})
        async with serving(settings.model_copy(update={"upstream": (any_name,)})) as proxy:
            checks = ("--checks", "not_a_server_error", "--phases", "coverage,fuzzing", "--max-examples", "20")
            page = f"{proxy.origin}/schema/openapi.json"
            await run(str(clients_python.with_name("st")), "run", page, *checks, "--seed", "1", folder=tmp_path)
            assert proxy.house.gate.inside == 0
            assert fake.requests
