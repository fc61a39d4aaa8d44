"""Tell which program wrote a file's texts, and read its recipe from them. Pure; never raises.

Each program has its own keywords and form: A1111 and its relatives a text in `parameters`, ComfyUI
a graph in `prompt`, InvokeAI, NovelAI, Fooocus and SwarmUI JSON of their own.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bot.pictures.foreign.comfyui import read_graph
from bot.pictures.foreign.embedded_texts import embedded_texts
from bot.pictures.foreign.json_text import json_object
from bot.pictures.foreign.recipe import MAX_SHOWN_SETTINGS, ForeignRecipe
from bot.request.parameters_text import MAX_CHARS, read_embedded
from engine.prompts import clean

Texts = Mapping[str, str]
_MAX_SEED_DIGITS: Final = 20
_MAX_SIDE_PX: Final = 100_000
_PARAMETERS: Final = ("parameters", "Parameters", "usercomment", "imagedescription", "xpcomment",
                      "comment")  # fmt: skip
"""Keywords under which an A1111 text or a program's own JSON may be, the likeliest first."""
_FOREIGN: Final = frozenset(
    ("parameters", "prompt", "workflow", "invokeai_metadata", "invokeai_workflow", "sd-metadata",
     "Dream", "fooocus_scheme", "sui_image_params", "generation_data")
)  # fmt: skip
"""Keywords that only programs that paint write."""
_NOVELAI: Final = "NovelAI"

_PROMPTS: Final = ("positive_prompt", "prompt", "positive", "c")
_NEGATIVES: Final = ("negative_prompt", "negative", "uc", "undesired_content")
_SEEDS: Final = ("seed", "noise_seed")
_SIZES: Final = ("resolution", "size")
_SETTINGS: Final = {
    "steps": "steps",
    "numinferencesteps": "steps",
    "sampler": "sampler",
    "samplername": "sampler",
    "scheduler": "scheduler",
    "cfgscale": "CFG scale",
    "scale": "CFG scale",
    "guidancescale": "CFG scale",
    "guidance": "guidance",
    "model": "model",
    "basemodel": "model",
    "refinermodel": "refiner",
    "loras": "LoRAs",
    "styles": "styles",
    "performance": "performance",
    "sharpness": "sharpness",
    "strength": "strength",
    "clipskip": "CLIP skip",
    "vae": "VAE",
}
"""Names of settings in JSON, without "_" and in lower case, and how a note names them."""


def read_foreign(data: bytes) -> ForeignRecipe | None:
    """Return the recipe that another program wrote into a PNG, JPEG or WebP; None if none did.

    A size that is not written is that of the file itself.
    """
    texts = embedded_texts(data)
    found = next(filter(None, (read(texts) for read in _READERS)), None)
    if found is None or found.size is not None:
        return found
    return dataclasses.replace(found, size=_size_of(data))


def foreign_program(data: bytes) -> str | None:
    """Return the program whose texts are in a file but cannot be read; "" if its name is not
    known, None if there are none."""
    texts = embedded_texts(data)
    if texts.get("Software") == _NOVELAI or texts.get("software") == _NOVELAI:
        return _NOVELAI
    if not _FOREIGN & texts.keys():
        return None
    if "workflow" in texts or json_object(texts.get("prompt", "")) is not None:
        return "ComfyUI"
    if any(name.startswith(("invokeai", "sd-metadata", "Dream")) for name in texts):
        return "InvokeAI"
    return "Fooocus" if "fooocus_scheme" in texts else ""


# Programs


def _novelai(texts: Texts) -> ForeignRecipe | None:
    if _NOVELAI not in (texts.get("Software"), texts.get("software")):
        return None
    wrapped = json_object(texts.get("Comment", texts.get("usercomment", ""))) or {}
    comment = json_object(wrapped.get("Comment", "")) if "Comment" in wrapped else wrapped
    found = dict(comment or {})
    positive = _novelai_v4(found.get("v4_prompt"))
    negative = _novelai_v4(found.get("v4_negative_prompt"))
    found["prompt"] = positive or found.get("prompt") or texts.get(
        "Description", texts.get("imagedescription", "")
    )  # fmt: skip
    found["uc"] = negative or found.get("uc", "")
    return _flat(_NOVELAI, found)


def _novelai_v4(part: object) -> str:
    """Return the caption of version 4, with those of its characters."""
    caption = part.get("caption") if isinstance(part, Mapping) else None
    if not isinstance(caption, Mapping):
        return ""
    people = caption.get("char_captions")
    texts = [caption.get("base_caption")]
    texts += [
        each.get("char_caption")
        for each in (people if isinstance(people, list) else [])
        if isinstance(each, Mapping)
    ]
    return ", ".join(each.strip() for each in texts if isinstance(each, str) and each.strip())


def _invokeai(texts: Texts) -> ForeignRecipe | None:
    found = json_object(texts.get("invokeai_metadata", ""))
    if found is not None:
        return _flat("InvokeAI", found)
    older = json_object(texts.get("sd-metadata", ""))
    if older is not None:
        image = older.get("image")
        return _flat("InvokeAI", image if isinstance(image, Mapping) else older)
    return _dream(texts["Dream"]) if "Dream" in texts else None


def _dream(text: str) -> ForeignRecipe | None:
    """Read the command line of InvokeAI's first versions: "a cat" -s 50 -S 123 -W 512 -H 512."""
    try:
        prompt, *words = shlex.split(text[:MAX_CHARS])
    except ValueError:
        return None
    options = {match[1]: match[2] for match in re.finditer(r"-([SWH])\s*(\d+)", " ".join(words))}
    given = {"prompt": prompt, "seed": options.get("S"), "width": options.get("W"),
             "height": options.get("H")}  # fmt: skip
    return _flat("InvokeAI", given)


def _json_parameters(texts: Texts) -> ForeignRecipe | None:
    """Read the JSON that SwarmUI, Fooocus and others keep where A1111 keeps its text."""
    for name in (*_PARAMETERS, "Comment", "sui_image_params", "generation_data"):
        found = json_object(texts.get(name, ""))
        if found is None:
            continue
        swarm = found.get("sui_image_params")
        if isinstance(swarm, Mapping):
            return _flat("SwarmUI", swarm)
        if name == "sui_image_params":
            return _flat("SwarmUI", found)
        recipe = _flat(_json_program(texts, found), found)
        if recipe is not None:
            return recipe
    return None


def _json_program(texts: Texts, found: Mapping[str, Any]) -> str:
    named = (found.get(name) for name in ("version", "software", "app", "Version", "Software"))
    told = " ".join(each for each in named if isinstance(each, str)).lower()
    if "ruinedfooocus" in told:
        return "RuinedFooocus"
    told += texts.get("software", "").lower()
    scheme = {"fooocus_scheme", "metadata_scheme"} & {*texts, *found}
    told += "fooocus" if {"base_model", "performance"} <= found.keys() else ""
    if "fooocus" in told or scheme or texts.get("makernote") in ("fooocus", "a1111"):
        return "Fooocus"
    return ""


def _web_ui(texts: Texts) -> ForeignRecipe | None:
    for name in _PARAMETERS:
        text = texts.get(name, "")
        if not text or text.lstrip().startswith("{"):
            continue
        found = read_embedded(text)
        # Any camera writes a comment: only in `parameters` is a text without settings a recipe.
        if name.lower() != "parameters" and not found.value("Steps"):
            continue
        return _recipe(
            _web_ui_program(texts, found.value("Version"), found.value("App")),
            found.prompt,
            found.negative,
            found.seed,
            found.size,
            found.others,
        )
    return None


def _web_ui_program(texts: Texts, version: str, app: str) -> str:
    """Return the name of a relative of the web UI by the version that it writes."""
    plain = version.strip().lower()
    for mark, name in (("zimagine", "zimagine"), ("comfyui", "ComfyUI"), ("fooocus", "Fooocus"),
                       ("sd.next", "SD.Next"), ("swarm", "SwarmUI")):  # fmt: skip
        if mark in plain or mark in app.lower():
            return name
    if "fooocus_scheme" in texts or texts.get("makernote") in ("fooocus", "a1111"):
        return "Fooocus"
    if "workflow" in texts or "prompt" in texts:
        return "ComfyUI"
    if re.match(r"f\d|neo|classic", plain):
        return "Forge"
    return "A1111"


def _comfyui(texts: Texts) -> ForeignRecipe | None:
    graph = json_object(texts.get("prompt", ""))
    if graph is None:
        return None
    inner = graph.get("prompt")
    found = read_graph(inner if isinstance(inner, Mapping) else graph)
    if found is None:
        return None
    return _recipe("ComfyUI", found.prompt, found.negative, found.seed, found.size, found.settings)


def _separate_texts(texts: Texts) -> ForeignRecipe | None:
    """Read a recipe whose parts are texts of their own, as Easy Diffusion writes them."""
    prompt = texts.get("prompt", "")
    if not prompt or prompt.lstrip().startswith("{"):
        return None
    return _flat("", texts)


_READERS: Final[tuple[Callable[[Texts], ForeignRecipe | None], ...]] = (
    _novelai,
    _invokeai,
    _json_parameters,
    _web_ui,
    _comfyui,
    _separate_texts,
)


# Parts


def _size_of(data: bytes) -> tuple[int, int] | None:
    """Return the size of a PNG by its header: where no size is written, it is that of the file."""
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width_px, height_px = struct.unpack_from(">II", data, 16)
    return (width_px, height_px) if _side(width_px) and _side(height_px) else None


def _flat(program: str, found: Mapping[str, Any]) -> ForeignRecipe | None:
    """Return the recipe in an object whose fields are named as programs usually name them."""
    named = {_plain(key): value for key, value in found.items() if isinstance(key, str)}
    size = (_side(named.get("width")), _side(named.get("height")))
    written = next(filter(None, (_pair(named.get(name)) for name in _SIZES)), None)
    settings = [told for name, told in _SETTINGS.items() if named.get(name)]
    return _recipe(
        program,
        next(filter(None, (_words(named.get(_plain(name))) for name in _PROMPTS)), ""),
        next(filter(None, (_words(named.get(_plain(name))) for name in _NEGATIVES)), ""),
        next(
            (seed for name in _SEEDS if (seed := _whole(named.get(_plain(name)))) is not None), None
        ),
        (size[0], size[1]) if size[0] and size[1] else written,
        tuple(dict.fromkeys(settings)),
    )


def _recipe(
    program: str,
    prompt: str,
    negative: str,
    seed: int | None,
    size: tuple[int, int] | None,
    settings: tuple[str, ...],
) -> ForeignRecipe | None:
    """Return the recipe with clean texts, None if nothing is left of its prompt."""
    words = clean(prompt[:MAX_CHARS])
    if not words:
        return None
    shown = tuple(clean(name)[:30] for name in settings[:MAX_SHOWN_SETTINGS])
    return ForeignRecipe(program, words, clean(negative[:MAX_CHARS]), seed, size, shown)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower()


def _words(value: object) -> str:
    """Return a text, or the texts of a list: InvokeAI once wrote [{"prompt": "a cat"}]."""
    if isinstance(value, str):
        return value
    return ", ".join(filter(None, _parts(value))) if isinstance(value, list) else ""


def _parts(value: list[Any]) -> Iterator[str]:
    for each in value[:100]:
        inner = each.get("prompt") if isinstance(each, Mapping) else each
        if isinstance(inner, str):
            yield inner


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    usable = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_SEED_DIGITS
    return int(text) if usable else None


def _side(value: object) -> int:
    side = _whole(value)
    return side if side is not None and 0 < side < _MAX_SIDE_PX else 0


def _pair(value: object) -> tuple[int, int] | None:
    """Return a size that is written in one: "(1152, 896)", "1152x896" or [1152, 896]."""
    parts = value if isinstance(value, list) else re.findall(r"\d+", str(value or "")[:40])
    sides = [_side(each) for each in parts[:3]]
    return (sides[0], sides[1]) if len(sides) == 2 and all(sides) else None
