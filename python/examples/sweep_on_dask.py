# %% [markdown]
# # A sweep on Dask
#
# A grid of couplers' errors, corrected and not, whose trials run on two workers of Dask: here processes of this machine, by
# the same lines the nodes of a cluster (`docs/cluster.md`). Start this anywhere in a checkout, with
# `pip install distributed matplotlib`.

# %%
from pathlib import Path

from distributed import Client, LocalCluster

import lightloom as ll
from lightloom import plot

DEMO = next(folder / "meshes/demo" for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "meshes/demo").is_dir())

# %% [markdown]
# ## The grid
#
# What stands in an `EXPERIMENT.toml` for `lightloom sweep` may be given as a dict, or by keywords: 4 × 2 points, 6 chips
# each, which read 150 handwritten digits.

# %%
experiment = ll.Experiment(
    name="couplers",
    network=DEMO / "network.toml",
    data=DEMO / "digits-test.npz",
    limit=150,
    trials=6,
    axes={"coupler.splitting_error_rad": {"from": 0.0, "to": 0.12, "steps": 4}, "correct": ["none", "local"]},
)

# %% [markdown]
# ## Two workers
#
# This process compiles the network and writes the rows; the workers draw chips and run them. They need the wheel and no
# file. With a folder as second argument trials are kept there as they come, and the same call goes on after an interrupt.
# As a script this file is imported by the workers, so that what begins them stands behind `__name__`.

# %%
if __name__ == "__main__":
    print(experiment)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        result = ll.sweep(experiment, executor=client)

    # %% [markdown]
    # The rows are those of one process, in its order.

    # %%
    alone = ll.sweep(experiment)
    print(len(result), all((result.rows[name] == alone.rows[name]).all() for name in ["point", "trial", "accuracy"]))

    # %% [markdown]
    # ## The figure

    # %%
    axes = plot.accuracy(result, "coupler.splitting_error_rad", by="correct")
    axes.set_xlabel("σ of the couplers (rad)")
    for correct in ["none", "local"]:
        of_these = result.rows["correct"] == correct
        print(f"{correct:>5}   {result.rows['accuracy'][of_these].mean():.1%}")
