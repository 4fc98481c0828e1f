"""Small models of PyTorch, their inputs, and their ONNX files."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Mlp(nn.Module):
    """12 → 20 → 20 → 3."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.fc1, self.fc2, self.fc3 = nn.Linear(12, 20), nn.Linear(20, 20), nn.Linear(20, 3, bias=False)

    def forward(self, x: Any) -> Any:
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Conv(nn.Module):
    """Strides, paddings, dilations, groups, a transposed convolution with groups."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.c1 = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.c2 = nn.Conv2d(4, 8, (2, 3), groups=2, dilation=(2, 1), padding=(1, 0), bias=False)
        self.t = nn.ConvTranspose2d(8, 6, 3, stride=2, groups=2, padding=1, output_padding=1)
        self.fc = nn.Linear(192, 5)

    def forward(self, x: Any) -> Any:
        y = self.t(torch.relu(self.c2(torch.relu(self.c1(x)))))
        return self.fc(torch.relu(y).flatten(1))


class Volumes(nn.Module):
    """Convolutions along one and over three axes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.c1, self.t1 = nn.Conv1d(2, 6, 3, stride=2), nn.ConvTranspose1d(6, 4, 4, stride=2)
        self.c3, self.t3 = nn.Conv3d(1, 3, 2, padding=1), nn.ConvTranspose3d(3, 2, 2)

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.t1(torch.relu(self.c1(x)))).reshape(-1, 1, 4, 2, 5)
        return self.t3(torch.tanh(self.c3(y))).flatten(1)


class Attention(nn.Module):
    """Attention by itself, whose projections of queries, keys and values are one map."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.attention(x, x, x, need_weights=False)[0].flatten(1)


class Cross(nn.Module):
    """Attention to the outputs of a layer, which runs before the queries are projected and stands behind them in a graph."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.first, self.last = nn.Linear(12, 12), nn.Linear(12, 4)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        memory = torch.tanh(self.first(x))
        return self.last(self.attention(x, memory, memory, need_weights=False)[0]).flatten(1)


class Apart(nn.Module):
    """Attention whose queries, keys and values are three tensors."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.keys, self.values = nn.Linear(12, 12), nn.Linear(12, 12)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        values, keys = torch.tanh(self.values(x)), torch.tanh(self.keys(x))
        return self.attention(x, keys, values, need_weights=False)[0].flatten(1)


class Transformer(nn.Module):
    """A layer of a transformer, without the fast path of PyTorch, which exporters do not know."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.layer = nn.TransformerEncoderLayer(12, 3, 24, dropout=0.1, batch_first=True)
        self.layer.activation_relu_or_gelu = 0

    def forward(self, x: Any) -> Any:
        return self.layer(x).flatten(1)


class Branches(nn.Module):
    """Two branches, of which the one that runs first is the second factor."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.up, self.gate, self.down = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 6)

    def forward(self, x: Any) -> Any:
        up = self.up(x)
        return self.down(torch.sigmoid(self.gate(x)) * up)


SHAPES = {
    Mlp: (12,),
    Conv: (1, 8, 8),
    Volumes: (2, 9),
    Attention: (5, 12),
    Cross: (5, 12),
    Apart: (5, 12),
    Transformer: (5, 12),
    Branches: (6,),
}


def inputs(model: Any, count: int = 7) -> Any:
    """As many samples of what the model takes."""
    torch.manual_seed(7)
    return torch.randn(count, *SHAPES[model])


def exported(model: Any, x: Any, folder: Path) -> Path:
    """The model as an ONNX file."""
    path = folder / "model.onnx"
    old = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(model, (x,), str(path), input_names=["x"], dynamic_axes={"x": {0: "samples"}}, **old)
    return path
