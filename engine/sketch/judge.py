"""A classifier that says what a picture shows; `judge_training` trained it on drawings alone."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from engine.sketch.spec import COLOURS, PLACES, STYLES, THINGS, TIMES, WEATHERS, Scene

JUDGE_PATH: Final = Path(__file__).parent / "judge.safetensors"
"""The judge's weights, as float16."""
NUMBERS: Final = ("one", "two", "three", "pair")
"""How many things there are; a pair is of two kinds."""
ASPECTS: Final[dict[str, tuple[str, ...]]] = {
    "time": TIMES,
    "place": PLACES,
    "weather": WEATHERS,
    "style": STYLES,
    "number": NUMBERS,
    "thing": THINGS,
    "colour": COLOURS,
}
"""The judged aspects and their possible answers."""

_COLOURLESS: Final = frozenset({"pencil"})
_LIGHTLESS: Final = frozenset({"pencil", "neon"})
"""Styles that show no colours, and those that show neither time nor weather."""
_WIDTHS: Final = (32, 64, 128, 256, 320)
_STRIDES: Final = (2, 2, 2, 1)
"""Chosen by hand. The last layers see a grid of 32 px: on one of 64 px, things of which there are
three, the smallest, were told in 73 % only."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the judge sees in a picture; of a pair the thing on the left comes first."""

    aspects: dict[str, str]
    things: tuple[str, ...]
    colours: tuple[str, ...]


class Judge(nn.Module):
    """A small convolutional classifier with one answer per aspect, for pictures of any size."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, _WIDTHS[0], 5, stride=2, padding=2), nn.SiLU()]
        for (narrow, wide), stride in zip(itertools.pairwise(_WIDTHS), _STRIDES, strict=True):
            layers += [nn.Conv2d(narrow, wide, 3, stride=stride, padding=1), nn.GroupNorm(8, wide)]
            layers += [nn.SiLU(), nn.Conv2d(wide, wide, 3, padding=1, groups=8), nn.SiLU()]
        self.trunk = nn.Sequential(*layers)
        pooled = 2 * _WIDTHS[-1]
        self.heads = nn.ModuleDict(
            {aspect: nn.Linear(pooled, len(answers)) for aspect, answers in ASPECTS.items()}
        )

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return scores for n × 3 × height × width pictures in -1..1: n × answers, by aspect."""
        seen = self.trunk(functional.avg_pool2d(pictures, 2))
        # The mean shows what fills the picture (place, time), the maximum what is somewhere in it.
        pooled = torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)
        return {aspect: head(pooled) for aspect, head in self.heads.items()}

    @torch.no_grad()
    def look(self, pictures: torch.Tensor, *, pairs: bool) -> list[Seen]:
        """Return what each picture (n × 3 × height × width, -1..1) shows.

        Of `pairs` the left and the right half are looked at on their own.
        """
        whole = _best(self(pictures))
        parts = [_best(self(half)) for half in halves(pictures)] if pairs else [whole]
        return [
            Seen(
                whole[i],
                tuple(part[i]["thing"] for part in parts),
                tuple(part[i]["colour"] for part in parts),
            )
            for i in range(len(pictures))
        ]


def _best(scores: dict[str, torch.Tensor]) -> list[dict[str, str]]:
    best = {aspect: score.argmax(dim=1).tolist() for aspect, score in scores.items()}
    count = len(next(iter(best.values())))
    return [{a: ASPECTS[a][best[a][i]] for a in ASPECTS} for i in range(count)]


def halves(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the left and the right half of pictures."""
    middle = pictures.shape[-1] // 2
    return pictures[..., :middle], pictures[..., middle:]


def is_pair(scene: Scene) -> bool:
    """Whether a scene shows two kinds of thing."""
    return len(scene.subjects) > 1


def is_no_pair(scene: Scene) -> bool:
    """Whether a scene shows one kind of thing, or none."""
    return not is_pair(scene)


def has_several(scene: Scene) -> bool:
    """Whether a scene shows two or three of one kind of thing."""
    return scene.count > 1


def truth(scene: Scene) -> dict[str, str]:
    """Return the right answers about a whole picture, for the aspects that it shows."""
    answers = {"place": scene.place, "style": scene.style}
    if scene.style not in _LIGHTLESS:
        answers |= {"time": scene.time, "weather": scene.weather}
    if scene.subjects:
        answers["number"] = NUMBERS[3] if is_pair(scene) else NUMBERS[scene.count - 1]
    if scene.subjects and not is_pair(scene):
        answers |= shown_by(scene, 0)
    return answers


def shown_by(scene: Scene, subject: int) -> dict[str, str]:
    """Return the right answers about one of a scene's subjects."""
    shown = {"thing": scene.subjects[subject].thing}
    if scene.style not in _COLOURLESS:
        shown["colour"] = scene.subjects[subject].colour
    return shown


def right_aspects(scene: Scene, seen: Seen) -> dict[str, bool]:
    """Return for every aspect that a picture shows whether the judge sees what was asked for.

    Of a pair, both things and both colours have to be right; which stands where does not matter.
    """
    right = {
        aspect: seen.aspects[aspect] == answer
        for aspect, answer in truth(scene).items()
        if aspect not in ("thing", "colour")
    }
    if not scene.subjects:
        return right
    asked = [(each.thing, each.colour) for each in scene.subjects]
    found = list(zip(seen.things, seen.colours, strict=True))
    right["thing"] = sorted(thing for thing, _ in found) == sorted(thing for thing, _ in asked)
    if scene.style not in _COLOURLESS:
        if right["thing"]:
            right["colour"] = sorted(found) == sorted(asked)
        else:
            right["colour"] = sorted(seen.colours) == sorted(colour for _, colour in asked)
    return right


def load_judge(path: Path = JUDGE_PATH) -> Judge:
    """Load the frozen judge, by default the one that is shipped beside this module.

    Raises FileNotFoundError where none has been trained.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no judge at {path}: `make judge` trains it")
    judge = Judge()
    weights = load_file(path)
    judge.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return judge.eval()


def accuracy(judged: Sequence[dict[str, bool]]) -> dict[str, float]:
    """Return the share of right answers by aspect."""
    return {
        aspect: round(float(np.mean([each[aspect] for each in judged if aspect in each])), 4)
        for aspect in ASPECTS
    }
