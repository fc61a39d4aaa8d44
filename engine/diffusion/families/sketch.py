"""`sketch`, the embedded model: Z-Image's architecture in miniature, for small pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.diffusion.families.base import Family
from engine.diffusion.families.clues import ModelClues
from engine.diffusion.families.z_image import QWEN3_CHAT, ZImage
from engine.prompts import EnhancementLevel, PictureStyle
from engine.sizing import GRID_PX
from engine.sketch.learned import LEARNED
from engine.sketch.vocabulary import sketch_vocabulary

SKETCH = "sketch"
"""The name of the embedded model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch(ZImage):
    """A model of Z-Image's architecture that was trained on small pictures."""

    def recognizes(self, clues: ModelClues) -> str | None:
        """Recognise the embedded model by its name, others by their autoencoder's `sample_size`.

        That is the side in pixels at which it was trained. A folder without a readable
        model_index.json counts too, unless its transformer says that it is another model's.
        """
        if clues.name == SKETCH:
            return "it is the built-in demo model"
        if clues.pipeline_class not in (None, self.pipeline_class):
            return None
        own = self.components[0].class_name
        if not clues.index and clues.config("transformer").get("_class_name", own) != own:
            return None
        try:
            side_px = int(clues.config("vae")["sample_size"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        if not 0 < side_px <= self.native_side_px or side_px % GRID_PX:
            return None
        return f"its autoencoder was trained at {side_px} px, no more than {self.native_side_px}"


SKETCH_FAMILY: Family = Sketch(
    name=SKETCH,
    native_side_px=256,
    min_side_px=128,
    max_side_px=512,
    max_pixels=384 * 384,
    good_side_px=160,
    # It reads what was written and nothing more, unless more is asked for: it knows only a few
    # words of quality. Its text encoder reads captions and cannot write.
    enhance=EnhancementLevel.OFF,
    levels=(EnhancementLevel.OFF, EnhancementLevel.LIGHT, EnhancementLevel.FULL),
    known_styles=frozenset(each for each in PictureStyle if each.value in LEARNED.styles),
    chat=replace(QWEN3_CHAT, small_letters=True),
    bfloat16=False,
    vocabulary=sketch_vocabulary,
)
"""It was trained at about 256 × 256; the other bounds were chosen by eye."""
