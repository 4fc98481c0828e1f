"""Does the tutorial work with PyTorch, and are its numbers PyTorch's own?

    python tests/python/tutorial.py LIGHTLOOM

LIGHTLOOM is the command. Runs the Python, the files and the commands of docs/tutorial.md in their order in a folder that
holds the digits and a language model of random weights, written as llama2.c writes its own. Then compares the digital
accuracy of every file that PyTorch wrote with the accuracy that PyTorch computed, and the logits of the language model
with those of plain NumPy. Any PyTorch from 1.13 on will do; one older than 2.6 writes no ONNX, which is said.
"""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import torch
from llama import PIECES, SCORES, Reference
from pages import ROOT, blocks, commands

VERSION = tuple(map(int, torch.__version__.split(".")[:2]))
ONNX = VERSION >= (2, 6)


def lightloom(*arguments):
    """Runs the command; ends the run where it fails."""
    run = subprocess.run([COMMAND, *arguments], capture_output=True, check=False, text=True)
    if run.returncode != 0:
        sys.exit(f"lightloom {shlex.join(arguments)}: {run.stderr}")


def follow(page):
    """Does what the page says; what its Python has defined, and how many blocks of Python and commands there were."""
    names = {"__name__": "__main__"}
    pythons = ran = 0
    for mark, text in blocks(page):
        if mark.startswith("file: "):
            pathlib.Path(mark[len("file: ") :]).write_text(text)
        elif mark == "python":
            if "torch.onnx" in text and not ONNX:
                print(f"skipped: ONNX, which PyTorch {torch.__version__} writes otherwise than 2.6 and newer")
                continue
            exec(compile(text, f"Python of {page}", "exec"), names)
            pythons += 1
        elif mark == "run":
            for words in commands(text):
                assert words[0] == "lightloom", words
                if "stories.onnx" in words or "stories.program.safetensors" in words:
                    if not ONNX:
                        print(f"skipped: {shlex.join(words)}, which needs what PyTorch did not write")
                        continue
                lightloom(*words[1:])
                ran += 1
    return names, pythons, ran


def right(program, data):
    """Samples of `data` that the digital network of `program` has right, and all samples."""
    lightloom("infer", program, "--data", data, "--trials", "1", "--json", "right.json", "--quiet")
    result = json.loads(pathlib.Path("right.json").read_text())
    samples = result["samples"]
    return round(result["digital"]["accuracy"] * samples), samples


def right_in_pytorch(names, model, *shape):
    """The same of a model that the page has trained."""
    x, y = names["digits"]("digits-test.npz", *shape)
    with torch.no_grad():
        count = int((names[model](x).argmax(1) == y).sum()), len(y)
    if count[0] < 0.95 * count[1]:
        sys.exit(f"failed: PyTorch has {count[0]} of {count[1]} right, too few for a trained network")
    return count


def check_digits(names):
    """Every file of a classifier is right as often as in PyTorch."""
    x, y = names["digits"]("digits-test.npz", 64)
    # Weights alone say nothing of a scale, so these have their pixels scaled already.
    np.savez("scaled.npz", x=x.numpy(), y=y.numpy())
    dense = right_in_pytorch(names, "model", 64)
    found = {"digits.safetensors": (right("digits.program.safetensors", "digits-test.npz"), dense)}
    for file in ["digits.npz", "digits.onnx"][: 1 + ONNX]:
        lightloom("compile", file, "-o", "again.program.safetensors", "--quiet")
        found[file] = (right("again.program.safetensors", "scaled.npz"), dense)
    convolutional = right_in_pytorch(names, "cnn", 1, 8, 8)
    if ONNX:
        found["digits-cnn.onnx"] = (right("digits-cnn.program.safetensors", "digits-test.npz"), convolutional)
    for file, (count, expected) in found.items():
        print(f"{file}: {count[0]} of {count[1]} right, in PyTorch {expected[0]} of {expected[1]}")
    if any(count != expected for count, expected in found.values()):
        sys.exit("failed: lightloom and PyTorch differ")


def check_llama(names, reference):
    """The page's model gives the logits of the reference, and its tokens are those of the file."""
    ids = [1, 5, 3, 9, 4, 4, 10, 11, 6, 2, 7]
    with torch.no_grad():
        found = names["llama"](torch.tensor([ids]))[0].numpy()
    expected = reference.logits(ids)
    difference = np.abs(found - expected).max()
    print(f"language model: logits up to {np.abs(expected).max():.2f}, within {difference:.1e} of NumPy's")
    if not difference <= 1e-5 * np.abs(expected).max():
        sys.exit("failed: the language model of the page is another one")
    tokens = json.loads(pathlib.Path("tokens.json").read_text())
    if tokens != {"pieces": PIECES, "scores": SCORES, "bos": 1, "eos": 2}:
        sys.exit(f"failed: other tokens: {tokens}")


def main():
    reference = Reference(np.random.default_rng(0))
    reference.write("stories260K.bin", "tok512.bin")
    names, pythons, ran = follow("docs/tutorial.md")
    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}: {pythons} blocks of Python, {ran} commands")
    if pythons < 5 + 3 * ONNX or ran < 14 + 2 * ONNX:
        sys.exit("failed: the tutorial has more Python and more commands than that")
    check_digits(names)
    check_llama(names, reference)
    for file in ["mesh.svg", "phases.csv", "splitting/rows.csv", "splitting/report.html"]:
        if not pathlib.Path(file).stat().st_size:
            sys.exit(f"failed: {file} is empty")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    COMMAND = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        # What PyTorch cannot write, readers without PyTorch copy.
        for name in ["digits-train.npz", "digits-test.npz"] + ["digits-cnn.onnx"] * (not ONNX):
            shutil.copy(ROOT / "meshes" / "demo" / name, folder)
        os.chdir(folder)
        main()
        os.chdir(ROOT)
