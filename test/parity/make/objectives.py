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


class MaskedHead(torch.nn.Module):
    """From states to words: Devlin et al. 2019, arXiv 1810.04805, as their code has it. The vocabulary's vectors are given."""

    def __init__(self, width, size, vocabulary, generator):
        super().__init__()
        self.transform = torch.nn.Linear(width, size)
        self.norm = torch.nn.LayerNorm(size)
        self.bias = torch.nn.Parameter(torch.zeros(vocabulary))
        for parameter in self.parameters():
            parameter.data = normal(generator, *parameter.shape, scale=0.5)

    def forward(self, states, words):
        return self.norm(F.gelu(self.transform(states))) @ words.T + self.bias


def masked(g, generator):
    """ALBEF (arXiv 2107.07651), equation 2: cross-entropy of the hidden words alone."""
    width, size, vocabulary = 6, 5, 9
    labels = torch.tensor([[3, -100], [8, 0], [-100, -100]])
    head = MaskedHead(width, size, vocabulary, generator)

    def mlm(states, words, labels):
        logits = head(states, words)
        hidden = labels >= 0
        return {"loss": -logits[hidden].log_softmax(-1)[torch.arange(hidden.sum()), labels[hidden]].mean(), "logits": logits}

    inputs = {"states": normal(generator, 3, 2, width), "words": normal(generator, vocabulary, size), "labels": labels}
    g.case("masked", "masked", inputs, mlm, attrs={"width": width, "words": [vocabulary, size]}, module=head)


def unit(generator, *shape):
    return F.normalize(normal(generator, *shape), dim=-1).float().double()


def matching(g, generator):
    """ALBEF, equation 3, with a negative for each picture and each text, drawn by the contrastive similarity."""
    count, patches, length, width = 5, 3, 4, 6
    keep = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]]).double()

    def drawn(similarity, matches, uniform):
        """One candidate of each row by the inverse of the Gumbel distribution; the row's own concept has probability 0."""
        probabilities = similarity.softmax(-1) * ~matches
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
        return (probabilities.log() - torch.log(-torch.log(uniform))).argmax(-1)

    def itm(vision, text, keep, weight, similarity, concepts, texts, pictures):
        def match(v, t, k):
            pooled = (t * k[..., None]).sum(1) / k.sum(1, keepdim=True)
            return torch.tanh(v.mean(1) * pooled) @ weight.T

        matches = concepts[:, None] == concepts[None, :]
        text_of = drawn(similarity, matches, texts)
        picture_of = drawn(similarity.T, matches.T, pictures)
        has = ~matches.all(-1)
        logits, labels = [match(vision, text, keep)], [torch.ones(count, dtype=torch.long)]
        logits.append(match(vision[has], text[text_of][has], keep[text_of][has]))
        logits.append(match(vision[picture_of][has], text[has], keep[has]))
        labels += [torch.zeros(int(has.sum()), dtype=torch.long)] * 2
        return {"loss": F.cross_entropy(torch.cat(logits), torch.cat(labels))}

    for name, concepts in {"matching": [0, 1, 0, 2, 1], "matching-one-concept": [0, 0, 0, 0, 0]}.items():
        fixed = {
            "keep": keep,
            "similarity": normal(generator, count, count, scale=2.0),
            "texts": torch.rand(count, count, generator=generator).float().double(),
            "pictures": torch.rand(count, count, generator=generator).float().double(),
        }
        inputs = {
            "vision": normal(generator, count, patches, width),
            "text": normal(generator, count, length, width),
            "weight": normal(generator, 2, width),
            "concepts": torch.tensor(concepts),
        }
        g.case(name, "matching", inputs | fixed, itm, skip=tuple(fixed))


def distillation(g, generator):
    """Hinton et al. 2015 (arXiv 1503.02531), section 2, and Romero et al. 2015 (arXiv 1412.6550), equation 3."""
    shape, classes = (4, 3), 6

    def hinton(student, teacher, temperature):
        soft = lambda x: F.log_softmax(x / temperature, dim=-1).flatten(0, -2)
        return F.kl_div(soft(student), soft(teacher), reduction="batchmean", log_target=True) * temperature**2

    weights = torch.tensor([[1, 0, 1], [1, 1, 1], [0, 0, 0], [0, 1, 0]]).double()
    logits = lambda: {"student": normal(generator, *shape, classes, scale=2.0), "teacher": normal(generator, *shape, classes, scale=2.0)}
    for temperature in (1.0, 4.0):
        g.case(
            f"distillation-{temperature:.0f}",
            "distillation",
            logits(),
            lambda student, teacher: {"loss": hinton(student, teacher, temperature)},
            attrs={"temperature": temperature},
            skip=("teacher",),
        )
    counted = weights.bool()
    g.case(
        "distillation-weighted",
        "distillation",
        logits() | {"weights": weights},
        lambda student, teacher, weights: {"loss": hinton(student[counted][None], teacher[counted][None], 2.0)},
        attrs={"temperature": 2.0},
        skip=("teacher", "weights"),
    )
    g.case(
        "features",
        "features",
        {"student": normal(generator, *shape, 5), "teacher": normal(generator, *shape, 5)},
        lambda student, teacher: {"loss": 0.5 * (student - teacher).pow(2).sum(-1).mean()},
        skip=("teacher",),
    )


def momentum(g, generator):
    """ALBEF, equations 6 and 7. The momentum model's part is given, not differentiated."""
    count, width, alpha = 5, 6, 0.4

    def contrastive(vision, text, log_scale, vision_average, text_average, same_scale):
        logits = vision @ text.T * log_scale.exp()
        with torch.no_grad():
            soft = vision_average @ text_average.T * same_scale.exp()
        labels = torch.arange(count)
        hard = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
        kl = lambda q, p: F.kl_div(p.log_softmax(-1), q.softmax(-1), reduction="batchmean")
        return {"loss": (1 - alpha) * hard + alpha / 2 * (kl(soft, logits) + kl(soft.T, logits.T))}

    inputs = {name: unit(generator, count, width) for name in ("vision", "text", "vision_average", "text_average")}
    inputs["log_scale"] = inputs["same_scale"] = torch.tensor(1.5).double()
    g.case("momentum-contrastive", "momentum-contrastive", inputs, contrastive, attrs={"share": alpha}, skip=("vision_average", "text_average", "same_scale"))

    labels = torch.tensor([[3, -100], [6, 0], [-100, -100]])

    def mlm(logits, average, labels):
        hidden = labels >= 0
        hard = F.cross_entropy(logits[hidden], labels[hidden])
        soft = F.kl_div(logits[hidden].log_softmax(-1), average[hidden].softmax(-1), reduction="batchmean")
        return {"loss": (1 - alpha) * hard + alpha * soft}

    words = {"logits": normal(generator, 3, 2, 7), "average": normal(generator, 3, 2, 7), "labels": labels}
    g.case("momentum-masked", "momentum-masked", words, mlm, attrs={"share": alpha}, skip=("average",))


def captions(g, generator):
    """Causal language modelling of a caption; BLIP (arXiv 2201.12086) gives a prompt and smooths labels by 0.1."""
    ids = torch.tensor([[1, 4, 5, 2, 0], [1, 3, 3, 6, 2], [1, 2, 0, 0, 0]])
    keep = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]).double()

    def caption(prompt, smoothing):
        def loss(logits, ids, keep):
            labels = torch.where(keep > 0, ids, -100)
            labels[:, :prompt] = -100
            shifted = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), label_smoothing=smoothing)
            return {"loss": shifted}

        return loss

    for name, prompt, smoothing in (("caption", 1, 0.0), ("caption-prompt", 2, 0.1)):
        inputs = {"logits": normal(generator, 3, 5, 7), "ids": ids, "keep": keep}
        g.case(name, "caption", inputs, caption(prompt, smoothing), attrs={"prompt": prompt, "smoothing": smoothing}, skip=("keep",))


def make():
    g = Group("objectives")
    generator = torch.Generator().manual_seed(43)
    for part in (tokens, masked, matching, distillation, momentum, captions):
        part(g, generator)
    g.write()


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    make()
