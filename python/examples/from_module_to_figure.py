# %% [markdown]
# # Ten minutes from `nn.Module` to a figure
#
# How much of a network's accuracy is left on chips whose phases and couplers err? Fang et al. asked it of a rectangular
# mesh (Opt. Express 27, 14009 (2019)): accuracy against the spread of the phase shifters and that of the splitters. Here it
# is asked of a real network that PyTorch trains on 8×8 digits, 64-64-64-10. Theirs is complex and reads MNIST, so its
# numbers are others; docs/validation.md compares like with like, their mesh of butterflies too.
#
# It needs `pip install torch matplotlib` and the digits of `meshes/demo`: start it anywhere in a checkout.

# %%
import inspect
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

import lightloom as ll
from lightloom import plot

DEMO = next(folder / "meshes/demo" for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "meshes/demo").is_dir())

# %% [markdown]
# ## Train
#
# Pixels count from 0 to 16.


# %%
def digits(part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures [sample, 64], from 0 to 1, and their digits [sample]."""
    data = np.load(DEMO / f"digits-{part}.npz")
    return torch.from_numpy(data["x"]).float() / 16, torch.from_numpy(data["y"]).long()


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
x, y = digits("train")
for epoch in range(20):
    for rows in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()

# %% [markdown]
# ## Compile
#
# The module goes through ONNX. Newer versions of PyTorch have two exporters, of which the older one needs no package more.

# %%
older = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.onnx"
    torch.onnx.export(model, (torch.zeros(1, 64),), str(path), **older)
    network = ll.Network.load(path)
program = ll.compile(network)
print(program)

# %% [markdown]
# lightloom computes what PyTorch does.

# %%
x, y = digits("test")
with torch.no_grad():
    logits = model(x).numpy()
assert np.abs(network(x.numpy()) - logits).max() < 1e-4
print(f"{(logits.argmax(axis=1) == y.numpy()).mean():.2%} of the test digits are right")

# %% [markdown]
# ## Simulate
#
# Four chips of every pair of spreads, on the first 200 test digits. `rows` has one entry a chip; here they are put
# together by hand.

# %%
data = ll.Dataset(x.numpy()[:200], y.numpy()[:200])
spreads_rad = [0.0, 0.02, 0.04, 0.06, 0.08]
parts = []
for phases in spreads_rad:
    for splitters in spreads_rad:
        hardware = ll.Hardware(phase_shifter_phase_error_rad=phases, coupler_splitting_error_rad=splitters)
        result = ll.infer(program, data, hardware, trials=4)
        spread = {"σ of phases (rad)": phases, "σ of splitters (rad)": splitters}
        part = {name: np.full(4, value) for name, value in spread.items()}
        parts.append({**part, "accuracy": np.asarray(result.rows["accuracy"])})
rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

# %% [markdown]
# ## Draw
#
# Inside the white line a chip loses less than one percent of the digits, on average.

# %%
digital = float((logits[:200].argmax(axis=1) == y.numpy()[:200]).mean())
axes = plot.map(rows, "σ of phases (rad)", "σ of splitters (rad)", reference=digital)
axes.set_title("accuracy of a rectangular mesh")

# %%
axes = plot.accuracy(rows, "σ of phases (rad)", by="σ of splitters (rad)")
axes.axhline(digital, color="grey", linewidth=1)

# %%
print("σ (rad)   of phases alone   of splitters alone")
phases, splitters = rows["σ of phases (rad)"], rows["σ of splitters (rad)"]
for sigma in spreads_rad:
    of_phases = rows["accuracy"][(phases == sigma) & (splitters == 0)].mean()
    of_splitters = rows["accuracy"][(phases == 0) & (splitters == sigma)].mean()
    print(f"{sigma:.3f}     {of_phases:.1%}             {of_splitters:.1%}")
