"""Tiny random encoders as checkpoint folders, with what Transformers computes from them in float64.

    python test/parity/make/encoders.py

Writes test/parity/fixtures/encoders/<name>/{config.json, model.safetensors, expected.safetensors}. In the last one inputs
are called in/<name> and results out/<name>. Sizes are odd, so that no two can be confused, and every tensor is drawn at a
scale that matters: scales of norms around 1 by 0.3, biases by 0.3, matrices so that states neither vanish nor explode.
"""

import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import (BertConfig, BertForPreTraining, BertModel, CLIPConfig, CLIPModel, SiglipConfig, SiglipModel,
                          ViTConfig, ViTForImageClassification, ViTModel)

HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "encoders"
EAGER = dict(attn_implementation="eager")


def generator(seed):
    return torch.Generator().manual_seed(seed)


def randomise(model, seed):
    """Draws every parameter anew, as float32 numbers."""
    random = generator(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=random)
            if "norm" in name.lower() and name.endswith("weight") or "layrnorm.weight" in name:
                values = 1 + 0.3 * noise
            elif name in ("logit_scale", "logit_bias"):
                values = torch.full(parameter.shape, {"logit_scale": 1.3, "logit_bias": -2.1}[name])
            elif "embed" in name or "token" in name or "probe" in name:
                values = noise * (1 if parameter.dim() != 4 else 1 / math.sqrt(parameter[0].numel()))
            elif parameter.dim() == 1:
                values = 0.3 * noise
            else:
                values = noise * 1.5 / math.sqrt(parameter[0].numel())
            parameter.copy_(values)
    return model.eval()


def keep_states(model, results, prefix, layers, keys, first):
    """Hooks that keep what goes into the first block, what comes out of each, and each block's keys before heads."""
    handles = [layers[0].register_forward_pre_hook(lambda _, inputs: results.__setitem__(f"{prefix}{first}", inputs[0]))]
    for i, layer in enumerate(layers):
        def state(_, __, output, i=i):
            results[f"{prefix}state.{i}"] = output[0] if isinstance(output, tuple) else output
        handles.append(layer.register_forward_hook(state))
        handles.append(keys(layer).register_forward_hook(lambda _, __, output, i=i: results.__setitem__(f"{prefix}keys.{i}", output)))
    return handles


def write(name, model, inputs, run):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    with torch.no_grad():
        results = run(model.double(), {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()})
    tensors = {f"in/{key}": value for key, value in inputs.items()} | {f"out/{key}": value.float() for key, value in results.items()}
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, folder / "expected.safetensors")
    for file in folder.iterdir():
        file.chmod(0o644)
    print(name, f"{sum(p.numel() for p in model.parameters())} parameters,", {key: tuple(v.shape) for key, v in results.items()})


def pictures(seed, count, channels, height, width):
    return torch.randn((count, channels, height, width), generator=generator(seed))


def texts(lengths, length, low, high, seed, pad):
    """Rows of unequal length and their masks."""
    ids = torch.randint(low, high, (len(lengths), length), generator=generator(seed))
    keep = torch.tensor([[1] * n + [0] * (length - n) for n in lengths])
    return torch.where(keep == 1, ids, pad), keep.float()


def vit():
    sizes = dict(hidden_size=36, num_hidden_layers=3, num_attention_heads=3, intermediate_size=44, image_size=[12, 20], patch_size=4)

    def run(model, inputs):
        results = {}
        base = getattr(model, "vit", model)
        keep_states(base, results, "", base.layers, lambda layer: layer.attention.k_proj, "embeddings")
        out = model(inputs["pixels"])
        results["lastHiddenState"] = base.layernorm(results["state.2"])
        if base is model:
            results["pooled"] = out.pooler_output
            assert torch.equal(results["lastHiddenState"], out.last_hidden_state)
        else:
            results["logits"] = out.logits
        return results

    labels = dict(enumerate(["ant", "bee", "cat", "dog", "elk"]))
    config = ViTConfig(**sizes, id2label=labels, label2id={name: i for i, name in labels.items()})
    inputs = {"pixels": pictures(1, 3, 3, 12, 20)}
    write("vit", randomise(ViTForImageClassification._from_config(config, **EAGER), 10), inputs, run)
    plain = ViTConfig(**{**sizes, "image_size": 13}, qkv_bias=False, hidden_act="gelu_pytorch_tanh", pooler_output_size=29, num_channels=1, layer_norm_eps=1e-3)
    write("vit-pooler", randomise(ViTModel._from_config(plain, **EAGER), 11), {"pixels": pictures(2, 2, 1, 13, 13)}, run)


def bert():
    sizes = dict(vocab_size=61, hidden_size=36, num_hidden_layers=3, num_attention_heads=3, intermediate_size=44,
                 max_position_embeddings=11, type_vocab_size=2)
    ids, keep = texts([7, 4, 5], 7, 3, 61, 3, 0)
    types = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]])
    inputs = {"ids": ids, "keep": keep, "types": types}

    def run(model, inputs):
        results = {}
        base = getattr(model, "bert", model)
        keep_states(base, results, "", base.encoder.layer, lambda layer: layer.attention.self.key, "embeddings")
        given = dict(input_ids=inputs["ids"], attention_mask=inputs["keep"].long())
        out = model(**given, token_type_ids=inputs["types"])
        if base is not model:
            results["logits"] = out.prediction_logits
        encoded = base(**given, token_type_ids=inputs["types"])
        results["pooled"] = encoded.pooler_output
        results["lastHiddenState"] = encoded.last_hidden_state
        # Once more without kinds of tokens and without a mask; hooks overwrite only copies that are dropped.
        kept = dict(results)
        kept["bare"] = base(input_ids=inputs["ids"]).last_hidden_state
        return kept

    write("bert", randomise(BertForPreTraining._from_config(BertConfig(**sizes), **EAGER), 20), inputs, run)
    plain = BertConfig(**{**sizes, "type_vocab_size": 3, "layer_norm_eps": 1e-3}, hidden_act="gelu_new")
    model = randomise(BertModel._from_config(plain, **EAGER), 21).to(torch.bfloat16)
    write("bert-bfloat16", model, inputs, run)


def both(model, inputs, given):
    """Both towers' states and what the whole model gives."""
    results = {}
    for name in ("text", "vision"):
        tower = getattr(model, f"{name}_model")
        keep_states(tower, results, f"{name}.", tower.encoder.layers, lambda layer: layer.self_attn.k_proj, "embeddings")
    out = model(input_ids=inputs["ids"], pixel_values=inputs["pixels"], **given)
    kept = dict(results)
    for name, output in (("text", out.text_model_output), ("vision", out.vision_model_output)):
        kept[f"{name}.lastHiddenState"] = output.last_hidden_state
    text = model.get_text_features(input_ids=inputs["ids"], **given)
    image = model.get_image_features(pixel_values=inputs["pixels"])
    kept |= {"textFeatures": text.pooler_output, "imageFeatures": image.pooler_output, "logits": out.logits_per_image}
    return kept


def clip():
    text = dict(vocab_size=61, hidden_size=36, intermediate_size=44, num_hidden_layers=2, num_attention_heads=3,
                max_position_embeddings=11, eos_token_id=40, bos_token_id=1, pad_token_id=0)
    vision = dict(hidden_size=40, intermediate_size=52, num_hidden_layers=3, num_attention_heads=4, image_size=13, patch_size=4)
    # The end (40) is neither the largest id nor the last real token everywhere, and stands twice in the last row.
    ids = torch.tensor([[1, 55, 7, 31, 9, 40, 22, 3], [1, 60, 40, 0, 0, 0, 0, 0], [1, 12, 58, 33, 40, 0, 0, 0], [1, 9, 40, 17, 60, 40, 0, 0]])
    keep = torch.tensor([[1] * n + [0] * (8 - n) for n in (8, 3, 5, 6)]).float()
    inputs = {"ids": ids, "keep": keep, "pixels": pictures(4, 3, 3, 13, 13)}

    def run(model, inputs):
        given = {"attention_mask": inputs["keep"].long()}
        results = both(model, inputs, given)
        results["bare.textFeatures"] = model.get_text_features(input_ids=inputs["ids"]).pooler_output
        # Files from before the end of text was named rightly: the largest id ends a text.
        model.text_model.eos_token_id = 2
        results["legacy.textFeatures"] = model.get_text_features(input_ids=inputs["ids"], **given).pooler_output
        return results

    write("clip", randomise(CLIPModel._from_config(CLIPConfig(text_config=text, vision_config=vision, projection_dim=28), **EAGER), 30), inputs, run)


def siglip():
    text = dict(vocab_size=61, hidden_size=40, intermediate_size=52, num_hidden_layers=2, num_attention_heads=4,
                max_position_embeddings=9, projection_size=36, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    vision = dict(hidden_size=36, intermediate_size=44, num_hidden_layers=3, num_attention_heads=3, image_size=13, patch_size=4)
    ids, keep = texts([9, 4, 6, 2], 9, 3, 61, 5, 0)
    inputs = {"ids": ids, "keep": keep, "pixels": pictures(6, 3, 3, 13, 13)}

    def run(model, inputs):
        results = both(model, inputs, {})
        results["masked.textFeatures"] = model.get_text_features(input_ids=inputs["ids"], attention_mask=inputs["keep"].long()).pooler_output
        return results

    write("siglip", randomise(SiglipModel._from_config(SiglipConfig(text_config=text, vision_config=vision), **EAGER), 40), inputs, run)


if __name__ == "__main__":
    vit()
    bert()
    clip()
    siglip()
