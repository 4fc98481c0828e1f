"""What comes out of a pickle is what went in."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import haar
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lightloom as ll

DEMO = Path(__file__).parents[2] / "meshes/demo"
CNN = DEMO / "digits-cnn.onnx"
NAN = float("nan")


def again(thing: Any) -> Any:
    assert copy.copy(thing) is thing
    assert copy.deepcopy(thing) is thing
    return pickle.loads(pickle.dumps(thing))


def networks() -> dict[str, ll.Network]:
    rng = np.random.default_rng(0)
    real = [rng.normal(size=(8, 6)), rng.normal(size=(3, 8))]
    waves = [weight * np.exp(1j) for weight in real]
    return {
        "real": ll.Network.from_weights(real, [np.arange(8) / 10, None], activation="tanh", scale=0.1, mean=np.arange(6.0)),
        "complex": ll.Network.from_weights(waves, [None, np.arange(3) * 1j], activation="modrelu:bias=0.1", readout="intensity"),
        "graph": ll.Network.load(CNN, scale=1 / 16, digital=["3"]),
        "file": ll.Network.load(DEMO / "network.toml"),
    }


@pytest.mark.parametrize("kind", ["real", "complex", "graph", "file"])
def test_a_network_computes_what_it_did(kind: str) -> None:
    network = networks()[kind]
    x = np.random.default_rng(1).uniform(0, 9, size=(5, network.features))
    for other in [again(network), again(again(network))]:
        assert repr(other) == repr(network)
        assert other.notes == network.notes
        assert other.layers == network.layers and other.parameters == network.parameters
        precisions: list[Any] = ["f32", "f64"]
        for precision in precisions:
            if kind != "graph" or precision == "f32":
                assert np.array_equal(other(x, precision=precision), network(x, precision=precision))
        assert ll.compile(other) == ll.compile(network)


def test_the_network_of_a_program_is_pickled_too(program: ll.Program) -> None:
    assert ll.compile(again(program.network)) == ll.compile(program.network)


@settings(deadline=None, max_examples=40)
@given(
    x=hnp.arrays(
        st.sampled_from([np.uint8, np.float32, np.float64]), (4, 3), elements=st.integers(0, 200), fill=st.nothing()
    ),
    y=st.sampled_from([None, [0, 2, 1, 1], ["b", "a", "b", "c"], np.eye(4), np.array([[0.5, 2], [1, 0], [3, 4], [-1, 1e-9]])]),
)
def test_a_data_set_is_what_it_was(x: Any, y: Any) -> None:
    data = ll.Dataset(x, y)
    other = again(data)
    assert repr(other) == repr(data)
    assert other.notes == data.notes and other.class_names == data.class_names
    first, second = data.__reduce__()[1], other.__reduce__()[1]
    assert first[2].dtype == second[2].dtype == x.dtype
    assert np.array_equal(first[2], second[2]) and np.array_equal(first[2], x)
    assert first[3] == second[3] == ((False, [255.0]) if x.dtype == np.uint8 else (False, [1.0]))
    assert (first[4] is None) == (y is None) and (y is None or np.array_equal(first[4], second[4]))


def test_a_table_says_of_its_label_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,species\n1,2,x\n3,4,y\n5,6,x\n")
    data = ll.Dataset.load(tmp_path / "t.csv")
    other = again(data)
    assert any("species" in note for note in data.notes)
    assert other.notes == data.notes and other.class_names == ["x", "y"]
    network = ll.Network.from_weights([np.ones((2, 2))])
    results = [ll.infer(ll.compile(network), each, trials=1) for each in (data, other)]
    assert results[0].notes == results[1].notes


@pytest.mark.parametrize(("trials", "predictions"), [(1, False), (3, True)])
def test_a_result_is_what_it_was(program: ll.Program, samples: Any, trials: int, predictions: bool) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    hardware = ll.Hardware("thermo-optic")
    result = ll.infer(program, data, hardware, trials=trials, seed=5, correction="local", predictions=predictions)
    other = again(result)
    assert repr(other) == repr(result) and other._repr_html_() == result._repr_html_()
    assert other.to_dict() == result.to_dict() and other.notes == result.notes
    for name in ["score_name", "digital", "ideal", "mean"]:
        assert getattr(other, name) == getattr(result, name)
    assert other.std == result.std or trials == 1 and np.isnan(other.std) and np.isnan(result.std)
    assert list(other.rows) == list(result.rows)
    for name, column in result.rows.items():
        assert column.dtype == other.rows[name].dtype
        assert np.array_equal(column, other.rows[name], equal_nan=True)
    if predictions:
        assert other.predictions is not None and result.predictions is not None
        assert all(np.array_equal(other.predictions[name], array) for name, array in result.predictions.items())
    else:
        assert other.predictions is None


@pytest.mark.parametrize("cell", ["mzi", "symmetric"])
@pytest.mark.parametrize("method", ["local", "fit", "self-configure"])
def test_corrected_phases_are_what_they_were(cell: str, method: Any) -> None:
    chip = ll.Hardware(mesh_cell=cell, coupler_splitting_error_rad=0.05).fabricate(seed=2)
    if (cell, method) == ("symmetric", "self-configure"):
        pytest.skip("symmetric cells do not configure themselves")
    found = ll.correct(ll.decompose(haar(5)), chip, method=method)
    for other in [again(found), again(again(found))]:
        assert repr(other) == repr(found) and other.method == method
        for name in ["theta", "phi", "screen", "free"]:
            assert np.array_equal(getattr(other, name), getattr(found, name))
        assert np.array_equal(other.matrix(), found.matrix())
        for name in ["matrix_error", "uncorrected_error", "fidelity", "unreachable_mzis"]:
            assert getattr(other, name) == getattr(found, name)
        if cell == "mzi":
            assert other.mesh == found.mesh
        else:
            with pytest.raises(NotImplementedError, match="symmetric cells"):
                other.mesh


def test_a_drawing_is_what_it_was() -> None:
    drawing = ll.draw(ll.decompose(haar(3)), title="of a pickle")
    other = again(drawing)
    assert other.svg == drawing.svg and repr(other) == repr(drawing)


def test_a_data_set_and_a_result_run_in_another_process(program: ll.Program, samples: Any) -> None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    data = ll.Dataset(samples["x"], samples["y"])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(ll.infer, program, data, ll.Hardware("mit-pnp"), trials=2).result()
    here = ll.infer(program, data, ll.Hardware("mit-pnp"), trials=2)
    assert np.array_equal(there.rows["accuracy"], here.rows["accuracy"])


def test_pickles_of_another_version_are_refused_in_a_sentence(program: ll.Program, samples: Any) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    result = ll.infer(program, data, trials=1)
    mesh = ll.decompose(haar(3))
    found = ll.correct(mesh, ll.Hardware("mit-pnp").fabricate())
    things: list[tuple[Any, str]] = [
        (data, "Dataset"),
        (result, "Inference"),
        (found, "Corrected"),
        (ll.draw(mesh), "Drawing"),
    ]
    for thing, name in things:
        build, (version, *state) = thing.__reduce__()
        with pytest.raises(ValueError, match=rf"^version of a pickled {name} = {version + 1}: must be {version}, which"):
            build(version + 1, *state)
    network: Any = program.network
    build, (held, notes) = network.__reduce__()
    with pytest.raises(ValueError, match="^network version = 2: must be 1"):
        build(held.replace(b'\\"version\\":1', b'\\"version\\":2'), notes)


def test_a_result_is_a_small_table_in_a_notebook(program: ll.Program, samples: Any) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    result = ll.infer(program, data, "mit-pnp", trials=3)
    table = result._repr_html_()
    assert table.startswith("<table>") and table.endswith("</table>")
    for number in [result.digital, result.ideal, result.mean, result.std]:
        assert f"{100 * number:.2f} %" in table
    assert "3 chips" in table


def test_progress_counts_the_chips(program: ll.Program, samples: Any) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    told: list[tuple[int, int]] = []
    ll.infer(program, data, "mit-pnp", trials=40, progress=lambda done, trials: told.append((done, trials)))
    assert told[-1] == (40, 40)
    assert all(trials == 40 for _, trials in told)
    counts = [done for done, _ in told]
    assert counts == sorted(set(counts)) and counts[0] > 0


def test_what_progress_raises_ends_the_work(program: ll.Program, samples: Any) -> None:
    data = ll.Dataset(np.repeat(samples["x"], 20, axis=0), np.repeat(samples["y"], 20))

    def refuse(done: int, trials: int) -> None:
        raise LookupError(f"{trials} are too many")

    with pytest.raises(LookupError, match="100000 are too many"):
        ll.infer(program, data, "mit-pnp", trials=100_000, progress=refuse)
    wrong: Any = 3
    with pytest.raises(TypeError, match="progress = 3: must be a function of"):
        ll.infer(program, data, progress=wrong)


@pytest.mark.parametrize(
    "y",
    [
        ["b", "a", "B", "b"],
        np.array(["b", "a", "B", "b"]),
        np.array([b"b", b"a", b"B", b"b"]),
        np.array(["b", "a", "B", "b"], dtype=object),
    ],
)
def test_texts_are_classes_in_their_sorted_order(y: Any) -> None:
    x = np.arange(12.0).reshape(4, 3)
    data = ll.Dataset(x, y)
    # numpy.unique sorts as LabelEncoder of scikit-learn does.
    names, classes = np.unique(["b", "a", "B", "b"], return_inverse=True)
    assert data.class_names == names.tolist() == ["B", "a", "b"]
    assert data.__reduce__()[1][4].tolist() == classes.tolist()


def test_texts_are_read_as_those_of_a_file(tmp_path: Path) -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.array(["10", "2", "2", "0"])
    np.savez(tmp_path / "d.npz", x=x, y=y)
    data, file = ll.Dataset(x, y), ll.Dataset.load(tmp_path / "d.npz")
    # Texts that are numbers are numbers.
    assert data.__reduce__()[1][4].tolist() == file.__reduce__()[1][4].tolist() == [10, 2, 2, 0]
    assert data.class_names is file.class_names is None


def test_labels_that_are_neither_are_refused_in_a_sentence() -> None:
    x = np.ones((3, 2))
    with pytest.raises(TypeError, match="^y = None: must be a number or a str each, all of one kind"):
        ll.Dataset(x, np.array(["a", None, "b"], dtype=object))
    with pytest.raises(ValueError, match=r"^labels has shape \[2\]: must be \[3\]"):
        ll.Dataset(x, ["a", "b"])
    with pytest.raises(ValueError, match=r"dtype of x = complex128: must be real numbers: .*complex-halves"):
        ll.Dataset(x * 1j)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_copied() -> None:
    huge = np.broadcast_to(np.complex128(0), (2_000_000, 2_000_000))
    with pytest.raises(MemoryError, match=r"^u has shape \[2000000, 2000000\]: a copy takes 59604.6 GiB, which"):
        ll.decompose(huge)
    with pytest.raises(MemoryError, match="^x has shape"):
        ll.Dataset(np.broadcast_to(np.float64(1), (2_000_000, 2_000_000)))


@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_a_part_of_a_run_has_the_rows_that_it_has_there(program: ll.Program, samples: Any, precision: Any) -> None:
    data, hardware = ll.Dataset(samples["x"], samples["y"]), ll.Hardware("thermo-optic")
    choices: dict[str, Any] = {"seed": 3, "correction": "local", "precision": precision, "predictions": True}
    whole = ll.infer(program, data, hardware, trials=7, **choices)
    part = ll.infer(program, data, hardware, trials=3, first_trial=2, **choices)
    assert list(part.rows) == list(whole.rows)
    assert part.rows["trial"].tolist() == [2, 3, 4]
    for name, column in part.rows.items():
        assert np.array_equal(column, whole.rows[name][2:5], equal_nan=True), name
    assert part.predictions is not None and whole.predictions is not None
    assert np.array_equal(part.predictions["chips"], whole.predictions["chips"][2:5])
    assert len(set(part.rows["accuracy"])) > 1
    with pytest.raises(ValueError, match="first_trial = -1: must be a whole number from 0"):
        ll.infer(program, data, first_trial=-1)


def test_measured_numbers_of_a_chip_act_and_survive_without_their_files(tmp_path: Path) -> None:
    mesh = ll.decompose(haar(4))
    (tmp_path / "chip.csv").write_text("id,splitting_error_rad\nmesh.alpha.0.0,0.1\n")
    path = tmp_path / "chip.toml"
    path.write_text('[measured]\nfiles = "chip.csv"\n')
    hardware = ll.Hardware(str(path))
    (tmp_path / "chip.csv").unlink()
    other = pickle.loads(pickle.dumps(hardware))
    assert other == hardware != ll.Hardware()
    matrix = hardware.fabricate().matrix(mesh)
    assert np.array_equal(other.fabricate(7).matrix(mesh), matrix)
    assert abs(matrix - mesh.matrix()).max() > 0.01
    with pytest.raises(OSError, match=r"chip\.csv"):
        ll.Hardware(str(path))
