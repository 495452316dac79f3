import pytest

from router.checks.check import Answer
from router.checks.compiler import compile_requirement
from router.checks.sandbox import run_tests
from router.checks.validators import Effects, Validators
from router.task import Requirement

pytestmark = pytest.mark.anyio

HOSTILE = {
    "fork bomb": "import os\nwhile True: os.fork()",
    "fork bomb that hides its errors": "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
    "thread bomb": "import threading\nwhile True: threading.Thread(target=threading.Event().wait).start()",
    "endless loop": "while True: pass",
    "endless sleep": "import time\ntime.sleep(1000)",
    "huge allocation": "x = 'a' * 10**11",
    "growing allocation": "x = []\nwhile True: x.append(bytearray(10**7))",
    "file read": "open('/etc/passwd').read()",
    "parent's environment": "import os\nopen(f'/proc/{os.getppid()}/environ').read()",
    "own environment": "import os\nassert os.environ",
    "write here": "open('x', 'w').write('a')",
    "write elsewhere": "open('/tmp/x', 'w').write('a')",
    "network": "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
    "local socket": "import socket\nsocket.socket(socket.AF_UNIX)",
    "output flood": "while True: print('x' * 10**6)",
    "result flood": "import os\nfor fd in range(3, 32):\n"
    " try:\n  while True: os.write(fd, b'x' * 65536)\n except OSError: pass",
    "subprocess": "import subprocess\nsubprocess.run(['id'])",
    "signal to parent": "import os\nos.kill(os.getppid(), 9)",
    "early exit": "import os\nos._exit(0)",
    "forged result": "import os\nfor fd in range(3, 32):\n"
    " try: os.write(fd, b'{\"passed\": [true]}')\n except OSError: pass\nos._exit(0)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "deep recursion": "def f(): return f()\nf()",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_hostile_code_fails_and_harms_nothing(name: str) -> None:
    outcome = await run_tests(HOSTILE[name], ("assert True",), seconds=1, memory_mb=128)
    assert outcome.refused == ""
    assert outcome.passed == (False,)
    assert outcome.trouble


async def test_each_test_counts_by_itself() -> None:
    outcome = await run_tests("import re, json, math\ndef f(x): return x + 1", ("assert f(1) == 2", "assert f(1) == 3"))
    assert outcome.passed == (True, False)


async def test_code_tests_score_an_answer_by_its_code_blocks() -> None:
    spec = {"type": "code_tests", "tests": ["assert f(1) == 2", "assert f(2) == 9"]}
    (validator,) = compile_requirement(Requirement("r", "", check=spec)).validators
    finding = await validator(Answer("Here:\n```python\ndef f(x): return x + 1\n```\nDone."))
    assert finding.score == pytest.approx(0.495)
    assert "1 of 2 tests pass" in finding.reason


async def test_an_operator_may_forbid_running_code() -> None:
    validators = Validators()
    validators.effects = Effects(may_run_code=False)
    check = {"type": "code_tests", "tests": "assert True"}
    (validator,) = compile_requirement(Requirement("r", "", check=check), validators).validators
    assert (await validator(Answer("x = 1"))).score is None
