"""A tiny random Qwen2.5-VL as a checkpoint folder, with what Transformers computes from it.

    python test/parity/make/qwen25vl.py

Writes test/parity/fixtures/qwen25vl/{config.json, model.safetensors, expected.safetensors}. Every tensor is drawn at a scale
that matters. Windows hold 2 x 2 features, so that the larger picture (5 x 7) has ragged windows at both edges; three
pictures, one of a single ragged window, stand in prompts of unequal length.
"""

import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

torch.set_num_threads(1)

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "qwen25vl"
NEW_TOKENS = 32
START, END, IMAGE, VIDEO = 95, 96, 97, 98
CONFIG = dict(
    vision_config=dict(depth=3, hidden_size=32, intermediate_size=40, num_heads=2, patch_size=2, temporal_patch_size=2,
                       spatial_merge_size=2, window_size=8, out_hidden_size=48, fullatt_block_indexes=[1]),
    text_config=dict(vocab_size=99, hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=6,
                     num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-6, bos_token_id=1, eos_token_id=None,
                     rope_parameters=dict(rope_type="default", rope_theta=1e6, mrope_section=[1, 1, 2])),
    image_token_id=IMAGE, video_token_id=VIDEO, vision_start_token_id=START, vision_end_token_id=END,
    tie_word_embeddings=True,
)
# Patches in time, height and width.
GRIDS = [(1, 10, 14), (1, 4, 6), (1, 2, 2)]
# A text, and which pictures stand in it, at the places of -1. The words, 0, are drawn.
PROMPTS = [
    ([0, -1, 0, 0, 0], [0]),
    ([-1, 0, 0, -1, 0, 0, 0, 0], [1, 0]),
    ([0, 0, -1, 0], [2]),
    ([0, 0, 0], []),
]
# More layouts, of which only positions are compared: pictures at the beginning, at the end, wide, tall, and many of them.
LAYOUTS = [
    ([-1], [(1, 2, 20)]),
    ([7, -1, 9, 9, -1], [(1, 18, 4), (1, 4, 6)]),
    ([-1, -1, 3, -1, 5, 6, 7, 8, -1], [(1, 4, 4), (1, 2, 8), (1, 10, 14), (1, 2, 2)]),
    ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1], [(1, 6, 6)]),
]


def expand(text, grids):
    """Each -1 becomes the image tokens of the next picture, between the tokens of its ends."""
    grids = iter(grids)
    ids = []
    for token in text:
        if token == -1:
            _, height, width = next(grids)
            ids += [START] + [IMAGE] * (height * width // 4) + [END]
        else:
            ids.append(token)
    return ids


def randomise(model, seed):
    """Draws every parameter anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name or "ln_q" in name:
                parameter.copy_(1 + 0.3 * noise)
            elif "k_proj.bias" in name:
                # A bias of keys is nearly the same for all of them, which softmax does not see; only turning makes it matter.
                parameter.copy_(2 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.3 * noise)
            elif "embed_tokens" in name:
                # Small since it is also the output layer: a token's own embedding would make it its own successor.
                parameter.copy_(0.3 * noise)
            else:
                parameter.copy_(noise * 1.5 / math.sqrt(parameter[0].numel()))


def call(model, pixels, ids, used, **rest):
    """Without a cache and without padding: what generation must give whatever its tricks."""
    row = torch.tensor([ids])
    pictures = {}
    if used:
        pictures = dict(pixel_values=torch.cat([pixels[i] for i in used]), image_grid_thw=torch.tensor([GRIDS[i] for i in used]),
                        mm_token_type_ids=(row == IMAGE).int())
    model.model.rope_deltas = None
    return model(row, use_cache=False, **pictures, **rest)


def greedy(model, pixels, prompt, used):
    ids = list(prompt)
    gaps = []
    for _ in range(NEW_TOKENS):
        logits = call(model, pixels, ids, used).logits[0, -1]
        top = logits.topk(2).values
        gaps.append((top[0] - top[1]).item())
        ids.append(int(logits.argmax()))
        if ids[-1] in (IMAGE, VIDEO) or gaps[-1] <= 1e-2:
            break
    return ids[len(prompt):], min(gaps)


def positions(model, ids, grids):
    row = torch.tensor([ids])
    found, delta = model.model.get_rope_index(row, (row == IMAGE).int(), torch.tensor(grids))
    return found[:, 0], delta[0] + len(ids)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    generator = torch.Generator().manual_seed(7)
    pixels = [torch.randn(h * w, 24, generator=generator) for _, h, w in GRIDS]
    config = Qwen2_5_VLConfig(**CONFIG)
    model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    randomise(model, 1)
    rows, answers = [], []
    with torch.no_grad():
        for text, used in PROMPTS:
            for _ in range(200):
                words = [int(torch.randint(2, START, (), generator=generator)) if token == 0 else token for token in text]
                ids = expand(words, [GRIDS[i] for i in used])
                tokens, gap = greedy(model, pixels, ids, used)
                # Answers that repeat themselves would hide faults of the cache; near ties would make the tokens a matter of
                # luck; and an image token would need a picture, so that such an answer was cut off.
                if len(tokens) == NEW_TOKENS and len(set(tokens)) >= 16 and gap > 1e-2:
                    break
            else:
                raise SystemExit(f"no words give varied tokens after {len(rows)} prompts")
            rows.append((ids, used))
            answers.append((tokens, gap))

    model.save_pretrained(FOLDER)
    (FOLDER / "generation_config.json").unlink(missing_ok=True)
    expected = {}
    blocks = []
    for block in model.model.visual.blocks:
        block.register_forward_hook(lambda module, args, out: blocks.append(out))
    with torch.no_grad():
        for i, grid in enumerate(GRIDS):
            blocks.clear()
            expected[f"grid.{i}"] = torch.tensor(grid)
            expected[f"pixels.{i}"] = pixels[i]
            expected[f"features.{i}"] = model.model.visual(pixels[i], grid_thw=torch.tensor([grid])).pooler_output
            expected |= {f"vision.{i}.{layer}": state for layer, state in enumerate(blocks)}
        for i, (ids, used) in enumerate(rows):
            labels = torch.tensor([ids])
            labels[labels == IMAGE] = -100
            out = call(model, pixels, ids, used, output_hidden_states=True, labels=labels)
            expected[f"ids.{i}"] = torch.tensor(ids)
            expected[f"used.{i}"] = torch.tensor(used, dtype=torch.int64)
            expected |= {f"state.{i}.{layer}": state for layer, state in enumerate(out.hidden_states)}
            expected[f"logits.{i}"] = out.logits
            expected[f"loss.{i}"] = out.loss
            expected[f"tokens.{i}"] = torch.tensor(answers[i][0])
        for i, (text, grids) in enumerate(LAYOUTS):
            ids = expand(text, grids)
            expected[f"layout.{i}.ids"] = torch.tensor(ids)
            expected[f"layout.{i}.grids"] = torch.tensor(grids)
            expected[f"layout.{i}.positions"], expected[f"layout.{i}.next"] = positions(model, ids, grids)
    save_file({key: value.contiguous() for key, value in expected.items()}, FOLDER / "expected.safetensors")
    for path in FOLDER.iterdir():
        path.chmod(0o644)
    print([len(set(tokens)) for tokens, _ in answers], [gap for _, gap in answers],
          sum(p.numel() for p in model.parameters()), "parameters")


main()
