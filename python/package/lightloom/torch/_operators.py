"""What photonic layers ask of their chip, as PyTorch knows it: operators with gradients, opaque to torch.compile."""

import itertools
import math
import weakref
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lightloom.torch._photonics import Photonics

# The photonics of this process by their number, by which operators of a compiled graph find them.
ALIVE: "weakref.WeakValueDictionary[int, Photonics]" = weakref.WeakValueDictionary()
NUMBERS = itertools.count()

NO_VMAP = "torch.func.vmap: is not supported by photonic layers: must be a batch in the first axis instead"


def is_finite(y: Tensor) -> bool:
    """Whether all numbers are; a sum that is not tells it of most that are not, and costs less."""
    try:
        return math.isfinite(float(y.detach().sum())) or bool(torch.isfinite(y.detach()).all())
    except RuntimeError as error:
        raise NotImplementedError(NO_VMAP) from error


def is_one(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors stand in the same place."""
    try:
        return bool(a.data_ptr() == b.data_ptr())
    except RuntimeError as error:
        raise NotImplementedError(NO_VMAP) from error


def is_compiling() -> bool:
    compiler = getattr(torch, "compiler", None)
    return compiler is not None and hasattr(compiler, "is_compiling") and bool(compiler.is_compiling())


def _sums(g: Tensor, columns: Tensor, blocks: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of columns and blocks where that of their products is `g`."""
    groups, outputs, inputs = blocks.shape
    by_group, given = g.reshape(-1, groups, outputs), columns.reshape(-1, groups, inputs)
    of_columns = torch.einsum("ngo,goi->ngi", by_group, blocks).reshape(columns.shape)
    return of_columns, torch.einsum("ngo,ngi->goi", by_group, given)


class _OnChip(torch.autograd.Function):
    """Weights as they are on the chip; gradients pass to the weights as if the chip held them."""

    @staticmethod
    def forward(ctx: Any, blocks: Tensor, shared: "Photonics", number: int) -> Tensor:
        return shared._on_chip(number, (blocks,)).detach()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return g, None, None


class _Shots(torch.autograd.Function):
    """What receivers make of columns; gradients are those of the product with what the chip holds."""

    @staticmethod
    def forward(
        ctx: Any, columns: Tensor, blocks: Tensor, shared: "Photonics", number: int, is_training: bool
    ) -> Tensor:
        ctx.save_for_backward(columns, blocks)
        return shared._shots(number, columns, is_training)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return (*_sums(g, *ctx.saved_tensors), None, None, None)


def on_chip(blocks: Tensor, shared: "Photonics", number: int) -> Tensor:
    if is_compiling():
        return cast(Tensor, torch.ops.lightloom.on_chip(blocks, shared._number, number))
    try:
        return cast(Tensor, _OnChip.apply(blocks, shared, number))
    except RuntimeError as error:
        raise (NotImplementedError(NO_VMAP) if "functorch" in str(error) else error) from error


def shots(columns: Tensor, blocks: Tensor, shared: "Photonics", number: int, is_training: bool) -> Tensor:
    if is_compiling():
        return cast(Tensor, torch.ops.lightloom.shots(columns, blocks, shared._number, number, is_training))
    try:
        return cast(Tensor, _Shots.apply(columns, blocks, shared, number, is_training))
    except RuntimeError as error:
        raise (NotImplementedError(NO_VMAP) if "functorch" in str(error) else error) from error


def _register_operators() -> None:
    """The same two as opaque operators, for graphs that torch.compile captures."""

    def on_chip(blocks: Tensor, photonics: int, number: int) -> Tensor:
        return ALIVE[photonics]._on_chip(number, (blocks,)).clone()

    def shots(columns: Tensor, blocks: Tensor, photonics: int, number: int, is_training: bool) -> Tensor:
        return ALIVE[photonics]._shots(number, columns, is_training)

    first = torch.library.custom_op("lightloom::on_chip", on_chip, mutates_args=())
    first.register_fake(
        lambda blocks, photonics, number: torch.empty_like(blocks, memory_format=torch.contiguous_format)
    )
    first.register_autograd(lambda ctx, g: (g, None, None))
    second = torch.library.custom_op("lightloom::shots", shots, mutates_args=())
    second.register_fake(
        lambda columns, blocks, photonics, number, is_training: columns.new_empty(
            columns.shape[0], blocks.shape[0] * blocks.shape[1]
        )
    )
    second.register_autograd(
        lambda ctx, g: (*_sums(g, *ctx.saved_tensors), None, None, None),
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs[:2]),
    )


if hasattr(torch.library, "custom_op"):
    _register_operators()
