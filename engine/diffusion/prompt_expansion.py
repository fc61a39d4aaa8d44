"""Expand a short prompt with visual detail, written by the text encoder that is already in memory.

The text encoder is a language model whose embedding is tied to its output layer, so nothing more is
loaded and nothing is copied.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import Qwen3Model

from engine.diffusion.families import Chat
from engine.prompts import Count, Language
from engine.prompts.answers import Flaw, compose
from engine.prompts.language import is_foreign

MAX_NEW_TOKENS = 160
"""Enough for the length that the instruction asks for, in either language; the rest is cut."""
TEMPERATURE = 0.7
TOP_P = 0.9
"""Sampling of the answer: temperature, and the share of likeliest tokens to draw from. Chosen by
hand."""
PROBE = (
    "The children walked home from school in the rain and ate soup at the kitchen table.",
    "昨天下午我们去公园散步，看见很多人在湖边拍照。",
)
PROBE_SHARE = 0.5
"""A language model's loss on ordinary sentences is below this share of what chance gives.

Chosen by hand, far from both: random weights are at about 1.
"""
_WORDS = 0x5EED_0004  # mixed into the seed, so that text and noise do not come from one stream

INSTRUCTION: dict[Language, str] = {
    "en": "You add visible detail to a short prompt for a painter. Describe the picture that the "
    "prompt asks for in one paragraph of plain English sentences, at most 60 words. Name its "
    "subject and keep it, its number, its style and its time of day. Add concrete detail: shapes, "
    "materials, surroundings, light, composition. Contradict nothing, and do not mention what the "
    "prompt wants to leave out. No list, no title, no quotation marks, no comment.",
    "zh": "你为简短的绘画提示词补充看得见的细节。用一段通顺的中文描述提示词所要的画面，"
    "不超过九十个字。写出画面的主体，保持主体、数量、风格和时间不变，补充具体的细节："
    "形状、材质、环境、光线、构图。不要与提示词矛盾，不要提到提示词不想要的东西。"
    "不要列表，不要标题，不要引号，不要解释。",
}


@dataclass(frozen=True, slots=True)
class Expansion:
    """An expanded prompt. text: begins with the user's own words; seconds: how long it took."""

    text: str
    seconds: float


class Expander:
    """Writes with a text encoder in memory, whose weights and outputs stay as they are.

    `why_not` must have returned None. Used by one thread, while the encoder is on its device.
    """

    def __init__(
        self,
        text_encoder: Qwen3Model,
        tokenizer: Any,
        chat: Chat,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._encoder = text_encoder
        self._tokenizer = tokenizer
        self._chat = chat
        self._clock = clock
        self._marks = tuple(tokenizer.get_added_vocab())
        self._ends = _turn_ends(tokenizer, chat)

    @classmethod
    def around(cls, text_encoder: Any, tokenizer: Any, chat: Chat) -> Expander | None:
        """Return an expander if this is a complete language model, else None: see `why_not`.

        Takes two short forward passes.
        """
        if why_not(text_encoder, tokenizer, chat):
            return None
        return cls(text_encoder, tokenizer, chat)

    @property
    def output_weight(self) -> torch.Tensor:
        """The encoder's own embedding, tokens × width, read from wherever it currently is."""
        return output_weight(self._encoder)

    def expand(
        self,
        prompt: str,
        *,
        language: Language,
        seed: int,
        limit_s: float,
        max_tokens: int,
        count: Count,
        stop: Callable[[], bool],
    ) -> Expansion | None:
        """Return the prompt with sentences added, or None where the answer is of no use.

        The same seed, prompt and device give the same text, unless time runs out: then the
        sentences that are complete by then count. stop: called before each token; once it is true
        the result is None. max_tokens: the limit of the result, measured by `count`. Raises only
        for a fault of the device, so that the owner of the encoder can recover from it.
        """
        began = self._clock()
        known = count(prompt)
        full = known is not None and known >= max_tokens
        # In a script that no lexicon covers, nothing could be checked against the prompt.
        if full or not prompt or is_foreign(prompt) or any(mark in prompt for mark in self._marks):
            return None
        written = self._write(prompt, language, seed, began + limit_s, stop)
        if written is None:
            return None
        text, finished = written
        found = compose(
            prompt, text, finished=finished, language=language, count=count, max_tokens=max_tokens
        )
        return None if isinstance(found, Flaw) else Expansion(found, self._clock() - began)

    @torch.no_grad()
    def _write(
        self, prompt: str, language: Language, seed: int, until: float, stop: Callable[[], bool]
    ) -> tuple[str, bool] | None:
        """Write one paragraph; also return whether the model ended it itself."""
        generator = torch.Generator("cpu").manual_seed(seed ^ _WORDS)
        written: list[int] = []
        unread, past = self._question(prompt, language), None
        while unread and len(written) < MAX_NEW_TOKENS:
            if stop():
                return None
            if self._clock() >= until:
                break
            ahead = self._ahead(unread, past)
            if ahead is None:
                return None
            logits, past = ahead
            token = draw(logits, generator)
            if token in self._ends:
                return self._text(written), True
            written.append(token)
            # One paragraph was asked for: a second one would be notes or a list.
            if "\n" in self._text([token]) and self._text(written).strip():
                return self._text(written), True
            unread = [token]
        return self._text(written), False

    def _question(self, prompt: str, language: Language) -> list[int]:
        """Return the tokens of the instruction and the prompt; none if the template fails."""
        messages = [
            {"role": "system", "content": INSTRUCTION[language]},
            {"role": "user", "content": prompt},
        ]
        try:
            return _tokens(self._tokenizer, self._chat, messages)
        except Exception:  # templates are programs that come with the model
            return []

    def _ahead(self, unread: list[int], past: Any) -> tuple[torch.Tensor, Any] | None:
        """Return the next token's logits, float32 on the CPU, and the cache; None if not finite."""
        try:
            hidden, past = _hidden(self._encoder, unread, past)
            logits = _logits(self._encoder, hidden[-1:])[0, : len(self._tokenizer)]
        except Exception as error:
            if _is_of_the_device(error):
                raise
            return None
        return (logits, past) if bool(torch.isfinite(logits).all()) else None

    def _text(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=False)


# Whether it is a language model


def why_not(text_encoder: Any, tokenizer: Any, chat: Chat) -> str | None:
    """Return why this text encoder cannot write, None if it can.

    Checks its parts, and then its loss on two ordinary sentences: random weights, or weights that
    were trained for something else, do no better than chance. Raises only for a fault of the
    device.
    """
    try:
        return _lacks(text_encoder, tokenizer, chat) or _is_lost(text_encoder, tokenizer)
    except Exception as error:
        if _is_of_the_device(error):
            raise
        first_line = (str(error).strip().splitlines() or ["no detail"])[0]
        return f"it could not be tried: {type(error).__name__}: {first_line}"


def surprise(text_encoder: Any, tokenizer: Any, texts: Sequence[str] = PROBE) -> float:
    """Return the mean negative log-likelihood of the texts' tokens after the first, in nats."""
    losses: list[torch.Tensor] = []
    with torch.no_grad():
        for text in texts:
            tokens: list[int] = tokenizer(text, add_special_tokens=False).input_ids
            logits = _logits(text_encoder, _hidden(text_encoder, tokens[:-1], None)[0])
            losses.append(
                functional.cross_entropy(logits, torch.tensor(tokens[1:]), reduction="none")
            )
    return float(torch.cat(losses).mean())


def output_weight(text_encoder: Any) -> torch.Tensor:
    """The embedding as an output layer, tokens × width: not a copy, on whatever device it is."""
    return text_encoder.get_input_embeddings().weight


def _lacks(text_encoder: Any, tokenizer: Any, chat: Chat) -> str | None:
    if not isinstance(text_encoder, Qwen3Model):
        return f"it is a {type(text_encoder).__name__}, not a Qwen3 language model"
    config, layers = text_encoder.config, text_encoder.layers
    whole = [layer for layer in layers if hasattr(layer, "self_attn") and hasattr(layer, "mlp")]
    if not config.tie_word_embeddings:
        return "its output layer is separate, and not in memory"
    if len(whole) != config.num_hidden_layers:
        return f"only {len(whole)} of its {config.num_hidden_layers} layers are in memory"
    if isinstance(text_encoder.norm, nn.Identity):
        return "its last norm is not in memory"
    if not getattr(tokenizer, "chat_template", None):
        return "its tokenizer has no chat template"
    if len(tokenizer) > output_weight(text_encoder).shape[0]:
        return "its tokenizer has more tokens than it knows"
    if not _turn_ends(tokenizer, chat):
        return "its tokenizer has no token for the end of a turn"
    _tokens(tokenizer, chat, [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}])
    return None


def _is_lost(text_encoder: Any, tokenizer: Any) -> str | None:
    found, chance = surprise(text_encoder, tokenizer), math.log(len(tokenizer))
    if found < PROBE_SHARE * chance:  # False for NaN
        return None
    return (
        f"it does not know the language: {found:.2f} nats per token of ordinary sentences, "
        f"where chance is {chance:.2f}"
    )


def _turn_ends(tokenizer: Any, chat: Chat) -> frozenset[int]:
    names = (*chat.end_tokens, tokenizer.eos_token)
    added: dict[str, int] = tokenizer.get_added_vocab()
    return frozenset(added[name] for name in names if name in added)


def _tokens(tokenizer: Any, chat: Chat, messages: list[dict[str, str]]) -> list[int]:
    text = chat.render(tokenizer, messages, thinking=False)
    return tokenizer(text, add_special_tokens=False).input_ids


def _hidden(text_encoder: Any, tokens: list[int], past: Any) -> tuple[torch.Tensor, Any]:
    """Return the states after the last norm, tokens × width, and the cache including them."""
    ids = torch.tensor([tokens], device=output_weight(text_encoder).device)
    output = text_encoder(input_ids=ids, past_key_values=past, use_cache=True)
    return output.last_hidden_state[0], output.past_key_values


def _logits(text_encoder: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Return tokens × vocabulary, float32 on the CPU.

    Computed where the table is, which may be the host while layers pass through the device.
    """
    return functional.linear(hidden.to(weight := output_weight(text_encoder)), weight).float().cpu()


def _is_of_the_device(error: Exception) -> bool:
    signs = ("out of memory", "CUDA", "CUBLAS", "CUDNN")
    return isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError) or any(
        sign in str(error) for sign in signs
    )


def draw(logits: torch.Tensor, generator: torch.Generator) -> int:
    """Draw a token from the likeliest that make up TOP_P together. logits: float32, 1 dimension."""
    chances, order = torch.softmax(logits / TEMPERATURE, 0).sort(descending=True, stable=True)
    chances[chances.cumsum(0) - chances >= TOP_P] = 0.0
    return int(order[torch.multinomial(chances, 1, generator=generator)])
