"""The package: its version, what importing it costs, and its command line."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from conftest import Command, haar

import lightloom as ll


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_version_is_that_of_the_command(command: Command) -> None:
    assert command("--version").stdout == f"lightloom {ll.__version__}\n"


def test_importing_takes_at_most_20_ms_beyond_numpy() -> None:
    code = "import numpy, time; t = time.perf_counter(); import lightloom; print(time.perf_counter() - t)"
    run(code)
    assert min(float(run(code)) for _ in range(5)) < 0.020


def test_importing_brings_no_package_but_numpy() -> None:
    code = """
import sys, numpy
before = {name.partition(".")[0] for name in sys.modules}
import lightloom
print({name.partition(".")[0] for name in sys.modules} - before)
"""
    assert run(code) == "{'lightloom'}\n"


def test_the_command_exits_as_the_binary_does(command: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "u.npy", haar(4))
    assert command("decompose", "u.npy", "-o", "u.mesh.json", "--quiet").returncode == 0
    refused = command("decompose", "missing.npy", "-o", "v.mesh.json")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: missing.npy: ")
    assert refused.stderr.count("\n") == 1
    assert command("--help").returncode == 0
    assert command("nonsense").returncode == 2


def test_ctrl_c_ends_a_command_with_what_is_done(files: Path, command: Command) -> None:
    assert command("compile", "net.npz", "-o", "net.program.safetensors").returncode == 0
    words = ["infer", "net.program.safetensors", "--data", "data.npz", "--set", "coupler.splitting_error_rad=0.02"]
    words += ["--trials", "1000000", "--json", "-"]
    with subprocess.Popen(
        [sys.executable, "-m", "lightloom", *words], cwd=files, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        time.sleep(3)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"stopping after what has begun" in err
    assert b'"stopped_of": 1000000' in out


def test_ctrl_c_ends_a_command_that_does_not_wait_for_it(tmp_path: Path) -> None:
    layers: dict[str, Any] = {"0.weight": np.random.default_rng(0).normal(size=(2500, 2500))}
    np.savez(tmp_path / "net.npz", **layers)
    words = [sys.executable, "-m", "lightloom", "compile", "net.npz", "-o", "net.program.safetensors"]
    with subprocess.Popen(words, cwd=tmp_path) as child:
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=10) == -signal.SIGINT
