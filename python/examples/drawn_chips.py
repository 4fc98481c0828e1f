"""How accurate is a small network on chips whose couplers err?"""

import numpy as np

import lightloom as ll

rng = np.random.default_rng(0)
centres = rng.normal(size=(10, 16))
y = rng.integers(0, 10, size=1000)
x = centres[y] + rng.normal(size=(1000, 16))

network = ll.Network.from_weights([centres], [-(centres**2).sum(axis=1) / 2])  # the nearest centre
program = ll.compile(network, tile=16)
data = ll.Dataset(x, y)
print("coupler error   digital   on chips        corrected")
for error_rad in [0.0, 0.02, 0.05, 0.1, 0.2]:
    hardware = ll.Hardware(coupler_splitting_error_rad=error_rad)
    plain = ll.infer(program, data, hardware, trials=20)
    corrected = ll.infer(program, data, hardware, trials=20, correction="local")
    print(
        f"{error_rad:>9.2f} rad   {plain.digital:>6.1%}   {plain.mean:>6.1%} ± {plain.std:.1%}   "
        f"{corrected.mean:>6.1%} ± {corrected.std:.1%}"
    )
