"""Arrays in whatever form NumPy has them are what they say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import haar
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import lightloom as ll

Array = NDArray[Any]


class Wrapped:
    """Something that NumPy takes for an array."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.array if dtype is None else self.array.astype(dtype)


def strided(array: Array) -> Array:
    """Every second element of a larger array, backwards along its first axis."""
    wide = np.zeros([2 * length for length in array.shape], dtype=array.dtype)
    place = (slice(None, None, -2),) + (slice(None, None, 2),) * (array.ndim - 1)
    wide[place] = array
    return wide[place]


def read_only(array: Array) -> Array:
    array = array.copy()
    array.setflags(write=False)
    return array


def unaligned(array: Array) -> Array:
    raw = np.zeros(array.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


FORMS: list[Callable[[Array], Any]] = [
    np.asfortranarray,
    strided,
    read_only,
    unaligned,
    lambda array: array.astype(array.dtype.newbyteorder(">")),
    Wrapped,
    lambda array: array.tolist(),
    lambda array: np.lib.stride_tricks.as_strided(array, array.shape, array.strides),
]

forms = st.sampled_from(FORMS)


@settings(deadline=None, max_examples=60)
@given(form=forms, modes=st.integers(1, 9), seed=st.integers(0, 1000))
def test_a_unitary_is_decomposed_in_every_form(form: Callable[[Array], Any], modes: int, seed: int) -> None:
    u = haar(modes, seed)
    assert ll.decompose(form(u)) == ll.decompose(u)


@settings(deadline=None, max_examples=60)
@given(form=forms, count=st.integers(1, 20), seed=st.integers(0, 1000), dtype=st.sampled_from(["f4", "f8", "u1", "i8"]))
def test_samples_are_taken_in_every_form(
    program: ll.Program, form: Callable[[Array], Any], count: int, seed: int, dtype: str
) -> None:
    x = (100 * np.random.default_rng(seed).random(size=(count, 6))).astype(dtype)
    given = form(x)
    if isinstance(given, list):
        given, x = given, np.asarray(given)
    processor = ll.load(program, ll.Hardware("mit-pnp").fabricate(1), calibration=x)
    assert np.array_equal(processor(given), processor(x))


@settings(deadline=None, max_examples=30)
@given(form=forms, rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 1000))
def test_weights_are_taken_in_every_form(form: Callable[[Array], Any], rows: int, columns: int, seed: int) -> None:
    weight = np.random.default_rng(seed).normal(size=(rows, columns))
    plain = ll.compile(ll.Network.from_weights([weight]))
    assert ll.compile(ll.Network.from_weights([form(weight)])) == plain


def test_single_precision_is_its_numbers_in_double_precision(program: ll.Program) -> None:
    x = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    network = program.network
    assert np.array_equal(network(x, precision="f64"), network(x.astype(np.float64), precision="f64"))
    assert np.array_equal(network(x.astype(np.float16)), network(x.astype(np.float16).astype(np.float64)))
    weight = (x[:6] + 1j * x[3:]).astype(np.complex64)
    single = ll.Network.from_weights([weight])
    assert ll.compile(single) == ll.compile(ll.Network.from_weights([weight.astype(np.complex128)]))


def test_bytes_are_taken_as_a_share_of_255(program: ll.Program) -> None:
    x = np.arange(12, dtype=np.uint8).reshape(2, 6)
    network = program.network
    assert np.array_equal(network(x, precision="f64"), network(x / 255, precision="f64"))


def test_a_unitary_in_single_precision_stands_for_the_nearest_one() -> None:
    u = haar(5)
    mesh = ll.decompose(u.astype(np.complex64))
    assert np.abs(mesh.matrix() - u).max() < 1e-6
    assert mesh == ll.decompose(u.astype(np.complex64).astype(np.complex128))


def test_pictures_are_read_row_by_row(program: ll.Program) -> None:
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    assert np.array_equal(program.network(x), program.network(x.reshape(4, 6)))


def test_what_is_given_is_not_changed(program: ll.Program) -> None:
    x = np.random.default_rng(0).normal(size=(4, 6))
    before = x.copy()
    outputs = program.network(x)
    outputs[:] = 0
    assert np.array_equal(x, before)


def test_arrays_of_getters_are_read_only(program: ll.Program) -> None:
    mesh = ll.decompose(haar(3))
    result = ll.infer(program, ll.Dataset(np.ones((4, 6)), np.zeros(4)), trials=2, predictions=True)
    assert result.predictions is not None
    for array in [mesh.theta, mesh.phi, mesh.screen, *result.rows.values(), *result.predictions.values()]:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_outputs_are_made_once_and_kept(program: ll.Program) -> None:
    result = ll.infer(program, ll.Dataset(np.ones((4, 6)), np.zeros(4)), trials=2, predictions=True)
    first, second = result.predictions, result.predictions
    assert first is not None and second is not None
    assert first["chips"] is second["chips"]
    # The dict is whose it is given to.
    del first["chips"]
    assert result.predictions == second


@pytest.mark.parametrize("shape", [(0, 6), (0, 0), (3, 0)])
def test_arrays_without_numbers_are_refused_in_words(program: ll.Program, shape: tuple[int, int]) -> None:
    for x in [np.zeros(shape), np.zeros(shape, order="F"), np.zeros(shape, dtype=">f4")]:
        with pytest.raises(ValueError, match="data has shape"):
            program.network(x)
