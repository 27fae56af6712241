"""Layers in plain PyTorch, with the parameter names of their checkpoints, and their fixtures."""

import torch
from torch import nn
from torch.nn import functional as F

from fixtures import Group, normal


def draw(module, seed, scale=0.5):
    """Fills every parameter with numbers that float32 holds exactly; scales of normalisations lie around 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            centre = 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0
            fan = parameter[0].numel() if parameter.dim() > 1 else 16
            values = centre + normal(generator, *parameter.shape, scale=scale if centre == 0 and parameter.dim() < 2 else scale * 2 / fan**0.5 if centre == 0 else 0.25)
            parameter.copy_(values.float().double())
    return module


def rotary(length, width, base):
    """Cosines and sines [T, K] for positions 0 ... T-1; the first half of a head is paired with the second."""
    frequencies = 1.0 / base ** (torch.arange(0, width, 2).double() / width)
    angles = torch.outer(torch.arange(length).double(), frequencies)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cosines, sines):
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat([-second, first], -1) * sines


def additive(keep):
    """[B, S], 1 where a token is real, to the boolean mask [B, 1, 1, S] of allowed keys."""
    return None if keep is None else (keep > 0)[:, None, None, :]


def heads_of(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merged(x):
    return x.transpose(1, 2).flatten(2)


class TransformerBlock(nn.Module):
    """Pre-LayerNorm block with nn.MultiheadAttention's parameters, as in a ViT."""

    def __init__(self, width, heads, hidden, approximate):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})
        self.approximate = approximate

    def forward(self, x, keep=None):
        normed = self.norm1(x)
        x = x + self.attention(normed, normed, normed, key_padding_mask=None if keep is None else keep == 0, need_weights=False)[0]
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x)), approximate=self.approximate))


class BertLayer(nn.Module):
    """Post-LayerNorm encoder layer with the names of Hugging Face's BertLayer (Devlin et al. 2019)."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        linear = lambda: nn.Linear(width, width)
        self.attention = nn.ModuleDict({
            "self": nn.ModuleDict({"query": linear(), "key": linear(), "value": linear()}),
            "output": nn.ModuleDict({"dense": linear(), "LayerNorm": nn.LayerNorm(width, eps=1e-12)}),
        })
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, hidden)})
        self.output = nn.ModuleDict({"dense": nn.Linear(hidden, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)})

    def forward(self, x, keep):
        q, k, v = (heads_of(self.attention["self"][name](x), self.heads) for name in ("query", "key", "value"))
        attended = merged(F.scaled_dot_product_attention(q, k, v, attn_mask=additive(keep)))
        x = self.attention["output"]["LayerNorm"](self.attention["output"]["dense"](attended) + x)
        hidden = F.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](self.output["dense"](hidden) + x)


class LlamaLayer(nn.Module):
    """Decoder layer with the names of Hugging Face's LlamaDecoderLayer: RMSNorm, rotary positions, grouped heads, SwiGLU."""

    def __init__(self, width, heads, groups, hidden, base):
        super().__init__()
        linear = lambda a, b: nn.Linear(a, b, bias=False)
        size = width // heads
        self.heads, self.groups, self.base = heads, groups, base
        self.input_layernorm = nn.RMSNorm(width, eps=1e-6)
        self.self_attn = nn.ModuleDict({
            "q_proj": linear(width, width), "k_proj": linear(width, groups * size),
            "v_proj": linear(width, groups * size), "o_proj": linear(width, width),
        })
        self.post_attention_layernorm = nn.RMSNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"gate_proj": linear(width, hidden), "up_proj": linear(width, hidden), "down_proj": linear(hidden, width)})

    def forward(self, x):
        a, m = self.self_attn, self.mlp
        normed = self.input_layernorm(x)
        q, k, v = heads_of(a["q_proj"](normed), self.heads), heads_of(a["k_proj"](normed), self.groups), heads_of(a["v_proj"](normed), self.groups)
        tables = rotary(x.shape[1], q.shape[-1], self.base)
        q, k = rotate(q, *tables), rotate(k, *tables)
        k, v = (t.repeat_interleave(self.heads // self.groups, 1) for t in (k, v))
        x = x + a["o_proj"](merged(F.scaled_dot_product_attention(q, k, v, is_causal=True)))
        normed = self.post_attention_layernorm(x)
        return x + m["down_proj"](F.silu(m["gate_proj"](normed)) * m["up_proj"](normed))


class Cnn(nn.Module):
    """Convolution, group norm, max-pool, depthwise and pointwise convolution, mean over the grid, classes."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.norm1 = nn.GroupNorm(2, 4)
        self.conv2 = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4, bias=False)
        self.conv3 = nn.Conv2d(4, 6, 1)
        self.head = nn.Linear(6, 3)

    def forward(self, pixels, labels):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(pixels))), 2)
        x = F.silu(self.conv3(self.conv2(x)))
        logits = self.head(x.mean((2, 3)))
        return {"logits": logits, "loss": F.cross_entropy(logits, labels)}


def make():
    g = Group("layers")
    generator = torch.Generator().manual_seed(7)
    n = lambda *shape: normal(generator, *shape)
    keep = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).double()

    m = draw(nn.MultiheadAttention(8, 2, batch_first=True), 1)
    g.case("multihead-self", "MultiheadAttention", {"x": n(2, 4, 8)}, lambda x: m(x, x, x, need_weights=False)[0], {"width": 8, "heads": 2}, m)

    def cross(query, context, keep=None):
        y, weights = m(query, context, context, key_padding_mask=None if keep is None else keep == 0, average_attn_weights=False)
        return {"y": y, "weights": weights}

    g.case("multihead-cross", "MultiheadAttention", {"query": n(2, 3, 8), "context": n(2, 5, 8)}, cross, {"width": 8, "heads": 2}, m)
    g.case("multihead-cross-padded", "MultiheadAttention", {"query": n(2, 3, 8), "context": n(2, 5, 8), "keep": keep}, cross, {"width": 8, "heads": 2}, m, skip=("keep",))
    for approximate in ("none", "tanh"):
        block = draw(TransformerBlock(8, 2, 16, approximate), 2)
        attrs = {"width": 8, "heads": 2, "hidden": 16, "activation": "gelu" if approximate == "none" else "gelu_tanh"}
        g.case(f"vit-block-{approximate}", "TransformerBlock", {"x": n(2, 5, 8)}, lambda x: block(x), attrs, block)
    g.case("vit-block-padded", "TransformerBlock", {"x": n(2, 5, 8), "keep": keep}, lambda x, keep: block(x, keep), attrs, block, skip=("keep",))
    bert = draw(BertLayer(8, 2, 16), 3)
    g.case("bert-layer", "BertLayer", {"x": n(2, 5, 8), "keep": keep}, lambda x, keep: bert(x, keep), {"width": 8, "heads": 2, "hidden": 16, "epsilon": 1e-12}, bert, skip=("keep",))
    llama = draw(LlamaLayer(16, 4, 2, 24, 10000.0), 4)
    g.case("llama-layer", "LlamaDecoderLayer", {"x": n(2, 5, 16)}, lambda x: llama(x), {"width": 16, "heads": 4, "keyValueHeads": 2, "hidden": 24, "base": 10000.0, "epsilon": 1e-6, "causal": True}, llama)
    cnn = draw(Cnn(), 5)
    labels = torch.tensor([2, 0])
    g.case("cnn", "Cnn", {"pixels": n(2, 3, 8, 8), "labels": labels}, lambda pixels, labels: {"loss": cnn(pixels, labels)["loss"]}, {"normEpsilon": 1e-5, "normGroups": 2}, cnn)
    norms = draw(nn.ModuleDict({"norm": nn.GroupNorm(2, 4)}), 6)
    g.case("group-norm", "GroupNorm", {"x": n(2, 4, 3, 3)}, lambda x: norms["norm"](x), {"groups": 2, "epsilon": 1e-5}, norms["norm"])
    g.write()
