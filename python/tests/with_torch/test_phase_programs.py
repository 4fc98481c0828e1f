"""Phases that were trained, as programs of `lightloom.load`, `infer` and the commands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from models import Apart, Attention, Branches, Conv, Cross, Mlp, Transformer, exported, inputs

import lightloom as ll
from lightloom.torch import photonics, to_digital, to_photonic

FAULTY = ll.Hardware(
    coupler_splitting_error_rad=0.05,
    phase_shifter_crosstalk=0.01,
    mesh_insertion_loss_db=0.05,
    readout_gain_spread=0.02,
    readout_lo_phase_error_rad=0.05,
)


def trained(model: Any, hardware: ll.Hardware, x: Any, **keywords: Any) -> Any:
    """A model whose phases, scales and biases two steps have moved."""
    photonic = to_photonic(model, hardware, parameters="phases", tile=16, seed=3, trial=2, example=x, **keywords)
    optimizer = torch.optim.Adam(photonic.parameters(), lr=0.02)
    for _ in range(2):
        optimizer.zero_grad()
        photonic(x).square().mean().backward()
        optimizer.step()
    return photonic.eval()


@pytest.mark.parametrize("model", [Mlp, Conv, Attention, Transformer], ids=lambda model: model.__name__)
def test_the_program_of_trained_phases_computes_what_the_model_does(model: Any, tmp_path: Path) -> None:
    x = inputs(model)
    photonic = trained(model().eval(), FAULTY, x)
    ours = photonic(x).detach().numpy().reshape(len(x), -1)
    program = photonics(photonic).program(exported(to_digital(photonic), x, tmp_path))
    theirs = ll.load(program, FAULTY.fabricate(3, 2))(x.numpy())
    largest = np.abs(theirs).max()
    assert np.abs(ours - theirs).max() < 2e-5 * largest
    # It is no program of the weights, which would err anew.
    compiled = ll.load(ll.compile(program.network, tile=16), FAULTY.fabricate(3, 2))(x.numpy())
    assert np.abs(compiled - theirs).max() > 1e-3 * largest
    path = tmp_path / "program"
    program.save(path)
    assert np.array_equal(ll.load(ll.Program.load(path), FAULTY.fabricate(3, 2))(x.numpy()), theirs)


@pytest.mark.parametrize("model", [Cross, Apart, Branches], ids=lambda model: model.__name__)
def test_models_whose_layers_run_in_another_order_take_that_of_the_network(model: Any, tmp_path: Path) -> None:
    network, x = model().eval(), inputs(model)
    order = ll.compile(ll.Network.load(exported(network, x, tmp_path)), tile=16).layers
    photonic = trained(network, FAULTY, x, order=order)
    program = photonics(photonic).program(exported(to_digital(photonic), x, tmp_path))
    theirs = ll.load(program, FAULTY.fabricate(3, 2))(x.numpy())
    assert np.abs(photonic(x).detach().numpy().reshape(theirs.shape) - theirs).max() < 2e-5 * np.abs(theirs).max()
    otherwise = trained(network, FAULTY, x)
    with pytest.raises(ValueError, match="are not what the chip multiplies by in"):
        photonics(otherwise).program(exported(to_digital(otherwise), x, tmp_path))


def test_a_chain_is_made_of_the_weights_and_infers_as_the_model_does() -> None:
    x = inputs(Mlp, 40)
    photonic = trained(Mlp(), FAULTY, x)
    digital = to_digital(photonic)
    layers = [digital.fc1, digital.fc2, digital.fc3]
    weights = [layer.weight.detach().numpy() for layer in layers]
    biases = [None if layer.bias is None else layer.bias.detach().numpy() for layer in layers]
    network = ll.Network.from_weights(weights, biases)
    program = photonics(photonic).program(network)
    data = ll.Dataset(x.numpy(), photonic(x).argmax(1).numpy())
    there = ll.infer(program, data, FAULTY, trials=1, seed=3, first_trial=2)
    # The network is the model as it is on its chip; another chip is another model.
    assert (there.digital, there.mean) == (1.0, 1.0)
    with pytest.raises(ValueError, match=r"maps of network has shape \[2\]: must be \[3\]: fc1, fc2, fc3"):
        photonics(photonic).program(ll.Network.from_weights(weights[:2], biases[:2]))
    weights[1] = 1.01 * weights[1]
    sentence = "weights of layer `1`: are not what the chip multiplies by in `fc2`: export to_digital"
    with pytest.raises(ValueError, match=sentence):
        photonics(photonic).program(ll.Network.from_weights(weights, biases))
    with pytest.raises(ValueError, match="parameters of the model = weights: must be phases: lightloom.compile makes"):
        photonics(to_photonic(Mlp(), FAULTY, example=x)).program(network)


X = inputs(Mlp)


def phased(model: Any = None, hardware: Any = FAULTY, **keywords: Any) -> Any:
    chosen = {"parameters": "phases", "tile": 8, "example": X, **keywords}
    return to_photonic(model or Mlp(), hardware, **chosen)


class Tied(nn.Module):
    """Tokens are told by the weights that embed them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.tell = nn.Embedding(6, 4), nn.Linear(4, 6, bias=False)
        self.tell.weight = self.embed.weight

    def forward(self, x: Any) -> Any:
        return self.tell(self.embed(x))


class Mirrored(nn.Module):
    """A layer and one of its weight's transpose."""

    def __init__(self) -> None:
        super().__init__()
        self.there, self.back = nn.Linear(12, 4), nn.Linear(4, 12)
        self.back.weight = nn.Parameter(self.there.weight.detach().t())

    def forward(self, x: Any) -> Any:
        return self.back(self.there(x))


class Both(nn.Module):
    """One attention to itself and to others."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 2)

    def forward(self, x: Any) -> Any:
        y = self.attention(x, x, x)[0]
        return self.attention(x, y, y)[0]


def changed(change: Any) -> Any:
    photonic = phased()
    with torch.no_grad():
        change(photonic)
    return photonic(X)


@pytest.mark.parametrize(
    "act, kind, sentence",
    [
        (lambda: phased(parameters="phase"), ValueError, r"parameters = phase: must be one of .*did you mean `phases`"),
        (lambda: phased(example=None), ValueError, "example = None: must be an input of the model where parameters are phases"),
        (lambda: phased(geometry="crossbar"), ValueError, "geometry = crossbar: must be meshes, such as clements, where"),
        (lambda: phased(weights="fixed:6"), ValueError, "weights = fixed:6: must be exact where parameters are phases"),
        (
            lambda: phased(hardware={"numbers": {"format": "fixed", "weight_bits": 6}}, calibration=X),
            ValueError,
            "weights = fixed:6: must be exact where parameters are phases",
        ),
        (lambda: phased(correction="local"), ValueError, "correction = local: must be none where parameters are phases"),
        (
            lambda: phased(hardware={"mesh": {"cell": "symmetric"}}),
            ValueError,
            "mesh.cell = symmetric: must be mzi where parameters are phases",
        ),
        (
            lambda: phased(Tied(), example=torch.tensor([[1, 2]])),
            ValueError,
            "weight of layer `tell`: is also `embed.weight`, which is no phases: must be apart where parameters are phases",
        ),
        (lambda: phased(Mirrored()), ValueError, "weights of layers `there` and `back`: are the same in two uses: must be apart"),
        (
            lambda: phased(Both(), example=torch.randn(2, 3, 12)),
            ValueError,
            "weights of layers `attention` and `attention.q`: are the same in two uses: must be apart",
        ),
        (lambda: phased(phased()), ValueError, "model: is photonic already"),
        (
            lambda: changed(lambda model: model.fc2.phases[3].fill_(float("nan"))),
            ValueError,
            r"layer `fc2`: phases: element \[3\] is NaN: must be finite",
        ),
        (lambda: changed(lambda model: model.fc2.scales[1].fill_(-1)), ValueError, "layer `fc2`: scale = -1: must be 0 or more"),
        (
            lambda: changed(lambda model: setattr(model.fc2, "phases", nn.Parameter(torch.ones(5)))),
            ValueError,
            r"layer `fc2`: phases has shape \[5\]: must be \[\d+\]",
        ),
        (
            lambda: changed(lambda model: setattr(model.fc2, "weight", nn.Parameter(torch.ones(20, 20)))),
            RuntimeError,
            "layer `fc2`: has a weight again: must have its phases and scales alone",
        ),
        (lambda: phased().half()(X.half()), ValueError, "dtype of phases of layer `fc1` = torch.float16: must be torch.float32 or"),
        (lambda: phased()(X.double()), ValueError, "dtype of inputs of layer `fc1` = torch.float64: must be torch.float32, as its phases"),
        (lambda: phased()(X[:, :5]), ValueError, r"inputs of layer `fc1` has shape \[7, 5\]: must be \[…, 12\]"),
        (lambda: phased()(X * float("nan")), ValueError, "inputs of layer `fc1`: are not finite"),
        (lambda: photonics(phased()).redraw(-1), ValueError, "seed = -1: must be a whole number from 0"),
        (lambda: to_digital(Mlp()), ValueError, "model: has no photonic layers"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_a_sentence(act: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as error:
        act()
    assert "\n" not in str(error.value)
