"""Values and slopes of PyTorch's activations in double precision: python3 activations.py > activations.json

Any PyTorch will do (Debian's python3-torch 1.13 wrote the file). A slope is what autograd says.
"""

import json

import torch
from torch import nn

# Quarters are numbers in single precision too; 0, ±1, ±3 and 6 are kinks.
X = [-50, -6] + [k / 4 for k in range(-16, 17)] + [5.75, 6, 6.25, 50]
# Functions, named as lightloom does; those whose PyTorch form has no module call its function.
MODULES = {
    "identity": nn.Identity(),
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "leaky-relu": nn.LeakyReLU(),
    "leaky-relu:slope=0.25": nn.LeakyReLU(0.25),
    "prelu": nn.PReLU(dtype=torch.float64),
    "prelu:weight=-0.5": nn.PReLU(init=-0.5, dtype=torch.float64),
    "clip:min=0": lambda x: torch.clamp(x, min=0),
    "clip:max=1.5": lambda x: torch.clamp(x, max=1.5),
    "clip:min=-0.75,max=1.5": lambda x: torch.clamp(x, -0.75, 1.5),
    "hardtanh": nn.Hardtanh(),
    "hardtanh:min_val=-2,max_val=0.5": nn.Hardtanh(-2, 0.5),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "hardsigmoid": nn.Hardsigmoid(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "elu": nn.ELU(),
    "elu:alpha=0.75": nn.ELU(0.75),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "celu:alpha=2.5": nn.CELU(2.5),
    "gelu": nn.GELU(),
    "gelu-tanh": nn.GELU(approximate="tanh"),
    "silu": nn.SiLU(),
    "hardswish": nn.Hardswish(),
    "mish": nn.Mish(),
}
# PyTorch has hardsigmoid with one slope; ONNX defines the others by clip(alpha x + beta, 0, 1).
MODULES["hardsigmoid:alpha=0.25,beta=0.3"] = lambda x: torch.clamp(0.25 * x + 0.3, 0, 1)

cases = {}
for name, function in MODULES.items():
    x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    cases[name] = {"y": y.tolist(), "slope": slope.tolist()}
lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
print(f'{{"torch": {json.dumps(torch.__version__)}, "x": {json.dumps(X)}, "kinds": {{\n{lines}\n}}}}')
