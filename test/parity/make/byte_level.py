"""What the library `tokenizers` makes of a byte-level tokenizer that this project has trained.

    npm run build && python test/parity/make/byte_level.py

Writes test/parity/fixtures/byte-level/: tokenizer.json and tokenizer_config.json, made by the built package from the texts
below, and expected.json: texts with their ids, and what decoding gives with and without special tokens.
"""

import json
import pathlib
import random
import subprocess
import unicodedata

from tokenizers import Tokenizer
from transformers import AutoTokenizer

ROOT = pathlib.Path(__file__).parent.parent.parent.parent
HERE = ROOT / "test" / "parity" / "fixtures" / "byte-level"

TRAIN = """
import { writeFileSync } from 'node:fs';
const data = await import('./dist/src/data/index.js');
const texts = JSON.parse(process.argv[1]);
const tokenizer = data.trainByteLevelBpe(texts,
  { vocabSize: 600, specialTokens: data.CONVERSATION_TOKENS, addedTokens: data.locationTokens(8), trimStart: true });
writeFileSync(process.argv[2] + '/tokenizer.json', JSON.stringify(tokenizer));
writeFileSync(process.argv[2] + '/tokenizer_config.json', JSON.stringify(data.tokenizerConfig()));
"""

NAMES = [("red apple", "红苹果"), ("singing bird", "唱歌的鸟"), ("martial arts uniform", "武术服"), ("woman teacher", "女教师"),
         ("umbrella", "雨伞"), ("computer mouse", "电脑鼠标"), ("mobile phone", "手机"), ("grinning face", "笑脸")]
CORPUS = [text for i, (en, zh) in enumerate(NAMES) for text in (
    f"There are {i} {en}s left of the blue umbrella.", f"图中有{i}个{zh}，在蓝色的雨伞的左边。",
    f'[{{"name": "{en}", "count": {i}}}]', f"这张图片画的是{zh}吗？是的。\n", f"What's that? It's a {en}, I don't doubt.")]
FIXED = ["", " ", "  ", "\n\n \r\n", "a  b   c\t\td ", "DON'T don't we'll I'VE rock'n'roll ’tis", "3.14159 and 1,000,000", "½ ² Ⅷ ٣ 四十二",
         "café cafe\u0301 naïve Ångström", "苹果pear苹果 红苹果", "ひらがなカタカナー漢字", "한국어 텍스트", "สวัสดี", "السلام عليكم", "हिन्दी",
         "〇々〻", "\u0085\ufeff\u00a0x\u2028y\u3000z", "🍎🏽‍🦰👨‍👩‍👧🇨🇳", "<image><loc07><loc99><|end|>a<|end", "<|user|>hi<|end|><|assistant|>", "<|user|>hi<|end|><|assistant|> a red<loc03> bird<|end|>", "\x00\x01\x7f",
         "__proto__ constructor", "STOP at the ÉCOLE, NASAs USA McDonald iOS A B ABc 写着“ZZZ” ŽŠ"]


def random_texts(count):
    draw = random.Random(7)
    ranges = [(32, 127), (32, 127), (0, 0x250), (0x4E00, 0x9FFF), (0, 0xD7FF), (0xE000, 0x1FFFF)]
    texts = []
    for _ in range(count):
        text = ""
        while len(text) < draw.randint(1, 16):
            letter = chr(draw.randint(*draw.choice(ranges))) if draw.random() < 0.85 else draw.choice(" \n\r\t\u3000")
            if unicodedata.category(letter) not in ("Cn", "Co"):
                text += letter
        texts.append(text)
    return texts


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["node", "--input-type=module", "-e", TRAIN, json.dumps(CORPUS), str(HERE)], cwd=ROOT, check=True)
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    through_transformers = AutoTokenizer.from_pretrained(HERE)
    cases = []
    for text in CORPUS + FIXED + random_texts(300):
        ids = tokenizer.encode(text).ids
        assert through_transformers(text)["input_ids"] == ids, text
        # Decoding takes off the space that a text begins with.
        assert tokenizer.decode(ids, skip_special_tokens=False) == text.removeprefix(" "), text
        cases.append({"text": text, "ids": ids, "plain": tokenizer.decode(ids, skip_special_tokens=True)})
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
            {"role": "assistant", "content": "A red apple."}]
    rendered = [through_transformers.apply_chat_template(chat[:n], tokenize=False, add_generation_prompt=n == 1) for n in (1, 2)]
    (HERE / "expected.json").write_text(json.dumps({
        "corpus": CORPUS, "cases": cases, "chat": chat, "rendered": rendered,
        "padding_side": through_transformers.padding_side, "pad": through_transformers.pad_token_id,
        "end": through_transformers.eos_token_id, "size": len(through_transformers)}, separators=(",", ":")))


main()
