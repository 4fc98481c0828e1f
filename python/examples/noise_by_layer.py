# %% [markdown]
# # A convolutional network, and which of its layers noise hurts
#
# Which layer of a convolutional network suffers most from its chip? The network reads 8×8 digits: two convolutions, ReLU
# and pooling behind each, and a dense layer. It is the one of `meshes/demo`; start this anywhere in a checkout, with
# `pip install matplotlib`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import lightloom as ll
from lightloom import plot

DEMO = next(folder / "meshes/demo" for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "meshes/demo").is_dir())

# %% [markdown]
# ## The network
#
# Pixels count from 0 to 16. The weights of a convolution are a matrix with a row for each channel, which light multiplies
# with every patch.

# %%
network = ll.Network.load(DEMO / "digits-cnn.onnx", scale=1 / 16)
for name, weight in network.weights.items():
    print(f"layer {name}: {weight.shape[0]} × {weight.shape[1]}")
data = ll.Dataset.load(DEMO / "digits-test.npz", network=network, limit=150)

# %% [markdown]
# ## Errors of its layers
#
# Chips with couplers that err by 0.06 rad. The matrix error is that of the light; the weighted error what detectors read
# of it on these digits, which accuracy follows.

# %%
hardware = ll.Hardware(coupler_splitting_error_rad=0.06)
program = ll.compile(network)
result = ll.infer(program, data, hardware, trials=6)
print(result)
figure, axes = plt.subplots()
for shift, kind in [(-0.2, "matrix_error"), (0.2, "weighted_error")]:
    errors = [np.asarray(result.rows[f"layer.{name}.{kind}"]) for name in program.layers]
    means, spreads = [error.mean() for error in errors], [error.std(ddof=1) for error in errors]
    axes.bar(np.arange(len(errors)) + shift, means, 0.4, yerr=spreads, label=kind.replace("_", " "))
axes.set_xticks(range(len(program.layers)), program.layers)
axes.set_xlabel("layer")
axes.legend()

# %% [markdown]
# ## What each of them costs
#
# The same chips, with one layer in light and the others left digital.

# %%
results = {"all": result}
for name in network.layers:
    others = [other for other in network.layers if other != name]
    alone = ll.Network.load(DEMO / "digits-cnn.onnx", scale=1 / 16, digital=others)
    results[name] = ll.infer(ll.compile(alone), data, hardware, trials=6)
print("in light   accuracy")
for name, result in results.items():
    print(f"{name:>8}   {result.mean:.1%} ± {result.std:.1%}")

# %% [markdown]
# As shares of the chips that are at least so accurate:

# %%
parts = [(name, np.asarray(result.rows["accuracy"])) for name, result in results.items()]
rows = {
    "in light": np.repeat([name for name, _ in parts], [len(part) for _, part in parts]),
    "accuracy": np.concatenate([part for _, part in parts]),
}
axes = plot.yields(rows, by="in light")
