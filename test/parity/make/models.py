"""Whole models at tiny size: encoders, a language model, and the article's fusion model in both directions."""

import torch
from torch import nn
from torch.nn import functional as F

from fixtures import Group, normal
from layers import LlamaLayer, TransformerBlock, draw


class Transformer(nn.Module):
    def __init__(self, width, layers, heads, hidden):
        super().__init__()
        self.layers = nn.ModuleList(TransformerBlock(width, heads, hidden, "tanh") for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x, keep=None):
        for layer in self.layers:
            x = layer(x, keep)
        return self.norm(x)


class Vit(nn.Module):
    """[B, 3, H, W] to [B, (1 +) patches, D]."""

    def __init__(self, width, layers, heads, hidden, image, patch, class_token):
        super().__init__()
        self.patch_embedding = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width)) if class_token else None
        self.position_embedding = nn.Parameter(torch.zeros((image // patch) ** 2 + int(class_token), width))
        self.encoder = Transformer(width, layers, heads, hidden)

    def forward(self, pixels):
        x = self.patch_embedding(pixels).flatten(2).transpose(1, 2)
        if self.class_token is not None:
            x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1)
        return self.encoder(x + self.position_embedding)


class ResidualBlock(nn.Module):
    """Pre-activation residual block with group normalisation (He et al. 2016)."""

    def __init__(self, inputs, outputs, stride, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups(inputs), inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(groups(outputs), outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, stride, stride=stride, bias=False)

    def forward(self, x):
        first = F.relu(self.norm1(x))
        carried = x if self.shortcut is None else self.shortcut(first)
        return carried + self.conv2(F.relu(self.norm2(self.conv1(first))))


class ConvNet(nn.Module):
    """[B, 3, H, W] to [B, positions, D]; every stage after the first halves the resolution."""

    def __init__(self, channels, stem):
        super().__init__()
        groups = lambda width: max(1, min(8, width // 8))
        self.stem = nn.Conv2d(3, channels[0], 2 * stem - 1, stride=stem, padding=stem - 1)
        before = [channels[0]] + channels[:-1]
        self.stages = nn.ModuleList(nn.ModuleList([ResidualBlock(a, b, 1 if i == 0 else 2, groups)]) for i, (a, b) in enumerate(zip(before, channels)))
        self.norm = nn.LayerNorm(channels[-1])

    def forward(self, pixels):
        x = self.stem(pixels)
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.norm(x.flatten(2).transpose(1, 2))


class TextEncoder(nn.Module):
    """[B, T] ids and their mask to [B, T, D]."""

    def __init__(self, vocabulary, length, width, layers, heads, hidden):
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Parameter(torch.zeros(length, width))
        self.encoder = Transformer(width, layers, heads, hidden)

    def forward(self, ids, keep):
        return self.encoder(self.token_embedding(ids) + self.position_embedding[: ids.shape[1]], keep)


class SimpleMultimodalModel(nn.Module):
    """The article's model. query `text`: text asks, the picture answers, mean over the real tokens;
    query `vision`: the picture asks, the text (its real tokens) answers, mean over the grid."""

    def __init__(self, vision, text, width, heads, classes, query):
        super().__init__()
        self.vision_encoder, self.text_encoder, self.query = vision, text, query
        self.cross_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.classifier = nn.Linear(width, classes)

    def forward(self, pixels, ids, keep, labels):
        vision, text = self.vision_encoder(pixels), self.text_encoder(ids, keep)
        if self.query == "text":
            fused, weights = self.cross_attention(text, vision, vision, average_attn_weights=False)
            pooled = (fused * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
        else:
            fused, weights = self.cross_attention(vision, text, text, key_padding_mask=keep == 0, average_attn_weights=False)
            pooled = fused.mean(1)
        logits = self.classifier(pooled)
        return logits, weights, F.cross_entropy(logits, labels)


class LanguageModel(nn.Module):
    """A causal model with the names of Hugging Face's LlamaForCausalLM; output weights tied to the embedding."""

    def __init__(self, vocabulary, width, layers):
        super().__init__()
        self.model = nn.ModuleDict({
            "embed_tokens": nn.Embedding(vocabulary, width),
            "layers": nn.ModuleList(LlamaLayer(width, 4, 2, 24, 10000.0) for _ in range(layers)),
            "norm": nn.RMSNorm(width, eps=1e-6),
        })

    def forward(self, ids, labels):
        x = self.model["embed_tokens"](ids)
        for layer in self.model["layers"]:
            x = layer(x)
        logits = F.linear(self.model["norm"](x), self.model["embed_tokens"].weight)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def make():
    g = Group("models")
    generator = torch.Generator().manual_seed(11)
    pixels = normal(generator, 2, 3, 8, 8)
    ids = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
    keep = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).double()
    labels = torch.tensor([1, 0])
    text_attrs = {"vocabularySize": 12, "maxLength": 6, "width": 16, "layers": 1, "heads": 2, "hidden": 24, "activation": "gelu_tanh"}
    vit_attrs = {"kind": "vit", "imageSize": 8, "patchSize": 4, "width": 16, "layers": 1, "heads": 2, "hidden": 24, "classToken": True, "activation": "gelu_tanh"}
    conv_attrs = {"kind": "convnet", "imageSize": 8, "channels": [8, 16], "blocks": [1, 1], "stem": 2}
    for name, vision_attrs, query in [("vit-text-asks", vit_attrs, "text"), ("vit-vision-asks", vit_attrs, "vision"), ("convnet-text-asks", conv_attrs, "text")]:
        vision = Vit(16, 1, 2, 24, 8, 4, True) if vision_attrs is vit_attrs else ConvNet([8, 16], 2)
        model = draw(SimpleMultimodalModel(vision, TextEncoder(12, 6, 16, 1, 2, 24), 16, 8, 2, query), 21)

        def run(pixels, ids, keep, labels):
            logits, weights, loss = model(pixels, ids, keep, labels)
            # Logits and attention maps are compared; the gradient is the loss's alone.
            return {"logits": logits.detach(), "probabilities": logits.softmax(-1).detach(), "weights": weights.detach(), "loss": loss}

        g.case(f"fusion-{name}", "SimpleMultimodalModel", {"pixels": pixels, "ids": ids, "keep": keep, "labels": labels}, run,
               {"vision": vision_attrs, "text": text_attrs, "hiddenSize": 16, "heads": 8, "classes": 2, "query": query}, model, skip=("keep",))
    language = draw(LanguageModel(10, 16, 1), 22)
    targets = torch.tensor([[1, 4, 1, 5, -100], [2, 6, 3, -100, -100]])
    g.case("llama-tied", "LlamaForCausalLM", {"ids": ids, "labels": targets}, lambda ids, labels: {"loss": language(ids, labels)},
           {"vocabularySize": 10, "width": 16, "layers": 1, "heads": 4, "keyValueHeads": 2, "hidden": 24, "base": 10000.0, "epsilon": 1e-6, "tied": True}, language)
    g.write()
