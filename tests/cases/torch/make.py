"""Files as torch.save writes them, beside the numbers in them: python3 make.py, in this folder.

Debian's PyTorch 1.13 wrote the files of the repository, but for state_dict_zip.pt and state_dict_legacy.pth (2.15).
"""

import collections
import io
import json
import os
import pickle
import zipfile

import torch
from torch import nn

torch.manual_seed(1)
numbers = {}


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def plain(tensor):
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def save(name, tensors, legacy=False):
    """Writes `tensors` to the file `name`, and what is in them to `numbers`."""
    torch.save(tensors, name, _use_new_zipfile_serialization=not legacy)
    for key in ("state_dict", "model"):
        tensors = tensors.get(key, tensors)
    numbers[name] = {
        key: [list(tensor.shape), name_of(tensor.dtype), plain(tensor).flatten().tolist()]
        for key, tensor in tensors.items()
        if isinstance(tensor, torch.Tensor)
    }


# Every type of number; a transposed view, one with an offset and steps, a broadcast one of one element, a parameter.
base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8 - 1
whole = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
real = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
kinds = {name_of(dtype): torch.tensor([[1, 0, 3]]).to(dtype) for dtype in whole}
kinds |= {name_of(dtype): (base[:2, :3] * 0.7).to(dtype) for dtype in real}
kinds |= {name_of(dtype): (base[:1, :2] * (1 + 2j)).to(dtype) for dtype in (torch.complex64, torch.complex128)}
views = {
    "whole": base,
    "transposed": base.t(),
    "part": base[1:3, 1::2],
    "scalar": base[2, 3],
    "one": base[:1, :1].expand(1, 1),
    "empty": base[:0],
    "parameter": nn.Parameter(base[:2]),
}
for legacy in (False, True):
    ending = "pth" if legacy else "pt"
    save(f"kinds.{ending}", kinds, legacy)
    save(f"views.{ending}", views, legacy)

small = collections.OrderedDict(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2)).state_dict())
save("checkpoint.pt", {"epoch": 3, "lr": 0.1, "ema": dict(small), "state_dict": small, "note": "best"})
named = {f"{name}.weight": torch.eye(2) for name in ("output", "hidden", "input")}
torch.save(named, "named.pt")
torch.save(nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).state_dict(), "batchnorm.pt")
torch.save(nn.Sequential(nn.utils.weight_norm(nn.Linear(1, 1))).state_dict(), "weight_norm.pt")
groups = [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1]}]
optimizer = {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}, "param_groups": groups}
save("only.pth", {"model": small, "optimizer": optimizer, "epoch": 3}, legacy=True)


def edited(name, source, edit):
    """The archive `source` with its pickle edited."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(name, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            new.writestr(item.filename, edit(data) if item.filename.endswith("data.pkl") else data)


# What a machine with a GPU writes differs in the name of the place alone.
torch.save(small, "small.pt")
edited("cuda.pt", "small.pt", lambda data: data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
numbers["cuda.pt"] = numbers["checkpoint.pt"]
os.remove("small.pt")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1, 1)


class System:
    def __reduce__(self):
        return os.system, ("echo read",)


torch.save(Net(), "whole_model.pt")
torch.save(Net(), "whole_model.pth", _use_new_zipfile_serialization=False)
torch.save({"0.weight": System()}, "system.pt")
torch.jit.script(nn.Linear(1, 1)).save("script.pt")
pickle.dump({"a": 1}, open("plain.pt", "wb"))
json.dump(numbers, open("numbers.json", "w"))
