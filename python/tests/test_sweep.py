"""Sweeps from Python: the folder is the command's, byte for byte."""

import copy
import json
import os
import pickle
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command

import lightloom as ll

# The files of a folder that do not depend on when and where trials ran.
SAME = ["rows.csv", "rows.jsonl", "rows.parquet", "confusion.csv", "experiment.toml", "manifest.json"]
EXPERIMENT = """name = "small"
network = "net.npz"
data = "data.npz"
hardware = "mit-pnp"
limit = 600
trials = 4
seed = 3
[axes]
"coupler.splitting_error_rad" = [0.0, 0.05]
[[zip]]
correct = ["none", "local"]
"phase_shifter.dac_bits" = ["none", 6]
"""
FILES = {"network": "net.npz", "data": "data.npz"}
KEYS: dict[str, Any] = {
    "name": "small",
    "hardware": "mit-pnp",
    "limit": 600,
    "trials": 4,
    "seed": 3,
    "axes": {"coupler.splitting_error_rad": np.array([0.0, 0.05])},
    "zip": [{"correct": ("none", "local"), "phase_shifter.dac_bits": [None, np.int64(6)]}],
}


@pytest.fixture
def experiment(files: Path) -> Path:
    path = files / "small.toml"
    path.write_text(EXPERIMENT)
    return path


@pytest.fixture
def folder(experiment: Path, command: Command) -> Path:
    """What the command makes of the experiment."""
    ran = command("sweep", "small.toml", "--out", "command", "--quiet")
    assert ran.returncode == 0, ran.stderr
    return experiment.parent / "command"


def assert_same(a: Path | None, b: Path) -> None:
    assert a is not None
    for name in SAME:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_the_files_are_those_of_the_command(experiment: Path, folder: Path, tmp_path: Path) -> None:
    result = ll.sweep(experiment, tmp_path / "out")
    assert_same(result.path, folder)
    assert repr(result) == "<Sweep small: 4 points × 4 trials of seed 3>"
    assert len(result) == 16
    assert any("net.npz: " in note for note in result.notes)


def test_a_dict_says_what_a_file_says(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = ll.sweep({"network": Path("net.npz"), "data": "data.npz", **KEYS}, tmp_path / "out")
    assert_same(result.path, folder)
    experiment = ll.Experiment({"data": "other.npz", **KEYS}, network="net.npz", data="data.npz")
    assert experiment == ll.Experiment({**FILES, **KEYS})
    assert experiment.to_toml() == (folder / "experiment.toml").read_text()
    hardware = ll.Hardware("mit-pnp")
    assert ll.Experiment(**{"network": "n", "data": "d", **KEYS, "hardware": hardware}).to_toml() == (
        ll.Experiment(**{"network": "n", "data": "d", **KEYS}).to_toml()
    )


def test_rows_are_the_numbers_of_the_files(experiment: Path, folder: Path) -> None:
    result = ll.sweep(experiment)
    assert result.path is None
    records = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    assert list(result.rows) == list(records[0])
    for name, column in result.rows.items():
        assert not column.flags.writeable
        values = [record[name] for record in records]
        numbers = np.array([np.nan if value is None else value for value in values])
        np.testing.assert_array_equal(column, values if column.dtype.kind in "UO" else numbers)
    pytest.importorskip("pandas")
    frame = result.to_pandas()
    assert list(frame.columns) == list(result.rows)
    assert len(frame) == 16
    assert result.rows["point"].dtype == np.int64
    assert result.rows["phase_shifter.dac_bits"].dtype == np.float64
    assert result.rows["correct"].tolist() == (["none"] * 4 + ["local"] * 4) * 2
    assert result.axes == [
        {"coupler.splitting_error_rad": [0.0, 0.05]},
        {"correct": ["none", "local"], "phase_shifter.dac_bits": [None, 6]},
    ]
    loaded = ll.Sweep.load(folder)
    assert loaded.manifest == result.manifest
    assert loaded.manifest["experiment"] == "small"
    for name, column in loaded.rows.items():
        np.testing.assert_array_equal(column, result.rows[name])


def test_an_experiment_is_read_and_pickled(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = ll.Experiment(experiment)
    assert repr(read) == "<Experiment small: 4 points × 4 trials of seed 3>"
    assert (read.name, read.points, read.trials, read.seed) == ("small", 4, 4, 3)
    assert isinstance(read.notes, list)
    for other in [pickle.loads(pickle.dumps(read)), copy.deepcopy(read)]:
        assert other == read
    assert ll.Experiment.from_toml(EXPERIMENT, folder=experiment.parent) == ll.Experiment(experiment)
    monkeypatch.chdir(experiment.parent)
    assert ll.sweep(ll.Experiment.from_toml(EXPERIMENT)).manifest == ll.sweep(read).manifest


def test_more_trials_go_on_in_the_same_folder(experiment: Path, folder: Path, tmp_path: Path) -> None:
    experiment.write_text(EXPERIMENT.replace("trials = 4", "trials = 2"))
    assert len(ll.sweep(experiment, tmp_path / "out")) == 8
    experiment.write_text(EXPERIMENT)
    assert_same(ll.sweep(experiment, tmp_path / "out").path, folder)


def test_ctrl_c_leaves_what_is_done_and_the_same_call_goes_on(experiment: Path, command: Command) -> None:
    experiment.write_text(EXPERIMENT.replace("trials = 4", "trials = 4000"))
    out = experiment.parent / "out"
    timer = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ll.sweep(experiment, out)
    lines = (out / "trials.journal").read_text().count('{"trial":')
    assert 0 < lines < 16000
    # The folder is free again, and holds a sweep that begins with what is done.
    assert command("sweep", "small.toml", "--out", "out", "--dry-run").stdout.find(f"{16000 - lines} of them") > 0


@pytest.mark.parametrize(
    "keys, sentence",
    [
        ({}, "trials: is missing: must be the number of chips of a point"),
        ({"trials": 0}, "trials = 0: must be"),
        ({"trials": 1, "trialz": 1}, "trialz"),
        ({"trials": 1, "hardware": "mit-pmp"}, "did you mean"),
        ({"trials": 1, "data": "d"}, "network or program: is missing: must be the path of one of the two"),
        ({"trials": 1, "axes": {"coupler.spliting_error_rad": [1]}}, "coupler.splitting_error_rad"),
        ({**FILES, "trials": 1, "axes": {"coupler.splitting_error_rad": [0.1, -1]}}, "-1"),
    ],
)
def test_what_no_experiment_can_be_is_refused_without_a_line(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        ll.Experiment(keys)
    assert sentence in str(error.value)
    assert "line " not in str(error.value)


def test_other_refusals_are_one_sentence(experiment: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="experiment = 3: must be a path or a dict of its keys"):
        ll.Experiment(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="trials = <object object at .*: must be a number, a text, a path"):
        ll.Experiment(trials=object())
    with pytest.raises(ValueError, match="trials: is a keyword beside a file"):
        ll.Experiment(experiment, trials=3)
    with pytest.raises(FileNotFoundError, match="missing.toml: "):
        ll.sweep(tmp_path / "missing.toml")
    with pytest.raises(TypeError, match="executor = 2: must have submit"):
        ll.sweep(experiment, executor=2)  # type: ignore[arg-type]
    (tmp_path / "net.npz").unlink()
    with pytest.raises(FileNotFoundError, match="net.npz: "):
        ll.sweep(experiment, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="must be the folder of a sweep or merge"):
        ll.Sweep.load(tmp_path)


def test_a_folder_of_another_experiment_is_refused(experiment: Path, tmp_path: Path) -> None:
    ll.sweep(experiment, tmp_path / "out")
    experiment.write_text(EXPERIMENT.replace("seed = 3", "seed = 4"))
    with pytest.raises(ValueError, match=r"holds trials of another experiment \(seed: 3 → 4\): give another out or delete"):
        ll.sweep(experiment, tmp_path / "out")
