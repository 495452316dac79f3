"""Who holds a line: living processes keep theirs, in whatever container; ended ones do not."""

import os
import subprocess
import sys

from router.ledger.owners import LEASE_SECONDS, Lookout, is_gone, own_name
from tests.router.ledger.conftest import Clock

ELSEWHERE = "another-boot:4026531836/{pid}/1/nonce"


def test_this_process_is_there_and_no_two_names_are_the_same() -> None:
    assert own_name() != own_name()
    assert not Lookout().is_gone(own_name(), 0.0)
    assert not is_gone(own_name(), 0.0)


def test_a_process_that_ended_is_gone_at_once_even_before_it_was_waited_for() -> None:
    code = "from router.ledger.owners import own_name; print(own_name(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        name = process.stdout.readline().decode().strip()
        assert not Lookout().is_gone(name, 0.0)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Lookout().is_gone(name, 0.0)
    assert Lookout().is_gone(name, 0.0)


def test_a_later_process_with_the_same_pid_is_another() -> None:
    place, pid, _, nonce = own_name().split("/")
    assert Lookout().is_gone(f"{place}/{pid}/12345/{nonce}", 0.0)


def test_the_same_pid_in_another_container_is_not_this_one() -> None:
    lookout = Lookout(Clock(0.0))
    assert not lookout.is_gone(ELSEWHERE.format(pid=os.getpid()), 0.0)
    assert not lookout.is_gone(ELSEWHERE.format(pid=2**22 + 1), 0.0)


def test_one_elsewhere_is_gone_once_silent_for_the_lease_by_our_own_clock() -> None:
    steady = Clock(0.0)
    lookout, owner = Lookout(steady), ELSEWHERE.format(pid=7)
    beats = [1e9, 5.0, 1e12, 5.0]  # its clock jumps about; it lives
    for beat in beats:
        assert not lookout.is_gone(owner, beat)
        steady.now += LEASE_SECONDS - 1
    assert not lookout.is_gone(owner, 5.0)
    steady.now += 2
    assert lookout.is_gone(owner, 5.0)
    assert not lookout.is_gone(owner, 6.0)
