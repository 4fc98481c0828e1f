"""A photonic model of PyTorch is the chip that `lightloom infer` has for its ONNX file."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import Apart, Attention, Branches, Conv, Cross, Mlp, Transformer, Volumes, exported, inputs

import lightloom as ll
from lightloom.torch import photonics, to_photonic

FAULTY = {
    "coupler_splitting_error_rad": 0.02,
    "phase_shifter_phase_error_rad": 0.01,
    "mesh_insertion_loss_db": 0.05,
    "readout_gain_spread": 0.02,
    "readout_lo_phase_error_rad": 0.05,
}


def infer(path: Path, x: Any, hardware: ll.Hardware, trial: int, **load: Any) -> Any:
    program = ll.compile(ll.Network.load(path), tile=16)
    chip = hardware.fabricate(seed=3, trial=trial)
    return ll.load(program, chip, **load)(x.numpy()), program


@pytest.mark.parametrize("model", [Mlp, Conv, Volumes, Attention, Transformer], ids=lambda model: model.__name__)
def test_evaluation_on_a_drawn_chip_is_that_of_the_onnx_file(model: Any, tmp_path: Path) -> None:
    network, x = model().eval(), inputs(model)
    path = exported(network, x, tmp_path)
    hardware = ll.Hardware(**FAULTY)
    theirs, program = infer(path, x, hardware, 2)
    photonic = to_photonic(network, hardware, tile=16, seed=3, trial=2, example=x)
    named = to_photonic(network, hardware, tile=16, seed=3, trial=2, example=x, order=program.layers)
    assert photonics(photonic).layers == photonics(named).layers
    ours = photonic(x).detach().numpy().reshape(theirs.shape)
    largest = np.abs(theirs).max()
    assert np.abs(ours - theirs).max() < 2e-5 * largest
    digital = network(x).detach().numpy().reshape(theirs.shape)
    assert np.abs(digital - theirs).max() > 1e-3 * largest


@pytest.mark.parametrize("model", [Cross, Apart, Branches], ids=lambda model: model.__name__)
def test_models_whose_layers_run_in_another_order_take_that_of_the_program(model: Any, tmp_path: Path) -> None:
    network, x = model().eval(), inputs(model)
    path = exported(network, x, tmp_path)
    hardware = ll.Hardware(**FAULTY)
    theirs, program = infer(path, x, hardware, 2)
    chosen: dict[str, Any] = {"tile": 16, "seed": 3, "trial": 2, "example": x}
    runs = to_photonic(network, hardware, **chosen)
    asked = to_photonic(network, hardware, order=program.layers, **chosen)
    assert photonics(asked).layers != photonics(runs).layers
    assert sorted(photonics(asked).layers) == sorted(photonics(runs).layers)
    largest = np.abs(theirs).max()
    ours, otherwise = (each(x).detach().numpy().reshape(theirs.shape) for each in (asked, runs))
    assert np.abs(ours - theirs).max() < 2e-5 * largest
    assert np.abs(otherwise - theirs).max() > 1e-3 * largest


@pytest.mark.parametrize("model", [Mlp, Conv, Attention], ids=lambda model: model.__name__)
def test_converters_have_the_ranges_of_the_onnx_file(model: Any, tmp_path: Path) -> None:
    network, x = model().eval(), inputs(model)
    path = exported(network, x, tmp_path)
    hardware = ll.Hardware(**FAULTY, input_dac_bits=6, readout_adc_bits=6)
    photonic = to_photonic(network, hardware, tile=16, seed=3, calibration=x)
    theirs, _ = infer(path, x, hardware, 0, calibration=x.numpy())
    ours = photonic(x).detach().numpy().reshape(theirs.shape)
    # A sum that rounds otherwise may fall into the code beside: few do.
    apart = np.abs(ours - theirs) > 2e-5 * np.abs(theirs).max()
    assert apart.mean() < 0.02
    assert np.abs(ours - theirs).max() < 0.2 * np.abs(theirs).max()
    quiet = to_photonic(network, ll.Hardware(**FAULTY), tile=16, seed=3, example=x)
    assert np.abs(quiet(x).detach().numpy().reshape(theirs.shape) - theirs).max() > 1e-3 * np.abs(theirs).max()


def test_shots_have_the_noise_of_the_processor_and_are_numbered_like_it(tmp_path: Path) -> None:
    network, x = Mlp().eval(), inputs(Mlp, 700)
    hardware = ll.Hardware("thermo-optic")
    path = exported(network, x, tmp_path)
    program = ll.compile(ll.Network.load(path), tile=16)
    processor = ll.load(program, hardware.fabricate(3, 1), calibration=x[:512].numpy())
    photonic = to_photonic(network, hardware, tile=16, seed=3, trial=1, calibration=x[:512])
    for shot in (0, 5):
        photonics(photonic).shot = shot
        ours = photonic(x).detach().numpy()
        theirs = processor(x.numpy(), shot=shot)
        apart = np.abs(ours - theirs) > 2e-5 * np.abs(theirs).max()
        assert apart.mean() < 0.02
    photonics(photonic).shot = 6
    assert np.abs(photonic(x).detach().numpy() - ours).max() > 1e-3


def test_maps_are_numbered_in_the_order_in_which_they_run_or_as_asked() -> None:
    network, x = Branches().eval(), inputs(Branches)
    hardware = ll.Hardware(**FAULTY)
    runs = to_photonic(network, hardware, tile=8, example=x)
    assert photonics(runs).layers == ["up", "gate", "down"]
    asked = to_photonic(network, hardware, tile=8, example=x, order=["gate", "up", "down"])
    assert photonics(asked).layers == ["gate", "up", "down"]
    assert not torch.allclose(runs(x), asked(x), rtol=1e-4)


def test_the_first_batch_is_the_example_where_there_is_none() -> None:
    network, x = Branches().eval(), inputs(Branches)
    late = to_photonic(network, ll.Hardware(**FAULTY), tile=8)
    with pytest.raises(RuntimeError, match="has no layers before its first run: give to_photonic an example"):
        photonics(late).layers  # noqa: B018
    with pytest.raises(RuntimeError, match="before its first run"):
        late.up(x)
    assert torch.equal(late(x), to_photonic(network, ll.Hardware(**FAULTY), tile=8, example=x)(x))
    assert photonics(late).layers == ["up", "gate", "down"]


def test_an_ideal_chip_computes_what_the_digital_model_does() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (Mlp, Conv, Volumes, Attention, Transformer, Branches):
            network, x = model().eval(), inputs(model)
            photonic = to_photonic(network, "ideal", tile=16, example=x)
            assert torch.allclose(photonic(x), network(x), atol=2e-5)
