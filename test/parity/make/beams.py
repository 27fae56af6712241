"""Makes test/parity/fixtures/decoders/llama/beams.json: beam search by Transformers on the tiny Llama.

Run from the root of the repository, with the packages of requirements.txt.
"""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

FOLDER = Path("test/parity/fixtures/decoders/llama")
PROMPTS = [[5, 9, 30, 7], [61, 2], [40, 41, 42, 88, 13, 60, 3]]
CASES = [
    {"numBeams": 2, "answers": 1, "maxNewTokens": 8, "stopTokens": []},
    {"numBeams": 4, "answers": 4, "maxNewTokens": 16, "stopTokens": list(range(30, 38))},
    {"numBeams": 4, "answers": 3, "maxNewTokens": 16, "stopTokens": list(range(20, 34)), "earlyStopping": True},
    {"numBeams": 3, "answers": 2, "maxNewTokens": 20, "stopTokens": list(range(20, 32)), "earlyStopping": "never", "lengthPenalty": 2.0},
    {"numBeams": 5, "answers": 5, "maxNewTokens": 12, "stopTokens": [29, 57], "lengthPenalty": -1.0},
    {"numBeams": 3, "answers": 3, "maxNewTokens": 12, "stopTokens": list(range(20, 40)), "lengthPenalty": 0.0, "earlyStopping": "never"},
    {"numBeams": 3, "answers": 2, "maxNewTokens": 12, "stopTokens": list(range(40, 52)), "repetitionPenalty": 1.4},
]


def main() -> None:
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    cases = []
    for case in CASES:
        results = []
        for prompt in PROMPTS:
            with torch.no_grad():
                out = model.generate(
                    torch.tensor([prompt]),
                    do_sample=False,
                    num_beams=case["numBeams"],
                    num_return_sequences=case["answers"],
                    max_new_tokens=case["maxNewTokens"],
                    eos_token_id=case["stopTokens"] or None,
                    pad_token_id=96,
                    length_penalty=case.get("lengthPenalty", 1.0),
                    early_stopping=case.get("earlyStopping", False),
                    repetition_penalty=case.get("repetitionPenalty", 1.0),
                    return_dict_in_generate=True,
                    output_scores=True,
                )
            rows = []
            for i, row in enumerate(out.sequences.tolist()):
                tokens = row[len(prompt) :]
                ends = [t for t, token in enumerate(tokens) if token in case["stopTokens"]]
                tokens = tokens[: ends[0] + 1] if ends else tokens
                rows.append({"tokens": tokens, "score": out.sequences_scores[i].item()})
            results.append(rows)
        cases.append({"options": case, "results": results})
    (FOLDER / "beams.json").write_text(json.dumps({"prompts": PROMPTS, "cases": cases}, separators=(",", ":")) + "\n")


main()
