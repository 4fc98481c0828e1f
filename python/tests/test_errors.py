"""What is refused, by the exception that Python has for it and in the library's own words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command, haar
from numpy.typing import NDArray

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
        ll.Hardware({"coupler": {"spliting_error_rad": 1}})
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
        (lambda: ll.Hardware().fabricate(seed=2**64), "seed = 18446744073709551616: .* to 18446744073709551615"),
        (lambda: ll.Hardware(coupler_spliting_error_rad=1), r"did you mean `coupler_splitting_error_rad`"),
        (lambda: ll.Hardware(coupler_spliting_error_rad=1), "its section has coupler_splitting_error_rad, coupler_splitting"),
        (lambda: ll.Hardware(wavelength=1), "wavelength: is no keyword of the hardware: a keyword is section_name"),
        (lambda: ll.Network.from_weights([]), "network: has no layers"),
        (lambda: ll.Network.from_weights([np.ones((2, 3)), np.ones((2, 3))]), "layer `1`: weight has shape"),
        (lambda: ll.Network.from_weights([np.ones(3)]), r"weights\[0\] has shape \[3\]: must be \[out, in\]"),
        (lambda: ll.Network.from_weights([np.eye(2)], [None, None]), r"biases has shape \[2\]: must be \[1\]"),
        (lambda: ll.Network.from_weights([[[np.nan]]]), "must be finite"),
        (lambda: ll.compile(ll.Network.from_weights([np.eye(2)]), tile=1), "tile = 1: must be a whole number from 2 to 4096"),
        (lambda: ll.compile(ll.Network.from_weights([np.eye(2)]), tile=-4), "tile = -4: must be a whole number from 2 to 4096"),
        (
            lambda: ll.compile(ll.Network.from_weights([np.eye(2)]), chips="perfekt"),  # type: ignore[arg-type]
            "chips = perfekt: must be one of perfect, uncorrected, corrected",
        ),
        (lambda: ll.decompose(np.eye(3)).apply([[1, 2, 3], [1, np.nan, 3]]), r"x: element \[1, 1\] is NaN.*: must be finite"),
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
        lambda: ll.infer(program, data, trials=-1),
        lambda: ll.infer(program, data, limit=0),
        lambda: ll.load(program, ll.Hardware().fabricate())(np.ones((2, 6)), shot=2**31),
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


def test_limits_of_whole_numbers_are_those_that_hold(tmp_path: Path, program: ll.Program) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((4, 6)), y=np.zeros(4))
    data = tmp_path / "d.npz"
    acts: list[tuple[Any, str]] = [
        (lambda: ll.infer(program, data, trials=-1), "trials = -1: must be a whole number from 1 to 1000000"),
        (lambda: ll.infer(program, data, trials=10**7), "trials = 10000000: must be a whole number from 1 to 1000000"),
        (lambda: ll.infer(program, data, limit=0), "limit = 0: must be a whole number from 1"),
        (lambda: ll.Dataset.load(data, limit=0), "limit = 0: must be a whole number from 1"),
        (lambda: program.mesh(tile=1), "tile = 1: must be a whole number from 0 to 0"),
        (
            lambda: ll.load(program, ll.Hardware().fabricate())(np.ones((2, 6)), shot=2**31),
            "shot = 2147483648: must be a whole number from 0 to 2147483647",
        ),
    ]
    for act, sentence in acts:
        with pytest.raises(ValueError) as error:
            act()
        assert str(error.value) == sentence


def test_flags_of_the_command_are_keywords_of_python(tmp_path: Path, program: ll.Program) -> None:
    x, y = np.ones((4, 6)), np.zeros(4)
    np.savez(tmp_path / "both.npz", x=x, y=y, x_train=x, y_train=y)
    (tmp_path / "d.csv").write_text("a,label,target\n1,2,0\n3,4,1\n")
    chip = ll.Hardware(numbers_format="fixed", numbers_weight_bits=8).fabricate()
    acts: list[tuple[Any, str]] = [
        (lambda: ll.Dataset.load(tmp_path / "both.npz"), '(split="test" or train, or split in an experiment)'),
        (lambda: ll.Dataset.load(tmp_path / "d.csv"), '(label="COLUMN", or label in an experiment)'),
        (lambda: ll.load(program, chip), ': compile the network with weights="fixed:8"'),
    ]
    for act, sentence in acts:
        with pytest.raises(ValueError) as error:
            act()
        assert sentence in str(error.value)
        assert "--" not in str(error.value)


def test_numbers_beyond_the_precision_are_refused_as_the_processor_refuses_them(program: ll.Program) -> None:
    network = program.network
    processor = ll.load(program, ll.Hardware().fabricate())
    large = np.full((2, 6), 3e38)
    with pytest.raises(ValueError, match=r"^outputs of layer `0`: element \[0, \d\] is -?inf: must be finite"):
        network(large)
    with pytest.raises(ValueError, match=r"^outputs of layer `0` on chip 0: element \[0, \d\] is -?inf: must be finite"):
        processor(large)
    with pytest.raises(ValueError, match=r"^encoded data: element \[0, 0\] is inf: must be finite"):
        network(np.full((2, 6), 1e39))
    assert np.isfinite(network(np.full((2, 6), 1e39), precision="f64")).all()


def test_things_of_the_wrong_kind_are_type_errors_in_one_sentence(
    tmp_path: Path, program: ll.Program, weights: list[NDArray[np.float64]]
) -> None:
    hardware: Any = ll.Hardware()
    chip: Any = hardware.fabricate()
    data = ll.Dataset(np.ones((4, 6)), np.zeros(4))
    network: Any = program.network
    here: Any = program
    of = ll.Network.from_weights
    acts: list[tuple[Any, str]] = [
        (lambda: ll.Hardware(3), "hardware = 3: must be a name, a path, a dict or a Hardware"),  # type: ignore[arg-type]
        (lambda: ll.Hardware(None), "hardware = None: must be a name, a path"),  # type: ignore[arg-type]
        (lambda: ll.Hardware({1: {}}), "section of hardware = 1: must be a str"),  # type: ignore[dict-item]
        (lambda: ll.Hardware({"coupler": {2: 3}}), "key of coupler = 2: must be a str"),  # type: ignore[dict-item]
        (lambda: hardware.fabricate(trial=1.5), "trial = 1.5: must be a whole number from 0"),
        (lambda: hardware.fabricate("a"), "seed = 'a': must be a whole number from 0"),
        (lambda: ll.infer(network, data), f"program = {network!r}: must be a Program, which compile makes"),
        (lambda: ll.infer(program, 4), "data = 4: must be a Dataset or a path"),  # type: ignore[arg-type]
        (lambda: ll.infer(program, data, 3), "hardware = 3: must be a name, a path"),  # type: ignore[arg-type]
        (lambda: ll.infer(program, data, correction=None), "correction = None: must be a str"),  # type: ignore[arg-type]
        (lambda: ll.infer(program, data, predictions=1), "predictions = 1: must be True or False"),  # type: ignore[arg-type]
        (lambda: ll.infer(program, data, score=3), "score = 3: must be a str"),  # type: ignore[arg-type]
        (lambda: ll.load(here, "thermo-optic"), "chip = 'thermo-optic': must be a Chip, which Hardware.fabricate"),  # type: ignore[arg-type]
        (lambda: ll.load(here, hardware), "chip = Hardware(): must be a Chip"),
        (lambda: ll.load(here, chip, precision=32), "precision = 32: must be a str"),  # type: ignore[arg-type]
        (lambda: chip.matrix(3), "of = 3: must be a Mesh or a Program"),
        (lambda: chip.matrix(np.eye(30)), "of = array([[1., 0., 0., "),
        (lambda: here.mesh([1]), "layer = [1]: must be the name of a layer"),
        (lambda: ll.load(here, chip).matrix(0.5), "layer = 0.5: must be the name of a layer"),  # type: ignore[arg-type]
        (lambda: ll.compile(3), "network = 3: must be a Network or a path"),  # type: ignore[arg-type]
        (lambda: ll.compile(network, weights=8), "weights = 8: must be a str"),  # type: ignore[arg-type]
        (lambda: of({"a": weights[0]}), "weights = {'a': array("),  # type: ignore[arg-type]
        (lambda: of(w for w in weights), "weights = <generator"),  # type: ignore[arg-type]
        (lambda: of(weights, activation=3), "activation = 3: must be a str or a list of str"),  # type: ignore[arg-type]
        (lambda: of(weights, 3), "biases = 3: must be a list of arrays [out] or None"),  # type: ignore[arg-type]
        (lambda: ll.Network.load(tmp_path, layers="fc1"), "layers = 'fc1': must be a list of str"),
        (lambda: ll.Network.load(3), "path = 3: must be a path"),  # type: ignore[arg-type]
        (lambda: ll.Dataset(np.ones((2, 3)), network=3), "network = 3: must be a Network or a Program"),  # type: ignore[arg-type]
        (lambda: ll.decompose(np.eye(2), geometry=5), "geometry = 5: must be a str"),  # type: ignore[arg-type]
        (lambda: ll.Mesh.load(3), "path = 3: must be a path"),  # type: ignore[arg-type]
        (lambda: ll.Program.from_bytes("a"), "data = 'a': must be bytes"),  # type: ignore[arg-type]
    ]
    for act, sentence in acts:
        with pytest.raises(TypeError) as error:
            act()
        said = str(error.value)
        assert said.startswith(sentence)
        assert "\n" not in said and len(said) < 160
