"""PyTorch's side of `bench generate`: SmolVLM's picture encoder and language model by `transformers`, fp32, on the CPU.

A server over stdin and stdout, so that a driver can alternate it with Sensorium on the same machine:

    -> (start)          <- {"ready": true, "torch": ..., "transformers": ..., "threads": ..., "attention": ...}
    -> encode N         <- {"seconds": median seconds of one picture, "result": first numbers of its features}
    -> prefill N        <- {"seconds": median seconds of reading the prompt, "result": the token after it}
    -> decode N         <- {"seconds": seconds a token, over N tokens after the prompt, "tokens": [...]}
    -> memory           <- {"peak_rss": bytes (VmHWM)}
    -> quit

One JSON object a line; anything else that a library prints goes to stderr. Decoding is a plain greedy loop around the
model's forward pass with its cache, which is quicker than `generate()`. Needs `torch` and `transformers`.
"""

import argparse
import json
import os
import statistics
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", help="a checkpoint")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--tiles", type=int, default=1, help="tiles of the picture")
parser.add_argument("--context", type=int, default=1024, help="tokens of the prompt")
ARGS = parser.parse_args()
# Set before the import: OpenMP reads it when it is loaded.
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)
os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)
os.environ["HF_HUB_OFFLINE"] = "1"
# Answers go to the real standard output; whatever libraries print there goes to stderr.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch
import transformers
from transformers import DynamicCache, SmolVLMForConditionalGeneration


def status_bytes(key):
    """A figure of /proc/self/status in bytes; 0 where there is no such file."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def answer(value):
    ANSWERS.write(json.dumps(value) + "\n")


class Side:
    def __init__(self):
        self.model = SmolVLMForConditionalGeneration.from_pretrained(ARGS.folder, dtype=torch.float32).eval()
        config = self.model.config
        size = config.vision_config.image_size
        # The same numbers on every side, exactly.
        counted = torch.arange(ARGS.tiles * 3 * size * size, dtype=torch.int64) * 7919 % 65_536
        self.pixels = (counted.float() / 32_768 - 1).reshape(1, ARGS.tiles, 3, size, size)
        vocabulary = config.text_config.vocab_size
        self.prompt = torch.tensor([[(i * 7919 + 13) % vocabulary for i in range(ARGS.context)]])
        self.cache = None
        self.last = None

    def encode(self):
        features = self.model.get_image_features(self.pixels)
        return torch.cat(features.pooler_output).flatten()[:8].tolist()

    def read(self, ids):
        # The text model and the output layer alone: that leaves out the search for image tokens.
        states = self.model.model.text_model(input_ids=ids, past_key_values=self.cache, use_cache=True).last_hidden_state
        return self.model.lm_head(states[:, -1:]).argmax(-1)

    def prefill(self):
        self.cache = DynamicCache(config=self.model.config.text_config)
        self.last = self.read(self.prompt)
        return self.last.item()

    def decode(self, count):
        if self.cache is None:
            self.prefill()
        beyond = self.cache.get_seq_length() - ARGS.context
        if beyond > 0:
            self.cache.crop(-beyond)
        token, tokens = self.last, []
        for _ in range(count):
            token = self.read(token)
            tokens.append(token.item())
        return tokens


def main():
    torch.set_num_threads(ARGS.threads)
    torch.set_num_interop_threads(1)
    side = Side()
    with torch.inference_mode():
        side.decode(2)
        answer(
            {
                "ready": True,
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "threads": torch.get_num_threads(),
                "attention": side.model.config._attn_implementation,
            }
        )
        for line in sys.stdin:
            command, *rest = line.split() or [""]
            count = int(rest[0]) if rest else 1
            if command == "decode":
                side.decode(1)
                start = time.perf_counter()
                tokens = side.decode(count)
                answer({"seconds": (time.perf_counter() - start) / count, "tokens": tokens})
            elif command in ("encode", "prefill"):
                times = []
                for _ in range(count):
                    start = time.perf_counter()
                    result = getattr(side, command)()
                    times.append(time.perf_counter() - start)
                answer({"seconds": statistics.median(times), "result": result})
            elif command == "memory":
                answer({"peak_rss": status_bytes("VmHWM")})
            elif command == "quit":
                return
            elif command:
                answer({"error": f"unknown command {command!r}: encode, prefill, decode N, memory or quit"})


main()
