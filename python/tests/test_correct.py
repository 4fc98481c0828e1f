"""Phases for one mesh on one chip, drawings, and what of programs and networks can be looked at."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command, haar
from numpy.typing import NDArray

import lightloom as ll

METHODS: list[Any] = ["local", "progressive", "fit", "self-configure"]


def matrix_error(u: NDArray[np.complex128], target: NDArray[np.complex128]) -> float:
    return float(np.linalg.norm(u - target) / np.sqrt(len(u)))


@pytest.mark.parametrize("method", METHODS)
def test_a_corrected_mesh_is_that_of_the_command(command: Command, tmp_path: Path, method: Any) -> None:
    u = haar(6)
    mesh = ll.decompose(u)
    mesh.save(tmp_path / "u.mesh.json")
    flags = ["--hardware", "thermo-optic", "--seed", "4", "--trial", "3", "--correct", method]
    said = command("matrix", "u.mesh.json", *flags, "-o", "m.npy")
    assert said.returncode == 0
    chip = ll.Hardware("thermo-optic").fabricate(seed=4, trial=3)
    found = ll.correct(mesh, chip, method=method)
    assert np.array_equal(found.matrix(), np.load(tmp_path / "m.npy"))
    assert found.method == method
    error = f"{found.matrix_error:.3e}".replace("e-0", "e-")
    assert f"matrix error {error}, fidelity {found.fidelity:.6f}" in said.stderr
    assert f"{found.unreachable_mzis} of 15 MZIs could not be set" in said.stderr
    assert found.matrix_error == pytest.approx(matrix_error(found.matrix(), u), rel=1e-9)
    assert found.uncorrected_error == pytest.approx(matrix_error(chip.matrix(mesh), u), rel=1e-9)
    fidelity = abs(np.vdot(u, found.matrix())) ** 2 / (6 * np.linalg.norm(found.matrix()) ** 2)
    assert found.fidelity == pytest.approx(fidelity, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_corrected_phases_on_that_chip_give_the_corrected_matrix(method: Any) -> None:
    mesh = ll.decompose(haar(5))
    chip = ll.Hardware(coupler_splitting_error_rad=0.05).fabricate(seed=1)
    found = ll.correct(mesh, chip, method=method)
    assert found.matrix_error < found.uncorrected_error / 2
    assert np.array_equal(found.mesh.theta, found.theta)
    assert np.array_equal(found.mesh.phi, found.phi)
    assert np.array_equal(found.mesh.screen, found.screen)
    # What a chip without heater errors is asked for is what it shows.
    assert np.abs(chip.matrix(found.mesh) - found.matrix()).max() < 1e-12


def test_correction_is_progressive_unless_it_is_said() -> None:
    mesh = ll.decompose(haar(5))
    chip = ll.Hardware(coupler_splitting_error_rad=0.05).fabricate()
    assert ll.correct(mesh, chip).method == "progressive"
    assert repr(ll.correct(mesh, chip)).startswith("<Corrected progressive: matrix error ")


def test_phases_of_symmetric_cells_are_given_and_are_no_mesh() -> None:
    chip = ll.Hardware(mesh_cell="symmetric", coupler_splitting_error_rad=0.02).fabricate()
    found = ll.correct(ll.decompose(haar(5)), chip)
    assert found.matrix_error < found.uncorrected_error
    assert found.theta.shape == found.phi.shape == (10,)
    assert len(found.free) > 0
    with pytest.raises(NotImplementedError, match="symmetric cells"):
        found.mesh


def test_a_program_is_corrected_as_it_is_loaded(program: ll.Program) -> None:
    here: Any = program
    chip = ll.Hardware().fabricate()
    with pytest.raises(TypeError, match=r"must be a Mesh: a program is corrected as it is loaded, load\("):
        ll.correct(here, chip)
    mesh = program.mesh()
    wrong: Any = "none"
    with pytest.raises(ValueError, match="method = none: must be one of local, progressive, fit, self-configure"):
        ll.correct(mesh, chip, method=wrong)
    with pytest.raises(TypeError, match="chip = 3: must be a Chip"):
        ll.correct(mesh, 3)  # type: ignore[arg-type]


def test_a_drawing_is_that_of_the_command(command: Command, tmp_path: Path) -> None:
    mesh = ll.decompose(haar(4))
    mesh.save(tmp_path / "u.mesh.json")
    colors: list[tuple[Any, int | None]] = [("theta", None), ("phi", None), ("light", None), ("light", 2)]
    for color, mode in colors:
        flags = ["--color", color] + ([] if mode is None else ["--input", str(mode)])
        assert command("draw", "u.mesh.json", *flags, "-o", "u.svg").returncode == 0
        drawing = ll.draw(mesh, color=color, input=mode, title="u.mesh.json")
        assert drawing.svg == (tmp_path / "u.svg").read_text()
        assert drawing._repr_svg_() == drawing.svg
        drawing.save(tmp_path / "own.svg")
        assert (tmp_path / "own.svg").read_text() == drawing.svg
    assert ll.draw(mesh).svg == mesh.to_svg()


def test_light_of_one_mode_is_drawn_as_that_of_its_amplitudes() -> None:
    mesh = ll.decompose(haar(4))
    unit = ll.draw(mesh, color="light", input=[0, 0, 2j, 0])
    assert unit.svg == ll.draw(mesh, color="light", input=np.int32(2)).svg
    assert unit.svg != ll.draw(mesh, color="light").svg


def test_errors_colour_their_mzis() -> None:
    mesh = ll.decompose(haar(4))
    one = ll.draw(mesh, errors=[0, 1, 0, 0, 0, 0]).svg
    assert one != ll.draw(mesh, errors=[1, 0, 0, 0, 0, 0]).svg
    assert one == ll.draw(mesh, errors=np.array([0, 1, 0, 0, 0, 0])).svg


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"color": "blue"}, "color = blue: must be one of theta, phi, light"),
        ({"color": "light", "input": 4}, "input = 4: must be a whole number from 0 to 3"),
        ({"color": "light", "input": [1, 2]}, r"input has shape \[2\]: must be \[4\]"),
        ({"color": "light", "input": np.eye(4)}, r"input has shape \[4, 4\]: must be a mode, or \[4\]"),
        ({"color": "phi", "input": 1}, 'color = phi: must be color="light"'),
        ({"errors": [1, 2]}, r"errors has shape \[2\]: must be \[6\]"),
        ({"errors": [0, 0, 0, 0, 0, -1]}, "error of an MZI = -1: must be 0 or more"),
    ],
)
def test_drawings_that_cannot_be_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ll.draw(ll.decompose(haar(4)), **arguments)


def test_nodes_and_phases_of_a_mesh_make_its_matrix() -> None:
    mesh = ll.decompose(haar(6), geometry="reck")
    assert mesh.nodes.shape == (15, 3) and mesh.nodes.dtype == np.int64
    assert not mesh.nodes.flags.writeable
    u = np.eye(6, dtype=complex)
    for (column, top, bottom), theta, phi in zip(mesh.nodes, mesh.theta, mesh.phi, strict=True):
        assert 0 <= column < mesh.columns
        sin, cos, outer = np.sin(theta / 2), np.cos(theta / 2), np.exp(1j * phi)
        mzi = 1j * np.exp(0.5j * theta) * np.array([[outer * sin, cos], [outer * cos, -sin]])
        u[[top, bottom]] = mzi @ u[[top, bottom]]
    u = np.exp(1j * mesh.screen)[:, None] * u
    assert np.abs(u - mesh.matrix()).max() < 1e-13


def test_attenuators_times_the_scale_are_the_singular_values(weights: list[NDArray[np.float64]]) -> None:
    network = ll.Network.from_weights(weights)
    program = ll.compile(network, tile=4)
    tiles = program.tiles("0")
    assert list(tiles) == ["row", "col", "rows", "cols", "inputs", "outputs", "mzis", "scale"]
    assert tiles["row"].tolist() == [0, 0, 4, 4] and tiles["col"].tolist() == [0, 4, 0, 4]
    assert tiles["rows"].tolist() == [4, 4, 4, 4] and tiles["cols"].tolist() == [4, 2, 4, 2]
    assert set(tiles["inputs"]) == set(tiles["outputs"]) == {4}
    assert int(tiles["mzis"].sum() + program.tiles(1)["mzis"].sum()) == program.mzis
    for tile in range(4):
        row, col = tiles["row"][tile], tiles["col"][tile]
        block = weights[0][row : row + tiles["rows"][tile], col : col + tiles["cols"][tile]]
        singular = np.zeros(4)
        singular[: min(block.shape)] = np.linalg.svd(block)[1]
        passed = program.attenuators("0", tile)
        assert np.abs(np.sort(passed)[::-1] * tiles["scale"][tile] - singular).max() < 1e-12
        # s · U diag(a) V†, but for the phases of the attenuators, is the block.
        u, v = program.mesh("0", tile, "output").matrix(), program.mesh("0", tile, "input").matrix()
        phases = np.exp(1j * (np.pi / 2 + np.arcsin(np.minimum(passed, 1))))
        whole = tiles["scale"][tile] * u @ np.diag(passed * phases) @ v
        assert np.abs(whole[: block.shape[0], : block.shape[1]] - block).max() < 1e-7
    with pytest.raises(ValueError, match="tile = 4: must be a whole number from 0 to 3"):
        program.attenuators("0", 4)


def test_weights_and_biases_are_those_that_were_given(weights: list[NDArray[np.float64]]) -> None:
    complex_weights = weights[1] * (1 + 2j)
    biases = [np.arange(8.0), None]
    network = ll.Network.from_weights([weights[0].astype(complex), complex_weights], biases, activation="identity")
    assert list(network.weights) == ["0", "1"] and list(network.biases) == ["0"]
    assert np.array_equal(network.weights["1"], complex_weights) and network.weights["1"].dtype == np.complex128
    assert np.array_equal(network.biases["0"], np.arange(8.0))
    real = ll.Network.from_weights(weights).weights["0"]
    assert np.array_equal(real, weights[0]) and real.dtype == np.float64 and not real.flags.writeable


def test_the_weights_of_a_graph_compute_its_dense_layer() -> None:
    network = ll.Network.load(Path(__file__).parents[2] / "meshes/demo/digits-cnn.onnx", scale=1 / 16)
    shapes = {name: weight.shape for name, weight in network.weights.items()}
    assert shapes == {"0": (8, 9), "3": (16, 72), "7": (10, 64)}
    assert network.biases == {}
