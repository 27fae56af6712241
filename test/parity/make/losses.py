"""Contrastive losses on a small batch: CLIP's form with one-hot and with shared targets, SigLIP's form, prototypes, and truths."""

import math

import torch
from torch.nn import functional as F

from fixtures import Group, normal


def unit(generator, *shape):
    """Vectors of about unit length that float32 holds exactly."""
    return F.normalize(normal(generator, *shape), dim=-1).float().double()


def make():
    g = Group("losses")
    generator = torch.Generator().manual_seed(41)
    count, width = 5, 6
    concepts = torch.tensor([0, 1, 0, 2, 1])

    def clip(vision, text, log_scale, concepts):
        logits = vision @ text.T * log_scale.exp()
        labels = torch.arange(count)
        return {"loss": (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2}

    def clip_shared(vision, text, log_scale, concepts):
        logits = vision @ text.T * log_scale.exp()
        targets = (concepts[:, None] == concepts[None, :]).double()
        targets = targets / targets.sum(-1, keepdim=True)
        return {"loss": (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2}

    def siglip(vision, text, log_scale, bias, concepts):
        logits = vision @ text.T * log_scale.exp() + bias
        matches = concepts[:, None] == concepts[None, :]
        signs = torch.where(matches, 1.0, -1.0)
        return {"loss": -F.logsigmoid(signs * logits).sum(-1).mean()}

    scalar = lambda value: torch.tensor(value).float().double()
    pair = lambda: {"vision": unit(generator, count, width), "text": unit(generator, count, width)}
    scale = {"log_scale": scalar(math.log(1 / 0.07))}
    g.case("clip", "clip", pair() | scale | {"concepts": torch.arange(count)}, clip)
    g.case("clip-shared", "clip", pair() | scale | {"concepts": concepts}, clip_shared)
    start = {"log_scale": scalar(math.log(10.0)), "bias": scalar(-10.0)}
    g.case("siglip", "siglip", pair() | start | {"concepts": torch.arange(count)}, siglip)
    g.case("siglip-shared", "siglip", pair() | {"log_scale": scalar(1.0), "bias": scalar(-0.5)} | {"concepts": concepts}, siglip)

    def prototypes(features, vectors, log_scale, concepts):
        return {"loss": F.cross_entropy(features @ F.normalize(vectors, dim=-1).T * log_scale.exp(), concepts)}

    vectors = {"features": unit(generator, count, width), "vectors": normal(generator, 4, width).float().double()}
    g.case("prototypes", "prototypes", vectors | scale | {"concepts": concepts}, prototypes)

    def truths(features, vectors, log_scale, truth):
        logits = (features @ F.normalize(vectors, dim=-1).T * log_scale.exp()).masked_fill(truth < 0, -math.inf)
        positive = truth > 0
        picked = logits.log_softmax(-1).masked_fill(~positive, 0.0).sum(-1)
        return {"loss": -(picked / positive.sum(-1)).mean()}

    truth = torch.tensor([[1, 0, 0, -1], [0, 1, 1, 0], [0, 0, 1, 0], [1, -1, -1, 1], [-1, 0, 0, 1]]).double()
    vectors = {"features": unit(generator, count, width), "vectors": normal(generator, 4, width).float().double()}
    g.case("truths", "truths", vectors | scale | {"truth": truth}, truths, skip=("truth",))
    g.write()


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    make()
