"""Writing of parity fixtures; the format is described at the top of operators.py."""

import json
import os
import re

import torch
from safetensors.torch import save_file

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")


def normal(generator, *shape, scale=1.0):
    """Normal numbers that float32 holds exactly, as float64."""
    return (torch.randn(shape, generator=generator, dtype=torch.float64) * scale).float().double()


class Group:
    """Cases that go into one pair of files."""

    def __init__(self, name):
        self.name, self.tensors, self.cases = name, {}, []

    def _keep(self, key, tensor):
        """Inputs and weights are float32 numbers and are stored so; results keep their float64."""
        exact = "/in/" in key or "/param/" in key or "/up/" in key
        if tensor.dtype == torch.float64 and exact:
            assert torch.equal(tensor.float().double(), tensor), f"{key} is not exact in float32"
            tensor = tensor.float()
        self.tensors[key] = tensor.detach().contiguous().clone()
        return {"dtype": {torch.float64: "float64", torch.float32: "float32", torch.int64: "int64", torch.bool: "bool"}[tensor.dtype], "shape": list(tensor.shape)}

    def case(self, name, op, inputs, function, attrs=None, module=None, skip=()):
        """Runs `function(**inputs)` and keeps inputs, outputs and gradients.

        inputs: name to tensor. Floating ones get gradients, except those in `skip`.
        function: gives a tensor, or a dict of tensors. An output called `loss` gets the upstream gradient 1, the
            others random ones, and the gradients are those of the sum of all <output, upstream>.
        module: the parameters of this module are kept under their state-dict keys, with their gradients.
        """
        generator = torch.Generator().manual_seed(sum(map(ord, name)))
        entry = {"name": name, "op": op, "attrs": attrs or {}, "inputs": {}, "params": {}, "outputs": {}, "gradients": {}}
        leaves = {}
        for key, tensor in inputs.items():
            if tensor.is_floating_point() and key not in skip:
                tensor = leaves[key] = tensor.clone().requires_grad_()
                inputs[key] = tensor
            entry["inputs"][key] = self._keep(f"{name}/in/{key}", tensor)
        outputs = function(**inputs)
        outputs = outputs if isinstance(outputs, dict) else {"y": outputs}
        total = 0
        for key, tensor in outputs.items():
            spec = entry["outputs"][key] = self._keep(f"{name}/out/{key}", tensor)
            if tensor.requires_grad and key == "loss":
                spec["upstream"] = "one"
                total = total + tensor
            elif tensor.requires_grad:
                spec["upstream"] = "given"
                upstream = normal(generator, *tensor.shape)
                self._keep(f"{name}/up/{key}", upstream)
                total = total + (tensor * upstream).sum()
        wanted = dict(leaves)
        if module is not None:
            for key, parameter in module.named_parameters():
                entry["params"][key] = self._keep(f"{name}/param/{key}", parameter)
                wanted[key] = parameter
        gradients = torch.autograd.grad(total, list(wanted.values()), allow_unused=True) if wanted else []
        for key, gradient in zip(wanted, gradients):
            gradient = torch.zeros_like(wanted[key]) if gradient is None else gradient
            entry["gradients"][key] = self._keep(f"{name}/grad/{key}", gradient)
        self.cases.append(entry)
        return outputs

    def plain(self, name, op, attrs, inputs, outputs):
        """A case without gradients: what goes in and what must come out."""
        self.cases.append({
            "name": name, "op": op, "attrs": attrs, "params": {}, "gradients": {},
            "inputs": {key: self._keep(f"{name}/in/{key}", tensor) for key, tensor in inputs.items()},
            "outputs": {key: self._keep(f"{name}/out/{key}", tensor) for key, tensor in outputs.items()},
        })

    def write(self):
        names = [case["name"] for case in self.cases]
        assert len(set(names)) == len(names), "two cases share a name"
        os.makedirs(FOLDER, exist_ok=True)
        save_file(self.tensors, path := os.path.join(FOLDER, f"{self.name}.safetensors"))
        os.chmod(path, 0o644)
        manifest = {"format": 1, "made_by": f"torch {re.sub('[+].*', '', torch.__version__)}", "cases": self.cases}
        with open(os.path.join(FOLDER, f"{self.name}.json"), "w") as file:
            # One case a line: small, and a change shows as one line.
            head = json.dumps({key: value for key, value in manifest.items() if key != "cases"})[:-1]
            file.write(head + ', "cases": [\n' + ",\n".join(json.dumps(case) for case in self.cases) + "\n]}\n")
        print(f"{self.name}: {len(self.cases)} cases, {sum(t.numel() for t in self.tensors.values())} numbers")
