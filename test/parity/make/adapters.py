"""Adapters on the tiny twins, as PEFT saves them, with what PEFT computes.

    python test/parity/make/adapters.py [name ...]

Writes test/parity/fixtures/adapters/<name>/{adapter_config.json, adapter_model.safetensors, expected.safetensors}; the model
is the twin that `base_model_name_or_path` names. Both matrices and the magnitudes are drawn at random, so that all of them matter.
Inputs are those of prompt 0 of the twin. Of them: logits, the loss over the next tokens, and its gradient for every tensor
of the adapter, by its name in the file. All is computed in float64.
"""

import json
import pathlib
import shutil
import sys

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

torch.set_num_threads(1)

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
CASES = {
    # Ranks and α of their own for some layers.
    "llama-lora": ("decoders/llama", dict(r=4, lora_alpha=6, target_modules=[*ATTENTION, "gate_proj", "up_proj", "down_proj"],
                   rank_pattern={"layers.1.mlp.up_proj": 2}, alpha_pattern={"v_proj": 3})),
    "llama-rslora": ("decoders/llama", dict(r=4, lora_alpha=6, use_rslora=True, target_modules=r".*layers\.1\..*_proj")),
    "qwen2-dora": ("decoders/qwen2", dict(r=3, lora_alpha=4, use_dora=True, target_modules=ATTENTION)),
    "idefics3-dora": ("multimodal/idefics3", dict(r=2, lora_alpha=3, use_dora=True, target_modules="all-linear")),
    "llava-lora": ("multimodal/llava", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "qwen25vl-lora": ("qwen25vl", dict(r=2, lora_alpha=4, target_modules="all-linear", exclude_modules=["qkv"])),
}


def inputs_of(base, expected):
    if base.startswith("decoders"):
        key = "ids" if "ids" in expected else "ids.0"
        return dict(input_ids=expected[key].reshape(1, -1))
    ids = expected["ids.0"].reshape(1, -1)
    given = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
    k = int(expected["pictures.0"][0]) if "pictures.0" in expected else 0
    pixels = expected[f"pixels.{k}"].double()
    if base == "qwen25vl":
        token = json.loads((FIXTURES / base / "config.json").read_text())["image_token_id"]
        return dict(given, pixel_values=pixels, image_grid_thw=expected[f"grid.{k}"].reshape(1, 3),
                    mm_token_type_ids=(ids == token).int())
    return dict(given, pixel_values=pixels[None] if "idefics3" in base else pixels)


def make(name):
    base, settings = CASES[name]
    loader = AutoModelForCausalLM if base.startswith("decoders") else AutoModelForImageTextToText
    model = loader.from_pretrained(FIXTURES / base, attn_implementation="eager").double().eval()
    model = get_peft_model(model, LoraConfig(**settings, base_model_name_or_path=base))
    # `all-linear` on a whole tower leaves layers without a gradient where their outputs are not read.
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    for key, parameter in sorted(model.named_parameters()):
        if not parameter.requires_grad:
            continue
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        scaled = parameter.data * (1 + 0.2 * noise) if "magnitude" in key else noise / parameter.shape[1] ** 0.5
        parameter.data = scaled.float().double()
    expected = load_file(FIXTURES / base / "expected.safetensors")
    given = inputs_of(base, expected)
    logits = model(**given).logits
    before = logits[0, :-1]
    loss = torch.nn.functional.cross_entropy(before, given["input_ids"][0, 1:])
    loss.backward()
    folder = FIXTURES / "adapters" / name
    shutil.rmtree(folder, ignore_errors=True)
    names = {id(p): key for key, p in model.named_parameters()}
    gradients = {}
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            plain = key.replace(".default", "")
            plain = plain.removesuffix(".weight") if "magnitude" in plain else plain
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            gradients[f"gradient.{plain}"] = gradient.float().contiguous()
    model.float().save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    # Sets are written in any order.
    if isinstance(config["target_modules"], list):
        config["target_modules"] = sorted(config["target_modules"])
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(
        {"logits": logits.detach().float().contiguous(), "loss": loss.detach().float().reshape(1), **gradients},
        folder / "expected.safetensors",
    )
    for file in folder.iterdir():
        file.chmod(0o644)
    print(name, float(loss), len(gradients), "tensors", sum(f.stat().st_size for f in folder.iterdir()), "bytes")


for wanted in sys.argv[1:] or CASES:
    make(wanted)
