"""Gradients, training, chips and shots of photonic models."""

import copy
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from models import Attention, Conv, Mlp, Transformer, Volumes, inputs

import lightloom as ll
from lightloom.torch import Linear, photonics, to_photonic

FAULTY = ll.Hardware(coupler_splitting_error_rad=0.05, readout_gain_spread=0.05)
NOISY = ll.Hardware("thermo-optic")


@pytest.mark.parametrize("model", [Mlp, Conv, Volumes, Attention, Transformer], ids=lambda model: model.__name__)
def test_gradients_of_inputs_are_those_of_the_chip(model: Any) -> None:
    network, x = model().double().eval(), inputs(model, 2).double()
    photonic = to_photonic(network, FAULTY, tile=8, example=x)
    for parameter in photonic.parameters():
        parameter.requires_grad_(False)
    assert torch.autograd.gradcheck(photonic, (x.requires_grad_(),))


def test_gradients_of_weights_are_those_of_an_ideal_chip() -> None:
    network, x = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double(), torch.randn(3, 4).double()
    photonic = to_photonic(network, "ideal", tile=4, example=x)
    parameters = list(photonic.parameters())

    def of(*_: Any) -> Any:
        return photonic(x)

    assert torch.autograd.gradcheck(of, parameters, atol=1e-4)


def test_gradients_pass_to_weights_as_if_the_chip_held_them() -> None:
    network, x = nn.Linear(4, 3).double(), torch.randn(5, 4).double()
    photonic = to_photonic(network, FAULTY, tile=4, example=x)
    g = torch.randn(5, 3).double()
    photonic(x).backward(g)
    assert torch.allclose(photonic.weight.grad, g.T @ x)
    assert torch.allclose(photonic.bias.grad, g.sum(0))


def test_gradients_through_noise_are_those_of_the_matrix_without_it() -> None:
    network, x = nn.Linear(4, 3, bias=False).double(), torch.randn(5, 4).double()
    photonic = to_photonic(network, NOISY, tile=4, calibration=x)
    g = torch.randn(5, 3).double()
    x.requires_grad_()
    photonic(x).backward(g)
    matrix = photonics(photonic).matrix("linear")
    assert torch.allclose(x.grad, g @ matrix)
    assert torch.allclose(photonic.weight.grad, g.T @ x)


@pytest.mark.parametrize("model", [Conv, Volumes], ids=lambda model: model.__name__)
def test_patches_as_columns_are_the_convolution(model: Any) -> None:
    """Converters of 24 bits read what there is to single precision, by way of columns."""
    network, x = model().double().eval(), inputs(model, 2).double()
    fine = ll.Hardware(readout_adc_bits=24)
    photonic = to_photonic(network, fine, tile=8, calibration=x)
    assert torch.allclose(photonic(x), network(x), atol=1e-5)
    x.requires_grad_()
    (ours,) = torch.autograd.grad(photonic(x).sum(), x)
    (theirs,) = torch.autograd.grad(network(x).sum(), x)
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_the_chip_follows_the_weights() -> None:
    network, x = Mlp(), inputs(Mlp)
    photonic = to_photonic(network, "ideal", tile=8, example=x)
    optimizer = torch.optim.SGD(photonic.parameters(), lr=0.1)
    before = photonic(x)
    before.square().sum().backward()
    optimizer.step()
    assert (photonic(x) - before).abs().max() > 1e-2
    assert torch.allclose(photonic(x), network(x), atol=1e-5)
    # Past the counter of versions, too.
    network.fc2.weight.data.mul_(2.0)
    assert torch.allclose(photonic(x), network(x), atol=1e-5)
    other = Mlp()
    photonic.load_state_dict(other.state_dict())
    assert torch.allclose(photonic(x), other(x), atol=1e-5)


def test_state_dicts_go_in_and_out_unchanged() -> None:
    for model in (Mlp, Conv, Attention, Transformer):
        network, x = model(), inputs(model)
        photonic = to_photonic(network, FAULTY, tile=8, example=x)
        ours, theirs = photonic.state_dict(), network.state_dict()
        assert list(ours) == list(theirs)
        assert all(ours[name].data_ptr() == theirs[name].data_ptr() for name in theirs)
        network.load_state_dict(ours)
    assert isinstance(to_photonic(Mlp(), example=inputs(Mlp)).fc1, nn.Linear)
    assert not isinstance(Mlp().fc1, Linear)


def test_a_fixed_trial_stays_and_a_fresh_one_follows_every_step() -> None:
    x = inputs(Mlp)
    fixed = to_photonic(Mlp(), FAULTY, tile=8, trial=4, example=x)
    fresh = to_photonic(Mlp(), FAULTY, tile=8, trial="fresh", example=x)
    for photonic, trials in ((fixed, [4, 4, 4]), (fresh, [0, 1, 2])):
        optimizer = torch.optim.SGD(photonic.parameters(), lr=0.01)
        seen = []
        for _ in range(3):
            optimizer.zero_grad()
            photonic(x).square().sum().backward()
            seen.append(photonics(photonic).trial)
            optimizer.step()
        assert seen == trials
    photonics(fixed).trial = 2
    drawn = to_photonic(fixed_copy(fixed), FAULTY, tile=8, trial=2, example=x)
    assert torch.equal(fixed(x), drawn(x))


def fixed_copy(photonic: Any) -> Any:
    network = Mlp()
    network.load_state_dict(photonic.state_dict())
    return network


def test_noise_belongs_to_the_shot_and_in_training_to_the_step() -> None:
    x = inputs(Mlp)
    photonic = to_photonic(Mlp(), NOISY, tile=8, calibration=x).eval()
    first, again = photonic(x), photonic(x)
    assert torch.equal(first, again)
    photonics(photonic).shot = 1
    assert not torch.equal(first, photonic(x))
    photonics(photonic).shot = 0
    photonic.train()
    assert torch.equal(first, photonic(x))
    with torch.no_grad():
        photonic.fc1.bias += 0.0
        photonic.fc1.weight *= 1.0 + 1e-6
    assert not torch.allclose(first, photonic(x), atol=1e-4)
    photonic.eval()
    assert torch.allclose(first, photonic(x), atol=1e-2)


def test_calibration_leaves_modes_and_statistics_as_they_are() -> None:
    network = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2))
    network[2].eval()
    x = torch.randn(8, 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    photonic = to_photonic(network, NOISY, tile=4, calibration=x)
    photonics(photonic).trial = 3
    assert photonics(photonic).matrix_errors
    assert all(torch.equal(before[name], value) for name, value in photonic.state_dict().items())
    assert [module.training for module in photonic.modules()] == [True, True, True, False, True]


def test_a_module_that_runs_twice_is_one_map_at_two_nodes() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.tied = nn.Linear(4, 4), nn.Linear(4, 4)
            self.tied.weight = self.one.weight

        def forward(self, x: Any) -> Any:
            return self.tied(torch.relu(self.one(self.one(x))))

    x = torch.randn(5, 4)
    photonic = to_photonic(Twice(), NOISY, tile=4, calibration=x)
    assert photonics(photonic).layers == ["one"]
    assert photonics(photonic)._nodes == [0, 0, 0]
    assert torch.equal(photonic(x), photonic(x))


def test_what_stays_digital_is_said_once() -> None:
    class Own(nn.Linear):
        pass

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.depthwise = nn.Conv1d(2, 2, 3, groups=2, padding=1)
            self.point = nn.Conv1d(2, 3, 1)
            self.own, self.idle, self.asked = Own(5, 4), nn.Linear(2, 2), nn.Linear(4, 4)
            self.lstm = nn.LSTM(4, 4, batch_first=True)
            self.last = nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.last(self.lstm(self.asked(self.own(self.point(self.depthwise(x)))))[0])

    x = torch.randn(3, 2, 5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        photonic = to_photonic(Mixed(), FAULTY, tile=4, example=x, digital=["ask*"])
    assert [str(warning.message) for warning in caught] == [
        "layers that stay digital: depthwise (a depthwise convolution), own (of a class of its own, Own), "
        "lstm (a LSTM), idle (the example does not run it)"
    ]
    assert photonics(photonic).layers == ["point", "last"]
    assert photonics(photonic).digital["asked"] == "as asked"
    with warnings.catch_warnings(record=True):
        light = to_photonic(Mixed(), FAULTY, tile=4, example=x, light=["depthwise"])
    assert photonics(light).layers == ["depthwise", "point", "asked", "last"]


def test_fast_paths_of_pytorch_do_not_pass_the_chip_by() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    for network in (layer, nn.TransformerEncoder(layer, 2)):
        x = torch.randn(3, 4, 8)
        photonic = to_photonic(network.eval(), FAULTY, tile=8, example=x)
        with torch.no_grad():
            fast = photonic(x)
            padded = photonic(x, src_key_padding_mask=torch.zeros(3, 4, dtype=torch.bool))
        assert torch.allclose(fast, photonic(x), atol=1e-6)
        assert torch.allclose(padded, fast, atol=1e-6)
        assert (fast - network(x)).abs().max() > 1e-3


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kdim", [None, 6])
def test_attention_of_every_kind_is_that_of_pytorch(first: bool, kdim: int | None) -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=first, kdim=kdim, vdim=kdim, add_bias_kv=True, dropout=0.0)
    query, key, value = torch.randn(3, 5, 8), torch.randn(3, 5, kdim or 8), torch.randn(3, 5, kdim or 8)
    kinds = [(query, key, value), (query, key, key)] + ([(query, query, query)] if kdim is None else [])
    for given in kinds:
        photonic = to_photonic(attention, "ideal", tile=8, example=given)
        length = 5 if first else 3
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)
        for keywords in ({}, {"attn_mask": mask, "average_attn_weights": False}, {"need_weights": False}):
            ours, theirs = photonic(*given, **keywords), attention(*given, **keywords)
            assert torch.allclose(ours[0], theirs[0], atol=1e-5)
            assert (ours[1] is None) == (theirs[1] is None)
            assert ours[1] is None or torch.allclose(ours[1], theirs[1], atol=1e-5)


def test_copies_are_models_of_their_own() -> None:
    x = inputs(Mlp)
    photonic = to_photonic(Mlp(), FAULTY, tile=8, example=x)
    other = copy.deepcopy(photonic)
    photonics(other).trial = 1
    assert photonics(photonic).trial == 0
    assert not torch.allclose(other(x), photonic(x), atol=1e-4)
    photonics(other).trial = 0
    assert torch.equal(other(x), photonic(x))


def test_every_layer_of_a_run_is_on_the_same_fresh_chip() -> None:
    x = inputs(Mlp)
    photonic = to_photonic(Mlp(), FAULTY, tile=8, trial="fresh", example=x)
    with torch.no_grad():
        photonic.fc2.weight *= 1.5
    after = photonic(x)
    assert photonics(photonic).trial == 1
    assert torch.equal(after, to_photonic(fixed_copy(photonic), FAULTY, tile=8, trial=1, example=x)(x))


def test_a_chip_that_was_loaded_in_inference_mode_trains() -> None:
    x = inputs(Mlp)
    photonic = to_photonic(Mlp(), FAULTY, tile=8)
    with torch.inference_mode():
        quiet = photonic(x)
    y = photonic(x)
    y.sum().backward()
    assert torch.equal(y, quiet)
    assert photonic.fc1.weight.grad.abs().max() > 0


def cosine(coupler_rad: float, seed: int) -> float:
    """That between the gradient of the weights and differences, of 16 modes with weights and inputs as PyTorch draws them."""
    torch.manual_seed(seed)
    network = nn.Linear(16, 16, bias=False).double()
    x, factors = torch.randn(1, 16).double(), torch.randn(16).double()
    photonic = to_photonic(network, ll.Hardware(coupler_splitting_error_rad=coupler_rad), tile=16, trial=seed)
    (weight,) = photonic.parameters()

    def loss() -> torch.Tensor:
        return (photonic(x) * factors).sum()

    loss().backward()
    assert weight.grad is not None
    step, slopes = 1e-6, torch.zeros_like(weight)
    with torch.no_grad():
        for at in [(row, column) for row in range(16) for column in range(16)]:
            held = weight[at].item()
            weight[at] = held + step
            above = loss()
            weight[at] = held - step
            slopes[at] = (above - loss()) / (2 * step)
            weight[at] = held
    return float(nn.functional.cosine_similarity(weight.grad.flatten(), slopes.flatten(), dim=0))


def test_a_step_of_the_weights_is_one_of_the_chip_where_errors_are_small() -> None:
    """The medians that docs/torch.md states."""
    for coupler_rad, least, most in [(0.01, 0.99, 1.0), (0.02, 0.9, 1.0), (0.1, 0.0, 0.4)]:
        median = sorted(cosine(coupler_rad, seed) for seed in range(7))[3]
        assert least <= median <= most, f"{coupler_rad} rad: {median}"
