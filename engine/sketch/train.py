"""Train `sketch` from nothing: `python -m engine.sketch.train`.

One command runs the whole recipe and resumes each stage where it was stopped:

    python -m engine.sketch.train --work-dir /tmp/sketch-work --out engine/sketch/model

tokenizer → autoencoder → decoder (refined alone; the encoder, and with it the latents, stay) →
reading (the text encoder alone) → words (small pictures, where the meaning of words is learned) →
painting (full pictures, where places, colours, numbers and shapes are learned) → export.

With `--start FOLDER` the last stage alone goes on from an exported model, with its tokenizer and
its autoencoder; with `--polish FOLDER` a short one at a low rate does, which teaches nothing new
and makes what is known surer.

The numbers of steps and scenes were chosen by hand, for 150 minutes on two CPU cores.
"""

import argparse
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from transformers import Qwen2Tokenizer, Qwen3Model

from engine.sketch import MODEL_DIR
from engine.sketch.autoencoder import refine_decoder, train_autoencoder
from engine.sketch.export import assemble, export
from engine.sketch.flow import TrainingStage, load_average, train_painter
from engine.sketch.latents import LatentCache, open_cache
from engine.sketch.precision import CPU
from engine.sketch.ranks import Ranks, together
from engine.sketch.reading import train_reader
from engine.sketch.shapes import SHAPES, SMALL_SHAPES, Shape
from engine.sketch.tokenizer import train_tokenizer
from engine.sketch.transformer import SketchModel

AUTOENCODER_STEPS: Final = 1800
AUTOENCODER_SCENES: Final = 1500
DECODER_STEPS: Final = 1000
DECODER_SCENES: Final = 800

READING_STEPS: Final = 1500

DEVICE_BATCH: Final = 16
"""How many times as large batches are on a GPU, which would idle at those of a CPU. By hand."""

WORDS: Final = TrainingStage("words", 1, steps=1000, batch_size=16, matrix_rate=0.012)
PAINTING: Final = TrainingStage(
    "painting", 2, steps=2600, batch_size=24, matrix_rate=0.012, guidance=0.4, guided_from=0.9
)

POLISHING: Final = TrainingStage(
    "polishing", 3, steps=2600, batch_size=24, matrix_rate=0.003, guidance=0.4, position_weight=0.0
)
"""Guided throughout, for an exported model has learned guidance already and would lose it, and
without the layer that reads positions, which is not exported: a new one disturbs the others."""

_SMALL_SCENES: Final = {SMALL_SHAPES[0]: 6_000, SMALL_SHAPES[1]: 2_500, SMALL_SHAPES[2]: 2_500}
_FULL_SCENES: Final = {SHAPES[0]: 8_000, SHAPES[1]: 2_600, SHAPES[2]: 2_600}
_PAINTER_STAGES: Final = ((WORDS, _SMALL_SCENES), (PAINTING, _FULL_SCENES))
_STAGES: Final = (
    "tokenizer",
    "autoencoder",
    "decoder",
    "reading",
    *(stage.name for stage, _ in _PAINTER_STAGES),
    "export",
)

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    recipe = TrainingRun(
        options.work_dir,
        options.seed,
        options.scale,
        options.processes,
        options.compile,
        torch.device(options.device),
    )
    for start, stage in ((options.start, PAINTING), (options.polish, POLISHING)):
        if start is not None:
            _finish(*recipe.continued(start, stage), options.out)
            return
    until = _STAGES.index(options.until)
    tokenizer = recipe.tokenizer()
    if until >= 1:
        autoencoder = recipe.autoencoder()
        if until >= 2:
            recipe.refine(autoencoder)
        network = recipe.network(tokenizer, autoencoder, _STAGES[3 : until + 1])
        if until == len(_STAGES) - 1:
            _finish(autoencoder, tokenizer, network, options.out)


def _finish(
    autoencoder: AutoencoderKL, tokenizer: Qwen2Tokenizer, network: SketchModel, folder: Path
) -> None:
    export(assemble(autoencoder, tokenizer, network), folder)
    _log.info("exported to %s", folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.sketch.train",
        description="Train the built-in demo model from scratch; stopped runs resume.",
    )
    work_dir = Path(tempfile.gettempdir()) / "sketch-work"
    parser.add_argument("--work-dir", type=Path, default=work_dir, help="checkpoints and caches")
    parser.add_argument("--out", type=Path, default=MODEL_DIR, help="folder for the weights")
    parser.add_argument("--until", choices=_STAGES, default="export", help="last stage to run")
    from_exported = parser.add_mutually_exclusive_group()
    from_exported.add_argument(
        "--start", type=Path, metavar="FOLDER", help="go on from an exported model: last stage only"
    )
    from_exported.add_argument(
        "--polish", type=Path, metavar="FOLDER", help="go on from an exported model at a low rate"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads for torch")
    parser.add_argument(
        "--processes", type=int, default=2, help="processes that draw and train together"
    )
    parser.add_argument(
        "--device",
        default="cpu",
        help=f"where the painter is trained; batches are {DEVICE_BATCH} times as large on a GPU",
    )
    parser.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        default=shutil.which(os.environ.get("CXX", "g++")) is not None,
        help="compile the network's blocks (default: where g++ is found)",
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="share of all steps and scenes; 0.01 tries the recipe, and paints nothing",
    )
    return parser


class TrainingRun:
    """The stages of training; each loads its result from the work folder if it is there."""

    def __init__(
        self,
        work_dir: Path,
        seed: int,
        scale: float = 1.0,
        processes: int = 1,
        compiled: bool = False,
        device: torch.device = CPU,
    ) -> None:
        self._work_dir = work_dir
        self._seed = seed
        self._scale = scale
        self._processes = processes
        self._compiled = compiled
        self._device = device

    def tokenizer(self) -> Qwen2Tokenizer:
        """Return the trained tokenizer."""
        folder = self._work_dir / "tokenizer"
        if not folder.exists():
            train_tokenizer(self._seed).save_pretrained(folder)
        return Qwen2Tokenizer.from_pretrained(folder)

    def autoencoder(self) -> AutoencoderKL:
        """Return the trained autoencoder, with normalised latents."""
        folder = self._work_dir / "vae"
        if not folder.exists():
            model = train_autoencoder(
                self._work_dir,
                steps=self._scaled(AUTOENCODER_STEPS),
                batch_size=8,
                scenes=self._scaled(AUTOENCODER_SCENES),
                seed=self._seed,
                processes=self._processes,
            )
            model.save_pretrained(folder)
        return AutoencoderKL.from_pretrained(folder).eval()

    def refine(self, autoencoder: AutoencoderKL) -> None:
        """Refine the autoencoder's decoder in place."""
        refine_decoder(
            autoencoder,
            self._work_dir,
            steps=self._scaled(DECODER_STEPS),
            batch_size=4,
            scenes=self._scaled(DECODER_SCENES),
            seed=self._seed,
            processes=self._processes,
        )

    def network(
        self, tokenizer: Qwen2Tokenizer, autoencoder: AutoencoderKL, stages: Sequence[str]
    ) -> SketchModel:
        """Return transformer and text encoder after the named stages, in their order."""
        torch.manual_seed(self._seed)
        network = SketchModel(len(tokenizer))
        if "reading" in stages:
            steps = self._scaled(READING_STEPS)
            reader = train_reader(self._work_dir, tokenizer, steps=steps, seed=self._seed)
            network.text_encoder.load_state_dict(reader.state_dict())
        for stage, counts in _PAINTER_STAGES:
            if stage.name in stages:
                network = self._painter(stage, counts, tokenizer, autoencoder, network)
        return network

    def continued(
        self, start: Path, stage: TrainingStage
    ) -> tuple[AutoencoderKL, Qwen2Tokenizer, SketchModel]:
        """Return an exported model's parts after a stage that goes on from its weights."""
        tokenizer = Qwen2Tokenizer.from_pretrained(start / "tokenizer")
        autoencoder = AutoencoderKL.from_pretrained(start / "vae").eval()
        network = SketchModel(len(tokenizer))
        transformer = ZImageTransformer2DModel.from_pretrained(start / "transformer")
        network.transformer.load_state_dict(transformer.state_dict())
        network.text_encoder.load_state_dict(
            Qwen3Model.from_pretrained(start / "text_encoder").state_dict()
        )
        trained = self._painter(stage, _FULL_SCENES, tokenizer, autoencoder, network)
        return autoencoder, tokenizer, trained

    def _painter(
        self,
        stage: TrainingStage,
        counts: dict[Shape, int],
        tokenizer: Qwen2Tokenizer,
        autoencoder: AutoencoderKL,
        start: SketchModel,
    ) -> SketchModel:
        """Run one stage of transformer and text encoder together, on scenes by size."""
        scaled = replace(stage, steps=self._scaled(stage.steps))
        _log.info("stage %s: %d steps", stage.name, scaled.steps)
        network = self._trained(scaled, self._caches(autoencoder, counts), tokenizer, start)
        _log.info("stage %s is in %s", stage.name, self._work_dir / f"{stage.name}.pt")
        return network

    def _trained(
        self,
        stage: TrainingStage,
        caches: Sequence[LatentCache],
        tokenizer: Qwen2Tokenizer,
        start: SketchModel,
    ) -> SketchModel:
        """Run one stage, on the CPU in all processes; its result comes through its checkpoint."""
        if self._device != CPU:
            train_painter(
                replace(stage, batch_size=stage.batch_size * DEVICE_BATCH),
                self._work_dir,
                caches,
                tokenizer,
                start=start,
                seed=self._seed,
                compiled=self._compiled,
                device=self._device,
                drawers=self._processes,
            )
            return load_average(self._work_dir / f"{stage.name}.pt", len(tokenizer))
        numbers = sum(p.numel() for p in start.parameters())
        rest = (stage, self._work_dir, caches, tokenizer, start.state_dict(), self._seed)
        together(self._processes, numbers, _train_stage, *rest, self._compiled)
        return load_average(self._work_dir / f"{stage.name}.pt", len(tokenizer))

    def _caches(self, autoencoder: AutoencoderKL, counts: dict[Shape, int]) -> list[LatentCache]:
        return [
            open_cache(
                self._work_dir,
                autoencoder,
                shape,
                self._scaled(count),
                self._seed,
                self._processes,
            )
            for shape, count in counts.items()
        ]

    def _scaled(self, count: int) -> int:
        return max(1, round(count * self._scale))


def _train_stage(
    ranks: Ranks,
    stage: TrainingStage,
    work_dir: Path,
    caches: Sequence[LatentCache],
    tokenizer: Qwen2Tokenizer,
    weights: dict[str, torch.Tensor],
    seed: int,
    compiled: bool,
) -> None:
    """Run one process's part of a stage."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    start = SketchModel(len(tokenizer))
    start.load_state_dict(weights)
    train_painter(
        stage,
        work_dir,
        caches,
        tokenizer,
        start=start,
        seed=seed,
        ranks=ranks,
        compiled=compiled,
    )


if __name__ == "__main__":
    main()
