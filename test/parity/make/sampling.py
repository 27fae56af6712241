"""Makes test/parity/fixtures/sampling.json: which tokens Transformers' processors leave, and how likely they are.

Run from the root of the repository, with the packages of requirements.txt.
"""

import json
from pathlib import Path

import torch
from transformers.generation import logits_process as p

SIZE = 131
CASES = [
    {"temperature": 1.0, "topK": 7},
    {"temperature": 0.7, "topP": 0.8},
    {"temperature": 1.5, "minP": 0.1},
    {"temperature": 0.9, "topK": 20, "topP": 0.9, "minP": 0.05},
    {"temperature": 1.0, "repetitionPenalty": 1.3, "topK": 10},
    {"temperature": 0.6, "repetitionPenalty": 0.8, "topP": 0.95},
]


def main() -> None:
    torch.manual_seed(3)
    results = []
    for case in CASES:
        # Whole parts of 64, so that JSON holds them exactly.
        logits = torch.round(torch.randn(SIZE) * 3 * 64) / 64
        seen = torch.randint(0, SIZE, (12,))
        scores = logits[None]
        if "repetitionPenalty" in case:
            scores = p.RepetitionPenaltyLogitsProcessor(case["repetitionPenalty"])(seen[None], scores.clone())
        scores = p.TemperatureLogitsWarper(case["temperature"])(seen[None], scores)
        if "topK" in case:
            scores = p.TopKLogitsWarper(case["topK"])(seen[None], scores)
        if "topP" in case:
            scores = p.TopPLogitsWarper(case["topP"])(seen[None], scores)
        if "minP" in case:
            scores = p.MinPLogitsWarper(case["minP"])(seen[None], scores)
        kept = torch.isfinite(scores[0]).nonzero()[:, 0]
        results.append({
            "options": case, "logits": logits.tolist(), "seen": seen.tolist(), "tokens": kept.tolist(),
            "probabilities": [round(x, 7) for x in torch.softmax(scores[0].double(), -1)[kept].tolist()],
        })
    Path("test/parity/fixtures/sampling.json").write_text(json.dumps(results, separators=(",", ":")) + "\n")


main()
