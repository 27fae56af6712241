"""A tiny random sensorium_vl as a checkpoint folder, with what PyTorch computes in float64 from the same architecture.

    python test/parity/make/sensorium_vl.py

Writes test/parity/fixtures/multimodal/sensorium_vl/{config.json, model.safetensors, expected.safetensors} in the form of
multimodal.py, and beside them training.safetensors: a packed batch, the parts of its loss and the gradients of all weights.
The language loss here knows nothing of packing: each conversation is read by itself, with its own picture, from its
beginning. That the decoder is Llama's is seen by Transformers' LlamaModel with the same weights.
"""

import json
import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaModel

from layers import LlamaLayer, heads_of, rotary, rotate
from models import ResidualBlock

torch.set_num_threads(1)

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "multimodal" / "sensorium_vl"
IMAGE, END, PAD = 47, 46, 0
NEW_TOKENS = 32
CONCEPTS = 5
WEIGHTS = dict(language=0.7, looking=0.2, regions=0.5, words=0.6, contrastive=0.3, shown=0.4)
EVENNESS = 0.5
CONFIG = dict(
    model_type="sensorium_vl", image_token_id=IMAGE, eos_token_id=END, scale_factor=2, connector_hidden_size=10,
    projection_dim=6, tie_word_embeddings=True,
    vision_config=dict(image_size=16, stem_channels=[16], stem_depth=1, hidden_size=8, intermediate_size=12,
                       num_hidden_layers=1, num_attention_heads=2),
    text_config=dict(model_type="llama", vocab_size=48, hidden_size=48, intermediate_size=16, num_hidden_layers=2,
                     num_attention_heads=3, num_key_value_heads=1, max_position_embeddings=256, rms_norm_eps=1e-6,
                     rope_theta=10000.0),
)
PROMPTS = [[5, 17, "0", 33, 8, 11], [44, "1", 3, 20, "2", 9, 12, 40, 2]]
# Rows of a batch of samples; of each its picture, what its conversations share after the picture, and the conversations:
# a question, and an answer, which is learned with its end.
ROWS = [
    [(0, [7, 9], [([11, 12], [13, 14, 15]), ([16], [17]), ([18, 19], [20, 21])])],
    [(2, [], [([22, 23], [24, 25, 26, 27])]), (1, [10], [([28], [29, 30]), ([31], [32])])],
]
LENGTH, LEARNED = 24, 12
CAPTIONS = [[13, 14, 3], [29], [24, 25, 26, 30]]
CAPTION_LENGTH = 6


def groups(channels):
    return max(1, min(8, channels // 8))


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        batch, length, width = x.shape
        split = lambda y: y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        q, k, v = split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x))
        shares = (q @ k.transpose(2, 3) / math.sqrt(width // self.heads)).softmax(-1)
        return self.out_proj((shares @ v).transpose(1, 2).reshape(batch, length, width))


class TwoLayers(nn.Module):
    def __init__(self, width, hidden, outputs):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class TowerLayer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.self_attn, self.mlp = SelfAttention(width, heads), TwoLayers(width, hidden, width)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Tower(nn.Module):
    """[B, 3, H, W] to [B, P, E]."""

    def __init__(self, image_size, stem_channels, stem_depth, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads):
        super().__init__()
        widths = [*stem_channels, hidden_size]
        halving = [ResidualBlock(a, b, 2, groups) for a, b in zip(widths, widths[1:])]
        keeping = [ResidualBlock(hidden_size, hidden_size, 1, groups) for _ in range(stem_depth)]
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, widths[0], 3, stride=2, padding=1), "blocks": nn.ModuleList(halving + keeping)})
        side = image_size // 2 ** len(widths)
        self.position_embedding = nn.Parameter(torch.zeros(side * side, hidden_size))
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(
            TowerLayer(hidden_size, num_attention_heads, intermediate_size) for _ in range(num_hidden_layers))})
        self.post_layernorm = nn.LayerNorm(hidden_size, eps=1e-6)

    def forward(self, pixels, states=None):
        x = self.stem["conv"](pixels)
        for block in self.stem["blocks"]:
            x = block(x)
        x = x.flatten(2).transpose(1, 2) + self.position_embedding
        states = [] if states is None else states
        states.append(x)
        for layer in self.encoder["layers"]:
            x = layer(x)
            states.append(x)
        return self.post_layernorm(x)


class SensoriumVL(nn.Module):
    def __init__(self, config):
        super().__init__()
        vision, text = config["vision_config"], config["text_config"]
        self.scale, width = config["scale_factor"], text["hidden_size"]
        self.vision_model = Tower(**vision)
        squares = (vision["image_size"] // 2 ** (len(vision["stem_channels"]) + 1) // self.scale) ** 2
        self.connector = nn.ParameterDict({
            "mlp": TwoLayers(vision["hidden_size"] * self.scale**2, config["connector_hidden_size"], width),
            "position_embedding": nn.Parameter(torch.zeros(squares, width))})
        self.text_model = nn.ModuleDict({
            "embed_tokens": nn.Embedding(text["vocab_size"], width),
            "layers": nn.ModuleList(LlamaLayer(width, text["num_attention_heads"], text["num_key_value_heads"],
                                               text["intermediate_size"], text["rope_theta"]) for _ in range(text["num_hidden_layers"])),
            "norm": nn.RMSNorm(width, eps=text["rms_norm_eps"]),
        })
        self.vision_projection = nn.Linear(vision["hidden_size"], config["projection_dim"], bias=False)
        self.text_projection = nn.Linear(width, config["projection_dim"], bias=False)
        self.logit_scale = nn.Parameter(torch.zeros(1))

    def features(self, patches):
        """[I, P, E] to [I, P / S², D]: squares of patches, row by row, each with its patches row by row."""
        side = math.isqrt(patches.shape[1])
        grid = patches.view(len(patches), side, side, -1)
        squares = [grid[:, y:y + self.scale, x:x + self.scale].flatten(1)
                   for y in range(0, side, self.scale) for x in range(0, side, self.scale)]
        return self.connector["mlp"](torch.stack(squares, 1)) + self.connector["position_embedding"]

    def embed(self, ids, features):
        """One text's [1, T, D] with features [F, D] in place of its image tokens."""
        x = self.text_model["embed_tokens"](torch.tensor([ids]))
        at = torch.tensor([i for i, token in enumerate(ids) if token == IMAGE], dtype=torch.int64)
        return x if len(at) == 0 else x.index_copy(1, at, features[None])

    def decode(self, x, states=None):
        states = [] if states is None else states
        states.append(x)
        for layer in self.text_model["layers"]:
            x = layer(x)
            states.append(x)
        states[-1] = self.text_model["norm"](x)
        return states[-1]

    def logits(self, ids, features, states=None):
        return F.linear(self.decode(self.embed(ids, features), states), self.text_model["embed_tokens"].weight)

    def picture_vectors(self, patches):
        return unit(self.vision_projection(patches.mean(1)))

    def text_vectors(self, captions):
        """Each text by itself, read where it ends."""
        return unit(torch.cat([self.text_projection(self.decode(self.embed([*text, END], None))[:, -1]) for text in captions]))


def mean_words(model, features, patch_weights, truth):
    """Features pooled by regions [I, K, P], through the decoder's last norm and output layer alone."""
    side, scale = math.isqrt(patch_weights.shape[2]), model.scale
    losses, said = [], []
    for picture, regions in zip(features, patch_weights):
        for region in regions:
            grid = region.view(side, side)
            shares = torch.stack([grid[y:y + scale, x:x + scale].sum() for y in range(0, side, scale) for x in range(0, side, scale)])
            wanted = truth[len(losses)]
            scores = model.text_model["embed_tokens"].weight @ model.text_model["norm"](shares @ picture)
            losses.append(-(scores.log_softmax(0) * wanted).sum())
            said.append(wanted[scores.argmax()] > 0)
    count = truth.sum()
    return sum(losses) / count, sum(said).double() / count


def unit(x):
    return x / (x.square().sum(-1, keepdim=True) + 1e-12).sqrt()


def randomise(module, seed):
    """Draws every parameter anew, in numbers that float32 holds."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            if name.endswith("scale"):
                noise = 1 + 0.1 * noise
            elif name.endswith("bias"):
                noise = 0.3 * noise
            elif "norm" in name:
                noise = 1 + 0.3 * noise
            elif "embed_tokens" in name:
                # Small since it is the output layer too: a token's own embedding would make it its own successor.
                noise = 0.3 * noise
            elif name == "connector.position_embedding":
                # Small, so that pictures are told apart by what they show.
                noise = 0.3 * noise
            elif "position_embedding" not in name and parameter.dim() > 1:
                noise = noise * 2 / math.sqrt(parameter[0].numel())
            parameter.copy_(noise.float().double())


def greedy(model, ids, features):
    """Without a cache: what generation must give whatever its tricks."""
    ids, gaps = list(ids), []
    for _ in range(NEW_TOKENS):
        logits = model.logits(ids, features)[0, -1]
        top = logits.topk(2).values
        gaps.append((top[0] - top[1]).item())
        ids.append(int(logits.argmax()))
        # Such an answer does not do: it would end, or need a picture, or be a matter of luck, or repeat itself.
        if ids[-1] in (IMAGE, END) or gaps[-1] < 1e-2 or len(gaps) - len(set(ids[len(ids) - len(gaps):])) > NEW_TOKENS - 16:
            return []
    return ids[-NEW_TOKENS:]


def reading(model, pixels):
    """What reading and answering give, or nothing where answers are dull: they would hide faults of the cache."""
    expected, rows = {}, []
    for k, picture in enumerate(pixels):
        states = []
        patches = model.vision_model(picture, states)
        rows.append(model.features(patches)[0])
        expected |= {f"pixels.{k}": picture, f"features.{k}": rows[-1]}
        expected |= {f"vision.{k}.{layer}": state for layer, state in enumerate(states)}
        if k == 0:
            for block, layer in enumerate(model.vision_model.encoder["layers"]):
                expected[f"keys.{block}"] = layer.self_attn.k_proj(layer.layer_norm1(states[block]))
    for p, prompt in enumerate(PROMPTS):
        used = [int(token) for token in prompt if isinstance(token, str)]
        ids = [part for token in prompt for part in ([IMAGE] * len(rows[0]) if isinstance(token, str) else [token])]
        features = torch.cat([rows[k] for k in used])
        tokens = greedy(model, ids, features)
        if len(tokens) == 0:
            return None
        states = []
        logits = model.logits(ids, features, states)
        labels = torch.tensor([[-100 if token == IMAGE else token for token in ids]])
        expected |= {f"state.{p}.{layer}": state for layer, state in enumerate(states)}
        expected |= {f"ids.{p}": torch.tensor([ids]), f"pictures.{p}": torch.tensor(used), f"labels.{p}": labels,
                     f"logits.{p}": logits, f"tokens.{p}": torch.tensor(tokens),
                     f"loss.{p}": F.cross_entropy(logits[0, :-1], labels[0, 1:])}
    return expected


def looked(number, branch, i, features):
    """Rows of features that are looked at while a token is said: none in one case of three."""
    draw = torch.Generator().manual_seed(1000 * number + 100 * branch + i)
    rows = torch.rand(features, generator=draw) < 0.5
    return rows if i % 3 else torch.zeros_like(rows)


def names_of(number, branch, question):
    """Places in a question that end the names of what it asks about; some questions name nothing."""
    return [] if (number + branch) % 4 == 0 else list(range(len(question)))


def packed(features):
    """The rows as tensors: the picture and what is shared once, then each conversation's own tokens."""
    count = len(ROWS) * LENGTH
    table = lambda fill: torch.full((count,), fill, dtype=torch.int64)
    ids, samples, branches, positions, places = table(PAD), table(-1), table(0), table(0), torch.arange(count)
    chosen, labels, weights, looks, asked, mentions, mentioned = [], [], [], [], [], [], []
    numbers = iter(range(100))
    for row, contents in enumerate(ROWS):
        at = row * LENGTH
        for picture, shared, conversations in contents:
            number = next(numbers)
            beginning = [IMAGE] * features + shared
            start = at
            for branch, (question, answer) in enumerate([(beginning, []), *conversations]):
                own = question + answer + ([END] if branch else [])
                first = 0 if branch == 0 else len(beginning)
                for i, token in enumerate(own):
                    ids[at + i], samples[at + i], branches[at + i], positions[at + i] = token, number, branch, first + i
                    if token == IMAGE:
                        places[at + i] = count + picture * features + i
                for i in range(len(question), len(own)) if branch else []:
                    chosen.append(at + i - 1 if i > 0 else start + first - 1)
                    labels.append(own[i])
                    weights.append((len(answer) + 1) ** -EVENNESS)
                    looks.append(torch.zeros(LENGTH))
                    column = start - row * LENGTH
                    looks[-1][column:column + features] = looked(number, branch, i - len(question), features).float()
                    asked.append(torch.zeros(2, LENGTH))
                    for which, name in enumerate(names_of(number, branch, question)[:2]):
                        asked[-1][which, at + name - row * LENGTH] = 1
                for name in names_of(number, branch, question) if branch else []:
                    mentions.append(at + name)
                    mentioned.append(torch.zeros(LENGTH))
                    mentioned[-1][column:column + features] = looked(number, branch, name + 7, features).float()
                at += len(own)
        assert at <= (row + 1) * LENGTH
    empty = len(ROWS) * LEARNED - len(chosen)
    assert empty > 0
    shape = (len(ROWS), LENGTH)
    # An ignored label counts for nothing, whatever its weight says.
    return dict(ids=ids.view(shape), samples=samples.view(shape), branches=branches.view(shape), positions=positions.view(shape),
                places=places.view(shape), chosen=torch.tensor(chosen + [0] * empty),
                labels=torch.tensor(labels + [-100] * empty), weights=torch.tensor(weights + [0.5] * empty),
                looks=torch.cat([torch.stack(looks), torch.zeros(empty, LENGTH)]),
                asked=torch.cat([torch.stack(asked, 1), torch.zeros(2, empty, LENGTH)], 1),
                mentions=torch.tensor(mentions + [0] * 2), mentioned=torch.cat([torch.stack(mentioned), torch.zeros(2, LENGTH)]))


def language(model, features):
    """Each conversation by itself."""
    total, weight, right, count = 0, 0, 0, 0
    for contents in ROWS:
        for picture, shared, conversations in contents:
            for question, answer in conversations:
                ids = [IMAGE] * len(features[picture]) + shared + question + answer + [END]
                learned = len(answer) + 1
                logits = model.logits(ids, features[picture])[0, -learned - 1:-1]
                labels = torch.tensor(ids[-learned:])
                # As the batch has it, in float32.
                each = torch.tensor(learned**-EVENNESS).double()
                total = total + each * F.cross_entropy(logits, labels, reduction="sum")
                weight = weight + each * learned
                right += int((logits.argmax(-1) == labels).sum())
                count += learned
    return total / weight, torch.tensor(right / count)


def maps_of(layer, x):
    """Attention of each head of a layer over what comes before it. @returns [H, T, T]"""
    length = x.shape[1]
    normed = layer.input_layernorm(x)
    q, k = heads_of(layer.self_attn["q_proj"](normed), layer.heads), heads_of(layer.self_attn["k_proj"](normed), layer.groups)
    tables = rotary(length, q.shape[-1], layer.base)
    scores = rotate(q, *tables) @ rotate(k, *tables).repeat_interleave(layer.heads // layer.groups, 1).mT / math.sqrt(q.shape[-1])
    return scores.masked_fill(~torch.ones(length, length, dtype=torch.bool).tril(), -math.inf).softmax(-1)[0]


def looking(model, features):
    """Four heads: what each pays to where it is to look, each conversation by itself."""
    shares, numbers = [[], [], [], []], iter(range(100))
    for contents in ROWS:
        for picture, shared, conversations in contents:
            number = next(numbers)
            for branch, (question, answer) in enumerate(conversations, 1):
                count = len(features[picture])
                ids = [IMAGE] * count + shared + question + answer + [END]
                states = []
                model.decode(model.embed(ids, features[picture]), states)
                before, last = (maps_of(layer, x) for layer, x in zip(model.text_model["layers"], states))
                begin = count + len(shared)
                names = names_of(number, branch, question)
                for i in range(len(answer) + 1):
                    at = begin + len(question) - 1 + i
                    rows = looked(number, branch, i, count)
                    if rows.any():
                        shares[0].append(last[0, at, :count][rows].sum())
                    for which, name in enumerate(names[:2]):
                        shares[1 + which].append(last[1 + which, at, begin + name])
                for name in names:
                    rows = looked(number, branch, name + 7, count)
                    if rows.any():
                        shares[3].append(before[0, begin + name, :count][rows].sum())
    shares = [torch.stack(part) for part in shares]
    return sum(-(part + 1e-4).log().mean() for part in shares), shares[0].mean()


def truths(x, vectors, scale, shown):
    """Mean over pictures of the mean over what they show; what is not known is not among the choices."""
    losses = []
    for scores, known in zip(unit(x) @ unit(vectors).T * scale.exp(), shown):
        log = scores[known >= 0].log_softmax(0)
        losses.append(-log[known[known >= 0] == 1].mean())
    return torch.stack(losses).mean()


def training(model, concepts, pixels, generator):
    patches = model.vision_model(torch.cat(pixels))
    features = model.features(patches)
    region_weights = torch.rand(len(pixels), 2, patches.shape[1], generator=generator)
    region_weights = region_weights / region_weights.sum(-1, keepdim=True)
    region_concepts = torch.tensor([3, 1, 0, -100, 4, 2])
    shown = torch.tensor([[0, 1, 0, 1, 0], [1, 0, -1, 0, 0], [0, 0, 1, 0, 1]]).float()
    region_words = torch.zeros(6, CONFIG["text_config"]["vocab_size"])
    for row, tokens in enumerate([[13, 14], [29], [3, 24, 25, 26], [], [30, 13], [21]]):
        region_words[row, tokens] = 1 / max(1, len(tokens))
    lengths = [len(text) for text in CAPTIONS]
    batch = packed(features.shape[1]) | dict(
        pixel_values=torch.cat(pixels), region_weights=region_weights, region_concepts=region_concepts, shown=shown,
        region_words=region_words,
        caption_ids=torch.tensor([text + [END] * (CAPTION_LENGTH - len(text)) for text in CAPTIONS]),
        caption_ends=torch.tensor([i * CAPTION_LENGTH + length for i, length in enumerate(lengths)]))
    pictures, texts = model.picture_vectors(patches), model.text_vectors(CAPTIONS)
    known = region_concepts != -100
    regions = model.vision_projection((region_weights.double() @ patches).flatten(0, 1))[known]
    # What is normalised is the batch of the regions that are known, without a learned scale or bias.
    scores = F.linear(F.batch_norm(regions, None, None, training=True, eps=1e-5), concepts["vectors"])
    similar = pictures @ texts.T * model.logit_scale.exp()
    own = torch.arange(len(pixels))
    parts, accuracy = {}, {}
    parts["language"], accuracy["accuracy"] = language(model, features)
    parts["looking"], accuracy["lookedAt"] = looking(model, features)
    parts["regions"] = F.cross_entropy(scores, region_concepts[known])
    accuracy["regionAccuracy"] = (scores.argmax(-1) == region_concepts[known]).double().mean()
    parts["words"], accuracy["wordAccuracy"] = mean_words(model, features, region_weights.double(), region_words.double())
    parts["contrastive"] = (F.cross_entropy(similar, own) + F.cross_entropy(similar.T, own)) / 2
    parts["shown"] = sum(truths(x, concepts["vectors"], concepts["log_scale"], shown) for x in (pictures, texts)) / 2
    loss = sum(WEIGHTS[name] * part for name, part in parts.items())
    wanted = {f"network.{name}": parameter for name, parameter in model.named_parameters()}
    wanted |= {f"concepts.{name}": parameter for name, parameter in concepts.named_parameters()}
    gradients = torch.autograd.grad(loss, list(wanted.values()))
    found = {f"in/{name}": tensor for name, tensor in batch.items()}
    found |= {f"in/concepts.{name}": parameter for name, parameter in concepts.named_parameters()}
    found |= {f"out/{name}": value for name, value in (parts | accuracy | dict(loss=loss, features=features.flatten(0, 1), pictures=pictures, texts=texts)).items()}
    return found | {f"grad/{name}": gradient for name, gradient in zip(wanted, gradients)}


def check_llama(model, text):
    """Transformers norms in float32 whatever the weights are, so that it agrees only so far."""
    peer = LlamaModel(LlamaConfig(**{key: value for key, value in text.items() if key not in ("model_type", "rope_theta")},
                                  rope_parameters=dict(rope_type="default", rope_theta=text["rope_theta"]),
                                  attn_implementation="eager")).double()
    peer.load_state_dict(model.text_model.state_dict())
    x = model.embed([5, 8, 13, 21, 34, 3], None)
    difference = (peer(inputs_embeds=x).last_hidden_state - model.decode(x)).abs().max().item()
    assert difference < 1e-5, difference
    return difference


def stored(tensors):
    return {key: (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous().clone() for key, tensor in tensors.items()}


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    generator = torch.Generator().manual_seed(5)
    pixels = [torch.randn(1, 3, 16, 16, generator=generator).double() for _ in range(3)]
    model = SensoriumVL(CONFIG).double()
    for seed in range(100):
        randomise(model, seed)
        with torch.no_grad():
            expected = reading(model, pixels)
        if expected is not None:
            break
    else:
        raise SystemExit("no seed gives varied tokens")
    concepts = nn.ParameterDict({"vectors": nn.Parameter(torch.zeros(CONCEPTS, CONFIG["projection_dim"])),
                                 "log_scale": nn.Parameter(torch.zeros(()))}).double()
    randomise(concepts, 1)
    difference = check_llama(model, CONFIG["text_config"])
    (FOLDER / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    save_file(stored(dict(model.named_parameters())), FOLDER / "model.safetensors")
    save_file(stored(expected), FOLDER / "expected.safetensors")
    save_file(stored(training(model, concepts, pixels, generator)), FOLDER / "training.safetensors")
    for file in FOLDER.iterdir():
        file.chmod(0o644)
    print("seed", seed, sum(p.numel() for p in model.parameters()), "parameters; beside Transformers", difference)


main()
