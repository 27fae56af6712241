"""Makes the parity fixtures: float64 values and gradients by PyTorch, for operators, layers, models and optimisers.

    pip install -r requirements.txt && python operators.py

writes into ../fixtures, for every group (operators, layers, losses, models, optimizers), two files:

* GROUP.json, the manifest: {"format": 1, "made_by", "cases": [case, ...]}, where a case is
    name       unique in its group, and the prefix of its tensors
    op         what is computed, e.g. `conv2d`; `attrs` are its attributes (axes, strides, epsilon ...)
    inputs     {input name: {dtype, shape}}; tensors `NAME/in/INPUT`
    params     {state-dict key: {dtype, shape}}; tensors `NAME/param/KEY` (layers and models)
    outputs    {output name: {dtype, shape, upstream?}}; tensors `NAME/out/OUTPUT`. `upstream` tells the gradient that
               flows into it: `given` is the tensor `NAME/up/OUTPUT`, `one` is 1 (losses); absent: no gradient
    gradients  {input name or state-dict key: {dtype, shape}}; tensors `NAME/grad/KEY`: the derivative of
               sum over outputs of <output, upstream>. An input without an entry has no gradient (indices, masks).
* GROUP.safetensors, the tensors. Inputs, parameters and upstream gradients are float32 (numbers are drawn so that this
  is exact), outputs and gradients are float64. Indices are int64, masks float32 (1 keep, 0 drop) unless named bool.

Optimiser cases have no upstream: inputs are the weights `w`, `b` and the gradients of each step `g_w`, `g_b` with
a leading axis of steps; outputs hold the weights after each step likewise.

Shapes have at most some hundred elements. Points where an operator has no derivative (0 of relu and abs, ties of
max) are kept away from.
"""

import torch
from torch.nn import functional as F

import layers
import losses
import models
import optimizers
from fixtures import Group, normal

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
GENERATOR = torch.Generator().manual_seed(20250101)


def n(*shape, scale=1.0):
    return normal(GENERATOR, *shape, scale=scale)


def positive(*shape):
    return (n(*shape).abs() + 0.25).float().double()


def away(*shape):
    """Numbers at a distance from 0."""
    x = n(*shape)
    return (x + 0.1 * x.sign()).float().double()


def distinct(*shape):
    """Numbers that differ from each other by at least 0.1."""
    count = torch.Size(shape).numel()
    return (torch.randperm(count, generator=GENERATOR).reshape(shape) * 0.125 - count * 0.0625).double()


def ids(high, *shape):
    return torch.randint(high, shape, generator=GENERATOR)


def elementwise(g):
    shapes = {"same": ([3, 4], [3, 4]), "row": ([2, 3, 4], [4]), "column": ([3, 4], [3, 1]), "both": ([2, 1, 4], [3, 1]), "scalar": ([3, 4], [])}
    operators = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    for op, function in operators.items():
        for kind, (a, b) in shapes.items():
            g.case(f"{op}-{kind}", op, {"a": n(*a), "b": positive(*b) if op == "div" else n(*b)}, lambda a, b, f=function: f(a, b))
    g.case("pow-same", "pow", {"a": positive(3, 4), "b": n(3, 4)}, lambda a, b: torch.pow(a, b))
    g.case("pow-row", "pow", {"a": positive(3, 4), "b": n(4)}, lambda a, b: torch.pow(a, b))
    for exponent in (2.0, 3.0, 0.5):
        g.case(f"pow-constant-{exponent:g}", "pow", {"a": positive(3, 4) if exponent < 1 else away(3, 4)}, lambda a, e=exponent: a**e, {"exponent": exponent})
    pair = distinct(2, 3, 4)
    g.case("minimum", "minimum", {"a": pair[0], "b": pair[1]}, lambda a, b: torch.minimum(a, b))
    g.case("maximum", "maximum", {"a": pair[0], "b": pair[1]}, lambda a, b: torch.maximum(a, b))
    g.case("maximum-row", "maximum", {"a": away(3, 4), "b": torch.zeros(4) + 0.03125}, lambda a, b: torch.maximum(a, b))
    unary = {
        "neg": torch.neg, "exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "erf": torch.erf, "silu": F.silu,
        "sin": torch.sin, "cos": torch.cos, "log_sigmoid": F.logsigmoid,
    }
    for op, function in unary.items():
        g.case(op, op, {"x": n(3, 5, scale=1.5)}, lambda x, f=function: f(x))
    for op, function in {"log": torch.log, "sqrt": torch.sqrt, "reciprocal": torch.reciprocal}.items():
        g.case(op, op, {"x": positive(3, 5)}, lambda x, f=function: f(x))
    for op, function in {"relu": torch.relu, "abs": torch.abs}.items():
        g.case(op, op, {"x": away(3, 5)}, lambda x, f=function: f(x))
    for approximate in ("none", "tanh"):
        g.case(f"gelu-{approximate}", "gelu", {"x": n(3, 5, scale=1.5)}, lambda x, a=approximate: F.gelu(x, approximate=a), {"approximate": approximate})
    extremes = torch.tensor([-100.0, -20.0, -6.0, -1e-3, 0.0, 1e-3, 6.0, 20.0, 100.0]).float().double()
    for op, function in {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "silu": F.silu, "log_sigmoid": F.logsigmoid, "gelu": F.gelu}.items():
        g.case(f"{op}-extremes", op, {"x": extremes}, lambda x, f=function: f(x), {"approximate": "none"} if op == "gelu" else {})
    g.case("gelu-tanh-extremes", "gelu", {"x": extremes}, lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"})
    condition = torch.rand(3, 4, generator=GENERATOR) > 0.5
    g.case("where", "where", {"condition": condition, "a": n(3, 4), "b": n(3, 4)}, lambda condition, a, b: torch.where(condition, a, b))
    g.case("where-row", "where", {"condition": condition, "a": n(4), "b": n(3, 1)}, lambda condition, a, b: torch.where(condition, a, b))
    g.case("where-row-condition", "where", {"condition": condition[0], "a": n(3, 4), "b": n(3, 4)}, lambda condition, a, b: torch.where(condition, a, b))


def products(g):
    for kind, a, b in [
        ("2d", [3, 4], [4, 5]), ("batched", [2, 3, 4], [2, 4, 5]), ("batched-4d", [2, 2, 3, 4], [2, 2, 4, 3]),
        ("broadcast-right", [2, 3, 4], [4, 5]), ("broadcast-left", [3, 4], [2, 4, 5]), ("broadcast-both", [2, 1, 3, 4], [3, 4, 2]),
    ]:
        g.case(f"matmul-{kind}", "matmul", {"a": n(*a), "b": n(*b)}, lambda a, b: a @ b)
    for ta in (False, True):
        for tb in (False, True):
            attrs = {"transA": ta, "transB": tb, "alpha": 0.5}
            g.case(f"matmul-trans-{int(ta)}{int(tb)}", "matmul", {"a": n(2, *([4, 3] if ta else [3, 4])), "b": n(2, *([5, 4] if tb else [4, 5]))},
                   lambda a, b, ta=ta, tb=tb: 0.5 * (a.mT if ta else a) @ (b.mT if tb else b), attrs)
    g.case("matmul-trans-broadcast", "matmul", {"a": n(2, 3, 4), "b": n(5, 4)}, lambda a, b: 2.0 * a @ b.mT, {"transA": False, "transB": True, "alpha": 2.0})
    g.case("linear", "linear", {"x": n(3, 4), "weight": n(5, 4), "bias": n(5)}, lambda x, weight, bias: F.linear(x, weight, bias))
    g.case("linear-3d", "linear", {"x": n(2, 3, 4), "weight": n(5, 4), "bias": n(5)}, lambda x, weight, bias: F.linear(x, weight, bias))
    g.case("linear-no-bias", "linear", {"x": n(2, 3, 4), "weight": n(5, 4)}, lambda x, weight: F.linear(x, weight))


def layout(g):
    g.case("transpose-2d", "transpose", {"x": n(3, 4)}, lambda x: x.permute(1, 0), {"permutation": [1, 0]})
    g.case("transpose-4d", "transpose", {"x": n(2, 3, 2, 4)}, lambda x: x.permute(2, 0, 3, 1), {"permutation": [2, 0, 3, 1]})
    g.case("reshape", "reshape", {"x": n(2, 6)}, lambda x: x.reshape(3, 4), {"shape": [3, 4]})
    for name, axis, start, end, step in [("first", 0, 1, 3, 1), ("last", 1, 0, 3, 1), ("negative", -1, -3, -1, 1), ("step", 1, 1, 6, 2)]:
        g.case(f"slice-{name}", "slice", {"x": n(4, 6)}, lambda x, a=axis, s=slice(start, end, step): x[s] if a == 0 else x[:, s],
               {"axis": axis, "start": start, "end": end, "step": step})
    g.case("concat-0", "concat", {"a": n(2, 3), "b": n(1, 3), "c": n(3, 3)}, lambda a, b, c: torch.cat([a, b, c]), {"axis": 0})
    g.case("concat-last", "concat", {"a": n(2, 3, 1), "b": n(2, 3, 2)}, lambda a, b: torch.cat([a, b], -1), {"axis": -1})
    g.case("concat-twice-the-same", "concat", {"a": n(2, 3)}, lambda a: torch.cat([a, a], 1), {"axis": 1, "order": ["a", "a"]})
    g.case("split", "split", {"x": n(3, 6)}, lambda x: dict(zip("abc", x.split([1, 2, 3], 1))), {"axis": 1, "sizes": [1, 2, 3]})
    g.case("chunk", "chunk", {"x": n(3, 6)}, lambda x: dict(zip("abc", x.chunk(3, 1))), {"axis": 1, "parts": 3})
    g.case("pad", "pad", {"x": n(2, 3)}, lambda x: F.pad(x, (1, 2, 0, 1)), {"before": [0, 1], "after": [1, 2], "value": 0.0})
    g.case("pad-value", "pad", {"x": n(1, 2, 3, 3)}, lambda x: F.pad(x, (1, 1, 2, 0), value=-1.5), {"before": [0, 0, 2, 1], "after": [0, 0, 0, 1], "value": -1.5})
    g.case("expand", "expand", {"x": n(3, 1)}, lambda x: x.expand(2, 3, 4), {"shape": [2, 3, 4]})
    g.case("expand-scalar", "expand", {"x": n()}, lambda x: x.expand(2, 3), {"shape": [2, 3]})
    g.case("embedding", "gather", {"weight": n(7, 3), "indices": ids(7, 2, 5)}, lambda weight, indices: F.embedding(indices, weight), {"axis": 0})
    g.case("gather-axis-1", "gather", {"weight": n(3, 5, 2), "indices": torch.tensor([4, 0, 0, 2])}, lambda weight, indices: weight[:, indices], {"axis": 1})
    index = torch.tensor([[0, 2, 2, 1], [1, 1, 0, 3], [3, 0, 1, 2]])
    g.case("scatter-add", "scatter_elements", {"x": n(3, 4), "indices": index, "updates": n(3, 4)}, lambda x, indices, updates: x.scatter_add(1, indices, updates), {"axis": 1, "reduction": "add"})
    g.case("scatter-none", "scatter_elements", {"x": n(3, 4), "indices": torch.tensor([[0, 2], [3, 1], [1, 0]]), "updates": n(3, 2)}, lambda x, indices, updates: x.scatter(1, indices, updates), {"axis": 1, "reduction": "none"})
    g.case("scatter-add-rows", "scatter_add_rows", {"indices": torch.tensor([1, 4, 1, 0]), "updates": n(4, 3)}, lambda indices, updates: torch.zeros(6, 3).index_add(0, indices, updates), {"rows": 6})


def reductions(g):
    for axes in ([0], [1], [2], [0, 2], [0, 1, 2]):
        name = "".join(map(str, axes))
        for keep in (False, True):
            suffix = f"{name}-keep" if keep else name
            attrs = {"axes": axes, "keepDims": keep}
            g.case(f"sum-{suffix}", "reduce_sum", {"x": n(2, 3, 4)}, lambda x, a=axes, k=keep: x.sum(a, keepdim=k), attrs)
            g.case(f"mean-{suffix}", "reduce_mean", {"x": n(2, 3, 4)}, lambda x, a=axes, k=keep: x.mean(a, keepdim=k), attrs)
            g.case(f"max-{suffix}", "reduce_max", {"x": distinct(2, 3, 4)}, lambda x, a=axes, k=keep: x.amax(a, keepdim=k), attrs)
    for name, shape in {"2d": [3, 5], "4d": [2, 2, 3, 4]}.items():
        g.case(f"softmax-{name}", "softmax", {"x": n(*shape, scale=2)}, lambda x: x.softmax(-1))
        g.case(f"log-softmax-{name}", "log_softmax", {"x": n(*shape, scale=2)}, lambda x: x.log_softmax(-1))
    g.case("softmax-large", "softmax", {"x": n(3, 5, scale=60)}, lambda x: x.softmax(-1))
    g.case("log-softmax-large", "log_softmax", {"x": n(3, 5, scale=60)}, lambda x: x.log_softmax(-1))
    for name, shape, epsilon in [("2d", [3, 6], 1e-5), ("3d", [2, 3, 6], 1e-6), ("large-epsilon", [2, 6], 0.1)]:
        inputs = {"x": n(*shape), "scale": n(6), "bias": n(6)}
        g.case(f"layer-norm-{name}", "layer_norm", inputs, lambda x, scale, bias, e=epsilon: F.layer_norm(x, (6,), scale, bias, e), {"epsilon": epsilon})
    g.case("layer-norm-far-mean", "layer_norm", {"x": (n(3, 6) + 8).float().double(), "scale": n(6), "bias": n(6)}, lambda x, scale, bias: F.layer_norm(x, (6,), scale, bias), {"epsilon": 1e-5})
    g.case("layer-norm-plain", "layer_norm", {"x": n(3, 6)}, lambda x: F.layer_norm(x, (6,)), {"epsilon": 1e-5})
    g.case("rms-norm-2d", "rms_norm", {"x": n(3, 6), "scale": n(6)}, lambda x, scale: F.rms_norm(x, (6,), scale, 1e-6), {"epsilon": 1e-6})
    g.case("rms-norm-3d", "rms_norm", {"x": n(2, 3, 6), "scale": n(6)}, lambda x, scale: F.rms_norm(x, (6,), scale, 1e-5), {"epsilon": 1e-5})
    for groups in (1, 2, 4):
        inputs = {"x": n(2, 4, 3, 3), "weight": n(4), "bias": n(4)}
        g.case(f"group-norm-{groups}", "group_norm", inputs, lambda x, weight, bias, k=groups: F.group_norm(x, k, weight, bias, 1e-5), {"groups": groups, "epsilon": 1e-5})
    g.case("l2-normalize", "l2_normalize", {"x": n(3, 5)}, lambda x: F.normalize(x, dim=-1), {"epsilon": 1e-12})


def losses(g):
    def entropy(name, rows, classes, labels, scale=2.0):
        g.case(name, "cross_entropy", {"logits": n(rows, classes, scale=scale), "labels": labels},
               lambda logits, labels: {"loss": F.cross_entropy(logits, labels, ignore_index=-100)}, {"ignoreIndex": -100, "reduction": "mean"})

    entropy("cross-entropy", 4, 6, ids(6, 4))
    entropy("cross-entropy-ignored", 5, 6, torch.tensor([2, -100, 5, -100, 0]))
    entropy("cross-entropy-two-classes", 3, 2, torch.tensor([0, 1, 1]))
    entropy("cross-entropy-large", 4, 6, ids(6, 4), scale=60)
    targets = (torch.rand(3, 4, generator=GENERATOR) > 0.5).double()
    for name, scale in {"": 2.0, "-large": 40.0}.items():
        g.case(f"binary-cross-entropy{name}", "binary_cross_entropy_with_logits", {"logits": n(3, 4, scale=scale), "targets": targets},
               lambda logits, targets: {"loss": F.binary_cross_entropy_with_logits(logits, targets)}, {"reduction": "mean"}, skip=("targets",))
    g.case("mean-squared-error", "mse", {"a": n(3, 4), "b": n(3, 4)}, lambda a, b: {"loss": F.mse_loss(a, b)})


def convolutions(g):
    # name, [B, C, H, W], outputs, kernel, stride, padding, dilation, groups
    for name, shape, out, kernel, stride, padding, dilation, groups in [
        ("plain", [2, 2, 5, 5], 3, (3, 3), (1, 1), (0, 0), (1, 1), 1),
        ("padded", [1, 2, 5, 4], 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
        ("stride", [2, 2, 6, 6], 3, (3, 3), (2, 2), (1, 1), (1, 1), 1),
        ("stride-leaves-rest", [1, 2, 6, 6], 2, (3, 3), (2, 2), (0, 0), (1, 1), 1),
        ("oblong", [1, 2, 6, 5], 2, (3, 2), (2, 1), (1, 0), (1, 1), 1),
        ("patches", [1, 3, 6, 6], 4, (2, 2), (2, 2), (0, 0), (1, 1), 1),
        ("pointwise", [1, 3, 4, 4], 4, (1, 1), (1, 1), (0, 0), (1, 1), 1),
        ("pointwise-stride", [1, 3, 4, 4], 4, (1, 1), (2, 2), (0, 0), (1, 1), 1),
        ("dilated", [1, 2, 6, 6], 2, (3, 3), (1, 1), (2, 2), (2, 2), 1),
        ("groups", [1, 4, 4, 4], 6, (3, 3), (1, 1), (1, 1), (1, 1), 2),
        ("depthwise", [1, 4, 5, 5], 4, (3, 3), (1, 1), (1, 1), (1, 1), 4),
        ("depthwise-stride", [1, 4, 5, 5], 4, (3, 3), (2, 2), (1, 1), (1, 1), 4),
        ("depthwise-multiplied", [1, 2, 4, 4], 4, (3, 3), (1, 1), (1, 1), (1, 1), 2),
    ]:
        attrs = {"strides": stride, "padding": padding, "dilations": dilation, "groups": groups}
        inputs = {"x": n(*shape), "weight": n(out, shape[1] // groups, *kernel), "bias": n(out)}
        g.case(f"conv2d-{name}", "conv2d", inputs,
               lambda x, weight, bias, a=(stride, padding, dilation, groups): F.conv2d(x, weight, bias, *a), attrs)
    g.case("conv2d-no-bias", "conv2d", {"x": n(1, 2, 4, 4), "weight": n(2, 2, 3, 3)}, lambda x, weight: F.conv2d(x, weight),
           {"strides": [1, 1], "padding": [0, 0], "dilations": [1, 1], "groups": 1})
    for name, shape, kernel, stride in [("", [2, 2, 4, 4], 2, 2), ("-overlapping", [1, 2, 5, 5], 3, 2), ("-rest", [1, 2, 5, 5], 2, 2)]:
        attrs = {"kernel": kernel, "stride": stride, "padding": 0}
        g.case(f"max-pool{name}", "max_pool2d", {"x": distinct(*shape)}, lambda x, k=kernel, s=stride: F.max_pool2d(x, k, s), attrs)
        g.case(f"avg-pool{name}", "avg_pool2d", {"x": n(*shape)}, lambda x, k=kernel, s=stride: F.avg_pool2d(x, k, s), attrs | {"countIncludePad": True})
    for include in (True, False):
        g.case(f"avg-pool-padded-{'with' if include else 'without'}-padding-counted", "avg_pool2d", {"x": n(1, 2, 4, 4)},
               lambda x, i=include: F.avg_pool2d(x, 3, 2, 1, count_include_pad=i), {"kernel": 3, "stride": 2, "padding": 1, "countIncludePad": include})


def attention(g):
    def case(name, queries, keys, mask=None, causal=False, heads=2, groups=2):
        inputs = {"query": n(2, heads, queries, 4), "key": n(2, groups, keys, 4), "value": n(2, groups, keys, 4)}
        if mask is not None:
            inputs["keep"] = mask
        attrs = {"causal": causal, "keyValueHeads": groups, "heads": heads}

        def run(query, key, value, keep=None):
            key, value = (t.repeat_interleave(heads // groups, 1) for t in (key, value))
            allowed = None if keep is None else (keep > 0)[:, None, None, :]
            return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed, is_causal=causal)

        g.case(f"attention-{name}", "attention", inputs, run, attrs, skip=("keep",))

    keep = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).double()
    case("self", 5, 5)
    case("causal", 5, 5, causal=True)
    case("padding-mask", 5, 5, mask=keep)
    case("cross", 3, 5)
    case("cross-padding-mask", 3, 5, mask=keep)
    case("grouped", 4, 4, causal=True, heads=4, groups=2)
    case("multi-query", 4, 4, heads=4, groups=1)
    g.case("rope", "rope", {"x": n(2, 2, 5, 6)}, lambda x: layers.rotate(x, *layers.rotary(5, 6, 10000.0)), {"base": 10000.0})
    g.case("rope-other-base", "rope", {"x": n(1, 2, 4, 4)}, lambda x: layers.rotate(x, *layers.rotary(4, 4, 500.0)), {"base": 500.0})


def operators():
    g = Group("operators")
    for part in (elementwise, products, layout, reductions, losses, convolutions, attention):
        part(g)
    g.write()


if __name__ == "__main__":
    operators()
    layers.make()
    losses.make()
    models.make()
    optimizers.make()
