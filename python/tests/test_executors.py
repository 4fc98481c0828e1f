"""Sweeps whose trials run elsewhere: the files are those of one process, also when workers die."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from test_sweep import EXPERIMENT, assert_same

import lightloom as ll
from lightloom import _lightloom, _sweep

# Seconds of trials, so that a worker can be killed in the middle.
LONG = EXPERIMENT.replace("trials = 4", "trials = 300")


@pytest.fixture
def experiment(files: Path) -> Path:
    """An experiment of two workloads: two precisions."""
    path = files / "small.toml"
    path.write_text(EXPERIMENT + '\n[[zip]]\nprecision = ["f32", "f64"]\n')
    return path


@pytest.fixture
def one(experiment: Path) -> Path:
    """What one process makes of the experiment."""
    folder = experiment.parent / "one"
    ll.sweep(experiment, folder)
    return folder


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_pool_of_processes_gives_the_same_files(experiment: Path, one: Path, tmp_path: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, context) as pool:
        result = ll.sweep(experiment, tmp_path / "out", executor=pool)
        assert_same(result.path, one)
        # The folder is free though the children that a fork made live on, and nothing is left to do.
        assert_same(ll.sweep(experiment, tmp_path / "out", executor=pool).path, one)


def test_a_pool_of_threads_gives_the_same_rows(experiment: Path, one: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        result = ll.sweep(experiment, executor=pool)
    assert result.manifest == ll.Sweep.load(one).manifest
    assert result.to_pandas().equals(ll.Sweep.load(one).to_pandas())


class Blind:
    """An executor whose workers see no file of this process, and which returns the last task first."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...], "Future[Any]"]] = []
        self.sent = 0
        self.lock = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        key, _, data, rows = args
        self.sent += data is not None
        future: Future[Any] = Future()
        with self.lock:
            self.calls.append((fn, (key, None, data, rows), future))
        threading.Timer(0.05, self.run).start()
        return future

    def run(self) -> None:
        with self.lock:
            fn, args, future = self.calls.pop()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args))
                except Exception as error:
                    future.set_exception(error)


def test_workers_that_see_no_file_are_sent_the_parcel(experiment: Path, one: Path, tmp_path: Path) -> None:
    blind = Blind()
    assert_same(ll.sweep(experiment, tmp_path / "out", executor=blind).path, one)
    assert blind.sent > 0


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_pool_with_a_killed_worker_is_one_sentence_and_the_same_call_goes_on(
    experiment: Path, tmp_path: Path
) -> None:
    experiment.write_text(LONG)
    out = tmp_path / "out"
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        victims = [pool.submit(os.getpid) for _ in range(2)]
        victim = victims[0].result()
        kill_when(out, victim)
        with pytest.raises(RuntimeError, match=r"^workers died: \d+ of 1200 trials are left; the same call goes on"):
            ll.sweep(experiment, out, executor=pool)
    done = finished(out)
    assert 0 < done < 1200
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        result = ll.sweep(experiment, out, executor=pool)
    ll.sweep(experiment, tmp_path / "whole")
    assert_same(result.path, tmp_path / "whole")


def test_a_script_without_a_guard_is_told_of_it(experiment: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
import lightloom as ll

ll.sweep({str(experiment)!r}, executor=ProcessPoolExecutor(2, multiprocessing.get_context("spawn")))
""")
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "workers died before any of 32 trials had run" in ran.stderr
    assert 'calls sweep behind `if __name__ == "__main__":`' in ran.stderr


def finished(out: Path) -> int:
    """Number of trials in a journal."""
    journal = out / "trials.journal"
    return journal.read_text().count('{"trial":') if journal.exists() else 0


def kill_when(out: Path, victim: int, done: int = 40) -> None:
    """Kill a process as soon as so many trials are in the journal."""

    def watch() -> None:
        while finished(out) < done:
            time.sleep(0.005)
        os.kill(victim, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def test_ctrl_c_leaves_what_is_done(experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(EXPERIMENT.replace("trials = 4", "trials = 40000"))
    out = tmp_path / "out"
    timer = threading.Timer(3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with ThreadPoolExecutor(2) as pool, pytest.raises(KeyboardInterrupt):
        ll.sweep(experiment, out, executor=pool)
    assert 0 < finished(out) < 160000
    # Nobody holds the folder.
    experiment.write_text(EXPERIMENT.replace("seed = 3", "seed = 4"))
    with pytest.raises(ValueError, match="holds trials of another experiment"):
        ll.sweep(experiment, out)


def packed(experiment: Path) -> bytes:
    """The first parcel of an experiment."""
    parcels: list[bytes] = []

    class Enough(Exception):
        pass

    def keep(parcel: _lightloom.Parcel) -> None:
        parcels.append(parcel.data)
        raise Enough

    with pytest.raises(Enough):
        _lightloom.run_sweep(ll.Experiment(experiment), experiment.parent / "parcel", True, keep)
    return parcels[0]


@pytest.mark.parametrize(
    "key, value, sentence",
    [
        ("lightloom", '"0.0.1"', r"^lightloom of a worker = .*: must be 0\.0\.1, that of the process that runs the sweep$"),
        ("draws", "0", r"^random numbers of a worker = \d+: must be 0, those of the process that runs the sweep$"),
        ("cpu", '"pdp-11"', r"^type of CPU of a worker = .*: must be pdp-11, that of the process .*: the last bits of results"),
    ],
)
def test_a_worker_that_computes_otherwise_refuses_in_one_sentence(
    experiment: Path, key: str, value: str, sentence: str
) -> None:
    head, rest = packed(experiment).split(b"\n", 1)
    start = head.index(f'"{key}":'.encode()) + len(key) + 3
    end = min(at for at in (head.find(b",", start), head.find(b"}", start)) if at > 0)
    other = head[:start] + value.encode() + head[end:] + b"\n" + rest
    with pytest.raises(ValueError, match=sentence):
        _sweep.run_task("other" + key, None, other, [0])


def test_damaged_parcels_are_refused(experiment: Path) -> None:
    data = packed(experiment)
    for number, damaged in enumerate([b"", data[:100], data[:-1], data + b"x"]):
        with pytest.raises(ValueError, match="parcel: is damaged|program"):
            _sweep.run_task(f"damaged {number}", None, damaged, [0])
    assert _sweep.run_task("not there", None, None, [0]) is None
    with pytest.raises(ValueError, match="row = 1000000: must be below"):
        _sweep.run_task("whole", None, data, [1_000_000])


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of two Dask workers, each a process of one thread."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_two_dask_workers_give_the_same_files(client: Any, experiment: Path, one: Path, tmp_path: Path) -> None:
    assert_same(ll.sweep(experiment, tmp_path / "out", executor=client).path, one)


def test_a_killed_dask_worker_changes_no_file(client: Any, experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(LONG)
    ll.sweep(experiment, tmp_path / "whole")
    out = tmp_path / "out"
    victim = next(iter(client.run(os.getpid).values()))
    kill_when(out, victim)
    result = ll.sweep(experiment, out, executor=client)
    assert victim not in client.run(os.getpid).values()
    assert_same(result.path, tmp_path / "whole")


def hide() -> None:
    """Make a process one without the wheel."""
    import importlib.metadata as metadata

    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    metadata.version = version  # type: ignore[assignment]


def age() -> None:
    """Make a process one with another wheel."""
    import importlib.metadata as metadata

    metadata.version = lambda name: "0.0.1"  # type: ignore[assignment]


@pytest.mark.parametrize("change", [hide, age])
def test_a_dask_worker_without_this_wheel_is_one_sentence(experiment: Path, change: Callable[[], None]) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(change)
        with pytest.raises(RuntimeError, match="^a worker has no lightloom .*: install the wheel of this version where"):
            ll.sweep(experiment, executor=client)


class Broken:
    """An executor whose workers cannot import what they are asked for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(ModuleNotFoundError("No module named 'lightloom'"))
        return future


def test_another_worker_without_the_wheel_is_one_sentence(experiment: Path) -> None:
    with pytest.raises(RuntimeError, match="^a worker has no lightloom .*: install the wheel of this version where"):
        ll.sweep(experiment, executor=Broken())
