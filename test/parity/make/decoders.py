"""Tiny random decoders as checkpoint folders, with what Transformers computes from them.

    python test/parity/make/decoders.py

Writes test/parity/fixtures/decoders/<name>/{config.json, model.safetensors, expected.safetensors}. Every tensor is drawn at
a scale that matters: norms around 1 by 0.3, biases by 0.3, matrices so that states neither vanish nor explode.
"""

import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

torch.set_num_threads(1)

HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "decoders"
SHARED = dict(vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=None, pad_token_id=0)

CASES = {
    # Heads of 16 in a width of 48: the output of attention is wider than the model.
    "llama": LlamaConfig(**SHARED, head_dim=16, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_theta=5000.0),
    "llama-scaled": LlamaConfig(**{**SHARED, "hidden_size": 64}, tie_word_embeddings=False, attention_bias=True, mlp_bias=True,
                                rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0,
                                                     high_freq_factor=4.0, original_max_position_embeddings=64)),
    "qwen2": Qwen2Config(**{**SHARED, "hidden_size": 64}, tie_word_embeddings=False, rope_theta=1e6),
    "qwen3": Qwen3Config(**SHARED, head_dim=16, tie_word_embeddings=True, rope_theta=1e6),
}
TEXTS = [[5, 17, 2, 60, 33, 8, 91], [44, 3, 70]]
NEW_TOKENS = 32


def randomise(model, seed):
    """Draws every parameter anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.3 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.3 * noise)
            elif "embed" in name or "lm_head" in name:
                # Small where it is also the output layer: a token's own embedding would make it its own successor.
                parameter.copy_(noise * (0.3 if model.config.tie_word_embeddings else 1.0))
            else:
                parameter.copy_(noise * 1.5 / math.sqrt(parameter.shape[1]))


def greedy(model, ids):
    """One row at a time, without padding and without a cache: what generation must give whatever its tricks."""
    ids = list(ids)
    scores = []
    for _ in range(NEW_TOKENS):
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        top = logits.topk(2).values
        scores.append((top[0] - top[1]).item())
        ids.append(int(logits.argmax()))
    return ids[-NEW_TOKENS:], min(scores)


def main():
    for number, (name, config) in enumerate(CASES.items()):
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        for seed in range(1000 * number, 1000 * number + 300):
            model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
            randomise(model, seed)
            with torch.no_grad():
                rows = [greedy(model, text) for text in TEXTS]
            # A model that repeats itself would hide faults of the cache; near ties would make the tokens a matter of luck.
            if all(len(set(tokens)) >= 16 and gap > 1e-2 for tokens, gap in rows):
                break
        else:
            raise SystemExit(f"{name}: no seed gives varied tokens")
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        expected = {}
        with torch.no_grad():
            for i, text in enumerate(TEXTS):
                ids = torch.tensor([text])
                out = model(ids, output_hidden_states=True, labels=ids, use_cache=False)
                expected[f"ids.{i}"] = ids
                for layer, state in enumerate(out.hidden_states):
                    expected[f"state.{i}.{layer}"] = state
                expected[f"logits.{i}"] = out.logits
                expected[f"loss.{i}"] = out.loss
                expected[f"tokens.{i}"] = torch.tensor(rows[i][0])
        save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
        print(name, "seed", seed, [len(set(tokens)) for tokens, _ in rows], [gap for _, gap in rows],
              sum(p.numel() for p in model.parameters()), "parameters")


main()
