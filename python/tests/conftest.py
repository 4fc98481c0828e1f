"""What all tests share: the command, unitary matrices, a small trained network and its data."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lightloom as ll

# Those of lightloom.torch, where PyTorch is.
collect_ignore = [] if importlib.util.find_spec("torch") else ["with_torch"]

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def haar(modes: int, seed: int = 0) -> NDArray[np.complex128]:
    """A random unitary [mode, mode]."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(modes, modes)) + 1j * rng.normal(size=(modes, modes))
    q, r = np.linalg.qr(z)
    return np.asarray(q * (np.diag(r) / np.abs(np.diag(r))), dtype=np.complex128)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`python -m lightloom ARGUMENTS` in a folder of its own."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-m", "lightloom", *arguments]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def weights() -> list[NDArray[np.float64]]:
    """Weights [out, in] of two layers, 6 → 8 → 3."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=(8, 6)), rng.normal(size=(3, 8))]


@pytest.fixture(scope="session")
def program(weights: list[NDArray[np.float64]]) -> ll.Program:
    return ll.compile(ll.Network.from_weights(weights))


@pytest.fixture(scope="session")
def samples() -> dict[str, NDArray[Any]]:
    """700 samples of 6 features, more than a block, and a class for each."""
    rng = np.random.default_rng(2)
    return {"x": rng.normal(size=(700, 6)), "y": rng.integers(0, 3, size=700)}


@pytest.fixture
def files(tmp_path: Path, weights: list[NDArray[np.float64]], samples: dict[str, NDArray[Any]]) -> Path:
    """The folder of `command`, with the network as net.npz and the data as data.npz."""
    layers: dict[str, Any] = {f"{index}.weight": weight for index, weight in enumerate(weights)}
    np.savez(tmp_path / "net.npz", **layers)
    np.savez(tmp_path / "data.npz", x=samples["x"], y=samples["y"])
    return tmp_path
