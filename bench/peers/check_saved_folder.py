"""Loads a folder with transformers and compares its logits with those in a file beside it.

    python check_saved_folder.py FOLDER

FOLDER.logits.safetensors holds ids [T] int64 and logits [T, V] float32.
Prints one line of JSON: ‖logits − transformers'‖ / ‖transformers'‖ in float32, and how many of the likeliest tokens agree.
"""

import json
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

folder = sys.argv[1]
expected = load_file(f"{folder}.logits.safetensors")
stored = AutoConfig.from_pretrained(folder).dtype
model, account = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
with torch.no_grad():
    logits = model.eval()(expected["ids"][None]).logits[0]
difference = (expected["logits"] - logits).norm() / logits.norm()
agreed = (expected["logits"].argmax(-1) == logits.argmax(-1)).float().mean()
faults = {kind: sorted(map(str, keys)) for kind, keys in account.items() if keys}
print(json.dumps({"difference": difference.item(), "agreed": agreed.item(), "dtype": str(stored), "faults": faults}))
