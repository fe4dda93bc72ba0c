"""Makes tests/golden/clip: one tiny random CLIP in every layout that the program reads, and what
transformers and a plain re-statement of OpenAI's model compute with it.

    .venv/bin/python tests/reference/make_clip_golden.py

hugging_face/  CLIPModel of transformers, float16, in two shards
open_clip/     the same weights as open_clip names them, with open_clip_config.json
expected.safetensors  inputs and results in float32
"""

import json
import os
import pathlib
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "clip"
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
TEXT = dict(hidden_size=16, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
            vocab_size=40, max_position_embeddings=10, hidden_act="quick_gelu", bos_token_id=38,
            eos_token_id=39, pad_token_id=39, layer_norm_eps=1e-3)
VISION = dict(hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3,
              image_size=12, patch_size=4, hidden_act="quick_gelu", layer_norm_eps=1e-3)
DIM = 12


def openai_names(state):
    """Weights of a CLIPModel under OpenAI's names, as its state dict would hold them."""
    out = {"logit_scale": state["logit_scale"],
           "text_projection": state["text_projection.weight"].T,
           "visual.proj": state["visual_projection.weight"].T,
           "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
           "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
           "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
           "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
           "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"]}
    for part in ("weight", "bias"):
        out[f"ln_final.{part}"] = state[f"text_model.final_layer_norm.{part}"]
        out[f"visual.ln_pre.{part}"] = state[f"vision_model.pre_layrnorm.{part}"]
        out[f"visual.ln_post.{part}"] = state[f"vision_model.post_layernorm.{part}"]
        for tower, prefix in (("text_model", ""), ("vision_model", "visual.")):
            for i in range(2):
                old, new = f"{tower}.encoder.layers.{i}.", f"{prefix}transformer.resblocks.{i}."
                out[f"{new}attn.in_proj_{part}"] = torch.cat(
                    [state[f"{old}self_attn.{x}_proj.{part}"] for x in "qkv"])
                for theirs, ours in (("self_attn.out_proj", "attn.out_proj"), ("mlp.fc1", "mlp.c_fc"),
                                     ("mlp.fc2", "mlp.c_proj"), ("layer_norm1", "ln_1"),
                                     ("layer_norm2", "ln_2")):
                    out[f"{new}{ours}.{part}"] = state[f"{old}{theirs}.{part}"]
    return {key: value.contiguous() for key, value in out.items()}


def openai_blocks(x, state, prefix, heads, mask, eps):
    """Residual attention blocks with torch's own nn.functional.multi_head_attention_forward."""
    for i in range(2):
        p, width = f"{prefix}transformer.resblocks.{i}.", x.shape[-1]
        y = F.layer_norm(x, (width,), state[p + "ln_1.weight"], state[p + "ln_1.bias"], eps)
        y = y.transpose(0, 1)
        y, _ = F.multi_head_attention_forward(
            y, y, y, width, heads, state[p + "attn.in_proj_weight"], state[p + "attn.in_proj_bias"],
            None, None, False, 0.0, state[p + "attn.out_proj.weight"], state[p + "attn.out_proj.bias"],
            training=False, need_weights=False, attn_mask=mask)
        x = x + y.transpose(0, 1)
        y = F.layer_norm(x, (width,), state[p + "ln_2.weight"], state[p + "ln_2.bias"], eps)
        y = F.linear(y, state[p + "mlp.c_fc.weight"], state[p + "mlp.c_fc.bias"])
        y = F.linear(y * torch.sigmoid(1.702 * y), state[p + "mlp.c_proj.weight"],
                     state[p + "mlp.c_proj.bias"])
        x = x + y
    return x


def openai_embeddings(state, ids, images, eps=1e-3):
    """encode_text and encode_image of OpenAI's CLIP."""
    x = state["token_embedding.weight"][ids] + state["positional_embedding"][:ids.shape[1]]
    length = ids.shape[1]
    mask = torch.full((length, length), float("-inf")).triu(1)
    x = openai_blocks(x, state, "", 2, mask, eps)
    x = F.layer_norm(x, x.shape[-1:], state["ln_final.weight"], state["ln_final.bias"], eps)
    text = x[torch.arange(len(x)), ids.argmax(-1)] @ state["text_projection"]
    x = F.conv2d(images, state["visual.conv1.weight"], stride=4).flatten(2).transpose(1, 2)
    x = torch.cat([state["visual.class_embedding"].expand(len(x), 1, -1), x], 1)
    x = x + state["visual.positional_embedding"]
    x = F.layer_norm(x, x.shape[-1:], state["visual.ln_pre.weight"], state["visual.ln_pre.bias"], eps)
    x = openai_blocks(x, state, "visual.", 3, None, eps)
    x = F.layer_norm(x[:, 0], x.shape[-1:], state["visual.ln_post.weight"],
                     state["visual.ln_post.bias"], eps)
    return text, x @ state["visual.proj"]


def make_model():
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=DIM)).eval()
    for parameter in model.parameters():  # large, so that an error in a branch cannot hide
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    model.logit_scale.data.fill_(2.5)
    return model.half().float()  # what the float16 file holds


def inputs():
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 38, (5, 10), generator=generator)
    ids[:, 0] = 38
    for row, end in enumerate((1, 3, 5, 8, 9)):
        ids[row, end:] = 39
    pixels = torch.randint(0, 256, (4, 3, 12, 12), generator=generator) / 127.5 - 1
    large = torch.randint(0, 256, (2, 3, 20, 20), generator=generator) / 127.5 - 1
    return ids, pixels, large


def normalised(pixels):
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (MEAN, STD))
    return (pixels / 2 + 0.5 - mean) / std


def antialiased(model, size):
    """The model with position embeddings resized as open_clip's resize_pos_embed does."""
    embedding = model.vision_model.embeddings.position_embedding.weight.data
    grid = embedding[1:].reshape(1, 3, 3, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(size, size), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([embedding[:1], grid.permute(0, 2, 3, 1).reshape(size * size, -1)])


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    model = make_model()
    ids, pixels, large = inputs()
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=normalised(pixels))
        text = model.text_model(ids, output_hidden_states=True)
        vision = model.vision_model(normalised(pixels))
        resized = model.get_image_features(normalised(large), interpolate_pos_encoding=True)
        openai = {k: v.float() for k, v in openai_names(model.state_dict()).items()}
        plain_text, plain_image = openai_embeddings(openai, ids, normalised(pixels))
    for plain, theirs in ((plain_text, out.text_embeds), (plain_image, out.image_embeds)):
        plain = plain / plain.norm(dim=-1, keepdim=True)
        assert (plain - theirs).abs().max() < 1e-5, "the two references disagree"
    image = resized.pooler_output
    expected = {"ids": ids, "pixels": pixels, "large": large, "text": out.text_embeds,
                "image": out.image_embeds, "logits": out.logits_per_image,
                "hidden": text.last_hidden_state, "penultimate": text.hidden_states[-2],
                "vision_hidden": vision.last_hidden_state,
                "resized": image / image.norm(dim=-1, keepdim=True),
                "positions_transformers": model.vision_model.embeddings.interpolate_pos_encoding(
                    torch.zeros(1, 26, 24), 20, 20)[0].detach(),
                "positions_open_clip": antialiased(model, 5)}
    hugging_face, open_clip = OUT / "hugging_face", OUT / "open_clip"
    open_clip.mkdir(parents=True)
    model.half().save_pretrained(hugging_face, max_shard_size="20KB")
    (hugging_face / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": MEAN, "image_std": STD}, indent=2) + "\n")
    save_file({k: v.half().contiguous() for k, v in openai_names(model.state_dict()).items()},
              open_clip / "open_clip_model.safetensors")
    config = {"model_cfg": {"embed_dim": DIM, "quick_gelu": True,
                            "vision_cfg": {"image_size": 12, "layers": 2, "width": 24, "head_width": 8,
                                           "mlp_ratio": 2.0, "patch_size": 4,
                                           "norm_kwargs": {"eps": 1e-3}},
                            "text_cfg": {"context_length": 10, "vocab_size": 40, "width": 16,
                                         "heads": 2, "layers": 2, "mlp_ratio": 2.5,
                                         "norm_kwargs": {"eps": 1e-3}}},
              "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (open_clip / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({k: v.float().contiguous() if v.is_floating_point() else v
               for k, v in expected.items()}, OUT / "expected.safetensors")


if __name__ == "__main__":
    main()
