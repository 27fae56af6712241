"""Five steps of each optimiser with given gradients, clipping by global norm, and a moving average of weights."""

import torch

from fixtures import Group, normal

STEPS = 5
RATES = [0.0078125, 0.015625, 0.03125, 0.015625, 0.0078125]


class Lion:
    """Chen et al. 2023 (arXiv 2302.06675), algorithm 2: decay decoupled, both moments from one buffer."""

    def __init__(self, groups, betas):
        self.param_groups, self.betas, self.state = groups, betas, {}

    def step(self):
        b1, b2 = self.betas
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state.setdefault(p, torch.zeros_like(p))
                direction = torch.sign(b1 * m + (1 - b1) * p.grad)
                p.data = p.data - group["lr"] * (direction + group["weight_decay"] * p.data)
                m.copy_(b2 * m + (1 - b2) * p.grad)


def make():
    g = Group("optimizers")
    generator = torch.Generator().manual_seed(31)
    w, b = normal(generator, 3, 4), normal(generator, 4)
    g_w, g_b = normal(generator, STEPS, 3, 4), normal(generator, STEPS, 4)

    def case(name, op, attrs, create, ema=None):
        weight, bias = w.clone().requires_grad_(), b.clone().requires_grad_()
        decay = attrs.get("weightDecay", 0.0)
        optimizer = create([{"params": [weight], "weight_decay": decay, "lr": RATES[0]}, {"params": [bias], "weight_decay": 0.0, "lr": RATES[0]}])
        history, average, averages = [], weight.detach().clone(), []
        for step, rate in enumerate(RATES):
            for group in optimizer.param_groups:
                group["lr"] = rate
            weight.grad, bias.grad = g_w[step].clone(), g_b[step].clone()
            optimizer.step()
            history.append((weight.detach().clone(), bias.detach().clone()))
            if ema is not None:
                average = ema * average + (1 - ema) * weight.detach()
                averages.append(average.clone())
        outputs = {"w": torch.stack([h[0] for h in history]), "b": torch.stack([h[1] for h in history])}
        if ema is not None:
            outputs["ema_w"] = torch.stack(averages)
        attrs = attrs | {"learningRates": RATES, "decayed": ["w"]}
        g.plain(name, op, attrs, {"w": w, "b": b, "g_w": g_w, "g_b": g_b}, outputs)

    case("adamw", "adamw", {"betas": [0.9, 0.999], "epsilon": 1e-8, "weightDecay": 0.125}, lambda p: torch.optim.AdamW(p, betas=(0.9, 0.999), eps=1e-8))
    case("adamw-other-numbers", "adamw", {"betas": [0.8, 0.95], "epsilon": 1e-3, "weightDecay": 0.5}, lambda p: torch.optim.AdamW(p, betas=(0.8, 0.95), eps=1e-3))
    case("adamw-ema", "adamw", {"betas": [0.9, 0.999], "epsilon": 1e-8, "weightDecay": 0.0, "ema": 0.75}, lambda p: torch.optim.AdamW(p, betas=(0.9, 0.999), eps=1e-8), ema=0.75)
    case("sgd", "sgd", {"momentum": 0.0}, lambda p: torch.optim.SGD(p))
    case("sgd-momentum", "sgd", {"momentum": 0.9}, lambda p: torch.optim.SGD(p, momentum=0.9))
    case("lion", "lion", {"betas": [0.9, 0.99], "weightDecay": 0.125}, lambda p: Lion(p, (0.9, 0.99)))
    for name, limit in {"clipped": 0.5, "not-needed": 1000.0}.items():
        tensors = {"g_w": g_w[0].clone(), "g_b": g_b[0].clone()}
        parameters = [torch.nn.Parameter(torch.zeros_like(t)) for t in tensors.values()]
        for parameter, tensor in zip(parameters, tensors.values()):
            parameter.grad = tensor.clone()
        # PyTorch divides by the norm + 1e-6.
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
        g.plain(f"clip-{name}", "clip_by_global_norm", {"maxNorm": limit, "epsilon": 1e-6}, tensors,
                {"norm": norm, **{key: p.grad for key, p in zip(tensors, parameters)}})
    g.write()
