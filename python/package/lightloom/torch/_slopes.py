"""What layers whose parameters are phases ask of their chip, with the gradients of the phases and the digital scales."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor

from lightloom.torch._operators import NO_VMAP

if TYPE_CHECKING:
    from lightloom.torch._photonics import Photonics

Function = TypeVar("Function", bound=Callable[..., Any])


def eager(function: Function) -> Function:
    """`function`, which torch.compile leaves to PyTorch: what the chip remembers for gradients is nothing that it captures."""
    disable = getattr(getattr(torch, "compiler", None), "disable", None)
    return function if disable is None else cast(Function, disable(function))


class _Once(torch.autograd.Function):
    """Slopes that depend on tensors in a way that is not differentiated."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, *_: Tensor) -> Tensor:
        return slope.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        raise NotImplementedError("second derivatives by phases and scales: are not computed: must be first ones")


def _slopes(ctx: Any, slopes: tuple[Any, ...], g: Tensor) -> list[Tensor]:
    """These arrays as gradients, which where a graph of them is asked for refuse to be differentiated again."""
    tensors = [torch.from_numpy(slope).to(g.dtype) for slope in slopes]
    if not torch.is_grad_enabled():
        return tensors
    return [_Once.apply(one, g, *ctx.programmed, *ctx.saved_tensors) for one in tensors]


class _Matrix(torch.autograd.Function):
    """What a map's inputs are multiplied with, [group, out, in], of its phases [phase] and scales [tile]."""

    @staticmethod
    def forward(ctx: Any, phases: Tensor, scales: Tensor, shared: "Photonics", number: int) -> Tensor:
        matrix = shared._on_chip(number, (phases, scales)).detach()
        # The chip as it is now, whatever becomes of the parameters before the way back.
        ctx.loaded, ctx.number, ctx.dtype = shared._loaded, number, matrix.dtype
        ctx.programmed = (phases, scales)
        return matrix

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        if not any(ctx.needs_input_grad[:2]):
            return None, None, None, None
        # The groups' own blocks of the whole matrix; nothing else of it is light.
        whole = torch.block_diag(*g.detach().to(ctx.dtype))
        slopes = ctx.loaded.slopes(ctx.number, whole.contiguous().numpy())
        return (*_slopes(ctx, slopes, g), None, None)


class _Shots(torch.autograd.Function):
    """What receivers make of columns [column, in], with the noise of a shot: [column, out]."""

    @staticmethod
    def forward(
        ctx: Any,
        columns: Tensor,
        phases: Tensor,
        scales: Tensor,
        shared: "Photonics",
        number: int,
        is_training: bool,
    ) -> Tensor:
        node, shot = shared._place(number, is_training)
        ctx.save_for_backward(columns)
        ctx.programmed = (phases, scales)
        ctx.loaded, ctx.number, ctx.node, ctx.shot = shared._loaded, number, node, shot
        return shared._multiplied(number, columns, node, shot)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        batches = (one.detach().contiguous().numpy() for one in (*ctx.saved_tensors, g))
        inputs, tiles = ctx.loaded.slopes_of_shot(ctx.number, *batches, node=ctx.node, shot=ctx.shot)
        return (*_slopes(ctx, (inputs, *tiles), g), None, None, None)


def matrix(phases: Tensor, scales: Tensor, shared: "Photonics", number: int) -> Tensor:
    return _applied(_Matrix, phases, scales, shared, number)


def shots(columns: Tensor, programmed: tuple[Tensor, ...], shared: "Photonics", number: int, is_training: bool) -> Tensor:
    return _applied(_Shots, columns, *programmed, shared, number, is_training)


def _applied(function: Any, *arguments: Any) -> Tensor:
    try:
        return cast(Tensor, function.apply(*arguments))
    except RuntimeError as error:
        raise (NotImplementedError(NO_VMAP) if "functorch" in str(error) else error) from error
