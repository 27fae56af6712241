"""PEFT's side of `bench saved-adapter`.

    check_saved_adapter.py BASE ADAPTER LOGITS OUT

Opens the checkpoint BASE and the adapter ADAPTER, compares its logits with those of LOGITS (safetensors: ids [1, T], logits
[1, T, V]) and saves the adapter anew as OUT. Prints one JSON object: the relative difference.
"""

import json
import os
import sys

ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

base, adapter, logits, out = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
model = PeftModel.from_pretrained(model, adapter)
given = load_file(logits)
with torch.no_grad():
    found = model(given["ids"]).logits
    with model.disable_adapter():
        plain = model(given["ids"]).logits
difference = ((found - given["logits"]).norm() / found.norm()).item()
effect = ((found - plain).norm() / found.norm()).item()
model.save_pretrained(out)
ANSWERS.write(json.dumps({"difference": difference, "effect": effect}) + "\n")
