from hypothesis import given
from hypothesis import strategies as st

from router.upstreams.layers.circuit import FAILURES_TO_OPEN, LONGEST_PAUSE_SECONDS, Circuit


def failed(times: int) -> Circuit:
    circuit = Circuit()
    for _ in range(times):
        circuit = circuit.started().failed(0.0)
    return circuit


def test_it_opens_after_repeated_failures_and_one_probe_decides() -> None:
    assert failed(FAILURES_TO_OPEN - 1).lets_through(0.0)
    circuit = failed(FAILURES_TO_OPEN)
    assert not circuit.lets_through(0.5)
    assert circuit.lets_through(1.0)
    probing = circuit.started()
    assert not probing.lets_through(1.0)
    assert probing.succeeded() == Circuit()
    assert not probing.failed(1.0).lets_through(2.5)


@given(st.lists(st.sampled_from(["ok", "bad", "gone"]), max_size=80))
def test_it_never_stays_open_for_ever(endings: list[str]) -> None:
    circuit, now = Circuit(), 0.0
    for ending in endings:
        if circuit.lets_through(now):
            circuit = circuit.started()
            after = {"ok": circuit.succeeded(), "bad": circuit.failed(now), "gone": circuit.abandoned()}
            circuit = after[ending]
        now += 0.3
    assert circuit.lets_through(now + LONGEST_PAUSE_SECONDS)
