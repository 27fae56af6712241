"""Tiny random models of pictures and texts as checkpoint folders, with what Transformers computes from them.

    python test/parity/make/multimodal.py [name ...]

Writes test/parity/fixtures/multimodal/<name>/{config.json, model.safetensors, expected.safetensors}. Every tensor is drawn
at a scale that matters: norms around 1 by 0.3, biases by 0.3, matrices so that states neither vanish nor explode. Pictures
are random numbers in the shapes that the released processors give.

Of each picture k: pixels.k [tiles, 3, H, W], size.k (as it was given, where the model asks), vision.k.<layer>, features.k.
Of the first one also keys.<block>: their biases show nowhere else, since they change all scores of a query alike.
Three of them have the files of a processor too, for what leads from a text with pictures to its answer: of each question q,
question.q.<n> are its pictures [H, W, 3] in bytes, question.q.ids and question.q.tokens.
Of each prompt p: ids.p, pictures.p (their numbers), labels.p, state.p.<layer>, logits.p, loss.p, tokens.p (32, greedily).
"""

import json
import math
import pathlib
import shutil
import sys
from types import MethodType, SimpleNamespace

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import (AutoImageProcessor, AutoModelForImageTextToText, CLIPVisionConfig, Idefics3Config,
                          Idefics3Processor, LlamaConfig, LlavaConfig, LlavaOnevisionConfig, LlavaOnevisionProcessor,
                          LlavaProcessor, PreTrainedTokenizerFast, Qwen2Config, SiglipVisionConfig, SmolVLMConfig)
from transformers.models.llava_onevision.video_processing_llava_onevision import LlavaOnevisionVideoProcessor

torch.set_num_threads(1)

HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "multimodal"
IMAGE = 96
LLAMA = dict(vocab_size=97, hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, head_dim=16,
             num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5, rope_theta=5000.0, bos_token_id=1,
             eos_token_id=None, pad_token_id=0)
QWEN = dict(vocab_size=97, hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, max_position_embeddings=256, rope_theta=1e6, bos_token_id=None, eos_token_id=None)
VISION = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=4)
NEW_TOKENS = 32


class Idefics3:
    """Tiles of one size. Prompts: text, and the number of a picture where one stands."""

    def __init__(self, config, tiles):
        self.config = config
        self.pictures = [dict(tiles=count) for count in tiles]
        self.prompts = [[5, 17, "0", 33, 8, 91], [44, "1", 3, 70, "2", 9, 12, 60, 2]]

    def inputs(self, pictures):
        return dict(pixel_values=torch.cat([picture["pixels"] for picture in pictures])[None])

    def tower(self, model):
        return model.model.vision_model


class Llava(Idefics3):
    """Pictures of one tile."""

    def inputs(self, pictures):
        return dict(pixel_values=torch.cat([picture["pixels"] for picture in pictures]))

    def tower(self, model):
        return model.model.vision_tower


class LlavaOnevision(Llava):
    """Pictures in tiles of any layout where they stand alone in a prompt, of one tile where there are several."""

    def __init__(self, config, pictures, prompts):
        self.config = config
        self.pictures = pictures
        self.prompts = prompts

    def inputs(self, pictures):
        most = max(len(picture["pixels"]) for picture in pictures)
        padded = [torch.cat([p["pixels"], torch.zeros(most - len(p["pixels"]), *p["pixels"].shape[1:])]) for p in pictures]
        return dict(pixel_values=torch.stack(padded), image_sizes=torch.tensor([p["size"] for p in pictures]),
                    batch_num_images=torch.tensor([len(pictures)]))


CASES = {
    "idefics3": Idefics3(
        Idefics3Config(text_config=LlamaConfig(**LLAMA).to_dict(), vision_config=VISION, image_token_id=IMAGE,
                       scale_factor=2, tie_word_embeddings=False), [3, 1, 2]),
    # Nine patches to a row of features.
    "smolvlm": Idefics3(
        SmolVLMConfig(text_config=LlamaConfig(**{**LLAMA, "tie_word_embeddings": True}).to_dict(),
                      vision_config={**VISION, "image_size": 24}, image_token_id=IMAGE, scale_factor=3,
                      tie_word_embeddings=True), [2, 1, 1]),
    # The last of three blocks has no say.
    "llava": Llava(
        LlavaConfig(text_config=LlamaConfig(**LLAMA), vision_config=CLIPVisionConfig(**{**VISION, "num_hidden_layers": 3}),
                    image_token_index=IMAGE, vision_feature_layer=-2, vision_feature_select_strategy="default"), [1, 1, 1]),
    # Another language model, another tower, the features of two layers.
    "llava-qwen2": Llava(
        LlavaConfig(text_config=Qwen2Config(**QWEN),
                    vision_config=SiglipVisionConfig(**VISION, vision_use_head=False), image_token_index=IMAGE,
                    vision_feature_layer=[1, -1], vision_feature_select_strategy="full"), [1, 1, 1]),
    "llava_onevision": LlavaOnevision(
        LlavaOnevisionConfig(text_config=Qwen2Config(**QWEN), vision_config=SiglipVisionConfig(**VISION, vision_use_head=False),
                             image_token_index=IMAGE, video_token_index=95, vision_aspect_ratio="anyres_max_2",
                             image_grid_pinpoints=[[16, 16], [16, 32], [32, 16], [32, 32], [48, 16], [32, 48]]),
        # Padded at left and right, at top and bottom, scaled down, and each alone.
        [dict(tiles=3, size=(30, 13)), dict(tiles=1, size=(20, 24)), dict(tiles=1, size=(9, 40)), dict(tiles=7, size=(25, 47)),
         dict(tiles=3, size=(12, 30))],
        [[5, 17, "0", 33, 8, 91], [44, "1", 3, 70, "2", 9, 12, 60, 2], [7, "3", 55, 28], [61, "4", 11]]),
}


SPECIAL = {IMAGE: "<image>", 95: "<video>", 92: "<end_of_utterance>", 91: "<global-img>", 90: "<fake_token_around_image>",
           86: "<row_1_col_1>", 87: "<row_1_col_2>", 88: "<row_2_col_1>", 89: "<row_2_col_2>"}
HALF = [0.5, 0.5, 0.5]
PIXELS = dict(do_convert_rgb=True, do_normalize=True, do_rescale=True, do_resize=True, image_mean=HALF, image_std=HALF,
              rescale_factor=0.00392156862745098)
# What a text is that asks about pictures, and the height and width of each.
QUESTIONS = [("w5 w17 <image> w33 w8", [(21, 30)]), ("w44 <image> w3 w70 <image> w9 w12", [(18, 16), (40, 13)])]


def tokenizer():
    """A word for each token."""
    words = {SPECIAL.get(i, f"w{i}"): i for i in range(97)}
    made = Tokenizer(models.WordPiece(words, unk_token="w0"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([AddedToken(SPECIAL[i], special=True, normalized=False) for i in sorted(SPECIAL)])
    return made


def picture_files(name):
    """preprocessor_config.json and processor_config.json."""
    if name == "idefics3":
        return (dict(**PIXELS, do_image_splitting=True, do_pad=True, resample=1, max_image_size=dict(longest_edge=16),
                     size=dict(longest_edge=32), image_processor_type="Idefics3ImageProcessor"),
                dict(image_seq_len=4, processor_class="Idefics3Processor"))
    if name == "llava":
        return (dict(**PIXELS, do_center_crop=True, crop_size=dict(height=16, width=16), size=dict(shortest_edge=16), resample=3,
                     image_processor_type="CLIPImageProcessor"),
                dict(patch_size=4, vision_feature_select_strategy="default", num_additional_image_tokens=1, image_token="<image>",
                     processor_class="LlavaProcessor"))
    return (dict(**PIXELS, do_pad=True, resample=3, size=dict(height=16, width=16),
                 image_grid_pinpoints=CASES[name].config.image_grid_pinpoints, image_processor_type="LlavaOnevisionImageProcessor"),
            dict(num_image_tokens=16, vision_feature_select_strategy="full", vision_aspect_ratio="anyres_max_2",
                 image_token="<image>", processor_class="LlavaOnevisionProcessor"))


def questions(name, case, folder):
    """Writes the files of a processor, and gives of each question its pictures and what the processor makes of it."""
    preprocessor, keys = picture_files(name)
    (folder / "config.json").write_text(json.dumps(dict(model_type=case.config.model_type)))
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    (folder / "processor_config.json").write_text(json.dumps(keys))
    tokenizer().save(str(folder / "tokenizer.json"), pretty=False)
    pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer(), unk_token="w0", pad_token="w0")
    if name == "idefics3":
        processor = Idefics3Processor(pixels, fast, image_seq_len=keys["image_seq_len"])
    elif name == "llava":
        processor = LlavaProcessor(pixels, fast, **{key: keys[key] for key in list(keys)[:3]})
    else:
        processor = LlavaOnevisionProcessor(pixels, fast, LlavaOnevisionVideoProcessor(), **{key: keys[key] for key in list(keys)[:3]})
    random = np.random.default_rng(7)
    asked = []
    for text, sizes in QUESTIONS:
        pictures = [random.integers(0, 256, (height, width, 3)).astype(np.uint8) for height, width in sizes]
        images = [Image.fromarray(picture) for picture in pictures]
        inputs = dict(processor(images=images if name == "llava" else [images], text=[text], return_tensors="pt"))
        ids = inputs.pop("input_ids")[0].tolist()
        inputs.pop("attention_mask")
        if name == "llava_onevision":
            inputs["batch_num_images"] = torch.tensor([len(images)])
        asked.append((pictures, ids, inputs))
    return asked


def randomise(model, tied, seed):
    """Draws every parameter anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("bias"):
                parameter.copy_(0.3 * noise)
            elif "norm" in name or "layrnorm" in name:
                parameter.copy_(1 + 0.3 * noise)
            elif "embed_tokens" in name or "lm_head" in name:
                # Small where it is also the output layer: a token's own embedding would make it its own successor.
                parameter.copy_(noise * (0.3 if tied else 1.0))
            elif "position_embedding" in name or parameter.dim() == 1:
                parameter.copy_(noise)
            else:
                parameter.copy_(noise * 1.5 / math.sqrt(parameter[0].numel()))


def greedy(model, inputs, ids):
    """One row at a time, without padding and without a cache: what generation must give whatever its tricks."""
    ids = list(ids)
    scores = []
    for _ in range(NEW_TOKENS):
        logits = model(input_ids=torch.tensor([ids]), use_cache=False, **inputs).logits[0, -1]
        top = logits.topk(2).values
        scores.append((top[0] - top[1]).item())
        ids.append(int(logits.argmax()))
        # An image token would stand for a picture that is not there: such an answer does not do, as the others that are told.
        if ids[-1] >= IMAGE - 1:
            return ids[-1:], 0.0
    return ids[-NEW_TOKENS:], min(scores)


def expand(prompt, features):
    """A prompt's tokens, an image token for each row of features, and its pictures' numbers."""
    ids, pictures = [], []
    for token in prompt:
        if isinstance(token, str):
            pictures.append(int(token))
            ids += [IMAGE] * len(features[int(token)])
        else:
            ids.append(token)
    return ids, pictures


def expectations(case, model, features, asked):
    """What is expected of a model, or nothing where its answers are dull."""
    expected = {}
    for q, (pictures, ids, inputs) in enumerate(asked):
        tokens, gap = greedy(model, inputs, ids)
        if len(set(tokens)) < 16 or gap < 1e-2:
            return None
        expected[f"question.{q}.ids"] = torch.tensor(ids)
        expected[f"question.{q}.tokens"] = torch.tensor(tokens)
        for n, picture in enumerate(pictures):
            expected[f"question.{q}.{n}"] = torch.from_numpy(picture)
    for p, prompt in enumerate(case.prompts):
        ids, pictures = expand(prompt, features)
        inputs = case.inputs([case.pictures[k] for k in pictures])
        tokens, gap = greedy(model, inputs, ids)
        # A model that repeats itself would hide faults of the cache; near ties would make the tokens a matter of luck.
        if len(set(tokens)) < 16 or gap < 1e-2:
            return None
        row = torch.tensor([ids])
        labels = torch.where(row == IMAGE, -100, row)
        out = model(input_ids=row, labels=labels, use_cache=False, output_hidden_states=True, **inputs)
        expected[f"ids.{p}"] = row
        expected[f"pictures.{p}"] = torch.tensor(pictures)
        expected[f"labels.{p}"] = labels
        expected[f"tokens.{p}"] = torch.tensor(tokens)
        for layer, state in enumerate(out.hidden_states):
            expected[f"state.{p}.{layer}"] = state
        expected[f"logits.{p}"] = out.logits
        expected[f"loss.{p}"] = out.loss
    return expected


def released_counts():
    """[N, 3]: heights, widths, and the features that pictures of that size have in the released LLaVA-OneVision."""
    sides = [1, 27, 100, 384, 479, 1001, 1999, 3000, 4032]
    pinpoints = [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)]
    processor = SimpleNamespace(num_image_tokens=729, vision_aspect_ratio="anyres_max_9",
                                image_processor=SimpleNamespace(image_grid_pinpoints=pinpoints))
    processor._get_unpadded_features = MethodType(LlavaOnevisionProcessor._get_unpadded_features, processor)
    count = MethodType(LlavaOnevisionProcessor._get_number_of_features, processor)
    return torch.tensor([[h, w, count(h, w, 384, 384)] for h in sides for w in sides])


def make(name, case, number):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    asked = questions(name, case, folder) if name in ("idefics3", "llava", "llava_onevision") else []
    side = case.config.vision_config.image_size
    generator = torch.Generator().manual_seed(number)
    for picture in case.pictures:
        picture["pixels"] = torch.randn(picture["tiles"], 3, side, side, generator=generator)
    for seed in range(1000 * number, 1000 * number + 300):
        model = AutoModelForImageTextToText.from_config(case.config, attn_implementation="eager", dtype=torch.float32).eval()
        randomise(model, case.config.tie_word_embeddings, seed)
        with torch.no_grad():
            features = [None] * len(case.pictures)
            for prompt in case.prompts:
                # By prompts, since how a picture is read may depend on its neighbours.
                mine = [int(token) for token in prompt if isinstance(token, str)]
                inputs = case.inputs([case.pictures[k] for k in mine])
                rows = torch.cat(list(model.get_image_features(**inputs).pooler_output))
                lengths = [len(rows) * case.pictures[k]["tiles"] // sum(case.pictures[j]["tiles"] for j in mine) for k in mine]
                for k, part in zip(mine, rows.split(lengths)):
                    features[k] = part
            expected = expectations(case, model, features, asked)
            if expected is None:
                continue
            for k, picture in enumerate(case.pictures):
                expected[f"pixels.{k}"] = picture["pixels"]
                if "size" in picture:
                    expected[f"size.{k}"] = torch.tensor(picture["size"])
                expected[f"features.{k}"] = features[k]
                tower = case.tower(model)
                if k == 0:
                    hooks = [layer.self_attn.k_proj.register_forward_hook(
                        lambda _module, _inputs, keys, block=block: expected.update({f"keys.{block}": keys}))
                        for block, layer in enumerate(tower.encoder.layers)]
                for layer, state in enumerate(tower(picture["pixels"], output_hidden_states=True).hidden_states):
                    expected[f"vision.{k}.{layer}"] = state
                for hook in hooks:
                    hook.remove()
        break
    else:
        raise SystemExit(f"{name}: no seed gives varied tokens")
    if name == "llava_onevision":
        expected["counts"] = released_counts()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    for file in folder.iterdir():
        file.chmod(0o644)
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    print(name, "seed", seed, [len(f) for f in features], sum(p.numel() for p in model.parameters()), "parameters")


def main():
    for number, (name, case) in enumerate(CASES.items()):
        if not sys.argv[1:] or name in sys.argv[1:]:
            make(name, case, number + 1)


main()
