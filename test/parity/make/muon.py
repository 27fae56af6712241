"""Six steps of Muon for matrices of hidden layers, with AdamW for the rest, with given gradients.

PyTorch's own Muon brings matrices to bfloat16 before it orthogonalises them. Here its function is exchanged for the same in
the type of the matrix, float64; momentum, scale and decay are PyTorch's as they are.

    python muon.py
"""

import torch
from torch.optim import _muon

from fixtures import Group, normal

RATES = [0.0078125, 0.015625, 0.03125, 0.015625, 0.0078125, 0.00390625]
MATRICES = {"square": (6, 6), "wide": (4, 9), "tall": (10, 5), "row": (1, 7)}
OTHERS = {"table": (5, 4), "bias": (9,)}


def orthogonalised(x, coefficients, steps, eps):
    """`_zeropower_via_newtonschulz` without its rounding to bfloat16."""
    a, b, c = coefficients
    state = x.T if x.size(0) > x.size(1) else x
    state = state / state.norm().clamp(min=eps)
    for _ in range(steps):
        square = state @ state.T
        state = a * state + (b * square + c * square @ square) @ state
    return state.T if x.size(0) > x.size(1) else state


def make():
    _muon._zeropower_via_newtonschulz = orthogonalised
    g = Group("muon")
    generator = torch.Generator().manual_seed(37)
    shapes = MATRICES | OTHERS
    first = {name: normal(generator, *shape) for name, shape in shapes.items()}
    gradients = {name: normal(generator, len(RATES), *shape) for name, shape in shapes.items()}

    def case(name, decay, momentum, betas, ema=None):
        weights = {key: tensor.clone().requires_grad_() for key, tensor in first.items()}
        muon = torch.optim.Muon([weights[key] for key in MATRICES], weight_decay=decay, momentum=momentum, adjust_lr_fn="match_rms_adamw")
        adamw = torch.optim.AdamW([{"params": [weights["table"]], "weight_decay": decay}, {"params": [weights["bias"]], "weight_decay": 0.0}], betas=betas)
        average = dict(first)
        history = {key: [] for key in shapes}
        averages = {key: [] for key in shapes}
        for step, rate in enumerate(RATES):
            for group in muon.param_groups + adamw.param_groups:
                group["lr"] = rate
            for key, weight in weights.items():
                weight.grad = gradients[key][step].clone()
            muon.step()
            adamw.step()
            for key, weight in weights.items():
                history[key].append(weight.detach().clone())
                average[key] = (ema or 0) * average[key] + (1 - (ema or 0)) * weight.detach()
                averages[key].append(average[key])
        outputs = {key: torch.stack(steps) for key, steps in history.items()}
        if ema is not None:
            outputs |= {f"ema_{key}": torch.stack(steps) for key, steps in averages.items()}
        attrs = {"weightDecay": decay, "momentum": momentum, "betas": betas, "learningRates": RATES} | ({} if ema is None else {"ema": ema})
        g.plain(name, "muon", attrs, first | {f"g_{key}": tensor for key, tensor in gradients.items()}, outputs)

    case("muon", 0.125, 0.95, (0.9, 0.999))
    case("muon-no-momentum", 0.0, 0.0, (0.9, 0.999))
    case("muon-other-numbers-ema", 0.5, 0.8, (0.8, 0.95), ema=0.75)
    g.write()


if __name__ == "__main__":
    make()
