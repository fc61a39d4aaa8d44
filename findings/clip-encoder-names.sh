#!/usr/bin/env bash
# What the tensors of SDXL's two text encoders are called when transformers saves them.
#
# Packages: transformers 5.24.0, torch 2.13.0, safetensors 0.8.0, on the CPU.
# The guess: CLIPTextModel and CLIPTextModelWithProjection, which lie side by side in an SDXL folder
# and differ by one matrix, save their common tensors under the same names, those of every published
# SDXL file: `text_model.…`.
# What is there (seen on 2026-11-29):
# - CLIPTextModelWithProjection saves `text_model.…`; CLIPTextModel saves the same tensors without it.
# - from_pretrained reads either form into either class, without a word.
# - load_state_dict does not: into CLIPTextModel, every name of a published file is unexpected, and
#   every name of the class is missing. With strict=False that leaves random weights.
# So who maps names for SDXL has to accept both forms for each encoder, and a folder that was saved
# anew by this version has names that a reader of published files does not know.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 transformers==5.24.0 safetensors==0.8.0 numpy 2>/dev/null

"$folder/venv/bin/python" - "$folder" <<'PYTHON' 2>/dev/null
import sys

from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

PREFIX = "text_model."
config = CLIPTextConfig(
    vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
    num_attention_heads=2, projection_dim=16, max_position_embeddings=8,
    bos_token_id=0, eos_token_id=1, pad_token_id=2,
)


def look(kind):
    """Return how a class names the tensors it saves, and what becomes of the published names."""
    model, folder = kind(config), f"{sys.argv[1]}/{kind.__name__}"
    model.save_pretrained(folder)
    saved = load_file(f"{folder}/model.safetensors")
    prefixed = sum(name.startswith(PREFIX) for name in saved)
    published = {
        name if name.startswith((PREFIX, "text_projection")) else PREFIX + name: tensor
        for name, tensor in saved.items()
    }
    own = model.load_state_dict(published, strict=False)
    read = {}
    for form in (published, {name.removeprefix(PREFIX): each for name, each in published.items()}):
        save_file(form, f"{folder}/model.safetensors", metadata={"format": "pt"})
        _, told = kind.from_pretrained(folder, output_loading_info=True)
        read[len(read)] = not told["missing_keys"] and not told["unexpected_keys"]
    print(
        f"{kind.__name__}: {prefixed} of {len(saved)} saved names begin with {PREFIX}; "
        f"load_state_dict of the published names: {len(own.missing_keys)} missing, "
        f"{len(own.unexpected_keys)} unexpected; from_pretrained reads both forms: "
        f"{all(read.values())}"
    )
    return prefixed, len(saved), len(own.missing_keys), len(own.unexpected_keys), all(read.values())


plain, projected = look(CLIPTextModel), look(CLIPTextModelWithProjection)
count = plain[1]
assert plain == (0, count, count, count, True), plain
assert projected == (count, count + 1, 0, 0, True), projected
print("as stated")
PYTHON
