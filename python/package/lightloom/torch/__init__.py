"""PyTorch modules whose products with weights are a photonic chip's.

`to_photonic(model, hardware)` gives a model with the same parameters whose Linear and Conv layers compute as a chip
does, or with the phases of the chip as parameters; `photonics(model)` is what they share: which chip it is, which layers are
on it, what their matrices are. `to_digital(model)` is the way back, with the weights that the chip multiplies by.
"""

import copy
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

from lightloom import Hardware
from lightloom._lightloom import unknown_name
from lightloom.torch._layers import (
    BASES,
    KINDS,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Linear,
    MultiheadAttention,
    Photonic,
    is_depthwise,
)
from lightloom.torch._operators import is_compiling
from lightloom.torch._photonics import Correction, Parameters, Photonics

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Linear",
    "MultiheadAttention",
    "Photonics",
    "photonics",
    "to_digital",
    "to_photonic",
]

Model = TypeVar("Model", bound=nn.Module)


def to_photonic(
    model: Model,
    hardware: "Hardware | str | Mapping[str, Mapping[str, Any]]" = "ideal",
    *,
    tile: int | None = 64,
    geometry: str = "clements",
    weights: str = "exact",
    chips: Literal["perfect", "uncorrected", "corrected"] = "uncorrected",
    arrange: Literal["descending", "ascending", "spread", "shuffled"] = "ascending",
    correction: Correction = "none",
    seed: int = 0,
    trial: int | Literal["fresh"] = 0,
    parameters: Parameters = "weights",
    example: Tensor | Sequence[Any] | None = None,
    calibration: Tensor | Sequence[Any] | None = None,
    light: Sequence[str] = (),
    digital: Sequence[str] = (),
    order: Sequence[str] | None = None,
) -> Model:
    """A copy of `model` with the same parameters and buffers whose Linear and Conv layers are the chip.

    Chips are of `hardware` (a preset, a path, a dict or a `Hardware`; "ideal" is a perfect chip) and follow from `seed`
    and `trial`; with trial="fresh" every change of the weights, such as a training step, is loaded on the next chip.
    `tile`, `geometry`, `weights`, `chips` and `arrange` are those of `lightloom.compile`, `correction` is that of
    `lightloom.load`.

    With parameters="phases" the weights are compiled here, once, and are parameters no more. Each of these layers then has
    `phases`, rad, float [phase]: what the heaters of its tiles are asked for, tile after tile, of each the mesh of V†, the
    attenuators, the mesh of U; and `scales`, float [tile], the digital factors behind them; biases stay. The copy shares no
    tensor with `model`, an example must be given, and meshes be of MZIs, without a correction, with exact weights. Gradients
    are those of the drawn chip: see docs/torch.md. Of a change of phases trial="fresh" makes a next chip, too.

    `example` is an input of the model, or a sequence of its arguments: one run of it finds the order of the layers, by
    which maps are numbered. Without it the first batch is the example. `calibration`, of the same form, sets the ranges
    of modulators and converters, which hardware whose shots differ needs; it is an example, too. `order` names layers in
    another order: that of an ONNX graph whose branches are numbered otherwise is the `layers` of its program, whose names are
    taken for those of the modules that they were exported from.

    `light` and `digital` are names of layers, in which `*` stands for any characters, that go to light or stay digital.
    Depthwise convolutions, layers of classes of their own, recurrent ones and those that the example does not run stay
    digital, of which one warning tells.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model = {type(model).__name__}: must be a torch.nn.Module")
    if any(isinstance(module, Photonic) for module in model.modules()):
        raise ValueError("model: is photonic already")
    if parameters not in ("weights", "phases"):
        raise ValueError(unknown_name("parameters", str(parameters), ["weights", "phases"]))
    has_phases = parameters == "phases"
    if has_phases and example is None and calibration is None:
        raise ValueError("example = None: must be an input of the model where parameters are phases, which its run finds")
    kept = itertools.chain(model.parameters(), model.buffers())
    memo: dict[int, Any] = {id(tensor): tensor for tensor in kept}
    try:
        photonic = copy.deepcopy(model, memo)
    except RuntimeError as error:
        if "deepcopy protocol" not in str(error):
            raise
        limit = "parameters: remove weight norms and prunings, or apply them to the photonic model"
        raise ValueError(f"weights of model: are computed from others: must be {limit}") from error
    shared = Photonics._of(
        photonic,
        hardware if isinstance(hardware, Hardware) else Hardware(hardware),
        {"tile": tile, "geometry": geometry, "weights": weights, "chips": chips, "arrange": arrange, "seed": 0},
        correction,
        seed,
        trial,
        _arguments(calibration),
        parameters,
    )
    _take(shared, _names("light", light), _names("digital", digital))
    shared._order = None if order is None else [_as_module(name) for name in _names("order", order)]
    shared._check()
    given = _arguments(calibration if example is None else example)
    _Runs(shared).register(photonic)
    if given is not None:
        shared._begin(given, {})
    if has_phases:
        _own_tensors(photonic)
    return photonic


def to_digital(model: Model) -> Model:
    """A copy of a photonic model whose layers are PyTorch's own, with what the chip multiplies by as weights.

    They are `photonics(model).matrix(layer)` as the chip is now: noise and converters are left out. It shares no tensor with
    `model`; of phases that were trained, `photonics(model).program` takes it as an ONNX file.
    """
    shared = photonics(model)
    shared._refresh()
    digital = copy.deepcopy(model, {id(shared): shared})
    made: dict[int, nn.Parameter] = {}
    for module in list(digital.modules()):
        if not isinstance(module, Photonic):
            continue
        shapes = {slot: module._shapes.get(slot) or module._weight(slot).shape for slot in module._places}
        blocks = {slot: shared._matrices[number] for slot, number in module._places.items()}
        weights = {slot: module._of_blocks(blocks[slot], shape).detach() for slot, shape in shapes.items()}
        module._take_weights(weights, made)
        module._leave()
    for key, hook in list(digital._forward_pre_hooks.items()):
        if isinstance(getattr(hook, "__self__", None), _Runs):
            del digital._forward_pre_hooks[key]
            getattr(digital, "_forward_pre_hooks_with_kwargs", {}).pop(key, None)
    return digital


def _own_tensors(model: nn.Module) -> None:
    """Give a model tensors of its own, which are one wherever they were."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    tensors[name] = copy.deepcopy(tensor, memo)


def photonics(model: nn.Module) -> "Photonics":
    """What the photonic layers of `model` share."""
    for module in model.modules():
        if isinstance(module, Photonic):
            return module._photonics
    raise ValueError("model: has no photonic layers: must be what to_photonic returns")


def _take(shared: Photonics, light: list[str], digital: list[str]) -> None:
    """Make the layers of a model that can be photonic so, as far as they are asked to."""
    known = []
    for path, module in list(shared._model.named_modules()):
        name = path or type(module).__name__.lower()
        for flag in ("activation_relu_or_gelu", "use_nested_tensor", "enable_nested_tensor"):
            # PyTorch's fast paths multiply by weights without asking their layers.
            if hasattr(module, flag):
                setattr(module, flag, False)
        if isinstance(module, (nn.RNNBase, nn.RNNCellBase, nn.Bilinear)):
            shared._left[name] = f"a {type(module).__name__}"
            continue
        kind = KINDS.get(type(module))
        if kind is None:
            if isinstance(module, BASES):
                shared._left[name] = f"of a class of its own, {type(module).__name__}"
            continue
        known.append(name)
        if _is_named(digital, name):
            shared._left[name] = "as asked"
        elif not isinstance(module, nn.MultiheadAttention) and "weight" not in module._parameters:
            shared._left[name] = "its weight is computed"
        elif is_depthwise(module) and not _is_named(light, name):
            shared._left[name] = "a depthwise convolution"
        else:
            was, module.__class__ = type(module), kind
            photonic = cast(Photonic, module)
            photonic._photonics, photonic._name, photonic._was = shared, name, was
            photonic._places, photonic._shapes = {}, {}
    if not known:
        has = ", ".join(f"{name} ({why})" for name, why in shared._left.items()) or "none that multiplies"
        raise ValueError(f"layers of model = {has}: must be Linear, Conv, ConvTranspose or MultiheadAttention")
    shared._kinds = tuple(KINDS)
    for what, patterns in (("light", light), ("digital", digital)):
        for pattern in patterns:
            if not any(_is_named([pattern], name) for name in known):
                raise ValueError(f"{what} = {pattern!r}: must name one of {', '.join(known)}")


class _Runs:
    """What is done in front of every run of a model: without an example the first batch is it."""

    def __init__(self, shared: Photonics) -> None:
        self.shared = shared

    def register(self, model: nn.Module) -> None:
        if torch.__version__ >= "2":
            model.register_forward_pre_hook(self.with_keywords, with_kwargs=True)
        else:
            model.register_forward_pre_hook(self.without)

    def with_keywords(self, _: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        shared = self.shared
        if is_compiling() or shared._tracing is not None or shared._recording is not None:
            return
        if not shared._has_begun:
            shared._begin(args, keywords)
        shared._restart()

    def without(self, model: nn.Module, args: tuple[Any, ...]) -> None:
        if not args and not self.shared._has_begun:
            raise ValueError("first batch: is given by keyword: give to_photonic an example")
        self.with_keywords(model, args, {})


def _is_named(patterns: list[str], name: str) -> bool:
    def matches(pattern: str) -> bool:
        parts = (re.escape(part) for part in pattern.split("*"))
        return re.fullmatch(".*".join(parts), name) is not None

    return any(matches(pattern) for pattern in patterns)


def _names(what: str, names: Sequence[str]) -> list[str]:
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} = {names!r}: must be a list of str")
    return list(names)


def _as_module(name: str) -> str:
    """The name of a layer that an ONNX file calls `name`: layer.fc of /layer/fc/MatMul."""
    name = name.strip("/").replace("/", ".")
    return re.sub(r"\.(Conv|ConvTranspose|Gemm|MatMul)(_\d+)?$", "", name)


def _arguments(given: "Tensor | Sequence[Any] | None") -> tuple[Any, ...] | None:
    """The arguments of a model."""
    if given is None or isinstance(given, tuple):
        return given
    return tuple(given) if isinstance(given, list) else (given,)
