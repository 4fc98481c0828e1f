"""What is refused, by the exception that Python has for it and in the library's own words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command, haar

import lightloom as ll


def test_files_that_are_not_there_are_errors_of_the_system(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for load in [ll.Mesh.load, ll.Program.load, ll.Network.load, ll.Dataset.load, ll.compile]:
        with pytest.raises(FileNotFoundError, match="missing: "):
            load(missing)
    with pytest.raises(FileNotFoundError):
        ll.Hardware(tmp_path / "missing.toml")
    with pytest.raises(OSError):
        ll.decompose(haar(3)).save(tmp_path / "no" / "folder.mesh.json")


def test_the_sentence_is_that_of_the_command(command: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((2, 3)))
    said = command("infer", "p", "--data", "d", "--set", "coupler.spliting_error_rad=1").stderr
    with pytest.raises(ValueError) as error:
        ll.Hardware(coupler_spliting_error_rad=1)
    assert said == f"error: {error.value}\n"
    said = command("decompose", "x.npy", "-o", "m.mesh.json").stderr
    with pytest.raises(ValueError) as error:
        ll.decompose(np.ones((2, 3)))
    assert said.removeprefix("error: x.npy: matrix") == f"{str(error.value).removeprefix('u')}\n"


@pytest.mark.parametrize(
    "act, sentence",
    [
        (lambda: ll.decompose(np.ones((2, 2))), "u is not unitary: max"),
        (lambda: ll.decompose(np.ones(3)), r"u has shape \[3\]: must be \[mode, mode\] or \[batch, mode, mode\]"),
        (lambda: ll.decompose(np.array([["a"]])), "dtype of u = <U1: must be real or complex numbers"),
        (lambda: ll.decompose(np.eye(2), geometry="clement"), "did you mean `clements`"),
        (lambda: ll.Hardware("thermooptic"), "did you mean `thermo-optic`"),
        (lambda: ll.Hardware(coupler_splitting_error_rad=-1), "coupler.splitting_error_rad = -1: must be"),
        (lambda: ll.Hardware(coupler_splitting_error_rad=True), "must be a number, a name or None"),
        (lambda: ll.Hardware({"coupler": 3}), "coupler = 3: must be a dict of its keys"),  # type: ignore[dict-item]
        (lambda: ll.Hardware({"cupler": {"x": 1}}), "coupler"),
        (lambda: ll.Hardware()["coupler.x"], "coupler.x"),
        (lambda: ll.Hardware().fabricate(seed=-1), "seed = -1: must be a whole number from 0"),
        (lambda: ll.Hardware().fabricate(trial=1.5), "trial = 1.5: must be a whole number"),  # type: ignore[arg-type]
        (lambda: ll.Network.from_weights([]), "network: has no layers"),
        (lambda: ll.Network.from_weights([np.ones((2, 3)), np.ones((2, 3))]), "layer `1`: weight has shape"),
        (lambda: ll.Network.from_weights([np.ones(3)]), r"weights\[0\] has shape \[3\]: must be \[out, in\]"),
        (lambda: ll.Network.from_weights([np.eye(2)], [None, None]), r"biases has shape \[2\]: must be \[1\]"),
        (lambda: ll.Network.from_weights([[[np.nan]]]), "must be finite"),
        (lambda: ll.compile(ll.Network.from_weights([np.eye(2)]), tile=1), "tile = 1: must be"),
        (lambda: ll.Program.from_bytes(b"nonsense"), "data"),
        (lambda: ll.Dataset(np.ones((2, 3)), np.ones(3)), "labels"),
        (lambda: ll.Dataset(np.ones((2, 3)) * 1j), "dtype of x = complex128: must be real numbers"),
        (lambda: ll.Dataset(np.ones(3)), "x has shape"),
    ],
)
def test_values_that_are_wrong_are_value_errors(act: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        act()


def test_samples_that_do_not_fit_are_value_errors(program: ll.Program) -> None:
    data = ll.Dataset(np.ones((4, 6)), np.zeros(4))
    chip = ll.Hardware("thermo-optic").fabricate()
    wide = np.ones((2, 7))
    acts: list[Any] = [
        lambda: program.network(wide),
        lambda: ll.load(program, ll.Hardware().fabricate())(wide),
        lambda: ll.load(program, chip, calibration=wide),
        lambda: ll.infer(program, ll.Dataset(wide, np.zeros(2))),
        lambda: ll.load(program, chip, correction="best"),  # type: ignore[arg-type]
        lambda: ll.load(program, chip, precision="f16"),  # type: ignore[arg-type]
        lambda: ll.infer(program, data, trials=0),
        lambda: ll.infer(program, data, trials=10**7),
        lambda: ll.infer(program, data, score="best"),
        lambda: program.mesh("nine"),
        lambda: program.mesh(tile=5),
        lambda: program.mesh(section="middle"),  # type: ignore[arg-type]
        lambda: ll.load(program, chip).matrix("nine"),
        lambda: ll.load(program, chip),
    ]
    for act in acts:
        with pytest.raises(ValueError, match=": must |missing"):
            act()


def test_what_cannot_be_represented_is_not_implemented(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="zrelu"):
        ll.Network.from_weights([np.eye(2), np.eye(2)], activation="zrelu")
    (tmp_path / "net.csv").write_text("a,b\n1,2\n")
    with pytest.raises((NotImplementedError, ValueError), match="net.csv"):
        ll.Network.load(tmp_path / "net.csv")


def test_things_of_the_wrong_kind_are_type_errors(program: ll.Program) -> None:
    acts: list[Any] = [
        lambda: ll.Hardware(3),  # type: ignore[arg-type]
        lambda: ll.infer(3, 4),  # type: ignore[arg-type]
        lambda: ll.Hardware().fabricate().matrix(3),  # type: ignore[call-overload]
        lambda: ll.compile(3),  # type: ignore[arg-type]
    ]
    for act in acts:
        with pytest.raises(TypeError):
            act()
