"""Photonic models in processes that load data, and whether importing lightloom brings torch."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from models import Mlp, inputs

import lightloom as ll
from lightloom.torch import to_photonic


class Computed(torch.utils.data.Dataset[Any]):
    """What a photonic model gives for each sample."""

    def __init__(self, photonic: Any, x: Any) -> None:
        self.photonic, self.x = photonic, x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Any:
        with torch.no_grad():
            return self.photonic(self.x[index : index + 1])[0]


@pytest.mark.parametrize("hardware", [ll.Hardware(coupler_splitting_error_rad=0.05), ll.Hardware("thermo-optic")])
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_workers_compute_what_their_parent_does(hardware: ll.Hardware, start: str) -> None:
    x = inputs(Mlp, 4)
    data = Computed(to_photonic(Mlp().eval(), hardware, tile=8, calibration=x), x)
    ours = torch.stack([data[index] for index in range(4)])
    loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=2, multiprocessing_context=start, timeout=120)
    assert torch.equal(torch.cat(list(loader)), ours)


def test_importing_lightloom_does_not_import_torch() -> None:
    code = "import sys, lightloom; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "False\n"
