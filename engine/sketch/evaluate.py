"""Measure what `sketch` learned: `python -m engine.sketch.evaluate`.

It paints prompts that training never saw: held-out combinations of place, time, thing and colour, a
third of them in held-out sentence patterns, short ones with held-out filler words, in both
languages, plain and enhanced. A judge that was trained on drawings alone classifies each picture.
"""

import argparse
import json
import logging
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.utils import logging as diffusers_logging

from engine.sketch import MODEL_DIR, SKETCH_REVISION
from engine.sketch.autoencoder import to_tensor
from engine.sketch.captions import ASPECTS, LANGUAGES, Wording, caption, patterns
from engine.sketch.judge import ASPECTS as ASPECTS_JUDGED
from engine.sketch.judge import (
    Judge,
    is_pair,
    load_judge,
    right_aspects,
)
from engine.sketch.judge_training import look_at_fresh
from engine.sketch.shapes import SHAPES
from engine.sketch.spec import (
    DEFAULTS,
    PLACES,
    STYLES,
    THINGS,
    Scene,
    Subject,
    draw_scene,
)

REPORT_PATH: Final = MODEL_DIR.parent / "evaluation.json"

CORE: Final = ("time", "place", "thing", "colour")
GOALS: Final[dict[str, tuple[tuple[str, ...], float]]] = {
    "first things": (CORE, 0.985),
    "new things": (("thing",), 0.9),
    "short": (("thing",), 0.9),
    "several": (("number",), 0.8),
}
"""By kind of trial, which aspects have to be right together in what share of pictures. The first is
what an earlier version of the model reached, which knew nothing else; the others are by hand."""

_FIRST_THINGS: Final = frozenset(THINGS[:9])
_FIRST_PLACES: Final = frozenset(PLACES[:5])
_LATER_COLOURS: Final = frozenset({"brown", "grey"})
_KINDS: Final = (
    *("first things", "new things") * 5,
    *("short",) * 4,
    *("several", "pair") * 2,
)
"""The kinds of trial, in turn. Styles are none: the painter is not taught them."""
_HELD_OUT_PATTERN_SHARE: Final = 0.35
_JUDGED_BATCHES: Final = 40
"""Batches of 16 fresh drawings on which the judge is judged. Both chosen by hand."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """One prompt to paint, and what its picture must show."""

    kind: str
    scene: Scene
    prompt: str
    language: str
    enhanced: bool
    new_pattern: bool
    size: tuple[int, int]
    """Width and height, px."""
    seed: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """Which aspects of one trial's picture the judge found right."""

    trial: Trial
    right: dict[str, bool]
    seconds: float

    def all_right(self, aspects: Sequence[str] = CORE) -> bool:
        """Whether these aspects are right, as far as the picture shows them."""
        return all(self.right.get(aspect, True) for aspect in aspects)


def draw_trials(count: int, seed: int) -> list[Trial]:
    """Draw trials that cycle through kinds, languages, plain and enhanced, and sizes.

    Combinations of place, time, thing and colour are held out of training; those of "short" cannot
    be, for their prompts leave open all but the thing. Their filler words are held out.
    """
    trials = []
    for i in range(count):
        rng = np.random.default_rng((seed, 6, i))
        kind, turn = _KINDS[i % len(_KINDS)], i // len(_KINDS)
        language, enhanced = LANGUAGES[(i + turn) % 2], (i // 2 + turn) % 2 == 1
        new_pattern = bool(rng.random() < _HELD_OUT_PATTERN_SHARE)
        options = patterns(language, held_out=new_pattern)
        pattern = options[int(rng.integers(len(options)))]
        scene = _scene(kind, i, rng)
        omitted = frozenset(ASPECTS) - {"thing"} if kind == "short" else frozenset[str]()
        wording = Wording(
            language, pattern, enhanced, omitted, loose=kind == "short", new_fillers=True
        )
        text = caption(scene, wording, rng)
        size = SHAPES[(i // 4 + turn) % len(SHAPES)]
        trials.append(
            Trial(kind, scene, text, language, enhanced, new_pattern, size, seed * 100_000 + i)
        )
    return trials


def _scene(kind: str, number: int, rng: np.random.Generator) -> Scene:
    """Draw a scene of one kind of trial."""
    if kind == "short":
        thing = THINGS[number * 7 % len(THINGS)]
        usual = DEFAULTS[thing]
        return Scene(usual.place, usual.time, usual.weather, (Subject(thing, usual.colours[0]),))
    while True:
        scene = draw_scene(rng, held_out=True)
        if _kind(scene) == kind:
            return scene


def _kind(scene: Scene) -> str:
    if scene.style != STYLES[0]:
        return "style"
    if len(scene.subjects) > 1:
        return "pair"
    if scene.count > 1:
        return "several"
    first = scene.thing in _FIRST_THINGS and scene.place in _FIRST_PLACES
    if first and scene.colour not in _LATER_COLOURS:
        return "first things"
    return "new things" if scene.thing not in _FIRST_THINGS else ""


def paint(
    pipeline: ZImagePipeline, prompt: str, size: tuple[int, int], seed: int, **options: Any
) -> np.ndarray:
    """Paint one prompt in 8 steps: uint8 pixels, height × width × 3."""
    arguments: dict[str, Any] = {"guidance_scale": 0.0, "num_inference_steps": 8, **options}
    answer = pipeline(
        prompt=prompt,
        width=size[0],
        height=size[1],
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="np",
        **arguments,
    )
    return (np.asarray(answer.images[0]) * 255).round().astype(np.uint8)  # type: ignore[union-attr]


def judge_trial(pipeline: ZImagePipeline, judge: Judge, trial: Trial) -> Judgement:
    """Paint a trial and compare what the judge sees with the prompt."""
    start = time.perf_counter()
    pixels = paint(pipeline, trial.prompt, trial.size, trial.seed)
    seconds = time.perf_counter() - start
    seen = judge.look(to_tensor(pixels[None]), pairs=is_pair(trial.scene))[0]
    right = right_aspects(trial.scene, seen)
    if trial.kind == "short":  # any of the usual colours is right
        right["colour"] = seen.colours[0] in DEFAULTS[trial.scene.subjects[0].thing].colours
    return Judgement(trial, right, seconds)


def summarise(verdicts: Sequence[Judgement]) -> dict[str, dict[str, float]]:
    """Return the share that is right, by group of trials and by aspect; `all` is CORE together.

    An aspect that no picture of a group shows is left out.
    """
    groups: dict[str, list[Judgement]] = {"of all kinds": list(verdicts)}
    for verdict in verdicts:
        trial = verdict.trial
        for group in (
            trial.kind,
            "English" if trial.language == "en" else "Chinese",
            "enhanced" if trial.enhanced else "plain",
            "new pattern" if trial.new_pattern else "known pattern",
            f"{trial.size[0]} × {trial.size[1]}",
        ):
            groups.setdefault(group, []).append(verdict)
    return {
        name: {
            "pictures": len(group),
            **_shares(group),
            "all": round(float(np.mean([v.all_right() for v in group])), 4),
        }
        for name, group in groups.items()
    }


def _shares(group: Sequence[Judgement]) -> dict[str, float]:
    shown = {a: [v.right[a] for v in group if a in v.right] for a in ASPECTS_JUDGED}
    return {a: round(float(np.mean(hits)), 4) for a, hits in shown.items() if hits}


def missed_goals(verdicts: Sequence[Judgement]) -> list[str]:
    """Return a line for every goal that is missed."""
    missed = []
    for kind, (aspects, goal) in GOALS.items():
        group = [v.all_right(aspects) for v in verdicts if v.trial.kind == kind]
        share = float(np.mean(group)) if group else 1.0
        if share < goal:
            missed.append(f"{kind}: {' and '.join(aspects)} right in {share:.1%}, goal {goal:.1%}")
    return missed


def table(summary: dict[str, dict[str, float]]) -> str:
    """Format the summary as the table that README shows, one group per line."""
    columns = (*ASPECTS_JUDGED, "all")
    head = ["| pictures | " + " | ".join((*ASPECTS_JUDGED, "all four")) + " |"]
    lines = [*head, "| --- |" + " ---: |" * len(columns)]
    for name, row in summary.items():
        cells = (f"{row[c]:.1%}".replace("%", " %") if c in row else "–" for c in columns)
        lines.append(f"| {row['pictures']:.0f} {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def evaluate(model: Path, *, pictures: int, seed: int, today: date) -> dict[str, Any]:
    """Evaluate a model folder; return the report, ready for JSON."""
    pipeline = ZImagePipeline.from_pretrained(model, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    judge = load_judge()
    judged, _ = look_at_fresh(judge, pipeline.vae, batches=_JUDGED_BATCHES, seed=seed)
    verdicts = []
    for trial in draw_trials(pictures, seed):
        verdicts.append(judge_trial(pipeline, judge, trial))
        if len(verdicts) % 20 == 0:
            _log.info("painted %d of %d", len(verdicts), pictures)
    wrong = [
        {
            "kind": v.trial.kind,
            "prompt": v.trial.prompt,
            "seed": v.trial.seed,
            "wrong": [aspect for aspect in ASPECTS_JUDGED if not v.right.get(aspect, True)],
        }
        for v in verdicts
        if not v.all_right(ASPECTS_JUDGED)
    ]
    return {
        "revision": SKETCH_REVISION,
        "date": today.isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores, torch {torch.__version__}",
        "seed": seed,
        "missed_goals": missed_goals(verdicts),
        "judge_accuracy": judged,
        "median_seconds": round(float(np.median([v.seconds for v in verdicts])), 3),
        "right": summarise(verdicts),
        "wrong": wrong,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit with status 1 if the goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.sketch.evaluate",
        description="Measure the built-in demo model on prompts that its training never saw.",
    )
    parser.add_argument("--model", type=Path, default=MODEL_DIR, help="folder to evaluate")
    parser.add_argument("--json", type=Path, default=REPORT_PATH, help="where the report goes")
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads for torch")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    diffusers_logging.set_verbosity_error()
    torch.set_num_threads(options.threads)
    try:
        report = evaluate(
            options.model,
            pictures=options.pictures,
            seed=options.seed,
            today=datetime.now(UTC).date(),
        )
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error
    options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print(table(report["right"]))
    print(f"judge on fresh drawings: {report['judge_accuracy']}")
    print(f"median {report['median_seconds']} s a picture")
    if report["missed_goals"]:
        raise SystemExit("\n".join(["goals missed:", *report["missed_goals"]]))


if __name__ == "__main__":
    main()
