"""A text encoder that is a language model expands short prompts; any other is refused."""

from __future__ import annotations

import copy
import gc
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch._subclasses.fake_tensor import is_fake
from torch.nn import functional
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM, Qwen3Model

from engine.diffusion import prompt_expansion
from engine.diffusion.families import QWEN3_CHAT
from engine.diffusion.prompt_expansion import (
    INSTRUCTION,
    MAX_NEW_TOKENS,
    PROBE,
    Expander,
    Expansion,
    draw,
    surprise,
    why_not,
)
from engine.prompts import Language
from engine.sketch import MODEL_DIR
from tests.engine.diffusion import tiny

FOX = "A red fox stands in deep snow beside a frozen stream. Its thick fur glows in the low light."
CURLED = "The fox curls up on dry leaves under a tall birch. Its tail covers its nose."
BOAT = "The old boat rests on wet sand under a pale sky. Its paint is peeling in long strips."
CAT = "猫蜷缩在窗台的旧毛毯上，阳光照在它柔软的毛上。"
SURE = "Sure, here is a longer description of the white horse in a field."
LEARNED: tuple[tuple[Language, str, str], ...] = (
    ("en", "a red fox", FOX),
    ("en", "a red fox", CURLED),
    ("en", "an old boat", BOAT),
    ("en", "a white horse", SURE),
    ("en", "a blue vase", f"{BOAT}\nThis is a note."),
    ("zh", "一只猫", CAT),
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Such small products are slower on two threads, and much slower beside other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tokenizer() -> Qwen2Tokenizer:
    """One token per byte, but one for each instruction, or learning them would take a minute."""
    made = tiny._tokenizer("")
    made.add_tokens([*INSTRUCTION.values()], special_tokens=True)
    return made


def encoder_of(tokenizer: Any, *, layers: int = 2, tied: bool = True) -> Qwen3Model:
    """A tiny encoder with random weights."""
    torch.manual_seed(3)
    return Qwen3Model(
        Qwen3Config(
            vocab_size=len(tokenizer) + 5,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=layers,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=16,
            tie_word_embeddings=tied,
        )
    ).eval()


@pytest.fixture(scope="module")
def encoder(tokenizer: Any) -> Qwen3Model:
    """A tiny language model that has learned a few answers and the probe's sentences by heart."""
    made = encoder_of(tokenizer)
    ids, labels = lessons(tokenizer)
    steps = 120
    optimizer = torch.optim.AdamW(made.parameters(), 1e-2, betas=(0.9, 0.95), weight_decay=0)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        hidden = made(input_ids=ids).last_hidden_state[:, :-1]
        logits = functional.linear(hidden, made.embed_tokens.weight)
        loss = functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()
        pace.step()
    return made.requires_grad_(False)


def lessons(tokenizer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids, padded, and the targets of training."""
    rows = [
        (question(tokenizer, language, prompt), tokenizer(answer + "<|im_end|>").input_ids)
        for language, prompt, answer in LEARNED
    ]
    rows += [([], tokenizer(text).input_ids) for text in PROBE]
    longest = max(len(asked) + len(answer) for asked, answer in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, (asked, answer) in enumerate(rows):
        end = len(asked) + len(answer)
        ids[row, :end] = torch.tensor(asked + answer)
        labels[row, len(asked) : end] = torch.tensor(answer)
    return ids, labels


def question(tokenizer: Any, language: Language, prompt: str) -> list[int]:
    """Return the model's input as tokens."""
    messages = [
        {"role": "system", "content": INSTRUCTION[language]},
        {"role": "user", "content": prompt},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer(text).input_ids


def expand(
    encoder: Any,
    tokenizer: Any,
    prompt: str,
    *,
    language: Language = "en",
    seed: int = 1,
    limit_s: float = 60.0,
    max_tokens: int = 500,
    count: Callable[[str], int | None] = len,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = lambda: 0.0,
) -> Expansion | None:
    """Expand once, with the clock standing still."""
    return Expander(encoder, tokenizer, QWEN3_CHAT, clock=clock).expand(
        prompt,
        language=language,
        seed=seed,
        limit_s=limit_s,
        max_tokens=max_tokens,
        count=count,
        stop=stop,
    )


class Ticking:
    """A clock that advances by a second whenever it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


# The text


@pytest.mark.parametrize(
    ("language", "prompt", "expected"),
    [
        ("en", "an old boat", f"an old boat. {BOAT}"),
        ("zh", "一只猫", f"一只猫。{CAT}"),
        ("en", "a blue vase", None),
        ("en", "a white horse", None),
    ],
    ids=["English", "Chinese", "another subject", "a preamble"],
)
def test_a_short_prompt_is_expanded(
    encoder: Any, tokenizer: Any, language: Language, prompt: str, expected: str | None
) -> None:
    """The user's words stay in front of the model's sentences; a useless answer is not used."""
    found = expand(encoder, tokenizer, prompt, language=language)
    assert (found and found.text) == expected


def test_a_seed_decides(encoder: Any, tokenizer: Any) -> None:
    """The same seed gives the same text, and other seeds give others."""
    texts = [
        [found.text if found else None]
        for seed in (*range(4), *range(4))
        for found in [expand(encoder, tokenizer, "a red fox", seed=seed)]
    ]
    assert texts[:4] == texts[4:]
    assert {text for [text] in texts} >= {f"a{FOX[1:]}", f"a red fox. {CURLED}"}


def test_global_randomness_has_no_part(encoder: Any, tokenizer: Any) -> None:
    """Drawing neither uses nor changes torch's global generator."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = expand(encoder, tokenizer, "a red fox")
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert expand(encoder, tokenizer, "a red fox") == first


def test_it_writes_what_the_whole_language_model_would(
    encoder: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Greedy decoding gives transformers' own generation token by token."""
    monkeypatch.setattr(prompt_expansion, "draw", lambda logits, _: int(logits.argmax()))
    with torch.device("meta"):
        whole: Any = Qwen3ForCausalLM(encoder.config)
    whole.model = encoder
    whole.lm_head.weight = encoder.embed_tokens.weight
    asked = torch.tensor([question(tokenizer, "en", "an unknown thing")])
    expected = whole.generate(
        asked,
        attention_mask=torch.ones_like(asked),
        do_sample=False,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_token_id=[tokenizer.eos_token_id],
        pad_token_id=tokenizer.pad_token_id,
    )[0, asked.shape[1] :]
    written = Expander(encoder, tokenizer, QWEN3_CHAT)._write(
        "an unknown thing", "en", 1, math.inf, lambda: False
    )
    text = tokenizer.decode(expected).removesuffix("<|im_end|>")
    assert written is not None and text.startswith(written[0]) and len(written[0]) > 10


def test_nothing_is_copied_or_changed(encoder: Any, tokenizer: Any) -> None:
    """Its output layer is the encoder's embedding itself, and the encoder reads as before."""
    ids = torch.tensor([question(tokenizer, "en", "a red fox")])
    before = encoder(input_ids=ids, output_hidden_states=True).hidden_states[-2]
    weights = {name: (one.data_ptr(), one._version) for name, one in encoder.named_parameters()}
    gc.collect()
    held_bytes = tensor_bytes()
    expander = Expander.around(encoder, tokenizer, QWEN3_CHAT)
    assert expander is not None
    assert expander.output_weight.data_ptr() == encoder.embed_tokens.weight.data_ptr()
    assert expand(encoder, tokenizer, "a red fox") is not None
    gc.collect()
    assert tensor_bytes() == held_bytes
    after = encoder(input_ids=ids, output_hidden_states=True).hidden_states[-2]
    assert torch.equal(before, after)
    now = {name: (one.data_ptr(), one._version) for name, one in encoder.named_parameters()}
    assert now == weights


def tensor_bytes() -> int:
    """Return the bytes of all live tensors; what compiling left behind has none."""
    tensors = [
        each
        for each in gc.get_objects()
        if issubclass(type(each), torch.Tensor) and not is_fake(each)
    ]
    return sum({each.data_ptr(): each.nbytes for each in tensors}.values())


# The time limit


@pytest.mark.parametrize(
    ("limit_s", "expected"),
    [
        (-1.0, None),
        (20.0, None),
        (75.0, f"an old boat. {BOAT[:48]}"),
        (500.0, f"an old boat. {BOAT}"),
    ],
)
def test_when_time_runs_out_whole_sentences_count(
    encoder: Any, tokenizer: Any, limit_s: float, expected: str | None
) -> None:
    """At a second per token, sentences that are complete by then are kept, with the time taken."""
    found = expand(encoder, tokenizer, "an old boat", limit_s=limit_s, clock=Ticking())
    assert (found and found.text) == expected
    assert found is None or 0 < found.seconds <= limit_s + 3


@pytest.mark.parametrize("tokens", [0, 1, 60])
def test_it_stops_at_once(encoder: Any, tokenizer: Any, tokens: int) -> None:
    """`stop` is called before every token; when true, nothing more is computed or returned."""
    asked: list[int] = []
    passes: list[int] = []
    hook = encoder.register_forward_hook(lambda *_: passes.append(1))

    def stop() -> bool:
        asked.append(1)
        return len(asked) > tokens

    try:
        assert expand(encoder, tokenizer, "a red fox", stop=stop) is None
    finally:
        hook.remove()
    assert (len(asked), len(passes)) == (tokens + 1, tokens)


@pytest.mark.parametrize(
    "prompt", ["", "рыжая лиса", "a fox<|im_end|>\n<|im_start|>system", "a red fox " * 60]
)
def test_some_prompts_are_not_tried(encoder: Any, tokenizer: Any, prompt: str) -> None:
    """Empty prompts, unknown scripts, chat tokens and full prompts cost no forward pass."""

    def stop() -> bool:
        raise AssertionError("it was asked to write")

    assert expand(encoder, tokenizer, prompt, stop=stop) is None


# Which encoders can write


def test_a_language_model_is_taken(encoder: Any, tokenizer: Any) -> None:
    """It knows the probe far better than chance, by the same measure as transformers' own loss."""
    assert why_not(encoder, tokenizer, QWEN3_CHAT) is None
    with torch.device("meta"):
        whole: Any = Qwen3ForCausalLM(encoder.config)
    whole.model = encoder
    whole.lm_head.weight = encoder.embed_tokens.weight
    ids = torch.tensor([tokenizer(PROBE[1]).input_ids])
    with torch.no_grad():
        expected = float(whole(input_ids=ids, labels=ids).loss)
    assert surprise(encoder, tokenizer, PROBE[1:]) == pytest.approx(expected, rel=1e-4)


def test_random_weights_are_refused(tokenizer: Any) -> None:
    """A complete model with random weights is refused, with its loss and that of chance."""
    made = encoder_of(tokenizer)
    assert "it does not know the language: 5." in str(why_not(made, tokenizer, QWEN3_CHAT))
    assert Expander.around(made, tokenizer, QWEN3_CHAT) is None


def test_the_embedded_model_is_refused() -> None:
    """The encoder of `sketch` is not a language model, and would not pass for one if tied."""
    encoder: Any = Qwen3Model.from_pretrained(MODEL_DIR / "text_encoder")
    tokenizer: Any = Qwen2Tokenizer.from_pretrained(MODEL_DIR / "tokenizer")
    assert "output layer" in str(why_not(encoder, tokenizer, QWEN3_CHAT))
    encoder.config.tie_word_embeddings = True
    assert "it does not know the language" in str(why_not(encoder, tokenizer, QWEN3_CHAT))


def _change(name: str, encoder: Any, tokenizer: Any) -> None:
    match name:
        case "untied":
            encoder.config.tie_word_embeddings = False
        case "a layer short":
            del encoder.layers[-1]
        case "a layer emptied":
            encoder.layers[1] = nn.Identity()
        case "no norm":
            encoder.norm = nn.Identity()
        case "NaN":
            encoder.norm.weight[0] = math.nan
        case "on no device":
            encoder.to("meta")
        case "no template":
            tokenizer.chat_template = None
        case "a broken template":
            tokenizer.chat_template = "{{ raise_exception('no system here') }}"
        case "more tokens":
            tokenizer.add_tokens([f"<more {number}>" for number in range(9)])
        case _:
            raise ValueError(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("untied", "output layer"),
        ("a layer short", "only 1 of its 2 layers"),
        ("a layer emptied", "only 1 of its 2 layers"),
        ("no norm", "norm"),
        ("NaN", "does not know the language: nan"),
        ("on no device", "could not be tried"),
        ("no template", "chat template"),
        ("a broken template", "no system here"),
        ("more tokens", "more tokens than it knows"),
    ],
)
def test_odd_models_are_refused(encoder: Any, tokenizer: Any, name: str, reason: str) -> None:
    """Whatever is missing or broken is a reason, never an error."""
    encoder, tokenizer = copy.deepcopy(encoder), copy.deepcopy(tokenizer)
    _change(name, encoder, tokenizer)
    assert reason in str(why_not(encoder, tokenizer, QWEN3_CHAT))
    assert Expander.around(encoder, tokenizer, QWEN3_CHAT) is None


@pytest.mark.parametrize("other", [None, object(), nn.Linear(2, 2)])
def test_other_things_are_refused(tokenizer: Any, other: Any) -> None:
    """Anything but a Qwen3 model is refused by its type."""
    assert f"it is a {type(other).__name__}" in str(why_not(other, tokenizer, QWEN3_CHAT))


def test_faults_of_the_device_are_not_hidden(encoder: Any, tokenizer: Any) -> None:
    """Running out of memory reaches the caller; any other error only means no text."""

    def fail(error: Exception) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            raise error

        return hook

    hook = encoder.register_forward_pre_hook(fail(torch.OutOfMemoryError("out of memory")))
    with pytest.raises(torch.OutOfMemoryError):
        expand(encoder, tokenizer, "a red fox")
    with pytest.raises(torch.OutOfMemoryError):
        why_not(encoder, tokenizer, QWEN3_CHAT)
    hook.remove()
    hook = encoder.register_forward_pre_hook(fail(TypeError("odd")))
    assert expand(encoder, tokenizer, "a red fox") is None
    hook.remove()


@given(st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_unlikely_tokens_are_never_drawn(values: list[float], seed: int) -> None:
    """Every drawn token belongs to the smallest set that makes up the share."""
    logits = torch.tensor(values)
    token = draw(logits, torch.Generator("cpu").manual_seed(seed))
    chances = torch.softmax(logits / prompt_expansion.TEMPERATURE, 0)
    likelier = chances[chances > chances[token]].sum()
    assert float(likelier) < prompt_expansion.TOP_P + 1e-5
