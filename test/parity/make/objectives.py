"""Objectives of pretraining and distillation, written as their papers' equations say, on small batches."""

import torch
from torch.nn import functional as F

from fixtures import Group, normal


def tokens(g, generator):
    """Cross-entropy over the tokens that carry loss."""
    shape, vocabulary = (3, 5), 7
    labels = torch.tensor([[0, 3, -100, 6, 2], [-100, -100, 1, 1, 5], [4, 0, 6, -100, -100]])
    logits = lambda: normal(generator, *shape, vocabulary, scale=2.0)

    def plain(logits, labels):
        return {"loss": F.cross_entropy(logits.flatten(0, 1), labels.flatten())}

    def weighted(logits, labels, weights):
        each = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        counted = torch.where(labels.flatten() == -100, 0.0, weights.flatten())
        return {"loss": (each * counted).sum() / counted.sum()}

    def smoothed(logits, labels):
        return {"loss": F.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=0.1)}

    weights = normal(generator, *shape).abs()
    g.case("tokens", "tokens", {"logits": logits(), "labels": labels}, plain)
    g.case("tokens-weighted", "tokens", {"logits": logits(), "labels": labels, "weights": weights}, weighted, skip=("weights",))
    g.case("tokens-smoothed", "tokens", {"logits": logits(), "labels": labels}, smoothed, attrs={"smoothing": 0.1})


def make():
    g = Group("objectives")
    generator = torch.Generator().manual_seed(43)
    tokens(g, generator)
    g.write()


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    make()
