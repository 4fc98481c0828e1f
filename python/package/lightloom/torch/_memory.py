"""Which parameters of a model are the same numbers in memory."""

from torch import Tensor, nn

from lightloom.torch._maps import MapOf


def check_apart(model: nn.Module, maps: list[MapOf], users: list[MapOf]) -> None:
    """Fail where a weight that becomes phases is also used as something else, as the two would part without a word.

    `maps` are those of the model, `users` the layers whose weights they are.
    """
    limit = "must be apart where parameters are phases"
    for number, one in enumerate(maps):
        for other in maps[number + 1 :]:
            if _overlap(one.weight(), other.weight()):
                raise ValueError(f"weights of layers `{one.name}` and `{other.name}`: are the same in two uses: {limit}")
    becoming = {(id(user.module), name) for user in users for name in user.module._weight_names()}
    for path, module in model.named_modules():
        for name, parameter in module._parameters.items():
            if parameter is None or (id(module), name) in becoming:
                continue
            for user in users:
                if _overlap(user.weight(), parameter):
                    also = f"{path}.{name}" if path else name
                    raise ValueError(f"weight of layer `{user.name}`: is also `{also}`, which is no phases: {limit}")


def _overlap(one: Tensor, other: Tensor) -> bool:
    (first, end), (start, last) = _span(one), _span(other)
    return first < last and start < end


def _span(tensor: Tensor) -> tuple[int, int]:
    """The bytes from its first number to the end of its last one."""
    first: int = tensor.data_ptr()
    if tensor.numel() == 0:
        return first, first
    steps = sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return first, first + (steps + 1) * tensor.element_size()
