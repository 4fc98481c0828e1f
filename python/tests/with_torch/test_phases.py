"""Layers whose parameters are the phases and scales of their tiles: gradients, training, chips."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import nn
from models import Apart, Attention, Conv, Cross, Mlp, Transformer, Volumes, inputs

import lightloom as ll
from lightloom.torch import photonics, to_digital, to_photonic

FAULTY = ll.Hardware(coupler_splitting_error_rad=0.05, readout_gain_spread=0.05)
# What a chip does that is smooth, but for loss.
SMOOTH = {
    "coupler_splitting_error_rad": 0.1,
    "phase_shifter_offset_rad": 0.3,
    "phase_shifter_phase_error_rad": 0.05,
    "phase_shifter_v_pi_error": 0.02,
    "phase_shifter_crosstalk": 0.02,
    "readout_gain_spread": 0.1,
    "readout_lo_phase_error_rad": 0.4,
}
# Noise that follows the light, strong enough to matter.
SHOTS = {
    "input_laser_power_mw": 1e-4,
    "input_rin_dbc_hz": -115.0,
    "readout_lo_power_mw": 1e-4,
    "readout_bandwidth_ghz": 10.0,
}


def phased(model: Any, hardware: ll.Hardware | str = FAULTY, **keywords: Any) -> Any:
    return to_photonic(model, hardware, parameters="phases", **keywords)


def move_from_zero(photonic: Any) -> None:
    """Draw phases anew, away from 0, below which a heater goes to 2π."""
    with torch.no_grad():
        for name, parameter in photonic.named_parameters():
            if name.rpartition(".")[2].startswith("phases"):
                parameter.copy_(0.3 + 5.0 * torch.rand_like(parameter))


def check(photonic: Any, *given: torch.Tensor) -> None:
    """Every gradient against differences; gradcheck changes the parameters in place."""
    move_from_zero(photonic)
    parameters = list(photonic.parameters())
    given = tuple(one.requires_grad_() for one in given)
    assert torch.autograd.gradcheck(lambda *_: photonic(*given), (*parameters, *given), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("tile, geometry", [(4, "clements"), (3, "reck"), (4, "butterfly")])
def test_gradients_are_differences_of_the_drawn_chip(tile: int, geometry: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2, bias=False)).double()
    x = torch.randn(3, 4).double()
    check(phased(network, ll.Hardware(**SMOOTH), tile=tile, geometry=geometry, trial=2, example=x), x)


class Small(nn.Module):
    """A convolution in groups, a transposed one, and attention to what another layer gives."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv1d(4, 4, 2, groups=2)
        self.back = nn.ConvTranspose1d(4, 2, 2, groups=2)
        self.attention = nn.MultiheadAttention(2, 1, batch_first=True)

    def forward(self, x: Any) -> Any:
        memory = torch.tanh(self.back(torch.tanh(self.conv(x)))).transpose(1, 2)
        return self.attention(x[:, :2].transpose(1, 2), memory, memory, need_weights=False)[0]


def test_gradients_of_convolutions_and_projections_are_differences() -> None:
    x = torch.randn(2, 4, 3).double()
    photonic = phased(Small().double(), ll.Hardware(**SMOOTH), tile=2, example=x)
    assert [name for name, _ in photonic.attention.named_parameters()] == [
        "in_proj_bias", "phases_q", "scales_q", "phases_kv", "scales_kv", "out_proj.bias", "out_proj.phases", "out_proj.scales",
    ]  # fmt: skip
    check(photonic, x)


def test_gradients_through_noise_are_differences_with_the_same_noise() -> None:
    """Of one layer, whose ranges follow from the calibration alone.

    Thermal noise would bring in the mean light of the quadrature that is not read, which is set with the ranges, of phases.
    """
    torch.manual_seed(2)
    x, calibration = torch.randn(5, 4).double(), 3 * torch.randn(8, 4).double()
    photonic = phased(nn.Linear(4, 3).double(), ll.Hardware(**SMOOTH, **SHOTS), tile=4, calibration=calibration).eval()
    check(photonic, x)
    quiet = phased(to_digital(photonic), "ideal", tile=4, example=x)
    assert (photonic(x) - quiet(x)).abs().max() > 1e-2


def test_gradients_of_a_chip_that_loses_light_hold_what_the_scale_makes_up_for() -> None:
    torch.manual_seed(3)
    x, g = torch.randn(5, 4).double(), torch.randn(5, 4).double()
    lossy = ll.Hardware(**SMOOTH, mesh_insertion_loss_db=0.3, mesh_arm_imbalance_db=0.1)
    photonic = phased(nn.Linear(4, 4, bias=False).double(), lossy, tile=4, example=x)
    move_from_zero(photonic)

    def loss() -> tuple[torch.Tensor, float]:
        y = (photonic(x) * g).sum()
        return y, photonics(photonic)._loaded.losses_db[0]  # type: ignore[union-attr]

    y, held_db = loss()
    y.backward()
    step, differences, bites = 1e-5, [], 0.0
    with torch.no_grad():
        for index in range(len(photonic.phases)):
            ends = []
            for sign in (1, -1):
                photonic.phases[index] += sign * step
                moved, lost_db = loss()
                ends.append(float(moved) * 10 ** ((held_db - lost_db) / 20))
                bites = max(bites, abs(lost_db - held_db))
                photonic.phases[index] -= sign * step
            differences.append((ends[0] - ends[1]) / (2 * step))
    assert bites > 1e-8
    assert torch.allclose(photonic.phases.grad, torch.tensor(differences).double(), atol=1e-7)
    matrix = photonics(photonic).matrix("linear")
    assert torch.allclose(photonic.scales.grad, ((x @ matrix.T) * g).sum() / photonic.scales.detach())


@pytest.mark.parametrize("model", [Mlp, Conv, Volumes, Attention, Cross, Apart, Transformer], ids=lambda model: model.__name__)
def test_before_training_the_chip_is_that_of_the_weights(model: Any) -> None:
    network, x = model().double().eval(), inputs(model, 2).double()
    weights = to_photonic(network, FAULTY, tile=8, trial=1, example=x)
    photonic = phased(network, tile=8, trial=1, example=x)
    assert photonics(photonic).layers == photonics(weights).layers
    assert torch.allclose(photonic(x), weights(x), atol=1e-12)
    digital = to_digital(photonic)
    assert torch.allclose(digital(x), photonic(x), atol=1e-12)
    assert list(digital.state_dict()) == list(network.state_dict())
    assert {type(module) for module in digital.modules()} == {type(module) for module in network.modules()}
    assert torch.allclose(to_digital(weights)(x), weights(x), atol=1e-12)


def test_phases_scales_and_biases_are_all_that_is_trained_and_the_model_stays_as_it_was() -> None:
    network, x = Mlp(), inputs(Mlp)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    photonic = phased(network, ll.Hardware(coupler_splitting_error_rad=0.15), tile=8, example=x)
    assert [name for name, _ in photonic.named_parameters()] == [
        "fc1.bias", "fc1.phases", "fc1.scales", "fc2.bias", "fc2.phases", "fc2.scales", "fc3.phases", "fc3.scales",
    ]  # fmt: skip
    assert photonic.fc1.weight is None
    # Meshes of 8 modes have 28 MZIs; 12 → 20 takes 3 × 2 tiles.
    assert photonic.fc1.phases.shape == (6 * (2 * (2 * 28 + 8) + 8),) and photonic.fc1.scales.shape == (6,)
    assert repr(photonic.fc1).endswith("bias=True, phases=816, scales=6 in place of weights)")
    assert photonics(photonic).parameters == "phases"
    optimizer = torch.optim.Adam(photonic.parameters(), lr=0.005)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = (photonic(x) - network(x).detach()).square().mean()
        loss.backward()
        assert all(parameter.grad is not None for parameter in photonic.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_the_chip_follows_the_phases_however_they_change() -> None:
    x = inputs(Mlp)
    photonic = phased(Mlp(), tile=8, example=x)
    first = photonic(x)
    for parameter, factor in ((photonic.fc2.phases, 1.1), (photonic.fc2.scales, 1.5)):
        before = photonic(x)
        # Past the counter of versions, too.
        parameter.data.mul_(factor)
        assert (photonic(x) - before).abs().max() > 1e-3
    drawn = photonics(photonic).matrix("fc2")
    photonic.load_state_dict(phased(Mlp(), tile=8, example=x).state_dict())
    assert torch.equal(photonic(x), first)
    assert not torch.equal(photonics(photonic).matrix("fc2"), drawn)


def test_gradients_are_of_the_chip_as_it_was_when_light_went_through() -> None:
    torch.manual_seed(4)
    x = torch.randn(3, 4).double()
    one, other = (phased(nn.Linear(4, 4).double(), tile=4, example=x) for _ in range(2))
    other.load_state_dict(one.state_dict())
    one(x).sum().backward()
    y = other(x).sum()
    other.phases.data.add_(0.5)
    photonics(other).trial = 7
    other(x)
    y.backward()
    assert torch.equal(one.phases.grad, other.phases.grad)


def test_second_derivatives_are_refused_where_they_go_by_phases_and_exact_elsewhere() -> None:
    torch.manual_seed(6)
    x = torch.randn(3, 4).double().requires_grad_()
    for hardware in (FAULTY, ll.Hardware(**SHOTS)):
        photonic = phased(nn.Linear(4, 4).double(), hardware, tile=4, calibration=x.detach())
        (slopes,) = torch.autograd.grad(photonic(x).sum(), photonic.phases, create_graph=True)
        with pytest.raises(NotImplementedError, match="second derivatives by phases and scales: are not computed"):
            slopes.sum().backward()
    photonic = phased(nn.Linear(4, 4).double(), tile=4, example=x.detach())

    def penalty(*_: Any) -> torch.Tensor:
        (slopes,) = torch.autograd.grad(photonic(x).square().sum(), x, create_graph=True)
        return slopes.square().sum()

    move_from_zero(photonic)
    assert torch.autograd.gradcheck(penalty, (photonic.phases, photonic.scales), atol=1e-5, rtol=1e-5)


def test_state_dicts_go_in_and_out_and_fit_no_other_meshes_or_parameters() -> None:
    x = inputs(Mlp)
    trained = phased(Mlp(), tile=8, example=x)
    with torch.no_grad():
        trained.fc1.phases += 0.2
    # Of other weights.
    network = Mlp()
    nn.init.normal_(network.fc1.weight)
    other = phased(network, tile=8, example=x)
    assert not torch.allclose(other(x), trained(x), atol=1e-3)
    other.load_state_dict(trained.state_dict())
    assert torch.equal(other(x), trained(x))
    triangular = phased(Mlp(), tile=8, geometry="reck", example=x)
    assert triangular.fc1.phases.shape == trained.fc1.phases.shape
    weights = to_photonic(Mlp(), FAULTY, tile=8, example=x)
    for into, state, sentence in [
        (triangular, trained, r"those of clements, tile 8, weights \[1, 20, 12\]: must be those of reck, tile 8"),
        (trained, Mlp(), "layer `fc1`: has phases as parameters: must be given a state dict of phases"),
        (weights, trained, "layer `fc1`: has weights as parameters: must be given a state dict of weights"),
    ]:
        before = into(x)
        # Without which keys that are not there would be passed over.
        with pytest.raises(RuntimeError, match=sentence):
            into.load_state_dict(state.state_dict(), strict=False)
        assert torch.equal(into(x), before)


def test_copies_pickles_and_other_types_are_the_same_chip() -> None:
    x = inputs(Mlp)
    photonic = phased(Mlp(), tile=8, example=x)
    with torch.no_grad():
        photonic.fc1.phases += 0.2
    y = photonic(x)
    copied, pickled = copy.deepcopy(photonic), pickle.loads(pickle.dumps(photonic))
    for other in (copied, pickled):
        assert torch.equal(other(x), y)
        assert photonics(other).matrix_errors == photonics(photonic).matrix_errors
        with torch.no_grad():
            other.fc1.phases += 0.1
        assert not torch.allclose(other(x), y, atol=1e-4)
    assert torch.equal(photonic(x), y)
    double = photonic.double()(x.double())
    assert double.dtype == torch.float64 and (double - y).abs().max() < 1e-5
    double.sum().backward()
    assert photonic.fc1.phases.grad.dtype == torch.float64


class Shared(nn.Module):
    """One layer that runs twice, and another one of its weight."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.one, self.tied = nn.Linear(3, 3), nn.Linear(3, 3)
        self.tied.weight = self.one.weight

    def forward(self, x: Any) -> Any:
        return self.tied(torch.tanh(self.one(torch.tanh(self.one(x)))))


def test_layers_of_one_weight_are_layers_of_the_same_phases() -> None:
    x = torch.randn(3, 3).double()
    photonic = phased(Shared().double(), ll.Hardware(**SMOOTH), tile=3, example=x)
    assert photonic.tied.phases is photonic.one.phases and photonic.tied.scales is photonic.one.scales
    assert len(list(photonic.parameters())) == 4
    check(photonic, x)
    digital = to_digital(photonic)
    assert digital.tied.weight is digital.one.weight
    assert torch.allclose(digital(x), photonic(x))
    photonic.tied.phases = nn.Parameter(photonic.one.phases.detach().clone())
    with pytest.raises(RuntimeError, match="layers `tied` and `one`: share phases no longer"):
        photonic(x)


def test_every_step_of_a_fresh_trial_has_a_chip_of_its_own_and_a_seed_redraws() -> None:
    x = inputs(Mlp)
    photonic = phased(Mlp(), tile=8, trial="fresh", example=x)
    optimizer = torch.optim.SGD(photonic.parameters(), lr=0.01)
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        photonic(x).square().sum().backward()
        seen.append(photonics(photonic).trial)
        optimizer.step()
    assert seen == [0, 1, 2]
    for made in (phased(Mlp(), tile=8, example=x), to_photonic(Mlp(), FAULTY, tile=8, example=x)):
        first = made(x)
        photonics(made).redraw(5)
        assert photonics(made).seed == 5
        drawn = made(x)
        assert (drawn - first).abs().max() > 1e-3
        assert torch.allclose(drawn, phased(Mlp(), tile=8, seed=5, example=x)(x), atol=1e-5)
        photonics(made).redraw(0)
        assert torch.equal(made(x), first)


def test_noise_belongs_to_the_shot_and_in_training_to_the_step() -> None:
    x = inputs(Mlp)
    photonic = phased(Mlp(), ll.Hardware("thermo-optic"), tile=8, calibration=x)
    y = photonic(x)
    assert torch.equal(photonic(x), y)
    y.square().sum().backward()
    assert photonic.fc1.phases.grad.abs().max() > 0
    torch.optim.SGD(photonic.parameters(), lr=1e-9).step()
    changed = photonic(x)
    assert not torch.allclose(changed, y, atol=1e-4)
    assert not torch.allclose(photonic.eval()(x), changed, atol=1e-4)
    assert photonic(x[:0]).shape == (0, 3)


def test_frozen_weights_are_frozen_phases() -> None:
    network, x = Mlp(), inputs(Mlp)
    network.fc1.weight.requires_grad_(False)
    photonic = phased(network, tile=8, example=x)
    photonic(x).sum().backward()
    assert photonic.fc1.phases.grad is None and photonic.fc2.phases.grad is not None


def test_one_layer_alone_is_a_model() -> None:
    x = torch.randn(3, 4)
    photonic = phased(nn.Linear(4, 2), tile=4, example=x)
    photonic(x).sum().backward()
    assert sorted(photonic.state_dict()) == ["bias", "layout", "phases", "scales"]
    digital = to_digital(photonic)
    assert type(digital) is nn.Linear and torch.allclose(digital(x), photonic(x), atol=1e-6)
