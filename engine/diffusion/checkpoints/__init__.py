"""Turn whatever files an owner has of a model into exactly the tensors of its architecture.

`open_checkpoint` is the way in; it returns a `Checkpoint`, for SDXL an `SdxlCheckpoint`, and for
PixArt a `PixArtCheckpoint`. On the way of a `Checkpoint`, `discovery` finds the files,
`weight_files` opens them, `names` translates what their tensors are called, `quantization` and
`sdnq_folder` undo what took their bits away, `configurations` says how large the model is,
`conventions` and `schedulers` check what no shape shows, and `components` fills it.
"""

from engine.diffusion.checkpoints.checkpoint import Checkpoint
from engine.diffusion.checkpoints.discovery import Companions
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.fingerprint import fingerprint
from engine.diffusion.checkpoints.model_checkpoint import ModelCheckpoint
from engine.diffusion.checkpoints.opening import open_checkpoint

__all__ = [
    "Checkpoint",
    "Companions",
    "ModelCheckpoint",
    "Unusable",
    "fingerprint",
    "open_checkpoint",
]
