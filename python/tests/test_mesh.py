"""Meshes and their decomposition."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command, haar
from hypothesis import given, settings
from hypothesis import strategies as st

import lightloom as ll


@settings(deadline=None, max_examples=30)
@given(modes=st.integers(1, 12), seed=st.integers(0, 2**32), geometry=st.sampled_from(["clements", "reck", "diamond"]))
def test_the_mesh_of_a_unitary_does_what_it_does(modes: int, seed: int, geometry: str) -> None:
    u = haar(modes, seed)
    mesh = ll.decompose(u, geometry=geometry)
    assert np.abs(mesh.matrix() - u).max() < 1e-12
    assert mesh.modes == modes
    assert mesh.geometry == geometry


def test_clements_has_a_half_of_n_squared_minus_n_mzis_in_n_columns() -> None:
    mesh = ll.decompose(haar(6))
    assert (mesh.mzis, mesh.columns) == (15, 6)
    assert mesh.theta.shape == mesh.phi.shape == (15,)
    assert mesh.screen.shape == (6,)
    assert mesh.theta.min() >= 0.0 and mesh.theta.max() <= np.pi


def test_a_batch_is_decomposed_as_its_matrices_are() -> None:
    us = np.stack([haar(5, seed) for seed in range(7)])
    meshes = ll.decompose(us)
    assert meshes == [ll.decompose(u) for u in us]
    assert ll.decompose(us[:0]) == []


def test_a_batch_says_which_of_its_matrices_is_not_unitary() -> None:
    us = np.stack([haar(5), 2 * haar(5)])
    with pytest.raises(ValueError, match=r"^u\[1\]: u is not unitary"):
        ll.decompose(us)


def test_fields_behind_a_mesh_are_those_of_its_matrix() -> None:
    u = haar(5)
    x = np.random.default_rng(0).normal(size=(9, 5))
    assert np.abs(ll.decompose(u).apply(x) - x @ u.T).max() < 1e-13


def test_phases_and_matrices_are_those_of_the_command(command: Command, tmp_path: Path) -> None:
    u = haar(6)
    np.save(tmp_path / "u.npy", u)
    assert command("decompose", "u.npy", "-o", "u.mesh.json").returncode == 0
    mesh = ll.decompose(u)
    assert ll.Mesh.load(tmp_path / "u.mesh.json") == mesh
    corrections: list[Any] = ["none", "local", "progressive", "fit"]
    for correction in corrections:
        flags = ["--hardware", "thermo-optic", "--seed", "4", "--trial", "3", "--correct", correction]
        assert command("matrix", "u.mesh.json", *flags, "-o", "m.npy").returncode == 0
        chip = ll.Hardware("thermo-optic").fabricate(seed=4, trial=3)
        assert np.array_equal(chip.matrix(mesh, correction=correction), np.load(tmp_path / "m.npy"))


def test_phases_are_those_of_the_formula_of_an_mzi() -> None:
    mesh = ll.decompose(haar(2))
    (theta,), (phi,) = mesh.theta, mesh.phi
    sin, cos, outer = np.sin(theta / 2), np.cos(theta / 2), np.exp(1j * phi)
    mzi = 1j * np.exp(0.5j * theta) * np.array([[outer * sin, cos], [outer * cos, -sin]])
    assert np.abs(np.exp(1j * mesh.screen)[:, None] * mzi - mesh.matrix()).max() < 1e-14


def test_a_file_keeps_the_mesh(tmp_path: Path) -> None:
    mesh = ll.decompose(haar(4))
    mesh.save(tmp_path / "a.mesh.json")
    assert ll.Mesh.load(str(tmp_path / "a.mesh.json")) == mesh
    assert ll.Mesh.from_json(mesh.to_json()) == mesh


def test_a_mesh_is_drawn() -> None:
    svg = ll.decompose(haar(4))._repr_svg_()
    assert svg.startswith("<svg") and "4 modes" in svg
