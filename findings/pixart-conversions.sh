#!/usr/bin/env bash
# What diffusers can read of PixArt besides its own folders, and how far apart positions are.
#
# Packages: diffusers 0.42.1, torch 2.13.0, on the CPU.
# The guess: diffusers ships PixArt's pipelines and the script that converts its authors' files, so it
# also loads a lone file and LoRAs of it; and the scale of positions follows from the size of a model.
# What is there (seen on 2026-11-30):
# - Neither pipeline has load_lora_weights, and the transformer has neither load_lora_adapter nor
#   from_single_file: whoever wants them has to translate names and apply changes alone.
# - The class takes the scale 1 for models of 256 px, as the authors' converter does for Alpha; for
#   Sigma that has 0.5, and so has diffusers' own script. All tensors fit either, and the table is no
#   part of the saved weights: a configuration without interpolation_scale paints other pictures.
# So a file without a configuration is painted truly only if its own table of positions is looked at.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 diffusers==0.42.1 transformers==5.24.0 accelerate==1.15.0 numpy 2>/dev/null

"$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
from diffusers import PixArtAlphaPipeline, PixArtSigmaPipeline, PixArtTransformer2DModel

ABILITIES = ("load_lora_weights", "load_lora_adapter", "from_single_file")
for kind in (PixArtAlphaPipeline, PixArtSigmaPipeline, PixArtTransformer2DModel):
    found = [name for name in ABILITIES if hasattr(kind, name)]
    print(f"{kind.__name__}: {', '.join(found) or 'none of ' + ', '.join(ABILITIES)}")
    assert not found, found


def made(scale):
    """Return a tiny transformer of 256 px."""
    return PixArtTransformer2DModel(
        num_attention_heads=1, attention_head_dim=24, cross_attention_dim=24, num_layers=1,
        sample_size=32, caption_channels=8, interpolation_scale=scale,
    )


silent, alpha, sigma = (made(scale) for scale in (None, 1, 0.5))
assert not any("pos_embed.pos_embed" in name for name in silent.state_dict())
tables = [each.pos_embed.pos_embed for each in (silent, alpha, sigma)]
apart = [float((tables[0] - each).abs().max()) for each in tables[1:]]
print(f"the table without a scale is {apart[0]:g} from that of 1, {apart[1]:.2f} from that of 0.5")
assert apart[0] == 0 and apart[1] > 1, apart
print("as stated")
PYTHON
