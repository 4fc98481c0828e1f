"""Layers of PyTorch whose products are a chip's."""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightloom.torch._operators import is_compiling, is_finite, on_chip, shots
from lightloom.torch._photonics import PRECISIONS, WHOLE, MapOf, Photonics


class Photonic:
    """A layer whose products are the chip's. Those of a dense layer are here; others say what differs."""

    _photonics: Photonics
    _name: str
    # The numbers of its maps, by what they are of it.
    _places: dict[str, int]
    training: bool

    def _weight(self, slot: str) -> Tensor:
        """The part `slot` of the weights."""
        return cast(Tensor, self.weight)  # type: ignore[attr-defined]

    def _blocks(self, weight: Tensor) -> Tensor:
        """The weight as the matrices of its groups, [group, out, in]."""
        return weight.unsqueeze(0)

    def _of_blocks(self, blocks: Tensor, weight: Tensor) -> Tensor:
        """Such matrices in the shape of the weight."""
        return blocks.view(weight.shape)

    def _product(self, x: Tensor, weight: Tensor, padding: list[int] | None) -> Tensor:
        """The layer without its bias, digitally."""
        return functional.linear(x, weight)

    def _columns(self, x: Tensor) -> Tensor:
        """The inputs as columns, [column, in]."""
        return x.reshape(-1, x.shape[-1])

    def _of_columns(self, products: Tensor, x: Tensor, padding: list[int] | None) -> Tensor:
        """The output whose columns, [column, out], are the products of those of `x`."""
        return products.reshape(*x.shape[:-1], products.shape[-1])

    def _check_shape(self, x: Tensor, weight: Tensor) -> None:
        if x.ndim == 0 or x.shape[-1] != weight.shape[-1]:
            raise ValueError(self._wrong_shape(x, f"[…, {weight.shape[-1]}]"))

    def _wrong_shape(self, x: Tensor, limit: str) -> str:
        return f"inputs of layer `{self._name}` has shape {list(x.shape)}: must be {limit}"

    def _light(self, slot: str, x: Tensor, weight: Tensor, padding: list[int] | None = None) -> Tensor:
        """The product of part `slot` of the weights with `x`, without bias, as the chip gives it."""
        shared = self._photonics
        if shared._tracing is not None:
            self._check(x, weight)
            shared._tracing.append(MapOf(self, slot))
            return self._product(x, weight, padding)
        if slot not in self._places:
            if not shared._has_begun:
                shared._check_begun()
            raise RuntimeError(f"layer `{self._name}`: runs now and did not in the example: must run in both")
        self._check(x, weight)
        if x.numel() == 0:
            return self._product(x, weight, padding)
        number = self._places[slot]
        blocks = on_chip(self._blocks(weight), shared, number)
        if shared._recording is not None:
            shared._recording.append((number, self._columns(x).detach().clone()))
        elif shared._is_noisy:
            products = shots(self._columns(x), blocks, shared, number, self.training)
            return self._of_columns(products, x, padding)
        y = self._product(x, self._of_blocks(blocks, weight), padding)
        if not is_compiling() and not is_finite(y):
            shared._refuse_number(number, self._columns(x))
        return y

    def _check(self, x: Tensor, weight: Tensor) -> None:
        """Fail unless the layer can compute what it is given."""
        if not isinstance(x, Tensor):
            raise TypeError(f"inputs of layer `{self._name}` = {type(x).__name__}: must be a torch.Tensor")
        for what, one in (("weight", weight), ("inputs", x)):
            if one.device.type != "cpu":
                raise ValueError(f"device of {what} of layer `{self._name}` = {one.device}: must be cpu")
        if weight.dtype not in PRECISIONS:
            limit = "torch.float32 or torch.float64"
            raise ValueError(f"dtype of weight of layer `{self._name}` = {weight.dtype}: must be {limit}")
        if x.dtype != weight.dtype:
            limit = f"{weight.dtype}, as its weight"
            raise ValueError(f"dtype of inputs of layer `{self._name}` = {x.dtype}: must be {limit}")
        self._check_shape(x, weight)


class Linear(Photonic, nn.Linear):
    """A dense layer on a chip."""

    def forward(self, input: Tensor) -> Tensor:
        """The product of the chip, [sample, …, out], plus the bias."""
        y = self._light(WHOLE, input, self.weight)
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

    def _check_shape(self, x: Tensor, weight: Tensor) -> None:
        axes = self._axes()
        if x.ndim not in (axes + 1, axes + 2) or x.shape[x.ndim - axes - 1] != self.in_channels:
            raise ValueError(self._wrong_shape(x, f"[sample, {self.in_channels}{', …' * axes}]"))

    def forward(self, input: Tensor) -> Tensor:
        """The convolution with the kernels of the chip, [sample, channel, …], plus the bias."""
        return self._plus_bias(self._light(WHOLE, input, self.weight))

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

    def _of_blocks(self, blocks: Tensor, weight: Tensor) -> Tensor:
        inputs, outputs = self.in_channels // self.groups, self.out_channels // self.groups
        by_tap = blocks.reshape(self.groups, outputs, -1, inputs)
        return by_tap.permute(0, 3, 1, 2).reshape(weight.shape)

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
        return self._plus_bias(self._light(WHOLE, input, self.weight, list(padding)))


class ConvTranspose1d(_ConvTranspose, nn.ConvTranspose1d):
    """A transposed convolution along one axis on a chip: its matrix gives patches."""


class ConvTranspose2d(_ConvTranspose, nn.ConvTranspose2d):
    """A transposed convolution over two axes on a chip: its matrix gives patches."""


class ConvTranspose3d(_ConvTranspose, nn.ConvTranspose3d):
    """A transposed convolution over three axes on a chip: its matrix gives patches."""


class MultiheadAttention(Photonic, nn.MultiheadAttention):
    """Attention whose projections are on a chip; the products of queries, keys and values are digital."""

    def _weight(self, slot: str) -> Tensor:
        of_all = self.in_proj_weight
        if of_all is None:
            return cast(Tensor, getattr(self, f"{slot}_proj_weight"))
        width = self.embed_dim
        first, last = {WHOLE: (0, 3), "q": (0, 1), "kv": (1, 3), "k": (1, 2), "v": (2, 3)}[slot]
        return of_all[first * width : last * width]

    def _projected(self, slot: str, x: Tensor) -> Tensor:
        """The inputs in the projections that `slot` names, plus their biases."""
        y = self._light(slot, x, self._weight(slot))
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
        if self.in_proj_weight is not None and query is key and key is value:
            q, k, v = self._projected(WHOLE, query).chunk(3, dim=-1)
        elif self.in_proj_weight is not None and key is value:
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
