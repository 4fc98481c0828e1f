"""What photonic models refuse, each in one sentence."""

import pickle
from typing import Any

import pytest
import torch
from torch import nn
from models import Conv, Mlp, inputs

import lightloom as ll
from lightloom.torch import photonics, to_photonic

X = inputs(Mlp)
FAULTY = ll.Hardware(coupler_splitting_error_rad=0.05)


def mlp(**keywords: Any) -> Any:
    return to_photonic(Mlp(), FAULTY, **{"tile": 8, "example": X, **keywords})


def nan(x: Any) -> Any:
    x = x.clone()
    x[3, 2] = float("nan")
    return x


@pytest.mark.parametrize(
    "act, kind, sentence",
    [
        (lambda: to_photonic(3), TypeError, "model = int: must be a torch.nn.Module"),
        (lambda: to_photonic(mlp()), ValueError, "model: is photonic already"),
        (lambda: photonics(Mlp()), ValueError, "model: has no photonic layers: must be what to_photonic returns"),
        (lambda: mlp()(X[:, :5]), ValueError, r"inputs of layer `fc1` has shape \[7, 5\]: must be \[…, 12\]"),
        (
            lambda: to_photonic(Conv(), example=inputs(Conv))(torch.zeros(1, 2, 8, 8)),
            ValueError,
            r"inputs of layer `c1` has shape \[1, 2, 8, 8\]: must be \[sample, 1, …, …\]",
        ),
        (
            lambda: mlp()(X.double()),
            ValueError,
            "dtype of inputs of layer `fc1` = torch.float64: must be torch.float32, as its weight",
        ),
        (
            lambda: to_photonic(Mlp().half(), example=X.half()),
            ValueError,
            "dtype of weight of layer `fc1` = torch.float16: must be torch.float32 or torch.float64",
        ),
        (lambda: mlp()(X.numpy()), TypeError, "inputs of layer `fc1` = ndarray: must be a torch.Tensor"),
        (lambda: mlp()(X.to("meta")), ValueError, "device of inputs of layer `fc1` = meta: must be cpu"),
        (lambda: mlp()(nan(X)), ValueError, "inputs of layer `fc1`: are not finite"),
        (lambda: mlp(trial=-1), ValueError, "trial = -1: must be a whole number from 0"),
        (lambda: mlp(trial="new"), TypeError, "trial = 'new': must be a whole number from 0"),
        (lambda: mlp(tile=1), ValueError, "tile = 1: must be"),
        (lambda: mlp(correction="much"), ValueError, "correction = much: must be"),
        (lambda: mlp(digital="fc1"), TypeError, "digital = 'fc1': must be a list of str"),
        (lambda: mlp(digital=["fc4"]), ValueError, "digital = 'fc4': must name one of fc1, fc2, fc3"),
        (lambda: mlp(order=["fc1", "fc2", "fc4"]), ValueError, r"name in order = fc4: must be one of .*\(did you mean `fc1`\?\)"),
        (lambda: mlp(order=["fc1", "fc2", "fc3.2"]), ValueError, "name in order = fc3.2: must be one of fc1, fc2, fc3"),
        (lambda: mlp(order="fc1"), TypeError, "order = 'fc1': must be a list of str"),
        (lambda: mlp(order=["fc1"]), ValueError, "must be these names in any order: fc1, fc2, fc3"),
        (lambda: photonics(mlp()).matrix("fc4"), ValueError, "layer = 'fc4': must be one of fc1, fc2, fc3"),
        (lambda: setattr(photonics(mlp()), "shot", 2**31), ValueError, "shot = 2147483648: must be a whole number"),
        (
            lambda: to_photonic(Mlp(), "thermo-optic", example=X),
            ValueError,
            "calibration = None: must be a batch of inputs: hardware whose shots differ needs it for its ranges",
        ),
        (
            lambda: to_photonic(Mlp(), {"readout": {"detection": "intensity"}}, example=X),
            ValueError,
            "readout.detection = intensity: must be coherent",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_a_sentence(act: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as error:
        act()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "keywords, kind, sentence",
    [
        ({"tile": 1}, ValueError, "tile = 1: must be a whole number from 2 to 4096"),
        ({"tile": "64"}, TypeError, "tile = '64': must be a whole number from 2"),
        ({"tile": 6, "geometry": "butterfly"}, ValueError, "tile = 6: must be a power of two for butterfly meshes"),
        ({"geometry": "clement"}, ValueError, "geometry.*did you mean `clements`"),
        ({"weights": "fixed:0"}, ValueError, "weights"),
        ({"chips": "best"}, ValueError, "chips = best: must be one of perfect, uncorrected, corrected"),
        ({"arrange": "up"}, ValueError, "up"),
        ({"correction": "much"}, ValueError, "correction = much: must be one of none"),
        ({"correction": None}, TypeError, "correction = None: must be a str"),
        ({"order": ["/fc1/MatMul", "fc9"]}, ValueError, "name in order = fc9: must be one of fc1, fc2, fc3"),
        ({"seed": -1}, ValueError, "seed = -1: must be a whole number from 0"),
        ({"hardware": "thermo-optic"}, ValueError, "calibration = None: must be a batch of inputs"),
        ({"hardware": {"readout": {"detection": "intensity"}}}, ValueError, "readout.detection = intensity: must be coherent"),
    ],
)
def test_words_that_are_none_are_refused_at_the_call(
    keywords: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    # There is no example: nothing has run.
    with pytest.raises(kind, match=sentence) as error:
        to_photonic(Mlp(), **{"hardware": FAULTY, **keywords})
    assert "\n" not in str(error.value)


def test_numbers_that_are_not_finite_are_refused_where_shots_differ() -> None:
    photonic = to_photonic(Mlp(), "thermo-optic", tile=8, calibration=X)
    with pytest.raises(ValueError, match="inputs: element .* is NaN: must be finite"):
        photonic(nan(X))


def test_weights_that_are_not_finite_are_refused() -> None:
    photonic = mlp()
    with torch.no_grad():
        photonic.fc2.weight[1, 2] = float("inf")
    with pytest.raises(ValueError, match="layer `fc2`: weight: element .* is inf: must be finite"):
        photonic(X)


def test_a_layer_that_ran_in_no_example_is_refused_when_it_runs() -> None:
    class Choice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 1)

        def forward(self, x: Any, y: Any) -> Any:
            return self.attention(x, y, y)[0]

    x, y = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    photonic = to_photonic(Choice(), FAULTY, tile=4, example=(x, x))
    with pytest.raises(RuntimeError, match="layer `attention`: runs now and did not in the example"):
        photonic(x, y)


def test_dtypes_of_two_kinds_are_refused() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4).double()

        def forward(self, x: Any) -> Any:
            return self.b(self.a(x).double())

    with pytest.raises(ValueError, match="dtypes of weights = torch.float32 of a and torch.float64 of b: must be one"):
        to_photonic(Two(), example=torch.randn(2, 4))


def test_pickles_of_other_versions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    photonic = mlp()
    assert torch.equal(pickle.loads(pickle.dumps(photonic))(X), photonic(X))
    with monkeypatch.context() as context:
        context.setattr("lightloom.torch._photonics.__version__", "9.9.9")
        old = pickle.dumps(photonic)
    with pytest.raises(ValueError, match="pickle of a photonic model = one of lightloom 9.9.9: must be one of"):
        pickle.loads(old)


class Tied(nn.Module):
    """One layer that runs twice, on numbers of two sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        return self.a(10 * torch.relu(self.a(x)))


def test_what_happens_beside_a_run_moves_no_other_one() -> None:
    torch.manual_seed(0)
    x = torch.randn(50, 8)
    photonic = to_photonic(Tied().eval(), ll.Hardware(readout_adc_bits=6), tile=8, calibration=x)
    before = photonic(x)
    photonic.a(x[:1])
    assert torch.equal(photonic(x), before)
    with pytest.raises(ValueError):
        photonic(torch.full_like(x, float("nan")))
    assert torch.equal(photonic(x), before)


def test_models_that_changed_are_refused() -> None:
    replaced = mlp()
    replaced.fc1 = nn.Linear(12, 10)
    with pytest.raises(RuntimeError, match="layer `fc1`: came after to_photonic: must be there when it is called"):
        replaced(X)
    removed = mlp()
    removed.fc1 = nn.Identity()
    with pytest.raises(RuntimeError, match="layer `fc1`: has left the model"):
        removed(X)

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return self.b(self.a(x))

    x = torch.randn(4, 8)
    untied = to_photonic(Shared(), FAULTY, tile=8, example=x)
    untied(x)
    untied.b.weight = nn.Parameter(torch.randn(8, 8))
    with pytest.raises(RuntimeError, match="layers `b` and `a`: share weights no longer"):
        untied(x)


def test_models_without_light_and_attributes_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="layers of model = none that multiplies: must be Linear, Conv"):
        to_photonic(nn.ReLU(), FAULTY)
    with pytest.raises(ValueError, match=r"layers of model = lstm \(a LSTM\): must be Linear, Conv"):
        to_photonic(nn.LSTM(3, 3), FAULTY)
    with pytest.raises(AttributeError, match="attribute of photonics = trail: must be trial or shot"):
        setattr(photonics(mlp()), "trail", 3)
    normed = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(4, 4)))
    normed(torch.zeros(1, 4))
    with pytest.raises(ValueError, match="weights of model: are computed from others: must be parameters"):
        to_photonic(normed, FAULTY)


def test_parameters_of_no_layer_are_named() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.w = nn.Linear(4, 4), nn.Parameter(torch.eye(4))

        def forward(self, x: Any) -> Any:
            return self.fc(x) @ self.w

    with pytest.warns(UserWarning, match=r"stay digital: w \(a parameter of no layer that can be photonic\)"):
        to_photonic(Bare(), FAULTY, tile=4, example=torch.zeros(2, 4))


def test_another_type_of_weights_is_loaded_and_no_samples_give_none() -> None:
    photonic = mlp().eval()
    single = photonic(X)
    double = photonic.double()(X.double())
    assert double.dtype == torch.float64 and (double - single).abs().max() < 1e-5
    images = to_photonic(Conv().eval(), FAULTY, tile=8, example=inputs(Conv))
    assert images(inputs(Conv)[:0]).shape[0] == 0
