"""A tiny CLIP made by transformers: random weights, a real byte-level tokenizer."""

import json

MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def save_tokenizer(folder):
    """A byte-level CLIP tokenizer with a few merges."""
    from transformers import CLIPTokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    merges = [("r", "e"), ("re", "d</w>"), ("d", "i"), ("di", "s"), ("dis", "c</w>"), ("a", "t</w>")]
    tokens = letters + [x + "</w>" for x in letters] + [a + b for a, b in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={t: i for i, t in enumerate(tokens)}, merges=merges,
                              model_max_length=32)
    tokenizer.save_pretrained(folder)
    return tokenizer, len(tokens)


def make_clip(folder, width=24):
    """A CLIPModel of transformers with random weights and embeddings of this width, saved in `folder`."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    tokenizer, count = save_tokenizer(folder)
    torch.manual_seed(0)
    text = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3,
                vocab_size=count, max_position_embeddings=32, bos_token_id=count - 2,
                eos_token_id=count - 1, pad_token_id=count - 1)
    vision = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3,
                  image_size=48, patch_size=8)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=width)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "logit" not in name:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": MEAN, "image_std": STD}))
    return model, tokenizer
