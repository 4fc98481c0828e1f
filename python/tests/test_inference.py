"""Networks on chips: every number is the command's, to the bit."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from numpy.typing import NDArray

import lightloom as ll

CASES = Path(__file__).parents[2] / "tests" / "cases" / "networks"
PROGRAM = "net.program.safetensors"
HARDWARE: list[tuple[list[str], Any]] = [
    ([], "ideal"),
    (["--hardware", "mit-pnp"], ll.Hardware("mit-pnp")),
    (["--hardware", "thermo-optic", "--set", "readout.adc_bits=6"], ll.Hardware("thermo-optic", readout_adc_bits=6)),
    (["--set", "coupler.splitting_error_rad=0.05"], {"coupler": {"splitting_error_rad": 0.05}}),
]


def compiled(command: Command, *flags: str) -> None:
    done = command("compile", "net.npz", "-o", PROGRAM, *flags)
    assert done.returncode == 0, done.stderr


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in ("seconds", "program")}


@pytest.mark.parametrize("tile", [None, 4])
def test_weights_of_arrays_make_the_program_of_the_command(
    files: Path, command: Command, weights: list[NDArray[np.float64]], tile: int | None
) -> None:
    compiled(command, *([] if tile is None else ["--tile", str(tile)]))
    program = ll.compile(ll.Network.from_weights(weights), tile=tile)
    assert program.to_bytes() == (files / PROGRAM).read_bytes()
    assert ll.compile(files / "net.npz", tile=tile) == program
    assert ll.Program.load(files / PROGRAM) == program


@pytest.mark.parametrize("flags, hardware", HARDWARE)
@pytest.mark.parametrize("correction", ["none", "local"])
def test_inference_is_that_of_the_command(
    files: Path, command: Command, program: ll.Program, flags: list[str], hardware: Any, correction: Any
) -> None:
    compiled(command)
    common = ["--trials", "4", "--seed", "7", "--correct", correction, "--json", "-", "--predictions", "p.npz"]
    done = command("infer", PROGRAM, "--data", "data.npz", *flags, *common)
    assert done.returncode == 0, done.stderr
    options: Any = {"trials": 4, "seed": 7, "correction": correction, "predictions": True}
    result = ll.infer(program, files / "data.npz", hardware, **options)
    printed = json.loads(done.stdout)
    assert without_times(result.to_dict()) == without_times(printed)
    assert result.digital == printed["digital"]["accuracy"]
    assert result.ideal == printed["ideal"]["accuracy"]
    assert result.mean == printed["noisy"]["accuracy"]["mean"]
    assert result.std == printed["noisy"]["accuracy"]["std"]
    kept = result.predictions
    assert kept is not None
    with np.load(files / "p.npz") as archive:
        assert sorted(kept) == sorted(archive)
        for name in kept:
            assert np.array_equal(kept[name], archive[name])


@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_a_processor_gives_what_inference_gives(
    program: ll.Program, samples: dict[str, NDArray[Any]], precision: Any
) -> None:
    hardware = ll.Hardware("thermo-optic", coupler_splitting_error_rad=0.03)
    data = ll.Dataset(samples["x"], samples["y"])
    result = ll.infer(program, data, hardware, trials=3, seed=5, precision=precision, predictions=True)
    for trial in range(3):
        chip = hardware.fabricate(seed=5, trial=trial)
        processor = ll.load(program, chip, calibration=samples["x"], precision=precision)
        outputs = processor(samples["x"])
        assert outputs.dtype == np.dtype({"f32": "float32", "f64": "float64"}[precision])
        assert result.predictions is not None
        assert np.array_equal(outputs, result.predictions["chips"][trial])
        assert list(processor.matrix_errors.values()) == [
            result.rows[f"layer.{layer}.matrix_error"][trial] for layer in program.layers
        ]


def test_a_shot_has_its_noise_and_another_one_another(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    x = samples["x"]
    processor = ll.load(program, ll.Hardware("thermo-optic").fabricate(), calibration=x, precision="f64")
    assert np.array_equal(processor(x), processor(x, shot=0))
    assert np.array_equal(processor(x, shot=5), processor(x, shot=5))
    outputs = np.stack([processor(x, shot=shot) for shot in range(64)])
    noise = outputs - outputs.mean(axis=0)
    # 2100 numbers each: correlations of independent ones are within 5 / √2100 = 0.11.
    between = np.corrcoef(noise.reshape(64, -1))[np.triu_indices(64, 1)]
    assert np.abs(between).max() < 0.11
    # And the mean of 16 varies by a quarter of what one does.
    means = outputs.reshape(4, 16, *outputs.shape[1:]).mean(axis=1)
    assert abs(means.std(axis=0, ddof=1).mean() / outputs.std(axis=0, ddof=1).mean() / 0.25 / 0.9213 - 1) < 0.05


def test_mini_batches_of_different_shots_do_not_share_an_offset(program: ll.Program) -> None:
    x = np.tile(np.random.default_rng(8).normal(size=(4, 6)), (50, 1, 1))
    processor = ll.load(program, ll.Hardware("thermo-optic").fabricate(), calibration=x[0])
    assert len({processor(batch).tobytes() for batch in x}) == 1
    assert len({processor(batch, shot=shot).tobytes() for shot, batch in enumerate(x)}) == 50


def test_every_shot_of_a_graph_has_a_noise_of_its_own() -> None:
    network = ll.Network.load(CASES / "lenet_8x8.onnx")
    x = np.random.default_rng(7).normal(size=(3, network.features))
    processor = ll.load(ll.compile(network), ll.Hardware("thermo-optic").fabricate(), calibration=x)
    shots = [0, 1, 2**22, 2**23, 2**23 + 1, 2**30, 2**31 - 1]
    assert len({processor(x, shot=shot).tobytes() for shot in shots}) == len(shots)


def test_a_layer_is_named_by_a_number_too(program: ll.Program) -> None:
    chip = ll.Hardware("mit-pnp").fabricate()
    processor = ll.load(program, chip, calibration=np.ones((4, 6)))
    assert np.array_equal(processor.matrix(1), processor.matrix("1"))
    assert np.array_equal(chip.matrix(program, 1), chip.matrix(program, "1"))
    assert program.mesh(1) == program.mesh("1")


def test_one_chip_has_no_deviation(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    result = ll.infer(program, ll.Dataset(samples["x"], samples["y"]), "mit-pnp", trials=1)
    assert np.isnan(result.std)
    assert "±" not in repr(result)
    assert repr(result).endswith(" (one chip, seed 0)>")


def test_ideal_chips_are_told(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    kinds: list[Any] = ["ideal", None, {}]
    for kind in kinds:
        notes = ll.infer(program, data, kind, trials=1).notes
        assert notes[0].startswith("these chips are ideal: ")
    assert not any("ideal" in note for note in ll.infer(program, data, "mit-pnp", trials=1).notes)


def test_matrices_of_layers_are_those_of_the_command(files: Path, command: Command, program: ll.Program) -> None:
    compiled(command)
    hardware = ll.Hardware("mit-pnp")
    for layer in program.layers:
        flags = ["--layer", layer, "--hardware", "mit-pnp", "--seed", "2", "--trial", "6", "-o", "w.npy"]
        assert command("matrix", PROGRAM, *flags).returncode == 0
        chip = hardware.fabricate(seed=2, trial=6)
        expected = np.load(files / "w.npy")
        assert np.array_equal(chip.matrix(program, layer), expected)
        processor = ll.load(program, chip, calibration=np.ones((4, 6)), precision="f64")
        assert np.array_equal(processor.matrix(layer), expected)


def test_a_perfect_chip_computes_the_network(
    program: ll.Program, weights: list[NDArray[np.float64]], samples: dict[str, NDArray[Any]]
) -> None:
    expected = np.maximum(samples["x"] @ weights[0].T, 0) @ weights[1].T
    processor = ll.load(program, ll.Hardware().fabricate(), precision="f64")
    assert np.abs(processor(samples["x"]) - expected).max() < 1e-12
    digital = program.network(samples["x"], precision="f64")
    assert np.abs(digital - expected).max() < 1e-12


def test_complex_weights_are_read_by_their_modulus() -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    x = rng.normal(size=(5, 4))
    program = ll.compile(ll.Network.from_weights([weight]))
    outputs = ll.load(program, ll.Hardware().fabricate(), precision="f64")(x)
    assert np.abs(outputs - np.abs(x @ weight.T)).max() < 1e-13
    halves = ll.Network.from_weights([weight], readout="intensity", encoding="complex-halves")
    z = rng.normal(size=(5, 4)) + 1j * rng.normal(size=(5, 4))
    outputs = halves(np.concatenate([z.real, z.imag], axis=1), precision="f64")
    assert np.abs(outputs - np.abs(z @ weight.T) ** 2).max() < 1e-12


def test_biases_activations_and_input_are_those_that_are_given() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
    bias = rng.normal(size=2)
    network = ll.Network.from_weights([a, b], [None, bias], activation=["tanh", "sigmoid"], scale=0.5, mean=[1, 2, 3], std=2)
    x = rng.normal(size=(6, 3))
    expected = 1 / (1 + np.exp(-(np.tanh((x * 0.5 - [1, 2, 3]) / 2 @ a.T) @ b.T + bias)))
    assert np.abs(network(x, precision="f64") - expected).max() < 1e-14
    assert network.layers == ["0", "1"]
    assert (network.features, network.classes, network.parameters) == (3, 2, 22)


def test_rows_hold_one_entry_a_chip(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    result = ll.infer(program, data, "thermo-optic", trials=5, limit=100)
    rows = result.rows
    assert rows["trial"].tolist() == [0, 1, 2, 3, 4]
    printed = result.to_dict()
    assert rows["accuracy"].tolist() == [trial["accuracy"] for trial in printed["noisy"]["per_trial"]]
    assert printed["samples"] == 100
    assert "layer.0.unreachable_mzis" not in rows
    corrected = ll.infer(program, data, "thermo-optic", trials=2, limit=100, correction="local")
    assert corrected.rows["layer.1.unreachable_mzis"].shape == (2,)


@pytest.mark.parametrize(
    "score, columns",
    [
        ("accuracy", ["accuracy", "agreement"]),
        ("top2", ["accuracy", "agreement"]),
        ("binary", ["accuracy", "auc", "agreement"]),
        ("mse", ["score", "r2", "output_error"]),
        ("nll", ["accuracy", "score", "agreement"]),
        ("nll-of-probabilities", ["accuracy", "score", "agreement"]),
        ("none", ["output_error"]),
    ],
)
def test_rows_have_the_columns_of_their_score(score: str, columns: list[str]) -> None:
    rng = np.random.default_rng(5)
    outputs = 1 if score == "binary" else 3
    activation = {"binary": "sigmoid", "nll": "log-softmax"}.get(score, "identity")
    network = ll.Network.from_weights([rng.normal(size=(outputs, 6))], activation=[activation])
    x = rng.normal(size=(40, 6))
    y = rng.normal(size=(40, 3)) if score == "mse" else np.arange(40) % (2 if score == "binary" else 3)
    data = ll.Dataset(x, None if score == "none" else y)
    rows = ll.infer(ll.compile(network), data, "mit-pnp", trials=2, score=score, correction="local").rows
    of_layer = ["matrix_error", "read_error", "weighted_error", "loss_db", "unreachable_mzis"]
    assert list(rows) == ["trial", *columns, *(f"layer.0.{name}" for name in of_layer)]


def test_probabilities_that_are_taken_for_logits_are_told() -> None:
    # An identity of one-hot rows is a probability that no activation says.
    network = ll.Network.from_weights([np.eye(3)], activation=["identity"])
    data = ll.Dataset(np.eye(3)[[0, 1, 2, 1]], np.array([0, 1, 2, 1]))
    program = ll.compile(network)
    taken = ll.infer(program, data, trials=1, score="nll")
    assert any('score="nll-of-probabilities" takes them as such' in note for note in taken.notes)
    told = ll.infer(program, data, trials=1, score="nll-of-probabilities", precision="f64")
    assert not any("as such" in note for note in told.notes)
    assert abs(told.digital) < 1e-12 and taken.digital > 0.5


def test_corrections_of_chips_without_errors_to_correct_are_told() -> None:
    data = ll.Dataset(np.eye(3), np.array([0, 1, 2]))
    found = ll.infer(ll.compile(ll.Network.from_weights([np.eye(3)])), data, trials=1, correction="local")
    assert any("nothing to correct" in note for note in found.notes)


def test_errors_of_matrices_leave_out_the_phases_of_receivers(weights: list[NDArray[np.float64]]) -> None:
    program = ll.compile(ll.Network.from_weights(weights))
    chip = ll.Hardware(readout_lo_phase_error_rad=0.3).fabricate(2)
    processor = ll.load(program, chip, precision="f64")
    matrix = processor.matrix("0")
    assert np.array_equal(matrix, chip.matrix(program, "0"))
    turns = matrix / weights[0]
    assert np.abs(np.abs(turns) - 1).max() < 1e-12
    assert np.abs(turns - turns[:, :1]).max() < 1e-12
    assert 0.1 < np.angle(turns[:, 0]).std() < 0.6
    assert processor.matrix_errors["0"] < 1e-14
    errors = ll.Hardware("mit-pnp").fabricate(2)
    processor = ll.load(program, errors, calibration=np.ones((4, 6)), precision="f64")
    error = np.linalg.norm(processor.matrix("0") - weights[0]) / np.linalg.norm(weights[0])
    assert processor.matrix_errors["0"] == pytest.approx(error, rel=1e-12)


def test_rows_are_a_data_frame(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    pandas = pytest.importorskip("pandas")
    result = ll.infer(program, ll.Dataset(samples["x"], samples["y"]), "mit-pnp", trials=3)
    frame = result.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["accuracy"].tolist() == result.rows["accuracy"].tolist()
    assert len(frame) == 3


def test_labels_are_read_as_those_of_a_file(tmp_path: Path, program: ll.Program) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(40, 6))
    one_hot = np.eye(3)[rng.integers(0, 3, size=40)]
    for y in [one_hot, one_hot.argmax(axis=1), rng.normal(size=(40, 3))]:
        np.savez(tmp_path / "d.npz", x=x, y=y)
        ours = ll.infer(program, ll.Dataset(x, y), "mit-pnp", trials=2)
        theirs = ll.infer(program, tmp_path / "d.npz", "mit-pnp", trials=2)
        assert without_times(ours.to_dict()) == without_times(theirs.to_dict())
    assert ours.score_name == "mse"


def test_hardware_is_the_same_however_it_is_said(tmp_path: Path) -> None:
    by_keyword = ll.Hardware(coupler_splitting_error_rad=0.02, readout_adc_bits=8, readout_detection="intensity")
    sections: Any = {"coupler": {"splitting_error_rad": 0.02}, "readout": {"adc_bits": 8, "detection": "intensity"}}
    text = "[coupler]\nsplitting_error_rad = 0.02\n[readout]\nadc_bits = 8\ndetection = 'intensity'\n"
    (tmp_path / "hw.toml").write_text(text)
    for other in [
        ll.Hardware(sections),
        ll.Hardware.from_toml(text),
        ll.Hardware(tmp_path / "hw.toml"),
        ll.Hardware(str(tmp_path / "hw.toml")),
        ll.Hardware(by_keyword),
        ll.Hardware(by_keyword.to_dict()),
        ll.Hardware.from_toml(by_keyword.to_toml()),
        ll.Hardware(sections, readout_adc_bits=np.int64(8)),
    ]:
        assert other == by_keyword
    assert by_keyword["coupler.splitting_error_rad"] == 0.02
    assert by_keyword["readout.adc_bits"] == 8
    assert ll.Hardware(by_keyword, readout_adc_bits=None)["readout.adc_bits"] is None
    assert ll.Hardware() == ll.Hardware("ideal")
    assert ll.Hardware("mit-pnp", coupler_splitting_error_rad=0.02)["coupler.splitting_error_rad"] == 0.02


def test_pickles_and_copies_are_what_they_were(program: ll.Program) -> None:
    import copy

    hardware = ll.Hardware("thermo-optic", coupler_splitting_error_rad=0.1 + 0.2)
    for thing in [program, hardware, hardware.fabricate(3, 4), program.mesh("1", section="output")]:
        assert pickle.loads(pickle.dumps(thing)) == thing
        assert copy.copy(thing) is thing
        assert copy.deepcopy(thing) is thing
    chip = pickle.loads(pickle.dumps(hardware.fabricate(3, 4)))
    assert (chip.seed, chip.trial, chip.hardware) == (3, 4, hardware)


def test_everything_says_what_it_holds(program: ll.Program, samples: dict[str, NDArray[Any]]) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    hardware = ll.Hardware("ideal", coupler_splitting_error_rad=0.02, readout_detection="intensity")
    said = "Hardware(coupler_splitting_error_rad=0.02, readout_detection=\"intensity\")"
    assert repr(hardware) == said
    assert repr(hardware.fabricate(1, 2)) == f"<Chip of seed 1, trial 2: {said}>"
    assert repr(data) == "<Dataset arrays: 700 samples of 6 features, classes>"
    assert repr(program.network) == "<Network 6 → 3: 0 8×6, 1 3×8>"
    assert repr(program).startswith("<Program clements: layers 0, 1; 2 tiles of the layers' own sizes, ")
    processor = ll.load(program, ll.Hardware().fabricate(0, 9))
    assert repr(processor) == "<Processor 6 → 3 on the chip of trial 9, in f32>"
    mesh = program.mesh()
    assert repr(mesh) == "<Mesh clements of 6 modes: 15 MZIs in 6 columns>"
    result = ll.infer(program, data, trials=2)
    assert repr(result).startswith("<Inference accuracy: digital ")
    assert repr(result).endswith("on 2 chips of seed 0>")


def test_hints_of_a_network_are_those_of_the_command(files: Path, command: Command) -> None:
    compiled(command, "--activation", "tanh", "--mean", "0.5", "--std", "1,2,3,4,5,6", "--layers", "0,1", "--tile", "8")
    network = ll.Network.load(
        files / "net.npz", activation="tanh", mean=0.5, std=np.arange(1, 7), layers=("0", "1")
    )
    program = ll.compile(network, tile=8)
    assert program.to_bytes() == (files / PROGRAM).read_bytes()
    assert (program.tile, program.geometry, program.layers) == (8, "clements", ["0", "1"])
    assert ll.Network.load(files / "net.npz").notes != []


def test_a_table_is_read_as_the_command_reads_it(files: Path, command: Command, program: ll.Program) -> None:
    rng = np.random.default_rng(9)
    rows = ["a,b,c,d,e,f,kind", *(",".join([*map(str, rng.normal(size=6)), str(rng.integers(0, 3))]) for _ in range(30))]
    (files / "d.csv").write_text("\n".join(rows) + "\n")
    compiled(command)
    common = ["--label", "kind", "--limit", "20", "--hardware", "mit-pnp", "--trials", "2", "--json", "-"]
    done = command("infer", PROGRAM, "--data", "d.csv", *common)
    assert done.returncode == 0, done.stderr
    data = ll.Dataset.load(files / "d.csv", label="kind", limit=20, network=program)
    assert (len(data), data.features) == (20, 6)
    result = ll.infer(program, data, "mit-pnp", trials=2)
    assert without_times(result.to_dict()) == without_times(json.loads(done.stdout))
