"""What the authors' own code makes of random attention maps and their gradients (Chefer et al. 2021, arXiv 2103.15679).

    git clone https://github.com/hila-chefer/Transformer-MM-Explainability CODE && git -C CODE checkout 58eaea85ac9c
    python test/parity/make/relevance_authors.py CODE

Writes test/parity/fixtures/relevance-authors.safetensors. Their generators run as published, over stand-ins for the models that
they were written for, which hold maps [heads, ., .] and gradients drawn by chance: co-attention over LXMERT's layers, an encoder and
a decoder over DETR's, self-attention over CLIP's. LRP is off, as the paper's method has it. Kept are all maps and gradients, and the
relevances: lxmert.tt, lxmert.ti, detr.qi of one query, clip.image.
"""

import importlib.util
import json
import pathlib
import sys
import types

import torch
from safetensors.torch import save_file

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
# There is nothing to gain from a GPU here, and their code asks for one.
torch.Tensor.cuda = lambda self: self

CODE = pathlib.Path(sys.argv[1])
HEADS = 3
kept = {}


def published(path):
    spec = importlib.util.spec_from_file_location("published", CODE / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(name, asking, asked):
    """An attention map and its gradient, as numbers that float32 holds."""
    kept[f"{name}.map"] = torch.rand(HEADS, asking, asked).softmax(-1).float()
    kept[f"{name}.gradient"] = torch.randn(HEADS, asking, asked).float()
    return types.SimpleNamespace(
        get_attn=lambda: kept[f"{name}.map"].double()[None], get_attn_gradients=lambda: kept[f"{name}.gradient"].double()[None])


def of(**parts):
    return types.SimpleNamespace(**parts)


def lxmert(texts=5, boxes=4):
    language = [of(attention=of(self=drawn(f"lxmert.language.{i}", texts, texts))) for i in range(2)]
    vision = [of(attention=of(self=drawn(f"lxmert.vision.{i}", boxes, boxes))) for i in range(2)]
    cross = [of(
        visual_attention=of(att=drawn(f"lxmert.cross.{i}.ti", texts, boxes)),
        visual_attention_copy=of(att=drawn(f"lxmert.cross.{i}.it", boxes, texts)),
        lang_self_att=of(self=drawn(f"lxmert.cross.{i}.tt", texts, texts)),
        visn_self_att=of(self=drawn(f"lxmert.cross.{i}.ii", boxes, boxes))) for i in range(3)]
    model = of(device="cpu", zero_grad=lambda: None, lxmert=of(encoder=of(layer=language, r_layers=vision, x_layers=cross)))
    score = of(question_answering_score=torch.ones(1, 2, requires_grad=True))
    usage = of(model=model, text_len=texts, image_boxes_len=boxes, forward=lambda _input: score)
    generator = published("lxmert/lxmert/src/ExplanationGenerator.py").GeneratorOurs(usage)
    kept["lxmert.tt"], kept["lxmert.ti"] = generator.generate_ours(None, use_lrp=False)


def detr(places=6, queries=4, query=2):
    encoder = [of(self_attn=drawn(f"detr.encoder.{i}", places, places)) for i in range(2)]
    decoder = [of(self_attn=drawn(f"detr.decoder.{i}.qq", queries, queries),
                  multihead_attn=drawn(f"detr.decoder.{i}.qi", queries, places)) for i in range(3)]

    class Model:
        transformer = of(encoder=of(layers=encoder), decoder=of(layers=decoder))
        eval = zero_grad = lambda self: None

        def __call__(self, _image):
            return {"pred_logits": torch.ones(1, queries, 3, requires_grad=True)}

    generator = published("DETR/modules/ExplanationGenerator.py").Generator(Model())
    kept["detr.qi"] = generator.generate_ours(None, query, index=torch.tensor(0), use_lrp=False).reshape(-1)


def clip(patches=7, words=4):
    cells = json.loads((CODE / "CLIP_explainability.ipynb").read_text())["cells"]
    source = next(text for text in ("".join(cell["source"]) for cell in cells) if "def interpret" in text)
    scope = {"torch": torch, "np": __import__("numpy"), "start_layer": 0, "start_layer_text": 0}
    exec(source, scope)

    def tower(name, size):
        blocks = [drawn(f"clip.{name}.{i}", size, size) for i in range(3)]
        for block in blocks:
            block.attn_probs = block.get_attn()[0].requires_grad_()
        # Its slope is what was drawn.
        logit = sum((block.attn_probs * block.get_attn_gradients()[0]).sum() for block in blocks)
        return logit, of(resblocks=of(named_children=lambda: enumerate(blocks)))

    (image_logit, image), (text_logit, text) = tower("image", patches), tower("text", words)

    class Model:
        visual, transformer = of(transformer=image), text
        zero_grad = lambda self: None

        def __call__(self, _images, _texts):
            logit = (image_logit + text_logit).reshape(1, 1)
            return logit, logit

    _, kept["clip.image"] = scope["interpret"](torch.zeros(1, 3, 2, 2), torch.zeros(1, words), Model(), "cpu")


lxmert()
detr()
clip()
path = pathlib.Path(__file__).parent.parent / "fixtures" / "relevance-authors.safetensors"
save_file({key: tensor.detach().contiguous().clone() for key, tensor in kept.items()}, path)
print(f"{path}: {path.stat().st_size} bytes")
