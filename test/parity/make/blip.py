"""Tiny random models of BLIP's three heads as checkpoint folders, with what Transformers computes from them.

    python test/parity/make/blip.py

Writes test/parity/fixtures/blip/<head>/{config.json, model.safetensors, expected.safetensors}. Every tensor is drawn at a
scale that matters: norms around 1 by 0.3, matrices so that states neither vanish nor explode, biases beside them.
"""

import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import (BlipConfig, BlipForConditionalGeneration, BlipForImageTextRetrieval,
                          BlipForQuestionAnswering)

torch.set_num_threads(1)

HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "blip"
CLS, SEP, BOS, VOCABULARY = 2, 3, 95, 97
NEW_TOKENS = 32


def config_of(vision_width, layers=2):
    return BlipConfig(
        text_config=dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
                         max_position_embeddings=48, bos_token_id=BOS, sep_token_id=SEP, pad_token_id=0),
        vision_config=dict(hidden_size=vision_width, intermediate_size=44, num_hidden_layers=layers, num_attention_heads=4,
                           image_size=13, patch_size=4),
        image_text_hidden_size=24)


def randomise(model, seed):
    """Draws every parameter anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            text = name.startswith("text")
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.copy_(1 + 0.3 * noise)
            elif parameter.dim() == 1:
                # In the text model each block normalises its sum, so that large constants would drown the tokens.
                parameter.copy_(noise * (0.1 if text and not name.endswith("query.bias") else 0.3))
            elif "word_embeddings" in name:
                # Also the output layer: at a larger scale a token's own embedding would make it its own successor.
                parameter.copy_(0.45 * noise)
            elif "embedding" in name and parameter.dim() != 4:
                parameter.copy_(noise * (1.4 if text else 0.7))
            else:
                scale = 1.5
                if text and name.endswith("query.weight"):
                    scale = 4.5
                elif text and name.endswith("attention.output.dense.weight"):
                    scale = 0.45
                parameter.copy_(noise * scale / math.sqrt(parameter[0].numel()))


def greedy(decoder, start, states):
    """Without a cache: what generation must give whatever its tricks."""
    ids, gaps = list(start), []
    for _ in range(NEW_TOKENS):
        logits = decoder(torch.tensor([ids]), encoder_hidden_states=states, use_cache=False).logits[0, -1]
        top = logits.topk(2).values
        gaps.append((top[0] - top[1]).item())
        ids.append(int(logits.argmax()))
    return ids[len(start):], min(gaps)


def good(rows):
    """A model that repeats itself would hide faults of the cache; near ties would make the tokens a matter of luck."""
    return all(len(set(tokens)) >= 16 and gap > 1e-2 and SEP not in tokens for tokens, gap in rows)


class Keys:
    """Records the keys of attention, on whose biases nothing else depends: those of cross-attention as [B, N, S, K]."""

    def __init__(self, model, heads):
        self.found, self.handles = {}, []
        for name, module in model.named_modules():
            if not name.endswith(".self.key"):
                continue
            cross = ".crossattention." in name
            key = "keys." + name.removesuffix(".self.key" if cross else ".key")

            def record(_module, _inputs, out, key=key, cross=cross):
                self.found[key] = out.view(*out.shape[:2], heads, -1).transpose(1, 2) if cross else out
            self.handles.append(module.register_forward_hook(record))

    def take(self):
        for handle in self.handles:
            handle.remove()
        return self.found


def vision_of(model, pixels, expected):
    out = model.vision_model(pixels, output_hidden_states=True)
    for layer, state in enumerate(out.hidden_states):
        expected[f"vision.{layer}"] = state
    expected["vision.last"] = out.last_hidden_state
    return out.last_hidden_state


def states_of(name, out, expected):
    for layer, state in enumerate(out.hidden_states):
        expected[f"{name}.{layer}"] = state


def pixels_of(seed):
    return torch.randn(2, 3, 13, 13, generator=torch.Generator().manual_seed(seed))


def caption(seed):
    model = BlipForConditionalGeneration._from_config(config_of(40), attn_implementation="eager").eval()
    randomise(model, seed)
    pixels, prompts = pixels_of(1), [[BOS], [BOS, 17, 44]]
    states = model.vision_model(pixels).last_hidden_state
    rows = [greedy(model.text_decoder, start, states[i:i + 1]) for i, start in enumerate(prompts)]
    if not good(rows):
        return None
    # Transformers begins a caption in the same way.
    for i, (start, (tokens, _)) in enumerate(zip(prompts, rows)):
        given = {} if len(start) == 1 else dict(input_ids=torch.tensor([[CLS, *start[1:], SEP]]))
        out = model.generate(pixels[i:i + 1], max_new_tokens=NEW_TOKENS, do_sample=False, **given)
        assert out[0].tolist() == start + tokens, (out[0].tolist(), start + tokens)
    ids = torch.tensor([[BOS, 17, 60, 8, 33, SEP], [BOS, 44, 5, 71, 9, SEP]])
    expected = {"pixels": pixels, "ids": ids}
    keys = Keys(model, 2)
    states = vision_of(model, pixels, expected)
    out = model.text_decoder(ids, encoder_hidden_states=states, output_hidden_states=True, use_cache=False)
    expected |= keys.take()
    states_of("text_decoder.bert", out, expected)
    whole = model(pixel_values=pixels, input_ids=ids, labels=ids)
    assert torch.allclose(whole.logits, out.logits, atol=1e-5)
    expected["logits"], expected["loss"] = whole.logits, whole.loss
    for i, start in enumerate(prompts):
        expected[f"prompt.{i}"], expected[f"tokens.{i}"] = torch.tensor(start), torch.tensor(rows[i][0])
    return model, expected, rows


def vqa(seed):
    model = BlipForQuestionAnswering._from_config(config_of(32, layers=1), attn_implementation="eager").eval()
    randomise(model, seed)
    pixels = pixels_of(2)
    question = torch.tensor([[CLS, 21, 50, 7, 88, SEP], [CLS, 9, 36, 36, 14, SEP]])
    states = model.text_encoder(question, encoder_hidden_states=model.vision_model(pixels).last_hidden_state).last_hidden_state
    rows = [greedy(model.text_decoder, [BOS], states[i:i + 1]) for i in range(2)]
    if not good(rows):
        return None
    out = model.generate(question, pixels, max_new_tokens=NEW_TOKENS, do_sample=False)
    assert out.tolist() == [[BOS] + tokens for tokens, _ in rows]
    ids = torch.tensor([[BOS, 40, 61, 12, SEP], [BOS, 5, 71, 9, SEP]])
    expected = {"pixels": pixels, "question": question, "ids": ids}
    keys = Keys(model, 2)
    states = vision_of(model, pixels, expected)
    read = model.text_encoder(question, encoder_hidden_states=states, output_hidden_states=True)
    out = model.text_decoder(ids, encoder_hidden_states=read.last_hidden_state, output_hidden_states=True, use_cache=False)
    expected |= keys.take()
    states_of("text_encoder", read, expected)
    states_of("text_decoder.bert", out, expected)
    expected["logits"] = out.logits
    expected["loss"] = model(question, pixels, labels=ids).loss
    for i in range(2):
        expected[f"prompt.{i}"], expected[f"tokens.{i}"] = torch.tensor([BOS]), torch.tensor(rows[i][0])
    return model, expected, rows


def itm(seed):
    model = BlipForImageTextRetrieval._from_config(config_of(40, layers=1), attn_implementation="eager").eval()
    randomise(model, seed)
    pixels = pixels_of(3)
    ids = torch.tensor([[CLS, 21, 50, 7, 88, SEP], [CLS, 9, 36, SEP, 0, 0]])
    keep = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    expected = {"pixels": pixels, "ids": ids, "keep": keep.float()}
    keys = Keys(model, 2)
    states = vision_of(model, pixels, expected)
    read = model.text_encoder(ids, attention_mask=keep, encoder_hidden_states=states, output_hidden_states=True)
    expected |= keys.take()
    states_of("text_encoder", read, expected)
    expected["itm"] = model(ids, pixels, attention_mask=keep).itm_score
    expected["cosines"] = model(ids, pixels, attention_mask=keep, use_itm_head=False).itm_score
    return model, expected, []


def main():
    for number, make in enumerate((caption, vqa, itm)):
        folder = HERE / make.__name__
        shutil.rmtree(folder, ignore_errors=True)
        for seed in range(1000 * number, 1000 * number + 300):
            with torch.no_grad():
                made = make(seed)
            if made is not None:
                break
        else:
            raise SystemExit(f"{make.__name__}: no seed gives varied tokens")
        model, expected, rows = made
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        save_file({key: value.contiguous().clone() for key, value in expected.items()}, folder / "expected.safetensors")
        print(make.__name__, "seed", seed, [len(set(tokens)) for tokens, _ in rows], [gap for _, gap in rows],
              sum(p.numel() for p in model.parameters()), "parameters")


main()
