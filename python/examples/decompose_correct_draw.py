# %% [markdown]
# # One mesh: decompose, correct, draw
#
# How much of a unitary matrix can a chip do whose couplers err, with phases that know the errors and with phases that the
# chip finds itself? It needs `pip install matplotlib`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import lightloom as ll
from lightloom import plot

# %% [markdown]
# ## Decompose
#
# A random unitary of 8 modes on a rectangle of 28 MZIs. In a notebook a mesh shows itself.

# %%
rng = np.random.default_rng(0)
u = np.linalg.qr(rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))[0]
mesh = ll.decompose(u)
print(mesh, f"off by {np.abs(mesh.matrix() - u).max():.0e}")
mesh

# %% [markdown]
# Where the light of mode 2 goes:

# %%
ll.draw(mesh, color="light", input=2)

# %% [markdown]
# ## Correct
#
# A chip whose couplers err by 0.05 rad. `local` and `progressive` know the errors; `self-configure` sends light in and
# measures.

# %%
chip = ll.Hardware(coupler_splitting_error_rad=0.05).fabricate(seed=0)
local = ll.correct(mesh, chip, method="local")
progressive = ll.correct(mesh, chip, method="progressive")
itself = ll.correct(mesh, chip, method="self-configure")
print(f"{'none':>14}: matrix error {local.uncorrected_error:.4f}")
for one in [local, progressive, itself]:
    print(f"{one.method:>14}: matrix error {one.matrix_error:.4f}, {one.unreachable_mzis} MZIs could not be set exactly")

# %% [markdown]
# What correction changed, as an error of every MZI: the distance of its phase from that of a perfect chip.

# %%
ll.draw(mesh, errors=np.abs(progressive.theta - mesh.theta), title="θ that correction changed, rad")

# %% [markdown]
# ## Draw
#
# Both meshes by their phases, on axes of matplotlib.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
plot.mesh(mesh, ax=left).set_title("perfect chip")
plot.mesh(progressive.mesh, ax=right).set_title("this chip")

# %% [markdown]
# ## How it grows with the error
#
# Uncorrected errors grow with σ √(2N), corrected ones with √(2/3) N σ².

# %%
sigmas_rad = np.array([0.01, 0.02, 0.04, 0.08])
chips = [[ll.Hardware(coupler_splitting_error_rad=s).fabricate(trial=t) for t in range(10)] for s in sigmas_rad]
found = [[ll.correct(mesh, chip, method="local") for chip in same] for same in chips]
before = np.array([np.mean([one.uncorrected_error for one in same]) for same in found])
after = np.array([np.mean([one.matrix_error for one in same]) for same in found])
figure, axes = plt.subplots()
for errors, law, label in [
    (before, sigmas_rad * np.sqrt(2 * mesh.modes), "uncorrected"),
    (after, np.sqrt(2 / 3) * mesh.modes * sigmas_rad**2, "local"),
]:
    (line,) = axes.loglog(sigmas_rad, errors, "o", label=label)
    axes.loglog(sigmas_rad, law, color=line.get_color())
axes.set_xlabel("σ of the couplers (rad)")
axes.set_ylabel("matrix error")
axes.legend()
print("σ (rad)   uncorrected   local")
for sigma, without, with_it in zip(sigmas_rad, before, after):
    print(f"{sigma:.2f}      {without:.4f}        {with_it:.4f}")
