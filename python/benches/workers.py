"""How much longer do two workers of Dask take for a sweep than a pool of two processes, and that than two threads?"""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import distributed
import numpy as np

import lightloom as ll

TURNS = 3


def files(folder: Path) -> ll.Experiment:
    """An experiment of some 20 s on two cores: 4 points of a network 64 → 64 → 10, 1000 samples."""
    rng = np.random.default_rng(0)
    layers: dict[str, Any] = {"0.weight": rng.normal(size=(64, 64)), "1.weight": rng.normal(size=(10, 64))}
    np.savez(folder / "net.npz", **layers)
    np.savez(folder / "data.npz", x=rng.normal(size=(1000, 64)), y=rng.integers(0, 10, size=1000))
    axes = {"coupler.splitting_error_rad": [0.0, 0.01, 0.02, 0.05]}
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    return ll.Experiment(
        network=folder / "net.npz", data=folder / "data.npz", hardware="mit-pnp", trials=trials, axes=axes
    )


def seconds(act: Callable[[], object]) -> float:
    """Wall-clock time of a call, s."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def main() -> None:
    """Print a table: seconds of each turn, taken by turns, and the ratios of the medians."""
    dask: Any = distributed  # its functions have no types
    cluster = dask.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=":0")
    pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
    with tempfile.TemporaryDirectory() as name, cluster, dask.Client(cluster) as client, pool:
        experiment = files(Path(name))
        small = ll.Experiment(network=Path(name) / "net.npz", data=Path(name) / "data.npz", trials=4)
        executors: dict[str, Any] = {"one process": None, "pool of two processes": pool, "two Dask workers": client}
        for executor in executors.values():
            ll.sweep(small, executor=executor)  # processes begin and import
        turns = [
            {name: seconds(lambda: ll.sweep(experiment, executor=executor)) for name, executor in executors.items()}
            for _ in range(TURNS)
        ]
    medians = {name: sorted(turn[name] for turn in turns)[TURNS // 2] for name in executors}
    print(f"{'executor':<24}{'median':>9}   turns")
    for name, median in medians.items():
        print(f"{name:<24}{median:>7.2f} s   {', '.join(f'{turn[name]:.2f}' for turn in turns)}")
    print(f"Dask / pool {medians['two Dask workers'] / medians['pool of two processes']:.3f}")


if __name__ == "__main__":
    main()
