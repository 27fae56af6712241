"""What explanations of tiny random models are, written out in PyTorch from the papers' equations, in float64.

    python test/parity/make/explanations.py

Writes test/parity/fixtures/explanations.safetensors about the models of multimodal.py and blip.py, which must be there. The
authors' code is not used: gradients are autograd's, and the equations stand below as in the papers.

Of each model m and each position t of its first prompt, with the likeliest next token as the target, target.m.t:
relevance.m.t [T] (Chefer et al. 2021, equations 5 and 6), rollout.m.t [T] (Abnar and Zuidema 2020), cam.m.t [F] (Grad-CAM of the
features, Selvaraju et al. 2017, equations 1 and 2), pixels.m.t (the gradient with respect to the pixels).
Of BLIP that answers questions, across.vqa.t [P] (Chefer et al. 2021, equations 5 to 10, over vision, question and answer), and of
BLIP that matches, across.itm [P], both with within.* of the last stream's own row.
Of CLIP and SigLIP (encoders.py), relevance.clip and relevance.siglip [P]: of the first picture for the second text.
"""

import pathlib

import torch
from safetensors.torch import load_file, save_file
from transformers import (AutoModelForImageTextToText, BlipForImageTextRetrieval, BlipForQuestionAnswering, CLIPModel,
                          SiglipModel)

torch.set_num_threads(1)

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"
DECODERS = ["smolvlm", "llava", "idefics3"]


def mean_of_heads(attention, gradient):
    """Equation 5: the mean over heads of what speaks for the target."""
    return (attention * gradient).clamp(min=0).mean(1)[0]


def rollout(attentions):
    size = attentions[0].shape[-1]
    total = torch.eye(size, dtype=torch.float64)
    for attention in attentions:
        total = (0.5 * attention[0].mean(0) + 0.5 * torch.eye(size, dtype=torch.float64)) @ total
    return total


def normalised(relevance):
    """Equations 8 and 9."""
    one = torch.eye(len(relevance), dtype=torch.float64)
    gathered = relevance - one
    sums = gathered.sum(-1, keepdim=True)
    return torch.where(sums == 0, torch.zeros_like(gathered), gathered / torch.where(sums == 0, 1, sums)) + one


def decoder(name, kept):
    folder = FIXTURES / "multimodal" / name
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    given = load_file(folder / "expected.safetensors")
    ids = given["ids.0"].reshape(1, -1)
    pixels = torch.cat([given[f"pixels.{k}"].double() for k in given["pictures.0"].tolist()]).requires_grad_()
    features = []
    connector = model.model.multi_modal_projector if name.startswith("llava") else model.model.connector
    handle = connector.register_forward_hook(lambda _module, _inputs, out: features.append(out))
    values = pixels if name.startswith("llava") else pixels[None]
    out = model(input_ids=ids, pixel_values=values, output_attentions=True, use_cache=False)
    handle.remove()
    rolled = rollout(out.attentions)
    for t in (ids.shape[1] - 1, ids.shape[1] - 3):
        target = int(out.logits[0, t].argmax())
        logit = out.logits[0, t, target]
        *gradients, by_features, by_pixels = torch.autograd.grad(logit, [*out.attentions, features[0], pixels], retain_graph=True)
        relevance = torch.eye(ids.shape[1], dtype=torch.float64)
        for attention, gradient in zip(out.attentions, gradients):
            relevance = relevance + mean_of_heads(attention, gradient) @ relevance
        maps, slopes = features[0].flatten(0, -2), by_features.flatten(0, -2)
        kept[f"target.{name}.{t}"] = torch.tensor([target])
        kept[f"relevance.{name}.{t}"] = relevance[t]
        kept[f"rollout.{name}.{t}"] = rolled[t]
        kept[f"cam.{name}.{t}"] = (maps * slopes.mean(0)).sum(-1).clamp(min=0)
        kept[f"pixels.{name}.{t}"] = by_pixels


def streams(target, vision, text, cross, answer=None, answer_cross=None):
    """
    Relevance of pictures for texts that attend to them, and of both for an answer that attends to the texts: equations 5 to 10.
    Nothing is gathered for the picture from the text, which it never asks.
    """
    groups = [group for group in (vision, text, cross, answer, answer_cross) if group is not None]
    gradients = iter(torch.autograd.grad(target, [each for group in groups for each in group], retain_graph=True, allow_unused=True))
    weighted = [[mean_of_heads(each, next(gradients)) for each in group] for group in groups]
    r_vv = torch.eye(vision[0].shape[-1], dtype=torch.float64)
    for a in weighted[0]:
        r_vv = r_vv + a @ r_vv
    r_tt = torch.eye(text[0].shape[-1], dtype=torch.float64)
    r_tv = torch.zeros(len(r_tt), len(r_vv), dtype=torch.float64)
    for self_attention, attention in zip(weighted[1], weighted[2]):
        r_tt, r_tv = r_tt + self_attention @ r_tt, r_tv + self_attention @ r_tv
        r_tv = r_tv + normalised(r_tt).T @ attention @ normalised(r_vv)
    if answer is None:
        return r_tt, r_tv
    r_aa = torch.eye(answer[0].shape[-1], dtype=torch.float64)
    r_at = torch.zeros(len(r_aa), len(r_tt), dtype=torch.float64)
    r_av = torch.zeros(len(r_aa), len(r_vv), dtype=torch.float64)
    for self_attention, attention in zip(weighted[3], weighted[4]):
        r_aa, r_at, r_av = r_aa + self_attention @ r_aa, r_at + self_attention @ r_at, r_av + self_attention @ r_av
        mixed = normalised(r_aa).T @ attention
        r_at, r_av = r_at + mixed @ normalised(r_tt), r_av + mixed @ r_tv
    return r_aa, r_av


class Maps:
    """Attention maps as they are used: what goes through the dropout behind each softmax, in order."""

    def __init__(self, model):
        self.found = {}
        for name, module in model.named_modules():
            if name.endswith(".self.dropout") or name.endswith("self_attn.dropout"):
                module.register_forward_hook(lambda _module, _inputs, out, name=name: self.found.__setitem__(name, out))

    def of(self, start, part):
        return [value for name, value in self.found.items() if name.startswith(start) and f".{part}." in name]


def blip(name, kind):
    folder = FIXTURES / "blip" / name
    model = kind.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    return model, Maps(model), load_file(folder / "expected.safetensors")


def question(kept):
    model, maps, given = blip("vqa", BlipForQuestionAnswering)
    pixels, asked, ids = given["pixels"][:1].double(), given["question"][:1], given["ids"][:1]
    states = model.vision_model(pixels).last_hidden_state
    read = model.text_encoder(asked, encoder_hidden_states=states).last_hidden_state
    logits = model.text_decoder(ids, encoder_hidden_states=read, use_cache=False).logits[0]
    for t in (1, 3):
        target = int(logits[t].argmax())
        r_aa, r_av = streams(
            logits[t, target], maps.of("vision_model", "self_attn"), maps.of("text_encoder", "attention"),
            maps.of("text_encoder", "crossattention"), maps.of("text_decoder", "attention"), maps.of("text_decoder", "crossattention"))
        kept[f"target.vqa.{t}"], kept[f"across.vqa.{t}"], kept[f"within.vqa.{t}"] = torch.tensor([target]), r_av[t], r_aa[t]


def match(kept):
    model, maps, given = blip("itm", BlipForImageTextRetrieval)
    scores = model(given["ids"][:1], given["pixels"][:1].double()).itm_score
    r_tt, r_tv = streams(scores[0, 1], maps.of("vision_model", "self_attn"), maps.of("text_encoder", "attention"),
                         maps.of("text_encoder", "crossattention"))
    kept["across.itm"], kept["within.itm"] = r_tv[0], r_tt[0]


class Asking(torch.nn.Module):
    """PyTorch's attention written out, so that its map is a step on the way to the output."""

    def __init__(self, plain):
        super().__init__()
        self.plain, self.map = plain, None

    def forward(self, query, key, value):
        plain = self.plain
        heads, width = plain.num_heads, plain.embed_dim

        def split(x, part):
            rows = slice(part * width, (part + 1) * width)
            x = torch.nn.functional.linear(x, plain.in_proj_weight[rows], plain.in_proj_bias[rows])
            return x.unflatten(-1, (heads, width // heads)).transpose(1, 2)

        q, k, v = split(query, 0), split(key, 1), split(value, 2)
        self.map = (q @ k.transpose(-1, -2) / (width // heads) ** 0.5).softmax(-1)
        return plain.out_proj((self.map @ v).transpose(1, 2).flatten(-2)), None


def pair(name, kind, kept):
    """Equations 5 and 6 through the tower; the class token's row, or what the probe at the end gathers by equations 8 to 10."""
    folder = FIXTURES / "encoders" / name
    model = kind.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    given = load_file(folder / "expected.safetensors")
    pixels, ids = given["in/pixels"][:1].double(), given["in/ids"]
    probe = None
    if name == "siglip":
        probe = model.vision_model.head.attention = Asking(model.vision_model.head.attention)
    out = model(input_ids=ids, pixel_values=pixels, attention_mask=given.get("in/keep"), output_attentions=True)
    maps = [*out.vision_model_output.attentions] + ([] if probe is None else [probe.map])
    weighted = [mean_of_heads(each, by) for each, by in zip(maps, torch.autograd.grad(out.logits_per_image[0, 1], maps))]
    relevance = torch.eye(maps[0].shape[-1], dtype=torch.float64)
    for attention in weighted[:len(out.vision_model_output.attentions)]:
        relevance = relevance + attention @ relevance
    kept[f"relevance.{name}"] = relevance[0, 1:] if probe is None else (weighted[-1] @ normalised(relevance))[0]


def main():
    kept = {}
    for name in DECODERS:
        decoder(name, kept)
    question(kept)
    match(kept)
    pair("clip", CLIPModel, kept)
    pair("siglip", SiglipModel, kept)
    assert all(tensor.abs().sum() > 0 for key, tensor in kept.items() if not key.startswith("target")), "a map is empty"
    save_file({key: tensor.detach().contiguous().clone() for key, tensor in kept.items()}, FIXTURES / "explanations.safetensors")


main()
