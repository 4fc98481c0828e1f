"""Sweeps: the trials of a grid of settings, in this process or wherever an executor runs them."""

import os
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, Protocol

from lightloom import _lightloom
from lightloom._lightloom import Experiment, Parcel, Sweep

_Path = str | PathLike[str]

# How often whoever waits for trials looks for signals, and at most asks for the number of workers.
_LOOK_S = 0.2
# How often a parcel is sent anew before it is given up, where no trial comes back between.
_TIMES = 3

_NO_WHEEL = f"a worker has no lightloom {_lightloom.__version__}: install the wheel of this version where workers run"


class Executor(Protocol):
    """Whatever runs a function elsewhere: concurrent.futures, dask.distributed.Client, mpi4py.futures."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Have `fn` called, and return a future of what it returns."""


def run_task(key: str, path: str | None, data: bytes | None, rows: list[int]) -> bytes | None:
    """Run trials in the process of a worker."""
    return _lightloom.run_task(key, path, data, rows)


def sweep(
    experiment: Experiment | _Path | Mapping[str, Any],
    out: _Path | None = None,
    *,
    executor: Executor | None = None,
) -> Sweep:
    """Run an experiment: `trials` chips of every point; the rows are those of `lightloom sweep`, to the bit.

    `experiment` is an `Experiment`, or what makes one: the path of an EXPERIMENT.toml or a dict. `out` is a folder, new or
    of the same experiment, as that of the command: finished trials stay there whatever happens, the same call goes on with
    the rest, and `lightloom report` draws it. Without it nothing is kept but the rows in memory.

    Trials run on all cores of this machine, or where `executor` runs them, whatever has a `submit`: a pool of
    concurrent.futures, a dask.distributed.Client, a pool of mpi4py.futures. Workers need this version of lightloom, CPUs of
    this type, and no file. docs/cluster.md says more.
    """
    if not isinstance(experiment, Experiment):
        experiment = Experiment(experiment)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"executor = {executor!r}: must have submit, as the pools of concurrent.futures and a dask.distributed.Client have"
        )
    if out is not None:
        return _lightloom.run_sweep(experiment, out, True, _sender(executor, True))
    import tempfile

    with tempfile.TemporaryDirectory(prefix="lightloom-") as folder:
        return _lightloom.run_sweep(experiment, os.path.join(folder, "rows"), False, _sender(executor, False))


def _sender(executor: Executor | None, keeps: bool) -> Callable[[Parcel], None] | None:
    """What has a parcel run by `executor`."""
    if executor is None:
        return None
    if getattr(executor, "asynchronous", False):
        raise TypeError("executor is an asynchronous Client: must be one with asynchronous=False")

    def send(parcel: Parcel) -> None:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="lightloom-") as folder:
            way = _Scattered(executor, parcel) if hasattr(executor, "scatter") else _Beside(executor, parcel, folder)
            _run(parcel, way, keeps)

    return send


class _Scattered:
    """Tasks of a Dask client, whose workers get a parcel once."""

    def __init__(self, client: Any, parcel: Parcel) -> None:
        self._client = client
        self._parcel = parcel
        self.renew()

    def renew(self) -> None:
        """Hand the parcel out, also to workers that took the places of others.

        Raises RuntimeError where a worker has not this lightloom.
        """
        import importlib.metadata

        self._client.wait_for_workers(1)
        # A task that a worker cannot unpickle ends the worker: all are asked by a function that they have.
        versions = self._client.run(importlib.metadata.version, "lightloom", on_error="return")
        if any(version != _lightloom.__version__ for version in versions.values()):
            raise RuntimeError(_NO_WHEEL)
        self._data = self._client.scatter(self._parcel.data, broadcast=True, hash=False)

    def submit(self, rows: list[int], _needs_data: bool) -> Any:
        """Have a task run."""
        return self._client.submit(run_task, self._parcel.key, None, self._data, rows, pure=False)

    def workers(self) -> int:
        """How many tasks run at a time."""
        return int(sum(self._client.nthreads().values()))


class _Beside:
    """Tasks of any other executor, whose workers read a parcel from a file where they see it, else get it with a task."""

    def __init__(self, executor: Any, parcel: Parcel, folder: str) -> None:
        self._executor = executor
        self._key = parcel.key
        self._data = parcel.data
        self._path = os.path.join(folder, "parcel")
        with open(self._path, "wb") as file:
            file.write(self._data)

    def renew(self) -> None:
        """Do nothing: a task says where its parcel is."""

    def submit(self, rows: list[int], needs_data: bool) -> Any:
        """Have a task run."""
        return self._executor.submit(run_task, self._key, self._path, self._data if needs_data else None, rows)

    def workers(self) -> int:
        """How many tasks run at a time."""
        for name in ("_max_workers", "num_workers"):
            number = getattr(self._executor, name, None)
            if isinstance(number, int) and number > 0:
                return number
        return os.cpu_count() or 1


def _run(parcel: Parcel, way: _Scattered | _Beside, keeps: bool) -> None:
    """Have all trials of a parcel run, and put them into the journal as they come."""
    import queue
    import time
    from concurrent.futures import CancelledError

    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    # The rows of every task, and how often the parcel had been renewed before it.
    flying: dict[Any, tuple[list[int], int]] = {}
    renewed = lost = 0
    workers, asked = way.workers(), time.monotonic()

    def submit(rows: list[int], needs_data: bool = False) -> None:
        future = way.submit(rows, needs_data)
        flying[future] = rows, renewed
        future.add_done_callback(done.put)

    try:
        while True:
            if time.monotonic() - asked > 1.0:
                workers, asked = way.workers(), time.monotonic()
            while len(flying) < max(8, 4 * workers):
                rows = parcel.next_task(workers)
                if rows is None:
                    break
                submit(rows)
            if not flying:
                return
            try:
                future = done.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            rows, renewed_before = flying.pop(future)
            try:
                trials = future.result()
            except CancelledError:
                # The workers that held the parcel have died, and the parcel with them.
                if renewed_before == renewed:
                    lost += 1
                    if lost > _TIMES:
                        raise
                    way.renew()
                    renewed += 1
                submit(rows)
                continue
            if trials is None:
                submit(rows, True)
                continue
            parcel.take(trials)
            lost = 0
    except Exception as error:
        sentence = _sentence(error, parcel, keeps)
        if sentence is None:
            raise
        raise RuntimeError(sentence) from error
    finally:
        for future in flying:
            future.cancel()


def _sentence(error: Exception, parcel: Parcel, keeps: bool) -> str | None:
    """What is said of an error that is none of lightloom's; None of one that is."""
    from concurrent.futures import BrokenExecutor, CancelledError

    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(cause, (ImportError, AttributeError)) and "lightloom" in str(cause) for cause in causes):
        return _NO_WHEEL
    if isinstance(error, (BrokenExecutor, CancelledError)) or type(error).__name__ == "KilledWorker":
        if isinstance(error, BrokenExecutor) and parcel.left == parcel.total:
            return (
                f"workers died before any of {parcel.total} trials had run: a script whose executor starts processes anew "
                'calls sweep behind `if __name__ == "__main__":`'
            )
        rest = "the same call goes on with them" if keeps else "with out=… what is done would be kept"
        return f"workers died: {parcel.left} of {parcel.total} trials are left; {rest}"
    return None
