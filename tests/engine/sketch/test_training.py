"""The training recipe: each stage in miniature, resumable and seeded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from safetensors.torch import load_file

from engine.sketch import MODEL_DIR
from engine.sketch.autoencoder import CROP_PX, build_autoencoder, encode, train_autoencoder
from engine.sketch.evaluate import draw_trials, main
from engine.sketch.export import assemble, export
from engine.sketch.flow import TrainingStage, tokenize, train_painter
from engine.sketch.judge import Seen, right_aspects
from engine.sketch.judge_training import train_judge
from engine.sketch.latents import open_cache
from engine.sketch.muon import orthogonalised
from engine.sketch.reading import train_reader
from engine.sketch.spec import Scene, Subject, is_held_out
from engine.sketch.tokenizer import train_tokenizer
from engine.sketch.train import PAINTING, POLISHING, TrainingRun
from engine.sketch.transformer import SEQUENCE_MULTIPLE, SketchModel

_STAGE = TrainingStage(
    "tiny", 1, steps=2, batch_size=3, matrix_rate=0.01, guidance=0.3, save_every=1
)


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def test_orthogonalising_brings_singular_values_near_one() -> None:
    """Muon's steps go equally far in every direction, for wide and tall matrices."""
    generator = torch.Generator().manual_seed(1)
    for shape in ((2, 8, 24), (2, 24, 8)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape, generator=generator)))
        assert values.min() > 0.4 and values.max() < 1.4


def test_the_tokenizer_keeps_colours_and_things_apart() -> None:
    """A colour and a thing are never one token, so that new pairs consist of known tokens."""
    tokenizer = train_tokenizer(1)
    red_house, blue_house, red_boat = (
        set(tokenizer(text)["input_ids"]) for text in ("红色的房子", "蓝色的房子", "红色的船")
    )
    assert red_house & blue_house and red_house & red_boat
    captions = tokenize(tokenizer, ["", "a red house by the sea at dawn in the rain"])
    assert captions.ids.shape[1] == SEQUENCE_MULTIPLE
    assert tokenizer.decode(tokenizer("雪中的猫 & cat")["input_ids"]) == "雪中的猫 & cat"


def test_a_stopped_training_goes_on_where_it_was(work_dir: Path) -> None:
    """One step and then another from the checkpoint is the same as two at once."""
    tokenizer = train_tokenizer(1)
    autoencoder = build_autoencoder().eval()
    caches = [open_cache(work_dir, autoencoder, (64, 64), 8, seed=1)]
    torch.manual_seed(1)
    start = SketchModel(len(tokenizer))
    straight = train_painter(_STAGE, work_dir / "a", caches, tokenizer, start=start, seed=1)
    with pytest.raises(KeyboardInterrupt):
        train_painter(
            _STAGE, work_dir / "b", _Interrupting(caches, after=1), tokenizer, start=start, seed=1
        )
    resumed = train_painter(_STAGE, work_dir / "b", caches, tokenizer, start=start, seed=1)
    for name, weight in straight.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


class _Interrupting(list):
    """Caches that stop the training when they are used once too often."""

    def __init__(self, caches: list, after: int) -> None:
        super().__init__(caches)
        self._left = after

    def __getitem__(self, index):  # type: ignore[no-untyped-def, override]
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return super().__getitem__(index)


def test_two_processes_draw_the_same_latents_as_one(work_dir: Path) -> None:
    """Sharing the work changes no scene, and boxes show where the things are."""
    autoencoder = build_autoencoder().eval()
    alone = open_cache(work_dir / "alone", autoencoder, (64, 64), 40, seed=1)
    shared = open_cache(work_dir / "shared", autoencoder, (64, 64), 40, seed=1, processes=2)
    assert np.array_equal(alone.boxes, shared.boxes)
    assert np.abs(alone.latents[:] - shared.latents[:]).max() < 0.05
    for scene, box in zip(alone.scenes, alone.boxes, strict=True):
        assert (box.any(axis=1)).sum() == sum(each.count for each in scene.subjects)


def test_a_trained_reader_is_read_again(work_dir: Path) -> None:
    """A second call loads the text encoder from the work folder."""
    tokenizer = train_tokenizer(1)
    encoder = train_reader(work_dir, tokenizer, steps=2, seed=1)
    again = train_reader(work_dir, tokenizer, steps=2, seed=1)
    for name, weight in encoder.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name


def test_batches_that_are_drawn_ahead_are_the_same(work_dir: Path) -> None:
    """Processes that draw for a fast device change nothing of what is learned."""
    tokenizer = train_tokenizer(1)
    caches = [open_cache(work_dir, build_autoencoder().eval(), (64, 64), 8, seed=1)]
    torch.manual_seed(1)
    start = SketchModel(len(tokenizer))
    here, ahead = (
        train_painter(
            _STAGE, work_dir / f"{n} ahead", caches, tokenizer, start=start, seed=1, drawers=n
        ).state_dict()
        for n in (0, 2)
    )
    for name, weight in here.items():
        assert torch.equal(weight, ahead[name]), name


@pytest.mark.parametrize("stage", (PAINTING, POLISHING), ids=lambda stage: stage.name)
def test_a_training_goes_on_from_an_exported_model(tmp_path: Path, stage: TrainingStage) -> None:
    """One stage alone, from the weights, tokenizer and autoencoder of the folder."""
    run = TrainingRun(tmp_path, seed=3, scale=0.0004)
    autoencoder, tokenizer, network = run.continued(MODEL_DIR, stage)
    shipped = ZImageTransformer2DModel.from_pretrained(MODEL_DIR / "transformer").state_dict()
    trained = network.transformer.state_dict()
    assert trained.keys() == shipped.keys()
    apart = [float((trained[n] - shipped[n].float()).abs().max()) for n in shipped]
    assert 0 < max(apart) < 0.1
    assert len(tokenizer) == network.text_encoder.config.vocab_size
    assert sorted(each.stem for each in tmp_path.glob("*.pt")) == [stage.name]
    export(assemble(autoencoder, tokenizer, network), tmp_path / "model")
    (written,) = (tmp_path / "model" / "transformer").glob("*.safetensors")
    assert {each.dtype for each in load_file(written).values()} == {torch.float16}


def test_latents_are_normalised(work_dir: Path) -> None:
    """Whatever the autoencoder's own scale, the transformer sees a deviation of one."""
    model = train_autoencoder(work_dir, steps=1, batch_size=1, scenes=2, seed=1)
    pixels = np.random.default_rng(1).integers(0, 255, (2, CROP_PX, CROP_PX, 3), dtype=np.uint8)
    latents = encode(model, pixels)
    assert latents.shape == (2, 16, CROP_PX // 8, CROP_PX // 8)
    assert 0.2 < float(latents.std()) < 5


def test_every_trial_of_the_evaluation_is_held_out() -> None:
    """The evaluation asks only for what training never saw, in all four kinds of prompt.

    Of a short prompt only the filler words can be new: it leaves all but the thing open.
    """
    trials = draw_trials(60, seed=3)
    assert all(is_held_out(trial.scene) for trial in trials if trial.kind != "short")
    for kind in {trial.kind for trial in trials}:
        wordings = {(t.language, t.enhanced) for t in trials if t.kind == kind}
        assert len(wordings) == 4 or kind in ("several", "pair", "style")
    assert any(trial.new_pattern for trial in trials)
    assert trials == draw_trials(60, seed=3)


def test_the_judge_answers_for_what_a_picture_shows() -> None:
    """Of a pair both things and colours count, whichever stands where; a pencil has no colours."""
    pair = Scene("sea", "noon", "clear", (Subject("cat", "red"), Subject("dog", "blue")))
    whole = {"place": "sea", "time": "noon", "weather": "clear", "style": "painting"}
    seen = Seen({**whole, "number": "pair"}, ("dog", "cat"), ("blue", "red"))
    assert all(right_aspects(pair, seen).values())
    swapped = Seen({**whole, "number": "pair"}, ("dog", "cat"), ("red", "blue"))
    assert right_aspects(pair, swapped)["thing"] and not right_aspects(pair, swapped)["colour"]
    drawing = Scene("sea", "noon", "clear", (Subject("cat", "red", 2),), "pencil")
    seen = Seen({**whole, "style": "pencil", "number": "two"}, ("cat",), ("green",))
    assert right_aspects(drawing, seen) == dict.fromkeys(
        ("place", "style", "number", "thing"), True
    )


def test_a_trained_judge_is_read_again(work_dir: Path) -> None:
    """A second call reads the checkpoint, and the judge looks at whole pictures and at halves."""
    autoencoder = build_autoencoder().eval()
    options = {"scenes": 24, "seed": 1}
    whole = train_judge(work_dir / "whole", autoencoder, steps=2, **options)
    again = train_judge(work_dir / "whole", autoencoder, steps=2, **options)
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    pictures = torch.zeros(2, 3, 64, 96)
    assert [len(seen.things) for seen in whole.look(pictures, pairs=True)] == [2, 2]
    assert [len(seen.things) for seen in whole.look(pictures, pairs=False)] == [1, 1]


def test_the_command_lines_explain_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` works, and a wrong option exits with 2."""
    with pytest.raises(SystemExit) as answered:
        main(["--help"])
    assert answered.value.code == 0 and "--pictures" in capsys.readouterr().out
    with pytest.raises(SystemExit) as refused:
        main(["--pictures", "many"])
    assert refused.value.code == 2
