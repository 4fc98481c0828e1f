"""Layers of PyTorch whose products are a chip's."""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightloom.torch import _slopes
from lightloom.torch._maps import WHOLE, MapOf
from lightloom.torch._operators import is_compiling, is_finite, on_chip, shots
from lightloom.torch._photonics import PRECISIONS, Photonics


class Photonic:
    """A layer whose products are the chip's. Those of a dense layer are here; others say what differs.

    Where parameters are phases, it has `phases` and `scales` in place of its weight, which is None; a layer of several maps
    has them once a map, such as `phases_q`.
    """

    _photonics: Photonics
    _name: str
    # The class that it was of.
    _was: type[nn.Module]
    # The numbers of its maps, by what they are of it.
    _places: dict[str, int]
    # The shapes of the weights that phases stand for, by the same; none where weights are parameters.
    _shapes: dict[str, torch.Size]
    training: bool

    def _weight_names(self) -> list[str]:
        """The parameters that its weights are."""
        return ["weight"]

    def _weight(self, slot: str) -> Tensor:
        """The part `slot` of the weights."""
        return cast(Tensor, self.weight)  # type: ignore[attr-defined]

    def _blocks(self, weight: Tensor) -> Tensor:
        """The weight as the matrices of its groups, [group, out, in]."""
        return weight.unsqueeze(0)

    def _of_blocks(self, blocks: Tensor, shape: torch.Size) -> Tensor:
        """Such matrices as the weight of a shape."""
        return blocks.view(shape)

    def _product(self, x: Tensor, weight: Tensor, padding: list[int] | None) -> Tensor:
        """The layer without its bias, digitally."""
        return functional.linear(x, weight)

    def _columns(self, x: Tensor) -> Tensor:
        """The inputs as columns, [column, in]."""
        return x.reshape(-1, x.shape[-1])

    def _of_columns(self, products: Tensor, x: Tensor, padding: list[int] | None) -> Tensor:
        """The output whose columns, [column, out], are the products of those of `x`."""
        return products.reshape(*x.shape[:-1], products.shape[-1])

    def _check_shape(self, x: Tensor, shape: torch.Size) -> None:
        if x.ndim == 0 or x.shape[-1] != shape[-1]:
            raise ValueError(self._wrong_shape(x, f"[…, {shape[-1]}]"))

    def _wrong_shape(self, x: Tensor, limit: str) -> str:
        return f"inputs of layer `{self._name}` has shape {list(x.shape)}: must be {limit}"

    def _programmed(self, slot: str) -> tuple[Tensor, ...]:
        """The parameters that part `slot` is programmed with: its weight, or its phases and scales."""
        if slot in self._shapes:
            return getattr(self, _named("phases", slot)), getattr(self, _named("scales", slot))
        return (self._weight(slot),)

    def _light(self, slot: str, x: Tensor, padding: list[int] | None = None) -> Tensor:
        """The product of part `slot` of the weights with `x`, without bias, as the chip gives it."""
        shared = self._photonics
        if shared._tracing is not None:
            weight = self._weight(slot)
            self._check(x, {"weight": weight}, weight.shape)
            shared._tracing.append(MapOf(self, slot))
            return self._product(x, weight, padding)
        if slot not in self._places:
            if not shared._has_begun:
                shared._check_begun()
            raise RuntimeError(f"layer `{self._name}`: runs now and did not in the example: must run in both")
        if slot in self._shapes:
            return self._light_of_phases(slot, x, padding)
        weight = self._weight(slot)
        self._check(x, {"weight": weight}, weight.shape)
        if x.numel() == 0:
            return self._product(x, weight, padding)
        number = self._places[slot]
        blocks = on_chip(self._blocks(weight), shared, number)
        if shared._is_noisy and shared._recording is None:
            products = shots(self._columns(x), blocks, shared, number, self.training)
            return self._of_columns(products, x, padding)
        return self._quiet(slot, x, self._of_blocks(blocks, weight.shape), padding)

    @_slopes.eager
    def _light_of_phases(self, slot: str, x: Tensor, padding: list[int] | None) -> Tensor:
        """The same where parameters are phases."""
        shared, shape, number = self._photonics, self._shapes[slot], self._places[slot]
        phases, scales = self._programmed(slot)
        self._check(x, {_named("phases", slot): phases, _named("scales", slot): scales}, shape)
        if x.numel() == 0:
            return self._product(x, x.new_zeros(shape), padding)
        matrix = _slopes.matrix(phases, scales, shared, number)
        if shared._is_noisy and shared._recording is None:
            products = _slopes.shots(self._columns(x), (phases, scales), shared, number, self.training)
            return self._of_columns(products, x, padding)
        return self._quiet(slot, x, self._of_blocks(matrix, shape), padding)

    def _quiet(self, slot: str, x: Tensor, weight: Tensor, padding: list[int] | None) -> Tensor:
        """The product of `x` with the weight that the chip holds, as of a shot without noise."""
        shared, number = self._photonics, self._places[slot]
        if shared._recording is not None:
            shared._recording.append((number, self._columns(x).detach().clone()))
        y = self._product(x, weight, padding)
        if not is_compiling() and not is_finite(y):
            shared._refuse_number(number, self._columns(x))
        return y

    def _check(self, x: Tensor, parameters: dict[str, Tensor], shape: torch.Size) -> None:
        """Fail unless the layer, whose weight has this shape, can compute what it is given."""
        if not isinstance(x, Tensor):
            raise TypeError(f"inputs of layer `{self._name}` = {type(x).__name__}: must be a torch.Tensor")
        for what, one in (*parameters.items(), ("inputs", x)):
            if one.device.type != "cpu":
                raise ValueError(f"device of {what} of layer `{self._name}` = {one.device}: must be cpu")
        dtypes = {what: one.dtype for what, one in parameters.items()}
        first, dtype = next(iter(dtypes.items()))
        if dtype not in PRECISIONS:
            limit = "torch.float32 or torch.float64"
            raise ValueError(f"dtype of {first} of layer `{self._name}` = {dtype}: must be {limit}")
        for what, other in (*dtypes.items(), ("inputs", x.dtype)):
            if other != dtype:
                limit = f"{dtype}, as its {first}"
                raise ValueError(f"dtype of {what} of layer `{self._name}` = {other}: must be {limit}")
        self._check_shape(x, shape)

    # From here on: phases in place of weights, and back.

    def _take_phases(self, slot: str, phases: nn.Parameter, scales: nn.Parameter, layout: str) -> None:
        """Let these be the parameters of part `slot`, in place of its weight."""
        module = cast(nn.Module, self)
        self._shapes[slot] = self._weight(slot).shape
        module.register_parameter(_named("phases", slot), phases)
        module.register_parameter(_named("scales", slot), scales)
        # So that no state dict brings phases of other meshes.
        module.register_buffer(_named("layout", slot), torch.tensor(list(layout.encode()), dtype=torch.uint8))

    def _drop_weights(self) -> None:
        for name in self._weight_names():
            cast(nn.Module, self)._parameters[name] = None

    def _has_weights_again(self) -> bool:
        parameters = cast(nn.Module, self)._parameters
        return bool(self._shapes) and any(parameters.get(name) is not None for name in self._weight_names())

    def _take_weights(self, weights: dict[str, Tensor], made: dict[int, nn.Parameter]) -> None:
        """Become a layer of PyTorch with these weights, by what they are of it; `made` holds those of maps."""
        for slot, number in self._places.items():
            made.setdefault(number, nn.Parameter(weights[slot].clone()))
            cast(nn.Module, self)._parameters["weight"] = made[number]

    def _leave(self) -> None:
        """Become what it was, but for its parameters."""
        module = cast(nn.Module, self)
        for slot in self._shapes:
            del module._parameters[_named("phases", slot)], module._parameters[_named("scales", slot)]
            del module._buffers[_named("layout", slot)]
        module.__class__ = self._was
        for name in ("_photonics", "_name", "_was", "_places", "_shapes"):
            del module.__dict__[name]

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *arguments: Any) -> None:
        refusal = self._refusal_of(state_dict, prefix)
        if refusal is None:
            super()._load_from_state_dict(state_dict, prefix, *arguments)  # type: ignore[misc]
        else:
            # The last argument is the list of sentences; what is in it is raised even where not all keys need be there.
            arguments[-1].append(refusal)

    def _refusal_of(self, state_dict: Any, prefix: str) -> str | None:
        """What is wrong with the part of a state dict that is this layer's, apart from what PyTorch finds."""
        keys = [key[len(prefix) :] for key in state_dict if key.startswith(prefix)]
        if not self._shapes:
            if any(key == "phases" or key.startswith("phases_") for key in keys):
                return f"layer `{self._name}`: has weights as parameters: must be given a state dict of weights"
            return None
        if any(name in keys for name in self._weight_names()):
            return f"layer `{self._name}`: has phases as parameters: must be given a state dict of phases"
        for slot in self._shapes:
            name = _named("layout", slot)
            given, own = state_dict.get(prefix + name), getattr(self, name)
            if given is not None and not torch.equal(given, own):
                theirs, ours = (bytes(one.tolist()).decode(errors="replace") for one in (given, own))
                return f"phases of layer `{self._name}` = those of {theirs}: must be those of {ours}"
        return None

    def extra_repr(self) -> str:
        """What PyTorch says of the layer, and that phases stand in place of its weight."""
        said = cast(str, super().extra_repr())  # type: ignore[misc]
        if not self._shapes:
            return said
        counts = [sum(self._programmed(slot)[at].numel() for slot in self._shapes) for at in (0, 1)]
        return ", ".join([*([said] if said else []), f"phases={counts[0]}, scales={counts[1]} in place of weights"])


def _named(what: str, slot: str) -> str:
    """The name of a parameter of part `slot`."""
    return what if slot == WHOLE else f"{what}_{slot}"


class Linear(Photonic, nn.Linear):
    """A dense layer on a chip."""

    def forward(self, input: Tensor) -> Tensor:
        """The product of the chip, [sample, …, out], plus the bias."""
        y = self._light(WHOLE, input)
        return y if self.bias is None else y + self.bias


class _Conv(Photonic, nn.modules.conv._ConvNd):
    """What convolutions have in common."""

    def _blocks(self, weight: Tensor) -> Tensor:
        return weight.reshape(self.groups, self.out_channels // self.groups, -1)

    def _axes(self) -> int:
        return len(self.kernel_size)

    def _padded(self, x: Tensor) -> Tensor:
        around = list(self._reversed_padding_repeated_twice)
        if not any(around):
            return x
        return functional.pad(x, around, mode=self.padding_mode.replace("zeros", "constant"))

    def _product(self, x: Tensor, weight: Tensor, padding: list[int] | None) -> Tensor:
        return cast(Tensor, self._conv_forward(x, weight, None))

    def _patches(self, x: Tensor) -> Tensor:
        """[sample, channel, place of an output …, tap …]."""
        patches = self._padded(x if x.ndim == self._axes() + 2 else x.unsqueeze(0))
        for axis, (taps, stride, dilation) in enumerate(zip(self.kernel_size, self.stride, self.dilation, strict=True)):
            patches = patches.unfold(2 + axis, dilation * (taps - 1) + 1, stride)[..., ::dilation]
        return patches

    def _columns(self, x: Tensor) -> Tensor:
        patches = self._patches(x)
        axes = self._axes()
        places, taps = list(range(2, 2 + axes)), list(range(2 + axes, 2 + 2 * axes))
        by_place = patches.permute(0, *places, 1, *taps)
        return by_place.reshape(math.prod(by_place.shape[: 1 + axes]), -1)

    def _of_columns(self, products: Tensor, x: Tensor, padding: list[int] | None) -> Tensor:
        places = self._patches(x.detach()).shape[2 : 2 + self._axes()]
        y = products.reshape(-1, *places, self.out_channels).movedim(-1, 1)
        return y if x.ndim == self._axes() + 2 else y.squeeze(0)

    def _check_shape(self, x: Tensor, shape: torch.Size) -> None:
        axes = self._axes()
        if x.ndim not in (axes + 1, axes + 2) or x.shape[x.ndim - axes - 1] != self.in_channels:
            raise ValueError(self._wrong_shape(x, f"[sample, {self.in_channels}{', …' * axes}]"))

    def forward(self, input: Tensor) -> Tensor:
        """The convolution with the kernels of the chip, [sample, channel, …], plus the bias."""
        return self._plus_bias(self._light(WHOLE, input))

    def _plus_bias(self, y: Tensor) -> Tensor:
        return y if self.bias is None else y + self.bias.view(-1, *[1] * self._axes())


class Conv1d(_Conv, nn.Conv1d):
    """A convolution along one axis on a chip: its matrix multiplies patches."""


class Conv2d(_Conv, nn.Conv2d):
    """A convolution over two axes on a chip: its matrix multiplies patches."""


class Conv3d(_Conv, nn.Conv3d):
    """A convolution over three axes on a chip: its matrix multiplies patches."""


class _ConvTranspose(_Conv, nn.modules.conv._ConvTransposeNd):
    """What transposed convolutions have in common: their products are patches."""

    def _blocks(self, weight: Tensor) -> Tensor:
        inputs, outputs = self.in_channels // self.groups, self.out_channels // self.groups
        by_tap = weight.reshape(self.groups, inputs, outputs, -1)
        return by_tap.permute(0, 2, 3, 1).reshape(self.groups, -1, inputs)

    def _of_blocks(self, blocks: Tensor, shape: torch.Size) -> Tensor:
        inputs, outputs = self.in_channels // self.groups, self.out_channels // self.groups
        by_tap = blocks.reshape(self.groups, outputs, -1, inputs)
        return by_tap.permute(0, 3, 1, 2).reshape(shape)

    def _scattered(self, x: Tensor, weight: Tensor, groups: int, padding: list[int] | None) -> Tensor:
        transposed: Callable[..., Tensor] = _TRANSPOSED[self._axes()]
        return transposed(x, weight, None, self.stride, self.padding, padding or 0, groups, self.dilation)

    def _product(self, x: Tensor, weight: Tensor, padding: list[int] | None) -> Tensor:
        return self._scattered(x, weight, self.groups, padding)

    def _columns(self, x: Tensor) -> Tensor:
        return x.movedim(x.ndim - self._axes() - 1, -1).reshape(-1, self.in_channels)

    def _of_columns(self, products: Tensor, x: Tensor, padding: list[int] | None) -> Tensor:
        places = x.shape[x.ndim - self._axes() :]
        patches = products.reshape(-1, *places, products.shape[-1]).movedim(-1, 1)
        # Every tap of a patch to its place: a digital sum.
        taps = math.prod(self.kernel_size)
        one_each = torch.eye(taps, dtype=x.dtype).reshape(taps, 1, *self.kernel_size)
        kernel = one_each.repeat(self.out_channels, *[1] * (1 + self._axes()))
        y = self._scattered(patches, kernel, self.out_channels, padding)
        return y if x.ndim == self._axes() + 2 else y.squeeze(0)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """The transposed convolution with the kernels of the chip, [sample, channel, …], plus the bias."""
        if self.padding_mode != "zeros":
            raise ValueError(f"padding_mode of layer `{self._name}` = {self.padding_mode}: must be zeros")
        padding = self._output_padding(
            input, output_size, self.stride, self.padding, self.kernel_size, self._axes(), self.dilation
        )
        return self._plus_bias(self._light(WHOLE, input, list(padding)))


class ConvTranspose1d(_ConvTranspose, nn.ConvTranspose1d):
    """A transposed convolution along one axis on a chip: its matrix gives patches."""


class ConvTranspose2d(_ConvTranspose, nn.ConvTranspose2d):
    """A transposed convolution over two axes on a chip: its matrix gives patches."""


class ConvTranspose3d(_ConvTranspose, nn.ConvTranspose3d):
    """A transposed convolution over three axes on a chip: its matrix gives patches."""


class MultiheadAttention(Photonic, nn.MultiheadAttention):
    """Attention whose projections are on a chip; the products of queries, keys and values are digital."""

    def _weight_names(self) -> list[str]:
        if self._qkv_same_embed_dim:
            return ["in_proj_weight"]
        return [f"{letter}_proj_weight" for letter in "qkv"]

    def _take_weights(self, weights: dict[str, Tensor], made: dict[int, nn.Parameter]) -> None:
        if not weights:
            return
        if sorted(weights) not in ([WHOLE], ["kv", "q"], ["k", "q", "v"]):
            raise ValueError(f"layer `{self._name}`: runs with inputs of several kinds: must be one for it to have one weight")
        # By the letters that a part stands for: q, kv; q, k, v; all at once.
        parts = [weights[slot] for slot in sorted(weights, key=lambda slot: "qkv".index(slot[:1]))]
        if self._qkv_same_embed_dim:
            self._parameters["in_proj_weight"] = nn.Parameter(torch.cat(parts))
        else:
            for letter, part in zip("qkv", parts, strict=True):
                self._parameters[f"{letter}_proj_weight"] = nn.Parameter(part.clone())

    def _weight(self, slot: str) -> Tensor:
        of_all = self.in_proj_weight
        if of_all is None:
            return cast(Tensor, getattr(self, f"{slot}_proj_weight"))
        width = self.embed_dim
        first, last = {WHOLE: (0, 3), "q": (0, 1), "kv": (1, 3), "k": (1, 2), "v": (2, 3)}[slot]
        return of_all[first * width : last * width]

    def _projected(self, slot: str, x: Tensor) -> Tensor:
        """The inputs in the projections that `slot` names, plus their biases."""
        y = self._light(slot, x)
        if self.in_proj_bias is None:
            return y
        biases = dict(zip("qkv", self.in_proj_bias.chunk(3), strict=True))
        return y + torch.cat([biases[letter] for letter in (slot or "qkv")])

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        **keywords: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """What `torch.nn.MultiheadAttention` gives, with the projections of the chip."""
        if self._qkv_same_embed_dim and query is key and key is value:
            q, k, v = self._projected(WHOLE, query).chunk(3, dim=-1)
        elif self._qkv_same_embed_dim and key is value:
            q = self._projected("q", query)
            k, v = self._projected("kv", key).chunk(2, dim=-1)
        else:
            q, k, v = (self._projected(letter, x) for letter, x in zip("qkv", (query, key, value), strict=True))
        turns = self.batch_first and query.ndim == 3
        if turns:
            q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        # What is projected already: times 1.
        one = torch.eye(self.embed_dim, dtype=q.dtype)
        y, weights = functional.multi_head_attention_forward(
            q, k, v, self.embed_dim, self.num_heads, None, None, self.bias_k, self.bias_v, self.add_zero_attn,
            self.dropout, one, None, training=self.training, key_padding_mask=key_padding_mask,
            need_weights=need_weights, attn_mask=attn_mask, use_separate_proj_weight=True, q_proj_weight=one,
            k_proj_weight=one, v_proj_weight=one, average_attn_weights=average_attn_weights,
            **{name: value for name, value in keywords.items() if value is not False},
        )  # fmt: skip
        y = self.out_proj(y)
        return (y.transpose(0, 1) if turns else y), weights


# The classes whose layers go to light, and what they become.
KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: Linear,
    nn.modules.linear.NonDynamicallyQuantizableLinear: Linear,
    nn.Conv1d: Conv1d,
    nn.Conv2d: Conv2d,
    nn.Conv3d: Conv3d,
    nn.ConvTranspose1d: ConvTranspose1d,
    nn.ConvTranspose2d: ConvTranspose2d,
    nn.ConvTranspose3d: ConvTranspose3d,
    nn.MultiheadAttention: MultiheadAttention,
}
BASES = (nn.Linear, nn.modules.conv._ConvNd, nn.MultiheadAttention)
_TRANSPOSED = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}


def is_depthwise(module: nn.Module) -> bool:
    """Whether every group of a convolution has one input channel, as the compiler of graphs asks."""
    return isinstance(module, nn.modules.conv._ConvNd) and 1 < module.groups == module.in_channels
