"""Long calls: other threads run, Ctrl-C ends them, a fork's child has threads of its own."""

import multiprocessing
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from conftest import haar
from numpy.typing import NDArray

import lightloom as ll


@pytest.fixture(scope="module")
def large() -> ll.Network:
    """A network that takes seconds to compile, in many tiles."""
    return ll.Network.from_weights([np.random.default_rng(0).normal(size=(2048, 2048))])


def interrupted(act: Any, after_s: float) -> float:
    """How many seconds `act` takes to raise KeyboardInterrupt once Ctrl-C was pressed."""
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after_s, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        act()
    return time.perf_counter() - pressed[0]


def test_ctrl_c_ends_inference_at_once(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    assert interrupted(lambda: ll.infer(program, data, "thermo-optic", trials=1_000_000), 0.5) < 1.0
    # The threads are free again.
    assert ll.infer(program, data, trials=1).ideal == ll.infer(program, data, trials=2).ideal


def test_ctrl_c_ends_compilation_at_once(large: ll.Network) -> None:
    assert interrupted(lambda: ll.compile(large, tile=128), 0.3) < 1.0


def test_ctrl_c_ends_a_batch_of_decompositions_at_once() -> None:
    us = np.stack([haar(64)] * 5000)
    assert interrupted(lambda: ll.decompose(us), 0.3) < 1.0


def test_other_threads_run_while_one_waits() -> None:
    us = np.stack([haar(64)] * 400)
    ticks = 0
    done = threading.Event()

    def decompose() -> None:
        ll.decompose(us)
        done.set()

    thread = threading.Thread(target=decompose)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 5


def test_calls_of_many_threads_give_what_one_gives() -> None:
    us = [haar(8, seed) for seed in range(8)]
    found: dict[int, ll.Mesh] = {}

    def decompose(index: int) -> None:
        found[index] = ll.decompose(us[index])

    threads = [threading.Thread(target=decompose, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(8)] == [ll.decompose(u) for u in us]


def child(u: NDArray[np.complex128]) -> str:
    return str(ll.decompose(np.stack([u, u]))[0].to_json())


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_computes_what_its_parent_does() -> None:
    u = haar(8)
    ours = child(u)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        theirs = pool.map_async(child, [u] * 4).get(timeout=60)
    assert theirs == [ours] * 4
    # The parent's threads still work.
    assert child(u) == ours
