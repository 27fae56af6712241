"""What the processors of Transformers (PIL backend) make of small pictures and prompts.

    python test/parity/make/processors.py

Writes test/parity/fixtures/processors/: two small tokenizers, cases.json, pictures.safetensors (bytes [H, W, 3 or 4]) and
expected.safetensors. In the last one `<case>/<picture>` holds the pixel values as bytes, brought back from normalisation
(checked here to be whole numbers), and `<case>/<picture>/values` some of the normalised numbers themselves.

Every case is read from files in a folder, as a checkpoint carries them, so that old and new spellings are read by
Transformers as well.
"""

import json
import pathlib
import shutil
import tempfile

import numpy as np
import PIL
import torch
from PIL import Image
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (AutoImageProcessor, Idefics3Processor, LlavaOnevisionProcessor, LlavaProcessor,
                          PreTrainedTokenizerFast, Qwen2_5_VLProcessor)
from transformers.models.llava_onevision.video_processing_llava_onevision import LlavaOnevisionVideoProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "processors"
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]
EVERY = 37

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<image>", "<video>", "<fake_token_around_image>",
           "<global-img>", "<end_of_utterance>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
           *[f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]]
CORPUS = ["USER: What is shown in this picture? ASSISTANT: A red square, above a blue circle.\n\n",
          "Compare the two pictures: which of them has more colours?\nDescribe the image in detail.\n"] * 3


def byte_tokenizer():
    """As SmolVLM and Qwen have it: byte pairs, nothing put around."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


def llama_tokenizer():
    """As LLaVA 1.5 has it: spaces become letters, one is put in front, and <s> begins a text."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ("<image>", "<video>")])
    start = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", start)])
    return tokenizer


def pictures():
    """Smooth shapes with hard edges and some noise; sides from very even to very uneven."""
    random = np.random.default_rng(11)
    sizes = {"wide": (64, 40), "tall": (28, 51), "square": (32, 32), "strip": (150, 6), "column": (3, 90), "large": (150, 100),
             "dot": (1, 1), "odd": (47, 33)}
    result = {}
    for name, (width, height) in sizes.items():
        y, x = np.mgrid[0:height, 0:width]
        smooth = np.stack([x * 255 / max(width, 2), y * 255 / max(height, 2), (x + y) * 255 / (width + height)], axis=-1)
        edges = np.where(((x // 5 + y // 7) % 2 == 0)[..., None], smooth, 255 - smooth)
        noise = random.integers(-20, 21, (height, width, 3))
        result[name] = np.clip(edges + noise, 0, 255).astype(np.uint8)
    see_through = np.concatenate([result["wide"], random.integers(0, 256, (40, 64, 1)).astype(np.uint8)], axis=-1)
    result["alpha"] = see_through
    return result


PICTURES = pictures()
EVEN = ["wide", "tall", "square", "odd"]
ALL = [*EVEN, "strip", "column", "large", "dot", "alpha"]


def image(name):
    return Image.fromarray(PICTURES[name])


def plain(name, model_type, picture_names, keys):
    """A processor of pictures alone."""
    return dict(name=name, model=dict(model_type=model_type), preprocessor=keys, pictures=picture_names)


def prompt(name, model, preprocessor, processor, texts):
    """@param texts pairs of a text and the pictures of it"""
    return [dict(name=f"{name}-{i}", model=model, preprocessor=preprocessor, processor=processor, text=text, pictures=names)
            for i, (text, names) in enumerate(texts)]


SMOL = "<|im_start|>User:<image>What is shown in this picture?<end_of_utterance>\nAssistant:"
SMOL_TWO = "<|im_start|>User:<image><image>Compare the two pictures: which is more blue?<end_of_utterance>\nAssistant:"
LLAVA = "USER: <image>\nWhat is shown in this picture? ASSISTANT:"
LLAVA_TWO = "<s>USER: <image> <image>\nCompare the two pictures. ASSISTANT:"
OV = "<|im_start|>user <image>\nDescribe the image in detail.<|im_end|><|im_start|>assistant\n"
OV_TWO = "<|im_start|>user <image><image>\nCompare the two pictures.<|im_end|><|im_start|>assistant\n"
QWEN = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|>\n<|im_start|>assistant\n"
QWEN_TWO = ("<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|> and <|vision_start|><|image_pad|><|vision_end|>"
            "Compare them.<|im_end|>\n<|im_start|>assistant\n")

TILES = dict(do_convert_rgb=True, do_image_splitting=True, do_normalize=True, do_pad=True, do_rescale=True, do_resize=True,
             image_mean=HALF, image_std=HALF, max_image_size=dict(longest_edge=16), processor_class="Idefics3Processor",
             resample=1, rescale_factor=0.00392156862745098, size=dict(longest_edge=64),
             image_processor_type="Idefics3ImageProcessor")
IDEFICS3 = dict(model_type="idefics3", scale_factor=2, vision_config=dict(patch_size=4, image_size=16))
CLIP_28 = dict(crop_size=dict(height=28, width=28), do_center_crop=True, do_convert_rgb=True, do_normalize=True, do_rescale=True,
               do_resize=True, image_mean=CLIP_MEAN, image_std=CLIP_STD, resample=3, rescale_factor=0.00392156862745098,
               size=dict(shortest_edge=28), image_processor_type="CLIPImageProcessor")
LLAVA_MODEL = dict(model_type="llava", vision_feature_select_strategy="default",
                   vision_config=dict(model_type="clip_vision_model", patch_size=7, image_size=28))
LLAVA_FULL = {**LLAVA_MODEL, "vision_feature_select_strategy": "full"}
PINPOINTS = [[h, w] for h in (16, 32, 48) for w in (16, 32, 48)]
ONEVISION = dict(do_convert_rgb=True, do_normalize=True, do_pad=True, do_rescale=True, do_resize=True, image_mean=HALF,
                 image_std=HALF, resample=3, rescale_factor=0.00392156862745098, size=dict(height=16, width=16),
                 image_grid_pinpoints=PINPOINTS, image_processor_type="LlavaOnevisionImageProcessor")
ONEVISION_MODEL = dict(model_type="llava_onevision", image_grid_pinpoints=PINPOINTS, vision_aspect_ratio="anyres_max_9",
                       vision_config=dict(patch_size=4, image_size=16))
ONEVISION_PROCESSOR = dict(num_image_tokens=16, vision_feature_select_strategy="full", vision_aspect_ratio="anyres_max_9",
                           image_token="<image>", processor_class="LlavaOnevisionProcessor")
PATCHES = dict(min_pixels=256, max_pixels=1600, patch_size=4, temporal_patch_size=2, merge_size=2, image_mean=CLIP_MEAN,
               image_std=CLIP_STD, image_processor_type="Qwen2VLImageProcessor", processor_class="Qwen2_5_VLProcessor")
# Its language model's keys stand at the root, as in the released files; nothing here depends on them.
QWEN_MODEL = dict(model_type="qwen2_5_vl", vocab_size=152064, hidden_size=64, intermediate_size=96, num_hidden_layers=1,
                  num_attention_heads=2, num_key_value_heads=2, rope_scaling=dict(type="mrope", mrope_section=[4, 6, 6]),
                  vision_config=dict(patch_size=4, spatial_merge_size=2, temporal_patch_size=2, window_size=16, out_hidden_size=64,
                                     depth=1, fullatt_block_indexes=[0], hidden_size=64, num_heads=2))

CASES = [
    # Written by Transformers of 2021: a number as size, no filter, no name of a processor.
    plain("vit-old", "vit", EVEN, dict(do_normalize=True, do_resize=True, image_mean=HALF, image_std=HALF, size=24,
                                       feature_extractor_type="ViTFeatureExtractor")),
    plain("vit", "vit", [*EVEN, "strip", "column", "dot"],
          dict(do_normalize=True, do_rescale=True, do_resize=True, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
               resample=2, rescale_factor=1 / 255, size=dict(height=20, width=24), image_processor_type="ViTImageProcessor")),
    plain("vit-raw", "vit", ["wide"], dict(do_normalize=False, size=dict(height=12, width=12), resample=4,
                                           image_processor_type="ViTImageProcessor")),
    plain("clip-old", "clip", EVEN, dict(crop_size=24, do_center_crop=True, do_normalize=True, do_resize=True, size=24, resample=3,
                                         image_mean=CLIP_MEAN, image_std=CLIP_STD, feature_extractor_type="CLIPFeatureExtractor")),
    plain("clip", "clip", ALL, {**CLIP_28, "size": dict(shortest_edge=20), "crop_size": dict(height=24, width=17)}),
    # Two bounds, the second of which is seldom seen: the shorter side, unless the longer one exceeds the other.
    plain("clip-bounded", "clip", [*EVEN, "strip", "column"],
          {**CLIP_28, "size": dict(shortest_edge=20, longest_edge=33), "crop_size": dict(height=24, width=24)}),
    # Its files say null here, which is no: a picture with alpha is refused there.
    plain("siglip", "siglip", [name for name in ALL if name != "alpha"], dict(do_convert_rgb=None, do_normalize=True, do_rescale=True, do_resize=True, image_mean=HALF,
                                        image_std=HALF, resample=3, rescale_factor=1 / 255, size=dict(height=24, width=24),
                                        image_processor_type="SiglipImageProcessor")),
    # What is null is not what is absent: no cropping, no normalisation.
    plain("clip-null", "clip", ["wide", "tall"], {**CLIP_28, "do_center_crop": None, "do_normalize": None}),
    plain("blip", "blip", ALL, dict(do_normalize=True, do_resize=True, image_mean=CLIP_MEAN, image_std=CLIP_STD,
                                    size=24, image_processor_type="BlipImageProcessor")),
    *prompt("idefics3", IDEFICS3, TILES, dict(image_seq_len=4, processor_class="Idefics3Processor"),
            [(SMOL, [name]) for name in ["wide", "tall", "strip", "column", "large", "dot", "alpha", "odd"]]
            + [(SMOL_TWO, ["tall", "square"]), ("Nothing to see.", [])]),
    *prompt("idefics3-whole", IDEFICS3, {**TILES, "do_image_splitting": False}, dict(image_seq_len=4), [(SMOL_TWO, ["wide", "column"])]),
    *prompt("idefics3-small", IDEFICS3, {**TILES, "size": dict(longest_edge=16)}, dict(image_seq_len=4), [(SMOL, ["wide"])]),
    *prompt("idefics3-unsized", IDEFICS3, {**TILES, "do_resize": False}, dict(image_seq_len=4), [(SMOL, ["odd"]), (SMOL, ["column"])]),
    # Newer releases write one file, the picture's part within.
    *prompt("idefics3-nested", IDEFICS3, None, dict(image_seq_len=4, image_processor=TILES, processor_class="Idefics3Processor"),
            [(SMOL, ["odd"])]),
    *prompt("llava", LLAVA_MODEL, CLIP_28, dict(patch_size=7, vision_feature_select_strategy="default", num_additional_image_tokens=1,
                                                image_token="<image>", processor_class="LlavaProcessor"),
            [(LLAVA, ["wide"]), (LLAVA, ["column"]), (LLAVA_TWO, ["tall", "alpha"])]),
    *prompt("llava-full", LLAVA_FULL, {**CLIP_28, "image_processor_type": "LlavaImageProcessor", "do_pad": True},
            dict(patch_size=7, vision_feature_select_strategy="full", num_additional_image_tokens=1), [(LLAVA, ["odd"]), (LLAVA, ["tall"])]),
    *prompt("onevision", ONEVISION_MODEL, ONEVISION, ONEVISION_PROCESSOR,
            [(OV, [name]) for name in ["wide", "tall", "strip", "column", "large", "dot", "square", "odd", "alpha"]]
            + [(OV_TWO, ["wide", "tall"]), (OV_TWO, ["square", "odd"])]),
    *prompt("onevision-shrunk", {**ONEVISION_MODEL, "vision_aspect_ratio": "anyres_max_2"}, ONEVISION,
            {**ONEVISION_PROCESSOR, "vision_aspect_ratio": "anyres_max_2"}, [(OV, ["large"]), (OV, ["odd"]), (OV, ["strip"])]),
    *prompt("qwen", QWEN_MODEL, PATCHES, dict(processor_class="Qwen2_5_VLProcessor"),
            [(QWEN, [name]) for name in ["wide", "tall", "strip", "column", "large", "dot", "alpha"]] + [(QWEN_TWO, ["odd", "square"])]),
    *prompt("qwen-new", QWEN_MODEL, {**{k: v for k, v in PATCHES.items() if "pixels" not in k},
                                     "size": dict(shortest_edge=900, longest_edge=3000)}, {}, [(QWEN, ["tall"]), (QWEN, ["large"])]),
]


def image_processor(case):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if case["preprocessor"] is not None:
            (folder / "preprocessor_config.json").write_text(json.dumps(case["preprocessor"]))
        if case.get("processor") is not None:
            (folder / "processor_config.json").write_text(json.dumps(case["processor"]))
        (folder / "config.json").write_text(json.dumps(dict(model_type=case["model"]["model_type"])))
        found = AutoImageProcessor.from_pretrained(folder, backend="pil")
    assert found.backend == "pil", type(found)
    return found


def run(case, tokenizer):
    """Pixel values of each picture by itself, the tokens and the grids."""
    pixels = image_processor(case)
    images = [image(name) for name in case["pictures"]]
    if "text" not in case:
        return list(pixels(images)["pixel_values"]), None, None, pixels
    family, keys = case["model"]["model_type"], case["processor"]
    text = case["text"]
    if not images:
        return [], tokenizer(text)["input_ids"], None, pixels
    if family == "idefics3":
        processor = Idefics3Processor(pixels, tokenizer, image_seq_len=keys["image_seq_len"])
        # One by one for the pixels: together, pictures are padded to the largest number of tiles.
        values = [processor.image_processor([[one]])["pixel_values"][0] for one in images]
        return values, processor(images=[images], text=[text])["input_ids"][0], None, pixels
    if family == "llava":
        processor = LlavaProcessor(pixels, tokenizer, patch_size=keys["patch_size"],
                                   vision_feature_select_strategy=keys["vision_feature_select_strategy"],
                                   num_additional_image_tokens=keys["num_additional_image_tokens"])
        # What a chat template begins with <s> gets no second one.
        inputs = processor(images=images, text=[text], add_special_tokens=not text.startswith("<s>"))
        return [value[None] for value in inputs["pixel_values"]], inputs["input_ids"][0], None, pixels
    if family == "llava_onevision":
        processor = LlavaOnevisionProcessor(pixels, tokenizer, LlavaOnevisionVideoProcessor(), num_image_tokens=keys["num_image_tokens"],
                                            vision_feature_select_strategy=keys["vision_feature_select_strategy"],
                                            vision_aspect_ratio=keys["vision_aspect_ratio"])
        # Nested, as the pictures of a conversation come: several are not cut.
        inputs = processor(images=[images], text=[text])
        return list(inputs["pixel_values"]), inputs["input_ids"][0], None, pixels
    processor = Qwen2_5_VLProcessor(pixels, tokenizer, Qwen2VLVideoProcessor())
    inputs = processor(images=images, text=[text])
    grids = np.asarray(inputs["image_grid_thw"])
    ends = np.cumsum(grids.prod(axis=1))
    return np.split(np.asarray(inputs["pixel_values"]), ends[:-1]), inputs["input_ids"][0], grids.tolist(), pixels


def as_bytes(values, pixels):
    """Back from normalisation. The channel is axis 1 of tiles [N, 3, H, W]; of patches [P, C] it is the outermost of C."""
    values = np.asarray(values, dtype=np.float64)
    shaped = values if values.ndim != 2 else values.reshape(len(values), 3, -1)
    shaped = shaped if values.ndim != 3 else values[None]
    if pixels.do_normalize:
        around = [1, 3] + [1] * (shaped.ndim - 2)
        shaped = shaped * np.reshape(pixels.image_std, around) + np.reshape(pixels.image_mean, around)
    raw = (shaped / pixels.rescale_factor).reshape(values.shape)
    whole = np.rint(raw)
    assert np.abs(raw - whole).max() < 1e-3, np.abs(raw - whole).max()
    assert whole.min() >= 0 and whole.max() <= 255
    return whole.astype(np.uint8)


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir(parents=True)
    tokenizers = {"byte": byte_tokenizer(), "llama": llama_tokenizer()}
    for name, tokenizer in tokenizers.items():
        tokenizer.save(str(HERE / f"tokenizer-{name}.json"), pretty=False)
    names = {"byte": dict(bos_token="<|im_start|>", eos_token="<end_of_utterance>"), "llama": dict(bos_token="<s>", eos_token="</s>")}
    expected = {}
    for case in CASES:
        family = case["model"]["model_type"]
        case["tokenizer"] = "llama" if family in ("llava", "blip") else "byte"
        image_token = "<|image_pad|>" if family == "qwen2_5_vl" else "<image>"
        if "text" in case:
            case["model"] = {**case["model"], "image_token_id": tokenizers[case["tokenizer"]].token_to_id(image_token)}
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizers[case["tokenizer"]], **names[case["tokenizer"]])
        values, tokens, grids, pixels = run(case, fast)
        for picture, value in zip(case["pictures"], values, strict=True):
            value = np.asarray(value)
            expected[f"{case['name']}/{picture}"] = as_bytes(value, pixels)
            expected[f"{case['name']}/{picture}/values"] = value.astype(np.float32).ravel()[::EVERY].copy()
        if tokens is not None:
            case["tokens"] = [int(token) for token in np.asarray(tokens).tolist()]
        if grids is not None:
            case["grids"] = grids
        print(case["name"], [np.asarray(value).shape for value in values], None if tokens is None else len(tokens))
    versions = dict(pillow=PIL.__version__, every=EVERY)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
    (HERE / "cases.json").write_text(f'{{"versions":{json.dumps(versions)},"cases":[\n{lines}\n]}}\n')
    save_file(PICTURES, HERE / "pictures.safetensors")
    expected = {name: np.ascontiguousarray(value) for name, value in expected.items()}
    save_file(expected, HERE / "expected.safetensors")
    for file in HERE.iterdir():
        file.chmod(0o644)


main()
