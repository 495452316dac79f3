"""The `llm` command line: whole and streamed. Arguments: base URL, model."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

base_url, model = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "extra-openai-models.yaml").write_text(
        f"- model_id: here\n  model_name: {model}\n  api_base: {base_url}\n  api_key_name: here\n"
    )
    for more in ([], ["--no-stream"]):
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("llm")),
                "-m",
                "here",
                "--key",
                "none",
                "--no-log",
                *more,
                "Say hello.",
            ],
            env={**os.environ, "LLM_USER_PATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == "Hello there.", done
