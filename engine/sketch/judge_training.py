"""Train the judge on drawings and freeze it: `python -m engine.sketch.judge_training`.

It never sees a painted picture, and is trained before the pictures that it judges are painted.
"""

import argparse
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch.nn import functional

from engine.sketch import MODEL_DIR
from engine.sketch.autoencoder import encode, to_tensor
from engine.sketch.checkpoint import load_checkpoint, save_checkpoint
from engine.sketch.contact_sheet import grid
from engine.sketch.judge import (
    ASPECTS,
    JUDGE_PATH,
    Judge,
    accuracy,
    halves,
    has_several,
    is_no_pair,
    is_pair,
    load_judge,
    right_aspects,
    shown_by,
    truth,
)
from engine.sketch.precision import mixed_precision
from engine.sketch.ranks import Ranks, together
from engine.sketch.scenes import draw
from engine.sketch.shapes import SHAPES
from engine.sketch.spec import Scene, draw_scene

STEPS: Final = 7_500
SCENES: Final = 48_000
"""Chosen by hand: after 4,000 steps on 14,000 scenes it told the things of 94 % of fresh drawings,
having learned its own by heart."""

_UNSEEN: Final = -100
"""The answer to what a picture cannot show; the loss leaves it out."""
_BATCH: Final = 24
_LEARNING_RATE: Final = 2e-3
_AUTOENCODED_SHARE: Final = 5
"""One batch in five is autoencoded. Chosen by hand, as are batch and rate."""
_LEAST_SHOWN: Final = 0.88
"""The least share of width and height that training shows; things stay whole. By hand."""
_FRESH_BATCHES: Final = 60
_ERRORS_SHOWN: Final = 24
_ERRORS_PATH: Final = JUDGE_PATH.parent / "judge_errors.jpg"

_log = logging.getLogger(__name__)


def train_judge(
    work_dir: Path,
    autoencoder: AutoencoderKL,
    *,
    scenes: int,
    steps: int,
    seed: int,
    processes: int = 1,
) -> Judge:
    """Train a judge on drawings, a fifth of them autoencoded, or resume from `judge.pt`.

    It never sees a painted picture. Held-out combinations are among its drawings, so that it judges
    them as well as any other.
    """
    torch.manual_seed(seed)
    start = Judge()
    numbers = sum(p.numel() for p in start.parameters())
    rest = (work_dir, autoencoder, start.state_dict(), scenes, steps, seed)
    together(processes, numbers, _train, *rest)
    load_checkpoint(work_dir / "judge.pt", {"model": start})
    return start.eval()


def _train(
    ranks: Ranks,
    work_dir: Path,
    autoencoder: AutoencoderKL,
    weights: dict[str, torch.Tensor],
    scenes: int,
    steps: int,
    seed: int,
) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    judge = Judge()
    judge.load_state_dict(weights)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=_LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps + 1)
    checkpoint = work_dir / "judge.pt"
    parts = {"model": judge, "optimizer": optimizer, "schedule": schedule}
    first = load_checkpoint(checkpoint, parts)
    if first >= steps:
        return
    pool = [
        _stored_lesson(
            work_dir / f"judge-lesson-{seed}-{ranks.rank}-{i}.pt",
            partial(_lesson, autoencoder, i, (seed, 9, ranks.rank, i)),
        )
        for i in range(-(-scenes // _BATCH // ranks.size))
    ]
    losses = []
    for step in range(first, steps):
        rng = np.random.default_rng((seed, 5, ranks.rank, step))
        pictures, answers = pool[int(rng.integers(len(pool)))]
        if rng.random() < 0.5:  # nothing that is asked depends on left and right
            pictures = pictures.flip(-1)
        inputs = _zoomed(pictures.float() / 127.5 - 1, rng)
        inputs += _jitter(inputs.shape, rng)
        with mixed_precision():
            scores = judge(inputs)
        loss = _loss(scores, answers)
        loss.backward()
        ranks.average(list(judge.parameters()))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(loss.item())
        if ranks.leads and (step + 1) % 100 == 0:
            _log.info("judge step %d loss %.4f", step + 1, np.mean(losses[-100:]))
            save_checkpoint(checkpoint, parts, step + 1)
    if ranks.leads:
        save_checkpoint(checkpoint, parts, steps)


Lesson = tuple[torch.Tensor, dict[str, torch.Tensor]]
"""Pictures (n × 3 × height × width, uint8) and the right answers, by aspect."""


def _stored_lesson(path: Path, make: Callable[[], Lesson]) -> Lesson:
    """Return a lesson that lies in a file, and is made only where there is none yet.

    In memory, hundreds of them between large temporary tensors took seven times their size.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".tmp")
        torch.save(make(), made)
        made.replace(path)
    return torch.load(path, mmap=True, weights_only=True)


def _lesson(autoencoder: AutoencoderKL, number: int, seed: tuple[int, ...]) -> Lesson:
    """Draw one batch: every fourth has the halves of pairs, another fourth two or three things."""
    rng = np.random.default_rng(seed)
    halved = number % 4 == 3
    kind = is_pair if halved else has_several if number % 4 == 1 else None
    scenes, drawn = draw_batch(rng, _BATCH // 2 if halved else _BATCH, kind)
    autoencoded = number % _AUTOENCODED_SHARE == 0
    pictures = through(autoencoder, drawn) if autoencoded else to_tensor(drawn)
    asked = [truth(scene) for scene in scenes]
    if halved:
        pictures = torch.cat(halves(pictures))
        asked = [shown_by(scene, side) for side in (0, 1) for scene in scenes]
    answers = {
        aspect: torch.tensor(
            [options.index(each[aspect]) if aspect in each else _UNSEEN for each in asked]
        )
        for aspect, options in ASPECTS.items()
    }
    return ((pictures + 1) * 127.5).round().to(torch.uint8), answers


def draw_batch(
    rng: np.random.Generator, count: int, kind: Callable[[Scene], bool] | None = None
) -> tuple[list[Scene], np.ndarray]:
    """Draw scenes, of one kind or any, and their pictures in one size: n × height × width × 3."""
    width, height = SHAPES[int(rng.integers(len(SHAPES)))]
    scenes = list(_scenes(rng, count, kind))
    return scenes, np.stack([draw(scene, rng, width, height) for scene in scenes])


def _scenes(
    rng: np.random.Generator, count: int, kind: Callable[[Scene], bool] | None
) -> Iterator[Scene]:
    while count:
        scene = draw_scene(rng, held_out=bool(rng.random() < 0.1))
        if kind is None or kind(scene):
            count -= 1
            yield scene


@torch.no_grad()
def through(autoencoder: AutoencoderKL, pictures: np.ndarray) -> torch.Tensor:
    """Encode and decode pictures: n × 3 × height × width, -1..1."""
    scale, shift = autoencoder.config["scaling_factor"], autoencoder.config["shift_factor"]
    with mixed_precision():
        latents = encode(autoencoder, pictures)
        decoded = autoencoder.decode(latents / scale + shift, return_dict=False)[0]
    return decoded.float().clamp(-1, 1)


def _zoomed(pictures: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return pictures a little larger and shifted: a pool this small would be learned by heart."""
    height, width = pictures.shape[-2:]
    share = float(rng.uniform(_LEAST_SHOWN, 1))
    rows, columns = round(height * share), round(width * share)
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    shown = pictures[..., top : top + rows, left : left + columns]
    return functional.interpolate(shown, (height, width), mode="bilinear")


def _jitter(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Return noise and a change of tone: a painted picture is never as clean as a drawing."""
    noise = torch.from_numpy(rng.normal(0, 0.06, shape[-2:]).astype(np.float32))
    return noise + float(rng.normal(0, 0.03))


def _loss(scores: dict[str, torch.Tensor], answers: dict[str, torch.Tensor]) -> torch.Tensor:
    total = torch.zeros(())
    for aspect, right in answers.items():
        if bool((right != _UNSEEN).any()):
            total = total + functional.cross_entropy(
                scores[aspect].float(), right, ignore_index=_UNSEEN
            )
    return total


@torch.no_grad()
def look_at_fresh(
    judge: Judge, autoencoder: AutoencoderKL, *, batches: int, seed: int
) -> tuple[dict[str, dict[str, float]], list[np.ndarray]]:
    """Return how often the judge is right on fresh drawings, plain and autoencoded; and its errors.

    Errors are pictures of one size with what was asked and what was seen written below.
    """
    right: dict[str, list[dict[str, bool]]] = {}
    errors: list[np.ndarray] = []
    for i in range(batches):
        pairs = i % 4 == 3
        kind = is_pair if pairs else is_no_pair
        scenes, pictures = draw_batch(np.random.default_rng((seed, 7, i)), 16, kind)
        for kind in ("drawn", "through_autoencoder"):
            shown = to_tensor(pictures) if kind == "drawn" else through(autoencoder, pictures)
            for scene, seen, picture in zip(
                scenes, judge.look(shown, pairs=pairs), shown, strict=True
            ):
                answers = right_aspects(scene, seen)
                right.setdefault(kind, []).append(answers)
                wrong = [aspect for aspect, hit in answers.items() if not hit]
                if wrong:
                    asked = truth(scene) | {
                        "thing": " + ".join(each.thing for each in scene.subjects),
                        "colour": " + ".join(each.colour for each in scene.subjects),
                    }
                    found = seen.aspects | {
                        "thing": " + ".join(seen.things),
                        "colour": " + ".join(seen.colours),
                    }
                    text = "\n".join(f"{a}: {asked[a]}, seen {found[a]}" for a in wrong)
                    errors.append(_labelled(picture, text))
    return {kind: accuracy(judged) for kind, judged in right.items()}, errors


def _labelled(picture: torch.Tensor, text: str) -> np.ndarray:
    """Return a picture (3 × height × width, -1..1) on a square with text below."""
    pixels = ((picture + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    side = max(max(shape) for shape in SHAPES)
    sheet = Image.new("RGB", (side, side + 44), "white")
    sheet.paste(Image.fromarray(pixels), ((side - pixels.shape[1]) // 2, 0))
    ImageDraw.Draw(sheet).text((4, side + 2), text, "black")
    return np.asarray(sheet)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, freeze, and save a sheet of the errors on fresh drawings."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.sketch.judge_training",
        description="Train the judge of the demo model on drawings; stopped runs resume.",
    )
    work_dir = Path(tempfile.gettempdir()) / "sketch-work"
    parser.add_argument("--work-dir", type=Path, default=work_dir, help="checkpoints")
    parser.add_argument(
        "--autoencoder",
        type=Path,
        default=MODEL_DIR / "vae",
        help="folder of the autoencoder through which a fifth of its drawings go",
    )
    parser.add_argument("--out", type=Path, default=JUDGE_PATH, help="where the weights go")
    parser.add_argument("--errors", type=Path, default=_ERRORS_PATH, help="the sheet of errors")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    autoencoder = AutoencoderKL.from_pretrained(options.autoencoder).eval()
    trained = train_judge(
        options.work_dir,
        autoencoder,
        scenes=options.scenes,
        steps=options.steps,
        seed=options.seed,
        processes=options.processes,
    )
    save_file({name: weight.half() for name, weight in trained.state_dict().items()}, options.out)
    judge = load_judge(options.out)
    right, errors = look_at_fresh(judge, autoencoder, batches=_FRESH_BATCHES, seed=options.seed + 1)
    for kind, shares in right.items():
        print(kind, *(f"{aspect} {share:.2%}" for aspect, share in shares.items()))
    print(f"{len(errors)} of {_FRESH_BATCHES * 16 * 2} pictures with an error")
    if errors:
        grid(errors[:_ERRORS_SHOWN], columns=6).save(options.errors, quality=80)


if __name__ == "__main__":
    main()
