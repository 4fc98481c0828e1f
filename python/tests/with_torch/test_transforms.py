"""torch.compile and torch.func, of PyTorch 2.4 or newer."""

from typing import Any

import pytest
import torch
from models import Conv, Mlp, Transformer, inputs

import lightloom as ll
from lightloom.torch import photonics, to_photonic

FAULTY = ll.Hardware(coupler_splitting_error_rad=0.05)
NOISY = ll.Hardware("thermo-optic")

pytestmark = pytest.mark.skipif(not hasattr(torch.library, "custom_op"), reason="needs PyTorch 2.4 or newer")


@pytest.mark.parametrize("hardware", [FAULTY, NOISY], ids=["quiet", "noisy"])
@pytest.mark.parametrize("model", [Mlp, Conv, Transformer], ids=lambda model: model.__name__)
def test_compiled_models_compute_what_they_did(model: Any, hardware: ll.Hardware) -> None:
    network, x = model().eval(), inputs(model)
    photonic = to_photonic(network, hardware, tile=8, calibration=x)
    compiled = torch.compile(photonic, backend="aot_eager", fullgraph=True)
    for trial in (0, 1):
        photonics(photonic).trial = trial
        x.requires_grad_()
        (of_compiled,) = torch.autograd.grad(compiled(x).sum(), x)
        (of_eager,) = torch.autograd.grad(photonic(x).sum(), x)
        assert torch.allclose(compiled(x), photonic(x), atol=1e-5)
        assert torch.allclose(of_compiled, of_eager, atol=1e-5)


def test_compiled_models_train() -> None:
    x = inputs(Mlp)
    photonic = to_photonic(Mlp(), FAULTY, tile=8, trial="fresh", example=x)
    compiled = torch.compile(photonic, backend="aot_eager", fullgraph=True)
    optimizer = torch.optim.SGD(photonic.parameters(), lr=0.05)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = compiled(x).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    assert photonics(photonic).trial == 3


@pytest.mark.parametrize("hardware", [FAULTY, NOISY], ids=["quiet", "noisy"])
def test_vmap_is_refused_in_a_sentence(hardware: ll.Hardware) -> None:
    x = inputs(Mlp)
    photonic = to_photonic(Mlp(), hardware, tile=8, calibration=x)
    sentence = "torch.func.vmap: is not supported by photonic layers: must be a batch in the first axis instead"
    with pytest.raises(NotImplementedError) as error:
        torch.func.vmap(photonic)(x)
    assert str(error.value) == sentence
    many = {name: torch.stack([value, value]) for name, value in photonic.named_parameters()}
    with pytest.raises(NotImplementedError) as error:
        torch.func.vmap(lambda parameters: torch.func.functional_call(photonic, parameters, (x,)))(many)
    assert str(error.value) == sentence
