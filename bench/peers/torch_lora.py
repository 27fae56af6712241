"""PEFT's side of `bench lora`: one step of LoRA on SmolVLM-256M's shape, fp32, on the CPU.

    torch_lora.py FOLDER [--threads N] [--checkpointing]

A server over stdin and stdout: `step N`, `memory`, `reset`, `quit`; one JSON object a line. A step is: zero the gradients,
forward with cross-entropy, backward, AdamW (fused). Needs torch, transformers and peft.
"""

import argparse
import json
import os
import statistics
import sys
import time


def status_bytes(key):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return 0


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--checkpointing", action="store_true")
ARGS = parser.parse_args()
# Set before the import: OpenMP reads it when it is loaded.
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)
os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)
# Answers go to the real standard output; whatever libraries print there goes to stderr.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText

TOKENS, FEATURES, BEGIN, IMAGE, VOCABULARY, SIZE = 512, 64, 4, 49_190, 49_280, 512


def batch():
    """The same numbers as in bench/workloads/lora.ts."""
    t = np.arange(TOKENS)
    picture = (t >= BEGIN) & (t < BEGIN + FEATURES)
    ids = np.where(picture, IMAGE, (t * 7919 + 13) % (VOCABULARY - 200))
    labels = np.where(picture, -100, ids)
    count = 3 * SIZE * SIZE
    pixels = ((np.arange(count) * 7919) % 65_536) / 32_768 - 1
    return dict(
        input_ids=torch.from_numpy(ids)[None],
        attention_mask=torch.ones(1, TOKENS, dtype=torch.long),
        labels=torch.from_numpy(labels)[None],
        pixel_values=torch.from_numpy(pixels.astype(np.float32)).reshape(1, 1, 3, SIZE, SIZE),
    )


def main():
    torch.set_num_threads(ARGS.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_pretrained(ARGS.folder, dtype=torch.float32)
    model.config.use_cache = False
    target = r".*text_model\..*\.(q|k|v|o|gate|up|down)_proj"
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=target))
    if ARGS.checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.0, fused=True)
    data = batch()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = model(**data, use_cache=False).loss
        loss.backward()
        optimizer.step()
        return loss.item()

    def steps(count):
        times, processor, losses = [], [], []
        for _ in range(count):
            start, cpu = time.perf_counter(), time.process_time()
            losses.append(step())
            times.append(time.perf_counter() - start)
            processor.append(time.process_time() - cpu)
        return {"seconds": statistics.median(times), "cpu": statistics.median(processor), "losses": losses}

    def answer(value):
        ANSWERS.write(json.dumps(value) + "\n")

    answer({"ready": True, "torch": torch.__version__, **steps(1), "start_peak": status_bytes("VmHWM")})
    for line in sys.stdin:
        command, *rest = line.split() or [""]
        if command == "step":
            answer(steps(int(rest[0])))
        elif command in ("memory", "reset"):
            if command == "reset":
                with open("/proc/self/clear_refs", "w") as file:
                    file.write("5")
            answer({"peak_rss": status_bytes("VmHWM"), "anonymous": status_bytes("RssAnon"), "file": status_bytes("RssFile")})
        elif command == "quit":
            return


main()
