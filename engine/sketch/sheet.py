"""Paint the sheet of unpicked pictures in README: `python -m engine.sketch.sheet`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

from engine.sketch import MODEL_DIR
from engine.sketch.contact_sheet import grid
from engine.sketch.evaluate import paint
from engine.sketch.shapes import SHAPES

PROMPTS: Final = (
    "a cat",
    "a dog",
    "a bird",
    "a fish",
    "a horse",
    "a rabbit",
    "a dragon",
    "a woman",
    "a man",
    "a child",
    "a robot",
    "a castle on a hill",
    "a spaceship",
    "a rocket",
    "the moon",
    "a star",
    "a mushroom",
    "a flower",
    "a cake",
    "a bowl of ramen",
    "a sword",
    "a crown",
    "a book",
    "a snowman",
    "一只猫",
    "一条龙",
    "一座城堡",
    "夜晚森林里的机器人",
    "一碗拉面",
    "三只兔子",
    "雪中的一只白色的马",
    "水彩画：海边的一朵红花",
    "a cute cat wearing a hat, 8k",
    "a black cat in space",
    "a cat and a dog",
    "two red fish",
    "three mushrooms in a forest at dawn",
    "a blue dragon in front of a city skyline at sunset",
    "a red house by a mountain lake at night, with snow falling",
    "a lighthouse by the sea in the mist",
    "pixel art of a knight's sword",
    "a robot, pencil sketch",
    "a castle, watercolour painting",
    "a car in a city at night, neon",
    "draw me a purple rabbit please",
    "a hot air balloon over the desert at sunset, masterpiece, best quality, cinematic",
    "a woman in a yellow dress beside a white horse in a meadow at noon",
    "a wizard",
)
"""Prompts as people type them; the last names nothing that the model knows."""
_SHEET_PATH: Final = MODEL_DIR.parent / "sheet.jpg"


def main(arguments: Sequence[str] | None = None) -> None:
    """Paint every prompt once, the first with seed 1, the next with seed 2 and so on."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.sketch.sheet",
        description="Paint a fixed list of prompts once each, and save all pictures as one.",
    )
    parser.add_argument("--model", type=Path, default=MODEL_DIR, help="folder to paint with")
    parser.add_argument("--out", type=Path, default=_SHEET_PATH, help="the picture to write")
    parser.add_argument("--prompts", type=Path, help="a text file with one prompt a line instead")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads for torch")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    prompts = PROMPTS
    if options.prompts is not None:
        prompts = tuple(filter(None, options.prompts.read_text(encoding="utf-8").splitlines()))
    pipeline = ZImagePipeline.from_pretrained(options.model, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    painted = [paint(pipeline, text, SHAPES[0], seed) for seed, text in enumerate(prompts, 1)]
    grid(painted).save(options.out, quality=85)


if __name__ == "__main__":
    main()
