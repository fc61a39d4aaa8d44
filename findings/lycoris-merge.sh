#!/usr/bin/env bash
# What LyCORIS merges into a weight, beside what it trained.
#
# Packages: lycoris-lora 4.1.3, torch 2.13.0, on the CPU.
# The guess: get_merged_weight() adds to a layer's weight what the module adds while it is trained,
# so that a picture painted with the merged model is the one that the training samples showed.
# What is there (seen on 2026-11-30), for alpha 1 at rank 2, as a share of the trained effect:
# - LoCon: 1.0
# - LoHa: 0.5, and LoKr with a factored second matrix: 0.5. The scale alpha / rank is in the
#   difference already, and the merge applies it once more.
# Where alpha is the rank, nothing shows. A reader of such files should follow the training: checking
# itself against the merged weights, it would find itself wrong where it is right.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 lycoris-lora==4.1.3 einops==0.8.2 toml==0.10.2 tqdm numpy 2>/dev/null

"$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import torch
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from torch import nn


def merged_share(kind, **options):
    """Return the effect of the merged weight as a share of the effect of the module."""
    torch.manual_seed(0)
    layer, rows = nn.Linear(32, 32), torch.randn(4, 32)
    weight, before = layer.weight.detach().clone(), layer(rows).detach()
    module = kind("layer", layer, 1.0, lora_dim=2, alpha=1, **options)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    merged, _ = module.get_merged_weight(1.0)
    module.apply_to()
    trained = (layer(rows) - before).detach()
    effect = (rows @ (merged.detach() - weight).T).detach()
    return round(float((effect * trained).sum() / trained.square().sum()), 4)


found = {
    "LoCon": merged_share(LoConModule),
    "LoHa": merged_share(LohaModule),
    "LoKr": merged_share(LokrModule, factor=2),
}
print(found)
assert found == {"LoCon": 1.0, "LoHa": 0.5, "LoKr": 0.5}, found
print("as stated")
PYTHON
