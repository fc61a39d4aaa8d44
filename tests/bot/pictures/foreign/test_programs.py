"""Prompt, negative prompt, seed and size are read from the files of every usual program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.pictures.foreign.programs import foreign_program, read_foreign
from bot.pictures.foreign.recipe import ForeignRecipe
from tests.bot.pictures.foreign.files import (
    A1111,
    ASCII,
    BYTE,
    DESCRIPTION,
    MAKE,
    MAKER_NOTE,
    MODEL,
    SOFTWARE,
    USER_COMMENT,
    chunk,
    compact_xmp,
    exif,
    itxt_chunk,
    jpeg,
    png,
    png_with,
    raw_profile,
    text_chunk,
    user_comment,
    webp,
    xmp,
    z_image_graph,
    ztxt_chunk,
)
from tests.bot.pictures.foreign.workflows import packed, plain

Parts = tuple[str, str, int | None, tuple[int, int] | None]
RED: Parts = ("a red house, 雪地", "night, snow", 12345, (512, 768))
CAFE = "ein Häuschen am Café, 20°C\nSteps: 8, Sampler: Euler, Seed: 3, Size: 64x96"


def parts(data: bytes) -> Parts:
    """Return what is taken from a file."""
    found = read_foreign(data)
    assert found is not None
    return found.prompt, found.negative, found.seed, found.size


def comment(encoding: str, charset: bytes = b"UNICODE") -> bytes:
    return user_comment(A1111, charset, encoding)


A1111_FILES = {
    "tEXt with UTF-8": png(text_chunk("parameters", A1111)),
    "zTXt with UTF-8": png(ztxt_chunk("parameters", A1111)),
    "iTXt": png(itxt_chunk("parameters", A1111)),
    "iTXt, compressed": png(itxt_chunk("parameters", A1111, compressed=True)),
    "behind the pixels": png(late=(itxt_chunk("parameters", A1111),)),
    "with carriage returns": png(itxt_chunk("parameters", A1111.replace("\n", "\r\n"))),
    "JPEG, UTF-16BE": jpeg(exif({USER_COMMENT: comment("utf-16-be")})),
    "JPEG, UTF-16LE": jpeg(exif({USER_COMMENT: comment("utf-16-le")}, order="<")),
    "JPEG, UTF-16LE in a big-endian file": jpeg(exif({USER_COMMENT: comment("utf-16-le")})),
    "JPEG, UTF-16BE in a little-endian file": jpeg(
        exif({USER_COMMENT: comment("utf-16-be")}, order="<")
    ),
    "JPEG, UTF-16 with a mark": jpeg(exif({USER_COMMENT: comment("utf-16")})),
    "JPEG, UTF-8 as ASCII": jpeg(exif({USER_COMMENT: comment("utf-8", b"ASCII")})),
    "JPEG, UTF-8 as UNICODE": jpeg(exif({USER_COMMENT: comment("utf-8")})),
    "JPEG, UTF-8 of no charset": jpeg(exif({USER_COMMENT: comment("utf-8", b"")})),
    "JPEG, UTF-8 without the eight bytes": jpeg(exif({USER_COMMENT: A1111.encode()})),
    "JPEG, of type BYTE": jpeg(exif({USER_COMMENT: comment("utf-16-be")}, kind=BYTE)),
    "JPEG, of type ASCII": jpeg(exif({USER_COMMENT: A1111.encode()}, kind=ASCII)),
    "JPEG, in the first folder": jpeg(exif({USER_COMMENT: comment("utf-16-be")}, nested=False)),
    "JPEG, as description": jpeg(exif({DESCRIPTION: A1111})),
    "JPEG, as comment": jpeg(exif({SOFTWARE: "x"}), comment=A1111),
    "WebP, UTF-16BE": webp(exif({USER_COMMENT: comment("utf-16-be")})),
    "WebP, UTF-16LE": webp(exif({USER_COMMENT: comment("utf-16-le")}, order="<")),
    "PNG with EXIF": png(chunk(b"eXIf", exif({USER_COMMENT: comment("utf-16-be")}))),
}  # fmt: skip


@pytest.mark.parametrize("name", A1111_FILES)
def test_the_text_of_web_uis(name: str):
    """A1111's text is read from every place and in every encoding that programs write it in."""
    assert parts(A1111_FILES[name]) == RED
    found = read_foreign(A1111_FILES[name])
    assert found is not None and found.program == "A1111"
    assert found.settings[:3] == ("Steps", "Sampler", "CFG scale")


@pytest.mark.parametrize(
    "data",
    [
        png(text_chunk("parameters", CAFE, "latin-1")),
        png(ztxt_chunk("parameters", CAFE, "latin-1")),
        png(text_chunk("parameters", CAFE)),
        png(itxt_chunk("parameters", CAFE)),
        jpeg(exif({USER_COMMENT: user_comment(CAFE, b"ASCII", "latin-1")})),
    ],
)
def test_letters_beyond_ascii(data: bytes):
    """Latin-1 and UTF-8 are told apart, in chunks and in comments that may be either."""
    assert parts(data) == ("ein Häuschen am Café, 20°C", "", 3, (64, 96))


INVOKE = {
    "positive_prompt": "a red house, 雪地",
    "negative_prompt": "night, snow",
    "seed": 12345,
    "width": 512,
    "height": 768,
    "steps": 30,
    "cfg_scale": 7.5,
    "model": {"name": "x", "hash": "blake3:0"},
}
NOVELAI = {
    "prompt": "an older one",
    "uc": "",
    "seed": 12345,
    "width": 512,
    "height": 768,
    "steps": 28,
    "v4_prompt": {
        "caption": {"base_caption": "a red house", "char_captions": [{"char_caption": "雪地"}]}
    },
    "v4_negative_prompt": {"caption": {"base_caption": "night, snow", "char_captions": []}},
}
FOOOCUS = {
    "prompt": "a red house, 雪地",
    "negative_prompt": "night, snow",
    "seed": "12345",
    "resolution": "(512, 768)",
    "styles": "['Fooocus V2']",
    "performance": "Speed",
    "base_model": "x",
    "version": "Fooocus v2.5.5",
}
SWARM = {
    "sui_image_params": {
        "prompt": "a red house, 雪地",
        "negativeprompt": "night, snow",
        "seed": 12345,
        "width": 512,
        "height": 768,
        "cfgscale": 7.0,
        "model": "x",
    },
    "sui_extra_data": {"date": "2025-01-01"},
}
DRAW_THINGS = {
    "c": "a red house, 雪地",
    "uc": "night, snow",
    "model": "x.ckpt",
    "sampler": "Euler A Trailing",
    "scale": 4.5,
    "seed": 12345,
    "size": "512x768",
    "steps": 8,
    "strength": 1,
}
EASY = {
    "prompt": "a red house",
    "negative_prompt": "night",
    "seed": 5,
    "width": 512,
    "height": 768,
    "num_inference_steps": 25,
    "use_stable_diffusion_model": "sd-v1-5",
}
ZERO = z_image_graph()
PAIR: Parts = ("a red house, 雪地", "", 47447417949230, (1024, 768))

FILES: dict[str, tuple[str, bytes, Parts]] = {
    "InvokeAI": ("InvokeAI", png_with(invokeai_metadata=INVOKE), RED),
    "InvokeAI 2": (
        "InvokeAI",
        png_with(
            sd__metadata={
                "image": {"prompt": [{"prompt": "a red house", "weight": 1}], "seed": 5,
                          "width": 512, "height": 768}
            }
        ),
        ("a red house", "", 5, (512, 768)),
    ),
    "InvokeAI 1": (
        "InvokeAI",
        png_with(Dream='"a red house" -s 50 -S 5 -W 512 -H 768 -C 7.5 -A k_lms'),
        ("a red house", "", 5, (512, 768)),
    ),
    "NovelAI 4": (
        "NovelAI",
        png_with(Software="NovelAI", Description="a red house, 雪地", Comment=NOVELAI),
        RED,
    ),
    "NovelAI 3": (
        "NovelAI",
        png_with(
            Software="NovelAI",
            Description="a red house",
            Comment={"uc": "night", "seed": 5, "width": 512, "height": 768, "steps": 28},
        ),
        ("a red house", "night", 5, (512, 768)),
    ),
    "Fooocus": ("Fooocus", png_with(parameters=FOOOCUS, fooocus_scheme="fooocus"), RED),
    "Fooocus, without a scheme": ("Fooocus", png_with(parameters=FOOOCUS), RED),
    "Fooocus as A1111": (
        "Fooocus", png_with(parameters=A1111.replace("v1.10.1", "Fooocus v2.5.5")), RED,
    ),
    "Fooocus as A1111, by its scheme": (
        "Fooocus", png_with(parameters=A1111, fooocus_scheme="a1111"), RED,
    ),
    "Fooocus, JPEG": (
        "Fooocus",
        jpeg(
            exif(
                {USER_COMMENT: json.dumps(FOOOCUS), SOFTWARE: "Fooocus v2.5.5",
                 MAKER_NOTE: "fooocus"},
                nested=False,
            )
        ),
        RED,
    ),
    "Fooocus, WebP": ("Fooocus", webp(exif({USER_COMMENT: json.dumps(FOOOCUS)})), RED),
    "SwarmUI": ("SwarmUI", png_with(parameters=SWARM), RED),
    "SwarmUI, its own keyword": (
        "SwarmUI", png_with(sui_image_params=SWARM["sui_image_params"]), RED,
    ),
    "SwarmUI, JPEG": (
        "SwarmUI",
        jpeg(exif({USER_COMMENT: user_comment(json.dumps(SWARM), b"UNICODE", "utf-16-be")})),
        RED,
    ),
    "ComfyUI": ("ComfyUI", png_with(prompt=ZERO, workflow={"nodes": []}), PAIR),
    "ComfyUI, in a tEXt chunk": (
        "ComfyUI", png(text_chunk("prompt", json.dumps(ZERO))), PAIR,
    ),
    "ComfyUI, WebP": (
        "ComfyUI",
        webp(exif({MODEL: f"prompt:{json.dumps(ZERO)}", MAKE: 'workflow:{"nodes": []}'})),
        PAIR,
    ),
    "ComfyUI, JPEG": (
        "ComfyUI",
        jpeg(exif({DESCRIPTION: "Workflow:{}", MAKE: f"Prompt: {json.dumps(ZERO)}"}, order="<")),
        PAIR,
    ),
    "ComfyUI with A1111's text": (
        "ComfyUI", png_with(parameters=A1111.replace("v1.10.1", "ComfyUI"), prompt={}), RED,
    ),
    "ComfyUI's workflow alone": (
        "ComfyUI", png_with(workflow=plain()), ("a red house", "fog", 5, (512, 768)),
    ),
    "ComfyUI's workflow beside a graph that is cut off": (
        "ComfyUI",
        png_with(prompt='{"1": {', workflow=plain()),
        ("a red house", "fog", 5, (512, 768)),
    ),
    "ComfyUI's workflow, WebP": (
        "ComfyUI",
        webp(exif({MAKE: f"workflow:{json.dumps(packed())}"})),
        ("a red house", "", 5, (1024, 768)),
    ),
    "Draw Things": (
        "Draw Things", png(itxt_chunk("XML:com.adobe.xmp", xmp(json.dumps(DRAW_THINGS)))), RED,
    ),
    "Draw Things, compressed": (
        "Draw Things",
        png(itxt_chunk("XML:com.adobe.xmp", xmp(json.dumps(DRAW_THINGS)), compressed=True)),
        RED,
    ),
    "Draw Things, saved by an editor": (
        "Draw Things",
        png(itxt_chunk("XML:com.adobe.xmp", compact_xmp(json.dumps(DRAW_THINGS), "Editor 1.0"))),
        RED,
    ),
    "Draw Things, JPEG": (
        "Draw Things", jpeg(exif({MAKE: "x"}), packet=xmp(json.dumps(DRAW_THINGS))), RED,
    ),
    "Draw Things, WebP": (
        "Draw Things", webp(exif({MAKE: "x"}), packet=xmp(json.dumps(DRAW_THINGS))), RED,
    ),
    "Draw Things, in EXIF": (
        "Draw Things",
        jpeg(exif({USER_COMMENT: user_comment(json.dumps(DRAW_THINGS), b"ASCII", "utf-8")})),
        RED,
    ),
    "InvokeAI 1, without quotation marks": (
        "InvokeAI",
        png_with(Dream="a red house -s 50 -S 5 -W512 -H768"),
        ("a red house", "", 5, (512, 768)),
    ),
    "NovelAI, named only within its text": (
        "NovelAI",
        webp(
            exif(
                {USER_COMMENT: user_comment(
                    json.dumps({"Software": "NovelAI", "Comment": json.dumps(NOVELAI)}),
                    b"UNICODE", "utf-16-be",
                )}
            )
        ),
        RED,
    ),
    "Fooocus, with names to be read": (
        "Fooocus",
        png_with(parameters={"Prompt": "a red house", "Negative Prompt": "night", "Seed": "5",
                             "Fooocus V2 Expansion": "a red house, cinematic",
                             "Resolution": "(512, 768)", "Version": "v2.2"}),
        ("a red house", "night", 5, (512, 768)),
    ),
    "stable-diffusion.cpp": (
        "stable-diffusion.cpp",
        png_with(parameters=A1111.replace("v1.10.1", "stable-diffusion.cpp")),
        RED,
    ),
    "Midjourney": (
        "Midjourney",
        png_with(
            Author="x",
            Description="https://s.mj.run/abc a red house --no night, snow --ar 3:2 --seed 5 --v 6 "
            "Job ID: a7421d2f-b262-44f9-977c-ac23e9c7d3e3",
        ),
        ("a red house", "night, snow", 5, (24, 16)),
    ),
    "Easy Diffusion, with names to be read": (
        "Easy Diffusion",
        png_with(Prompt="a red house", Seed="5", Width="512", Height="768", Steps="25",
                 **{"Negative Prompt": "night", "Stable Diffusion model": "x"}),
        ("a red house", "night", 5, (512, 768)),
    ),
    "Easy Diffusion, JPEG": (
        "Easy Diffusion",
        jpeg(exif({USER_COMMENT: user_comment(json.dumps(EASY), b"UNICODE", "utf-16-le")},
                  order="<")),
        ("a red house", "night", 5, (512, 768)),
    ),
    "InvokeAI 2, with a negative prompt": (
        "InvokeAI",
        png_with(sd__metadata={"image": {"prompt": [{"prompt": "a red house [night] [snow]"}],
                                         "seed": 5, "width": 512, "height": 768}}),
        ("a red house", "night, snow", 5, (512, 768)),
    ),
    "InvokeAI 1, with a negative prompt": (
        "InvokeAI",
        png_with(Dream='"a red house [night]" -s 50 -S 5 -W 512 -H 768 -C 7.5 -A k_lms'),
        ("a red house", "night", 5, (512, 768)),
    ),
    "A1111's JPEG that ImageMagick made a PNG of": (
        "A1111",
        png(raw_profile("exif", b"Exif\0\0" + exif({USER_COMMENT: comment("utf-16-be")}))),
        RED,
    ),
    "Draw Things' JPEG that ImageMagick made a PNG of": (
        "Draw Things", png(raw_profile("xmp", xmp(json.dumps(DRAW_THINGS)).encode())), RED,
    ),
    "SD.Next": ("SD.Next", png_with(parameters=f"{A1111}, App: SD.Next"), RED),
    "Forge": ("Forge", png_with(parameters=A1111.replace("v1.10.1", "f2.0.1v1.10.1")), RED),
    "zimagine": ("zimagine", png_with(parameters=A1111.replace("v1.10.1", "zimagine")), RED),
    "Easy Diffusion": (
        "",
        png_with(prompt="a red house", negative_prompt="night", seed="5", width="512",
                 height="768", num_inference_steps="25"),
        ("a red house", "night", 5, (512, 768)),
    ),
    "without a size, JPEG": (
        "A1111",
        jpeg(exif({USER_COMMENT: user_comment("a red house\nSteps: 8", b"", "utf-8")})),
        ("a red house", "", None, (24, 16)),
    ),
    "without a size, WebP": (
        "ComfyUI",
        webp(exif({MODEL: f"prompt:{json.dumps(z_image_graph(_41={}))}"})),
        ("a red house, 雪地", "", 47447417949230, (24, 16)),
    ),
    "without a size": (
        "A1111", png_with(parameters="a red house\nSteps: 8"), ("a red house", "", None, (24, 16)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_program(name: str):
    """Each program's own form is read, and the program is named."""
    program, data, expected = FILES[name]
    assert parts(data) == expected
    found = read_foreign(data)
    assert found is not None and found.program == program


@pytest.mark.parametrize(
    ("data", "program"),
    [
        (png(), None),
        (png_with(Software="GIMP", Comment="Created with GIMP", Description="my house"), None),
        (jpeg(exif({MODEL: "Canon EOS", DESCRIPTION: "holiday", USER_COMMENT: b"\0" * 264})), None),
        (jpeg(exif({SOFTWARE: "x"}), comment="a photo of my house"), None),
        (png_with(workflow="{}"), "ComfyUI"),
        (png_with(prompt={"1": {"class_type": "x", "inputs": {}}}), "ComfyUI"),
        (png_with(prompt="{"), ""),
        (png_with(parameters=""), ""),
        (png_with(parameters={"a": 1}), ""),
        (png_with(Software="NovelAI", Comment="{"), "NovelAI"),
        (png_with(Description="my job. Job ID: 5"), None),
        (png_with(Description="Job ID: a7421d2f-b262-44f9-977c-ac23e9c7d3e3"), None),
        (png_with(invokeai_metadata="[]"), "InvokeAI"),
    ],
)
def test_files_without_a_recipe(data: bytes, program: str | None):
    """A camera's or an editor's texts are no recipe; unreadable ones still name their program."""
    assert read_foreign(data) is None
    assert foreign_program(data) == program


@pytest.mark.parametrize(
    "value",
    [None, [], {}, True, 1e400, -1, "x", "9" * 5000, [1, 2], {"a": []}, [[[]]], "", 0.5],
)
@pytest.mark.parametrize("field", ["seed", "width", "height", "prompt", "negative_prompt"])
def test_values_of_the_wrong_kind_are_left_out(field: str, value: Any):
    """Whatever stands in place of a value, the others are still read."""
    fields = {"prompt": "a cat", "seed": 5, "width": 64, "height": 96, field: value}
    found = read_foreign(png_with(parameters=fields))
    assert found is None if field == "prompt" and value != "x" and value != "9" * 5000 else found


def test_only_the_workflow_is_told():
    """Whether the graph that ran or only its drawing was read is known, for a note."""
    for data, drawn in (
        (png_with(prompt=ZERO, workflow=plain()), False),
        (png_with(prompt={}, workflow=plain()), True),
    ):
        found = read_foreign(data)
        assert found is not None and found.from_workflow is drawn


def test_a_recipe_is_clean():
    """Texts are cleaned as typed ones are, and lists of settings are short."""
    many = ", ".join(f"Setting {number}: x" for number in range(100))
    found = read_foreign(png_with(parameters=f"a\u200b  cat\n\x07dog\nSteps: 8, {many}"))
    assert isinstance(found, ForeignRecipe)
    assert found.prompt == "a cat dog" and len(found.settings) <= 12
