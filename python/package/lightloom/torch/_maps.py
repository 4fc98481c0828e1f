"""Weights of layers as maps of a chip."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lightloom.torch._layers import Photonic

# The part of a layer's weights that all of them are.
WHOLE = ""


class MapOf:
    """A weight of a module, or a part of one, as a map."""

    def __init__(self, module: "Photonic", slot: str) -> None:
        self.module, self.slot = module, slot
        self.name = module._name if slot == WHOLE else f"{module._name}.{slot}"

    def weight(self) -> Tensor:
        return self.module._weight(self.slot)

    def blocks(self) -> Tensor:
        return self.module._blocks(self.weight())

    def parameters(self) -> tuple[Tensor, ...]:
        """Its weight, or its phases and scales."""
        return self.module._programmed(self.slot)

    def programmed(self) -> tuple[Tensor, ...]:
        """What the chip is programmed with: its weight as `blocks`, or its phases and scales."""
        return self.parameters() if self.slot in self.module._shapes else (self.blocks(),)

    @property
    def key(self) -> tuple[Any, ...]:
        """What maps share that are the same: the parameter and how it is used."""
        weight = self.weight()
        return weight.data_ptr(), tuple(self.blocks().shape), weight.stride()


def named(name: str, maps: list[MapOf]) -> str:
    """The map that a layer of an ONNX graph is.

    A graph calls the projections of an attention by its own name, and numbers them from the second on: `attention`,
    `attention.2`, …, in the order in which they run here.
    """
    if any(one.name == name for one in maps):
        return name
    base, _, number = name.rpartition(".")
    base, place = (base, int(number)) if number.isdigit() else (name, 1)
    parts = [one.name for one in maps if one.module._name == base]
    return parts[place - 1] if 1 <= place <= len(parts) else name


def is_same(held: tuple[Tensor, ...], now: tuple[Tensor, ...]) -> bool:
    pairs = zip(held, now, strict=True)
    return all(bool(one.dtype == other.dtype and torch.equal(one, other)) for one, other in pairs)


def diagonal(matrix: Any, shape: torch.Size) -> Tensor:
    """The groups of a whole matrix, of a shape [group, out, in]."""
    groups, outputs, inputs = shape
    if groups == 1:
        return torch.from_numpy(matrix).unsqueeze(0)
    by_group = torch.from_numpy(matrix).reshape(groups, outputs, groups, inputs)
    return torch.stack([by_group[group, :, group] for group in range(groups)])
