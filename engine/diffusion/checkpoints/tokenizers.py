"""Load a tokenizer from its folder or a GGUF file, and check that it can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from engine.diffusion.checkpoints.configurations import Config
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.families import Chat

_CLASS = "Qwen2Tokenizer"
_TEXT = "Zimagine 7: A Café, ÅNGSTRÖM – “鲸鱼” и 🦊!\n"
"""A text that a tokenizer gives back and a chat template keeps: capitals, accents, a digit, three
more scripts and a line."""
_PROMPT = _TEXT * 24 + "the end"
"""Long enough to notice a template that cuts a prompt off; chosen by hand."""
_PADDED = 16
"""Tokens to which a short text is filled up for a try."""
_QWEN3_TABLE = (151_936, 2560)
_QWEN3_SIZE = 100_000
_QWEN3_TOKENS = {"Hello world": [9707, 1879], "<|im_start|>": [151_644], "<|im_end|>": [151_645]}
"""Tokens and width of Qwen3-4B's table, and what some texts are in its published tokenizer, which
has 151,669 tokens. One with few is a substitute that somebody made on purpose."""
_NORMAL, _CONTROL, _USER = 1, 3, 4
"""GGUF's types of tokens that a prompt may become; the rest fills the table up."""
_PRE = "qwen2"
"""How GGUF calls the rule by which Qwen's tokenizers divide a text into words."""


def load_tokenizer(
    folder: Path | None, index: Config, metadata: Mapping[str, Any], chat: Chat, notes: list[str]
) -> Any:
    """Return the tokenizer of a model.

    folder: None to make it from `metadata`, of a GGUF file. index: of model_index.json, which
    names its class. notes: gets what was repaired. Raises Unusable for one that knows no words or
    whose chat template loses the prompt.
    """
    if folder is None:
        if "tokenizer.ggml.tokens" not in metadata:
            raise Unusable(
                "there is no tokenizer: put the folder `tokenizer` of Z-Image-Turbo beside the "
                "model, or name one with `tokenizer` under [engine]"
            )
        tokenizer = _from_gguf(metadata)
        notes.append("its tokenizer was made from the text encoder's GGUF file")
    else:
        tokenizer = _from_folder(folder, index)
    if tokenizer.chat_template is None:
        tokenizer.chat_template = chat.template
        notes.append("its tokenizer has no chat template: the family's is used")
    _check(tokenizer, chat, notes)
    return tokenizer


def _from_folder(folder: Path, index: Config) -> Any:
    entry = index.get("tokenizer")
    name = entry[1] if isinstance(entry, list) and len(entry) == 2 else _CLASS
    kind = getattr(transformers, str(name), None)
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedTokenizerBase)):
        raise Unusable(f"the tokenizer's class {name} is none of transformers'")
    if not any((folder / file).is_file() for file in ("tokenizer.json", "vocab.json")):
        raise Unusable(
            f"its tokenizer has no vocabulary: {folder.name} has no tokenizer.json or vocab.json"
        )
    try:
        return kind.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # a damaged file makes the library raise nearly anything
        line = (str(error).strip().splitlines() or ["no detail"])[0][:120]
        raise Unusable(f"its tokenizer cannot be read ({type(error).__name__}: {line})") from error


def _from_gguf(metadata: Mapping[str, Any]) -> Any:
    """Make a tokenizer of the lists in a GGUF file, with the same number for each token."""
    tokens, merges = metadata["tokenizer.ggml.tokens"], metadata.get("tokenizer.ggml.merges")
    types = metadata.get("tokenizer.ggml.token_type")
    rule = metadata.get("tokenizer.ggml.pre")
    if not isinstance(merges, list) or not isinstance(types, list) or len(types) != len(tokens):
        raise Unusable("the tokenizer in the text encoder's GGUF file is incomplete")
    if metadata.get("tokenizer.ggml.model") != "gpt2" or rule != _PRE:
        raise Unusable(f"the tokenizer in the text encoder's GGUF file is {rule}, not {_PRE}")
    normal = {token: at for at, token in enumerate(tokens) if types[at] == _NORMAL}
    added = {at: token for at, token in enumerate(tokens) if types[at] in (_CONTROL, _USER)}

    def named(role: str, default: str) -> str:
        at = metadata.get(f"tokenizer.ggml.{role}_token_id")
        return tokens[at] if isinstance(at, int) and 0 <= at < len(tokens) else default

    padding = named("padding", "<|endoftext|>")
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    try:
        tokenizer: Any = transformers.Qwen2Tokenizer(
            vocab=normal | {token: at for at, token in added.items()},
            merges=pairs,  # pyright: ignore[reportArgumentType]
            unk_token=padding,
            eos_token=named("eos", "<|im_end|>"),
            pad_token=padding,
        )
        tokenizer.add_tokens(
            [
                transformers.AddedToken(token, special=types[at] == _CONTROL, normalized=False)
                for at, token in sorted(added.items())
            ]
        )
    except Exception as error:  # the library raises a bare Exception for a merge of unknown tokens
        raise Unusable(
            f"the tokenizer in the text encoder's GGUF file is damaged ({error})"
        ) from error
    if moved := [
        token for at, token in added.items() if tokenizer.convert_tokens_to_ids(token) != at
    ]:
        raise Unusable(f"the tokenizer in the text encoder's GGUF file is damaged ({moved[0]})")
    template = metadata.get("tokenizer.chat_template")
    tokenizer.chat_template = template if isinstance(template, str) else None
    return tokenizer


def require_known_tokens(tokenizer: Any, table: torch.Tensor) -> None:
    """Raise Unusable for a tokenizer that is not of the text encoder with this table of tokens.

    table: tokens × width. Of two tokenizers of the same size only Qwen3-4B's own can be told.
    """
    rows, tokens = len(table), tokenizer.get_vocab()
    largest = max(tokens.values(), default=0)
    if largest >= rows:
        raise Unusable(
            f"its tokenizer has more tokens than its text_encoder knows: number {largest} of {rows}"
        )
    if tuple(table.shape) != _QWEN3_TABLE or len(tokens) < _QWEN3_SIZE:
        return
    for text, numbers in _QWEN3_TOKENS.items():
        if (found := tokenizer(text).input_ids) != numbers:
            raise Unusable(
                f"its tokenizer is not that of its text_encoder, Qwen3-4B: {text!r} is {found}, "
                f"not {numbers}"
            )


def _check(tokenizer: Any, chat: Chat, notes: list[str]) -> None:
    if tokenizer("a").input_ids == tokenizer("b").input_ids:
        raise Unusable("its tokenizer has no vocabulary")
    start = tokenizer(chat.start_token).input_ids
    if len(start) != 1:
        raise Unusable(f"its tokenizer does not know the token {chat.start_token}")
    back = tokenizer.decode(tokenizer(_TEXT).input_ids, clean_up_tokenization_spaces=False)
    if back != _TEXT:
        raise Unusable(f"its tokenizer loses text: {_TEXT!r} becomes {back!r}")
    for side in ("padding_side", "truncation_side"):
        if getattr(tokenizer, side) != "right":
            setattr(tokenizer, side, "right")
            notes.append(f"its tokenizer's {side} is set to right")
    try:
        padded = tokenizer("a", padding="max_length", max_length=_PADDED, truncation=True)
    except Exception as error:  # the library raises what it likes for a token that is missing
        raise Unusable("its tokenizer has no token to fill prompts up with") from error
    if len(padded.input_ids) != _PADDED:
        raise Unusable("its tokenizer does not fill prompts up")
    _check_template(tokenizer, chat, notes)


def _check_template(tokenizer: Any, chat: Chat, notes: list[str]) -> None:
    try:
        rendered = chat.prompt(tokenizer, _PROMPT)
    except Exception as error:  # a template is a program
        raise Unusable(f"its chat template cannot be used ({type(error).__name__})") from error
    before = chat.turn.partition("{}")[0]
    prompt, turn = _PROMPT, chat.turn
    if chat.small_letters:
        prompt, before, turn = prompt.lower(), before.lower(), turn.lower()
        rendered = rendered.lower().replace(f"{before} ", before)
    if prompt not in rendered:
        raise Unusable("its tokenizer has no chat template that keeps the prompt")
    if f"{before}{prompt}{chat.end_tokens[0]}" not in rendered:
        raise Unusable(f"its chat template is another model's: it has no {before.strip()!r}")
    if rendered != turn.format(prompt):
        notes.append("its chat template adds other words to a prompt than the family's")
