"""PyTorch's side of `bench train-step`: one training step of a GPT or of ViT-S/16, fp32, on the CPU.

A server over stdin and stdout, so that a driver can alternate it with Sensorium on the same machine:

    -> (start)          <- {"ready": true, "torch": ..., "workload": ..., "parameters": ..., "warmup_seconds": ...,
                            "base_rss": ...}
    -> step N           <- {"seconds": median seconds of one step, "all": [...], "losses": [...]}
    -> memory           <- {"peak_rss": bytes (VmHWM), "base_rss": bytes after `import torch`, before the model}
    -> gemm             <- {"gemm": [{"name", "m", "k", "n", "batch", "gflops"}, ...]}
    -> names            <- {"parameters": {name: shape}}
    -> quit

One JSON object a line; anything else that a library prints goes to stderr. A step is: zero the gradients, forward,
cross-entropy, backward, optional clipping by global norm, AdamW (fused, decoupled decay, none on norms, biases and
positions). Needs `torch`, and `safetensors` with --weights. Compiled mode needs a C++ compiler.

--weights FILE (safetensors) fixes the start: the names of this file's modules (see `names`; attention may be given as
q_proj, k_proj and v_proj, which are then joined), and optionally the batch as `batch.ids` and `batch.targets`
([B, T] int64), or `batch.pixels` ([B, 3, H, W] float32) and `batch.labels` ([B] int64).
"""

import argparse
import json
import os
import statistics
import sys
import time


def status_bytes(key):
    """A figure of /proc/self/status in bytes; 0 where there is no such file."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=["gpt", "vit"], default="gpt")
    parser.add_argument("--mode", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--compile-mode", default="default", help="mode of torch.compile")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gelu", choices=["erf", "tanh"], default="erf")
    parser.add_argument("--clip", type=float, default=0.0, help="largest global norm of the gradients; 0 is off")
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--warmup", type=int, default=3, help="steps before `ready`")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="safetensors file that fixes the weights and, optionally, the batch")
    parser.add_argument("--batch", type=int, help="16 (gpt), 8 (vit)")
    parser.add_argument("--layers", type=int, help="6 (gpt), 12 (vit)")
    parser.add_argument("--width", type=int, help="256 (gpt), 384 (vit)")
    parser.add_argument("--heads", type=int, help="4 (gpt), 6 (vit)")
    parser.add_argument("--tokens", type=int, default=128, help="gpt")
    parser.add_argument("--vocabulary", type=int, default=2048, help="gpt")
    parser.add_argument("--image", type=int, default=224, help="vit")
    parser.add_argument("--patch", type=int, default=16, help="vit")
    parser.add_argument("--classes", type=int, default=1000, help="vit")
    return parser.parse_args()


ARGS = arguments()
# Set before the import: OpenMP reads it when it is loaded.
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)
os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)
# Answers go to the real standard output; whatever libraries print there goes to stderr.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch
from torch import nn
from torch.nn import functional as F

BASE_RSS = status_bytes("VmRSS")


# Shapes: B batch, T tokens, D width, H heads, V vocabulary, C classes.


class Block(nn.Module):
    """Pre-LayerNorm transformer block, [B, T, D] to [B, T, D]."""

    def __init__(self, width, heads, gelu, causal, epsilon):
        super().__init__()
        self.heads, self.gelu, self.causal = heads, gelu, causal
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        # One product for queries, keys and values: PyTorch's quickest way.
        self.qkv = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, D = x.shape
        qkv = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=self.causal)
        x = x + self.out_proj(mixed.transpose(1, 2).reshape(B, T, D))
        hidden = F.gelu(self.fc1(self.norm2(x)), approximate="tanh" if self.gelu == "tanh" else "none")
        return x + self.fc2(hidden)


class Gpt(nn.Module):
    """Decoder-only transformer: learned positions, causal, output weights of its own. Returns the mean loss."""

    def __init__(self, vocabulary, tokens, layers, width, heads, gelu):
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, width)
        self.embed_positions = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.layers = nn.ModuleList(Block(width, heads, gelu, True, 1e-5) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids, targets):
        x = self.embed_tokens(ids) + self.embed_positions
        for layer in self.layers:
            x = layer(x)
        logits = self.lm_head(self.norm(x))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


class ViT(nn.Module):
    """Vision transformer (Dosovitskiy et al. 2021) with a class token. Returns the mean loss."""

    def __init__(self, image, patch, classes, layers, width, heads, gelu):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.embed_positions = nn.Parameter(torch.randn(1 + (image // patch) ** 2, width) * 0.02)
        self.layers = nn.ModuleList(Block(width, heads, gelu, False, 1e-6) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, pixels, labels):
        x = self.patch_embed(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1) + self.embed_positions
        for layer in self.layers:
            x = layer(x)
        return F.cross_entropy(self.head(self.norm(x)[:, 0]), labels)


def build():
    """The model, its batch and the shapes of its products, all in fp32."""
    torch.manual_seed(ARGS.seed)
    if ARGS.workload == "gpt":
        batch, layers, width, heads = (ARGS.batch or 16), (ARGS.layers or 6), (ARGS.width or 256), (ARGS.heads or 4)
        model = Gpt(ARGS.vocabulary, ARGS.tokens, layers, width, heads, ARGS.gelu)
        ids = torch.randint(ARGS.vocabulary, (batch, ARGS.tokens + 1))
        data = [ids[:, :-1].contiguous(), ids[:, 1:].contiguous()]
        tokens, rows = ARGS.tokens, batch * ARGS.tokens
        products = [("head", rows, width, ARGS.vocabulary, 1)]
    else:
        batch, layers, width, heads = (ARGS.batch or 8), (ARGS.layers or 12), (ARGS.width or 384), (ARGS.heads or 6)
        model = ViT(ARGS.image, ARGS.patch, ARGS.classes, layers, width, heads, ARGS.gelu)
        data = [torch.randn(batch, 3, ARGS.image, ARGS.image), torch.randint(ARGS.classes, (batch,))]
        tokens = 1 + (ARGS.image // ARGS.patch) ** 2
        rows = batch * tokens
        products = [("patches", rows - batch, 3 * ARGS.patch**2, width, 1)]
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
    products += [
        ("projection", rows, width, width, 1),
        ("qkv", rows, width, 3 * width, 1),
        ("fc1", rows, width, 4 * width, 1),
        ("fc2", rows, 4 * width, width, 1),
        ("fc1 weight gradient", width, rows, 4 * width, 1),
        ("scores", tokens, width // heads, tokens, batch * heads),
        ("mix", tokens, tokens, width // heads, batch * heads),
    ]
    return model, data, products


def load_weights(model, data, path):
    """Replaces the weights, and the batch where the file has one; every parameter must be there."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    for prefix in {name.removesuffix("q_proj.weight") for name in tensors if name.endswith("q_proj.weight")}:
        for kind in ("weight", "bias"):
            parts = [tensors.pop(f"{prefix}{side}_proj.{kind}") for side in "qkv"]
            tensors[f"{prefix}qkv.{kind}"] = torch.cat(parts)
    for position, name in enumerate(["batch.ids", "batch.targets"] if ARGS.workload == "gpt" else ["batch.pixels", "batch.labels"]):
        if name in tensors:
            data[position] = tensors.pop(name)
    model.load_state_dict(tensors)


def optimizer_of(model):
    decayed = [p for n, p in model.named_parameters() if p.dim() >= 2 and n != "embed_positions" and n != "class_token"]
    kept = {id(p) for p in decayed}
    others = [p for p in model.parameters() if id(p) not in kept]
    groups = [{"params": decayed, "weight_decay": ARGS.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=ARGS.lr, betas=(0.9, 0.999), eps=1e-8, fused=True)


def gemm_rate(m, k, n, batch, seconds=0.5):
    """GFLOP/s of one product: the median of runs for about `seconds`."""
    a = torch.randn(batch, m, k) if batch > 1 else torch.randn(m, k)
    b = torch.randn(batch, k, n) if batch > 1 else torch.randn(k, n)
    out = torch.matmul(a, b)
    times, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 5:
        start = time.perf_counter()
        torch.matmul(a, b, out=out)
        times.append(time.perf_counter() - start)
    return 2 * batch * m * k * n / statistics.median(times) / 1e9


def answer(value):
    ANSWERS.write(json.dumps(value) + "\n")


def main():
    torch.set_num_threads(ARGS.threads)
    torch.set_num_interop_threads(1)
    model, data, products = build()
    if ARGS.weights:
        load_weights(model, data, ARGS.weights)
    optimizer = optimizer_of(model)
    run = model if ARGS.mode == "eager" else torch.compile(model, mode=ARGS.compile_mode, dynamic=False)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = run(*data)
        loss.backward()
        if ARGS.clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), ARGS.clip, foreach=True)
        optimizer.step()
        return loss.item()

    start = time.perf_counter()
    warmup = [step() for _ in range(ARGS.warmup)]
    answer(
        {
            "ready": True,
            "torch": torch.__version__,
            "workload": ARGS.workload,
            "mode": ARGS.mode,
            "threads": torch.get_num_threads(),
            "parameters": sum(p.numel() for p in model.parameters()),
            "warmup_losses": warmup,
            "warmup_seconds": time.perf_counter() - start,
            "base_rss": BASE_RSS,
        }
    )
    for line in sys.stdin:
        command, *rest = line.split() or [""]
        if command == "step":
            times, losses = [], []
            for _ in range(int(rest[0]) if rest else 1):
                start = time.perf_counter()
                losses.append(step())
                times.append(time.perf_counter() - start)
            answer({"seconds": statistics.median(times), "all": times, "losses": losses})
        elif command == "memory":
            answer({"peak_rss": status_bytes("VmHWM"), "base_rss": BASE_RSS})
        elif command == "gemm":
            keys = ("name", "m", "k", "n", "batch")
            answer({"gemm": [dict(zip(keys, p), gflops=gemm_rate(*p[1:])) for p in products]})
        elif command == "names":
            answer({"parameters": {n: list(p.shape) for n, p in model.named_parameters()}})
        elif command == "quit":
            return
        elif command:
            answer({"error": f"unknown command {command!r}: step N, memory, gemm, names or quit"})


main()
