"""Which LoRAs a request means, and what it is refused for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.request.loras import NO_LORAS, LoraCatalog
from bot.request.notes import InertSyntax, LoraTaken, Note, TriggerWordsAdded
from bot.request.outcomes import OutOfRange, Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import ParsedRequest, apply_flags
from bot.request.prompt.flag_line import flag_line
from bot.request.reasons.loras import (
    LoraBesideNone,
    LoraClosed,
    LoraReason,
    LorasNotOffered,
    LoraTwice,
    TooManyLoras,
    UnclearLoraTag,
    UnknownLora,
    UnusableLora,
)
from bot.request.resolve import resolve, resolve_reroll
from bot.request.values.loras import LoraChoice, read_loras
from engine.diffusion.lora.shelf import LoraShelf
from engine.loras import LoraUse
from engine.types import request_from_json, request_to_json
from tests.engine.diffusion.lora import writing
from tests.fakes import KNOWS_ALL

INK = LoraUse("ink", 0.8, ("inkwash",))
FOX = LoraUse("Red_Fox-v2", 1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three LoRAs, one for two people alone, and one that is none."""
    made = tmp_path_factory.mktemp("loras")
    tensors = writing.DIALECTS["kohya, musubi"](writing.low_rank(seed=1))
    for name in ("ink", "Red_Fox-v2", "secret"):
        writing.save(made / f"{name}.safetensors", tensors)
    (made / "ink.toml").write_text(
        'title = "Ink wash"\ntrigger_words = ["inkwash"]\nweight = 0.8\n'
    )
    (made / "secret.toml").write_text('allow = ["7", "8"]\n')
    (made / "broken.safetensors").write_bytes(b"<html>")
    return made


@pytest.fixture(scope="module")
def catalog(folder: Path) -> LoraCatalog:
    return LoraCatalog(LoraShelf(folder, writing.tiny_targets()))


Resolve = Callable[..., ResolvedRequest | Refused]


@pytest.fixture
def resolved(catalog: LoraCatalog) -> Resolve:
    """Resolves a prompt with flags and the option, as /imagine does."""

    def run(text: str, option: str = "", loras: LoraCatalog = catalog) -> ResolvedRequest | Refused:
        params = GenerationParams(text, lora=read_loras(option))
        parsed = apply_flags(params, 1, private=False)
        assert isinstance(parsed, ParsedRequest), parsed
        return resolve(parsed.params, KNOWS_ALL, lambda: 5, loras=loras)

    return run


@pytest.mark.parametrize(
    ("text", "option", "wanted"),
    [
        ("a lake", "ink", (INK,)),
        ("a lake", "ink:0.5, red fox v2", (LoraUse("ink", 0.5, ("inkwash",)), FOX)),
        ("a lake --lora ink", "", (INK,)),
        ("a lake --lora INK:0.8 --lora Red_Fox-v2", "", (INK, FOX)),
        ("a lake, <lora:ink:0.8>", "Ink Wash", (INK,)),
        ("a lake, <lora:ink>, <lora:red-fox-v2:1>", "", (INK, FOX)),
        ("a lake --lora ink:0", "", (LoraUse("ink", 0.0, ("inkwash",)),)),
        ("a lake", "", ()),
        ("a lake --lora none", "", ()),
        ("a lake --lora None", "none", ()),
    ],
)
def test_an_option_a_flag_and_a_tag_mean_the_same(
    resolved: Resolve, text: str, option: str, wanted: tuple[LoraUse, ...]
) -> None:
    """All name LoRAs with weights, or take the LoRA's own; names are found without their case,
    spaces and dashes, and by their titles; the prompt is left without tags and flags."""
    found = resolved(text, option)
    assert isinstance(found, ResolvedRequest), found
    assert found.request.prompt == "a lake" and found.request.loras == wanted
    assert request_from_json(request_to_json(found.request)) == found.request


def notes_of(found: ResolvedRequest | Refused, kind: type[Note]) -> list[Note]:
    assert isinstance(found, ResolvedRequest)
    return [each for each in found.notes if isinstance(each, kind)]


def test_trigger_words_are_added_and_said(resolved: Resolve) -> None:
    """What the prompt lacks is at its end, and a note names it; a
    word that is there, or of a LoRA at weight 0, is not added. A repetition says the same."""
    added, there, off = (
        resolved(text, "ink") if "--" not in text else resolved(text)
        for text in ("a lake", "an Inkwash lake", "a lake --lora ink:0")
    )
    assert notes_of(added, TriggerWordsAdded) == [TriggerWordsAdded(("inkwash",))]
    assert isinstance(added, ResolvedRequest)
    assert added.request.effective_prompt == "a lake, inkwash"
    assert not notes_of(there, TriggerWordsAdded) and not notes_of(off, TriggerWordsAdded)
    again = resolve_reroll(added.request, 6, KNOWS_ALL, lambda: 6)
    assert isinstance(again, ResolvedRequest) and again.request.loras == (INK,)
    assert notes_of(again, TriggerWordsAdded) == [TriggerWordsAdded(("inkwash",))]


@pytest.mark.parametrize(
    ("text", "option", "reason"),
    [
        ("a lake", "inc", UnknownLora("inc", ("ink",))),
        ("a lake --lora fox", "", UnknownLora("fox", ("Red_Fox-v2",))),
        ("a lake", "../../etc/passwd", UnknownLora("../../etc/passwd")),
        ("a lake <lora:secrets:1>", "", UnknownLora("secrets")),
        ("a lake, <lora:ink:0.5>", "ink:0.8", LoraTwice("ink")),
        ("a lake", "ink:0.8, Ink Wash:0.5", LoraTwice("ink")),
        ("a lake <lora:ink:0.5:0.5>", "", UnclearLoraTag("<lora:ink:0.5:0.5>")),
        ("a lake <lora:ink:0.5>", "none", LoraBesideNone("ink")),
        ("a lake", "none, ink", LoraBesideNone("ink")),
        ("a lake", "ink:4.5", OutOfRange("lora", 4.5, -4.0, 4.0)),
    ],
)
def test_what_cannot_be_meant_is_refused(
    resolved: Resolve, text: str, option: str, reason: LoraReason
) -> None:
    """An unknown name gets the nearest ones that everybody may use; two weights, an unclear tag and
    a weight beyond the bounds are named."""
    assert resolved(text, option) == Refused(reason)


def test_a_broken_file_is_refused_by_name(resolved: Resolve) -> None:
    """A file that is no LoRA is refused with the reason, before anything is charged."""
    found = resolved("a lake", "broken")
    assert isinstance(found, Refused) and isinstance(found.reason, UnusableLora)
    assert found.reason.name == "broken" and found.reason.detail


def test_where_none_are_offered(resolved: Resolve) -> None:
    """Without a folder, an option or a flag is refused, and a tag does nothing, as a note says; a
    folder that cannot be read is refused with the reason."""
    assert resolved("a lake --lora ink", loras=NO_LORAS) == Refused(LorasNotOffered())
    none = resolved("a lake --lora none", loras=NO_LORAS)
    assert isinstance(none, ResolvedRequest) and none.request.loras == ()
    tagged = resolved("a lake <lora:ink:1>", loras=NO_LORAS)
    assert notes_of(tagged, InertSyntax) == [InertSyntax(("<lora:ink:1>",))]
    gone = LoraCatalog(LoraShelf(Path("/nonexistent/loras"), writing.tiny_targets()))
    found = resolved("a lake", "ink", loras=gone)
    assert isinstance(found, Refused) and isinstance(found.reason, UnusableLora)


def test_a_pasted_text_of_another_program_is_not_refused(resolved: Resolve) -> None:
    """In a pasted text, tags of LoRAs that are not here do nothing, as a note says; those that are
    here act."""
    text = "a lake <lora:theirs:1> <lora:ink:1>\nNegative prompt: fog\nSteps: 20, Seed: 5"
    found = resolved(text)
    assert isinstance(found, ResolvedRequest)
    assert [each.name for each in found.request.loras] == ["ink"]
    assert notes_of(found, InertSyntax) == [InertSyntax(("<lora:theirs:1>",))]


def test_the_line_to_copy_has_the_loras(resolved: Resolve) -> None:
    """The line of a picture with LoRAs is read back as the same request."""
    first = resolved("a lake", "ink:0.5, Red_Fox-v2:-1")
    assert isinstance(first, ResolvedRequest)
    line = flag_line(first.request)
    assert "--lora ink:0.5,Red_Fox-v2:-1" in line
    again = resolved(line)
    assert isinstance(again, ResolvedRequest) and again.request == first.request


def test_too_many_are_refused(catalog: LoraCatalog, folder: Path) -> None:
    """A picture has five LoRAs at most."""
    tensors = writing.DIALECTS["kohya, musubi"](writing.low_rank(seed=1))
    files = [writing.save(folder / f"n{number}.safetensors", tensors) for number in range(6)]
    assert catalog.uses(tuple(LoraChoice(f"n{number}") for number in range(6))) == TooManyLoras(
        6, 5
    )
    for each in files:
        each.unlink()


def test_who_may_use_one(catalog: LoraCatalog) -> None:
    """Only the people and roles that its sidecar names may use a LoRA, and only they find it; the
    owner may use all. One that is gone is refused for everybody."""
    secret = (LoraUse("secret", 1.0),)
    assert catalog.refusal(secret, {1, 2}) == LoraClosed("secret")
    assert catalog.refusal(secret, {1, 8}) is None and catalog.refusal(secret, None) is None
    assert isinstance(catalog.refusal((LoraUse("gone", 1.0),), None), UnusableLora)
    assert [each.name for each in catalog.matching("", {1})] == ["ink", "Red_Fox-v2"]
    assert [each.name for each in catalog.matching("", {7})] == ["ink", "Red_Fox-v2", "secret"]
    assert [each.name for each in catalog.matching("wash", {1})] == ["ink"]
    assert [each.name for each in catalog.matching("FOX v", None)] == ["Red_Fox-v2"]
    assert catalog.matching("nothing", None) == ()


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> LoraCatalog:
    """LoRAs with style words: two of one style, one for some people alone, one that is damaged."""
    made = tmp_path_factory.mktemp("styles")
    tensors = writing.DIALECTS["kohya, musubi"](writing.low_rank(seed=1))
    for name, sidecar in {
        "b-pixel": 'style_words = ["pixel art", "像素画"]\nweight = 0.7\n',
        "a-pixel": 'style_words = ["Pixel Art"]\n',
        "game": 'style_words = ["old pixel art"]\nallow = ["7"]\n',
        "art": 'style_words = ["art"]\n',
        "damaged": 'style_words = ["a very old pixel art"]\n',
    }.items():
        writing.save(made / f"{name}.safetensors", tensors)
        (made / f"{name}.toml").write_text(sidecar, encoding="utf-8")
    (made / "damaged.safetensors").write_bytes(b"<html>")
    return LoraCatalog(LoraShelf(made, writing.tiny_targets()))


@pytest.mark.parametrize(
    ("prompt", "ids", "opened", "wanted"),
    [
        ("a fox, PIXEL  art", {1}, None, ("a-pixel", "Pixel Art")),
        ("a fox, pixel art", {1}, {"b-pixel", "art"}, ("b-pixel", "pixel art")),
        ("a very old pixel art fox", {7}, None, ("game", "old pixel art")),
        ("a very old pixel art fox", {1}, None, ("a-pixel", "Pixel Art")),
        ("a very old pixel art fox", None, None, ("game", "old pixel art")),
        ("一只狐狸的像素画风格", {1}, None, ("b-pixel", "像素画")),
        ("a party of pixels", {1}, None, None),
        ("a fox, pixel art", {1}, set(), None),
        ("a fox, pixel art <lora:art:1>", {1}, None, None),
    ],
)
def test_style_words_choose_a_lora(
    styles: LoraCatalog,
    prompt: str,
    ids: set[int] | None,
    opened: set[str] | None,
    wanted: tuple[str, str] | None,
) -> None:
    """The one with the longest words in the prompt, the first by name where they are alike, of
    those that can be used and are open to who asks; none where a tag names one."""
    (taken,) = styles.styled(GenerationParams(prompt), ids, opened).lora or (None,)
    assert (taken and (taken.name, taken.style_word)) == wanted


def test_a_chosen_lora_is_as_if_it_were_named(styles: LoraCatalog) -> None:
    """It has its own weight, a note says why it is there, a reroll and the line to copy keep it;
    a LoRA that is named, or `none`, leaves it out, and so does the line of a picture without."""
    params = styles.styled(GenerationParams("像素画"))
    found = resolve(params, KNOWS_ALL, lambda: 5, loras=styles)
    assert isinstance(found, ResolvedRequest)
    assert found.request.loras == (LoraUse("b-pixel", 0.7, (), "像素画"),)
    assert notes_of(found, LoraTaken) == [LoraTaken("b-pixel", "像素画")]
    assert request_from_json(request_to_json(found.request)) == found.request
    again = resolve_reroll(found.request, 6, KNOWS_ALL, lambda: 6)
    assert isinstance(again, ResolvedRequest) and again.request.loras == found.request.loras
    assert "--lora b-pixel:0.7" in flag_line(found.request, refuse_styles=True)
    for named in ("none", "art"):
        kept = GenerationParams("像素画", lora=read_loras(named))
        assert styles.styled(kept) == kept
    assert styles.has_style("像素画") and not styles.has_style("a fox")
    without = replace(found.request, loras=())
    assert "--lora none" in flag_line(without, refuse_styles=True)
    assert "--lora" not in flag_line(without)
