"""Tell which program wrote a file's texts, and read its recipe from them. Pure; never raises.

Each program has its own keywords and form: A1111 and its relatives a text in `parameters`, ComfyUI
a graph in `prompt`, InvokeAI, NovelAI, Fooocus and SwarmUI JSON of their own, Midjourney's pages
what was typed.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.pictures.foreign.comfyui import read_graph, read_workflow
from bot.pictures.foreign.embedded_texts import embedded_texts
from bot.pictures.foreign.fields import cleaned_recipe, plain_name, recipe_of_fields
from bot.pictures.foreign.json_text import json_object
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.pictures.foreign.sizes import file_size_px
from bot.pictures.foreign.stealth import stealth_texts
from bot.request.prompt.pasted.leading import picture_addresses
from bot.request.prompt.pasted.parameters_text import MAX_CHARS, read_embedded

Texts = Mapping[str, str]
_PARAMETERS: Final = ("parameters", "Parameters", "usercomment", "imagedescription", "xpcomment",
                      "comment")  # fmt: skip
"""Keywords under which an A1111 text or a program's own JSON may be, the likeliest first."""
_FOREIGN: Final = frozenset(
    ("parameters", "prompt", "workflow", "invokeai_metadata", "invokeai_workflow", "sd-metadata",
     "Dream", "fooocus_scheme", "sui_image_params", "generation_data")
)  # fmt: skip
"""Keywords that only programs that paint write."""
_NOVELAI: Final = "NovelAI"
_BRACKETED: Final = re.compile(r"\[([^\[\]]*)\]")
_JOB: Final = re.compile(r"\s*[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_EASY_DIFFUSION: Final = "Easy Diffusion"


def read_foreign(data: bytes) -> ForeignRecipe | None:
    """Return the recipe that another program wrote into a PNG, JPEG or WebP; None if none did.

    What is written beside the pixels counts before what is hidden in them. A size that is not
    written is that of the file itself.
    """
    found = _read(embedded_texts(data)) or _read(stealth_texts(data))
    if found is None or found.size is not None:
        return found
    return dataclasses.replace(found, size=file_size_px(data))


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


def _read(texts: Texts) -> ForeignRecipe | None:
    return next(filter(None, (read(texts) for read in _READERS)), None)


def _novelai(texts: Texts) -> ForeignRecipe | None:
    wrapped = json_object(texts.get("Comment", texts.get("usercomment", ""))) or {}
    if _NOVELAI not in (texts.get("Software"), texts.get("software"), wrapped.get("Software")):
        return None
    comment = json_object(wrapped.get("Comment", "")) if "Comment" in wrapped else wrapped
    found = dict(comment or {})
    positive = _novelai_v4(found.get("v4_prompt"))
    negative = _novelai_v4(found.get("v4_negative_prompt"))
    found["prompt"] = positive or found.get("prompt") or texts.get(
        "Description", texts.get("imagedescription", "")
    )  # fmt: skip
    found["uc"] = negative or found.get("uc", "")
    return recipe_of_fields(_NOVELAI, found)


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
        return recipe_of_fields("InvokeAI", found)
    older = json_object(texts.get("sd-metadata", ""))
    if older is not None:
        image = older.get("image")
        return _with_bracketed(
            recipe_of_fields("InvokeAI", image if isinstance(image, Mapping) else older)
        )
    return _dream(texts["Dream"]) if "Dream" in texts else None


def _dream(text: str) -> ForeignRecipe | None:
    """Read the command line of InvokeAI's first versions: "a cat" -s 50 -S 123 -W 512 -H 512."""
    try:
        words = shlex.split(text[:MAX_CHARS])
    except ValueError:
        return None
    begins = (at for at, word in enumerate(words) if at and re.match(r"-[A-Za-z]", word))
    prompt = " ".join(words[: next(begins, len(words))])
    options = {match[1]: match[2] for match in re.finditer(r"-([SWH])\s*(\d+)", " ".join(words))}
    given = {"prompt": prompt, "seed": options.get("S"), "width": options.get("W"),
             "height": options.get("H")}  # fmt: skip
    return _with_bracketed(recipe_of_fields("InvokeAI", given))


def _with_bracketed(recipe: ForeignRecipe | None) -> ForeignRecipe | None:
    """Return the recipe with what its prompt has in square brackets as negative prompt: so it was
    written before InvokeAI 3."""
    if recipe is None or recipe.negative or not (found := _BRACKETED.findall(recipe.prompt)):
        return recipe
    prompt = " ".join(_BRACKETED.sub(" ", recipe.prompt).split())
    negative = ", ".join(filter(None, (each.strip() for each in found)))
    return dataclasses.replace(recipe, prompt=prompt, negative=negative) if prompt else recipe


def _json_parameters(texts: Texts) -> ForeignRecipe | None:
    """Read the JSON that SwarmUI, Fooocus and others keep where A1111 keeps its text."""
    for name in (*_PARAMETERS, "Comment", "sui_image_params", "generation_data"):
        found = json_object(texts.get(name, ""))
        if found is None:
            continue
        swarm = found.get("sui_image_params")
        if isinstance(swarm, Mapping):
            return recipe_of_fields("SwarmUI", swarm)
        if name == "sui_image_params":
            return recipe_of_fields("SwarmUI", found)
        recipe = recipe_of_fields(_json_program(texts, found), found)
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
    if "draw things" in texts.get("software", "").lower() or {"c", "uc"} <= found.keys():
        return "Draw Things"
    if _is_easy_diffusion(found):
        return _EASY_DIFFUSION
    told += "fooocus" if {"base_model", "performance"} <= found.keys() else ""
    told += " ".join(found).lower()
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
        return cleaned_recipe(
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
                       ("sd.next", "SD.Next"), ("swarm", "SwarmUI"),
                       ("stable-diffusion.cpp", "stable-diffusion.cpp")):  # fmt: skip
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
    graph = json_object(texts.get("prompt", "")) or {}
    inner = graph.get("prompt")
    ran = read_graph(inner if isinstance(inner, Mapping) else graph)
    found = ran or read_workflow(json_object(texts.get("workflow", "")) or {})
    if found is None:
        return None
    recipe = cleaned_recipe(
        "ComfyUI", found.prompt, found.negative, found.seed, found.size, found.settings
    )
    return recipe if recipe is None or ran else dataclasses.replace(recipe, from_workflow=True)


def _midjourney(texts: Texts) -> ForeignRecipe | None:
    """Read what Midjourney's pages write: "a cat --ar 2:1 --v 6 Job ID: 1d5e…"."""
    text = texts.get("Description", texts.get("imagedescription", ""))[:MAX_CHARS]
    head, _, job = text.rpartition("Job ID:")
    if not _JOB.match(job[:60]):
        return None
    _, typed = picture_addresses(head)
    words, *flags = re.split(r"\s--(?=[a-z])", f" {typed}")
    given = {name: value.strip() for name, _, value in (flag.partition(" ") for flag in flags)}
    # The shape is that of the file, whose size is taken.
    others = tuple(name for name in given if name not in ("no", "seed", "ar", "aspect"))
    seed = int(given["seed"]) if given.get("seed", "").isdecimal() else None
    return cleaned_recipe("Midjourney", words, given.get("no", ""), seed, None, others)


def _separate_texts(texts: Texts) -> ForeignRecipe | None:
    """Read a recipe whose parts are texts of their own, as Easy Diffusion writes them: named as in
    its JSON, or as in the form that people read."""
    prompt = texts.get("prompt", texts.get("Prompt", ""))
    if not prompt or prompt.lstrip().startswith("{"):
        return None
    return recipe_of_fields(_EASY_DIFFUSION if _is_easy_diffusion(texts) else "", texts)


def _is_easy_diffusion(found: Mapping[str, Any]) -> bool:
    names = {plain_name(name) for name in found}
    return bool(names & {"usestablediffusionmodel", "stablediffusionmodel"})


_READERS: Final[tuple[Callable[[Texts], ForeignRecipe | None], ...]] = (
    _novelai,
    _invokeai,
    _json_parameters,
    _web_ui,
    _comfyui,
    _midjourney,
    _separate_texts,
)
