"""A graph's links are followed to the texts, the seed and the size of its sampler."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.pictures.foreign.comfyui import GraphReading, read_graph
from tests.bot.pictures.foreign.files import z_image_graph


def node(kind: str, /, **inputs: Any) -> dict[str, Any]:
    """Return a node; "__" in the name of an input stands for a dot."""
    return {"class_type": kind, "inputs": inputs}


def encoded(text: Any, **others: Any) -> dict[str, Any]:
    return node("CLIPTextEncode", text=text, clip=["39", 0], **others)


def sampled(**changes: Any) -> dict[str, Any]:
    """Return the template's sampler with these inputs; None leaves one out."""
    inputs = {**z_image_graph()["44"]["inputs"], **changes}
    return node("KSampler", **{name: each for name, each in inputs.items() if each is not None})


def read(**changes: Any) -> GraphReading:
    found = read_graph(z_image_graph(**changes))
    assert found is not None
    return found


ADVANCED = {
    "_44": node(
        "SamplerCustomAdvanced",
        noise=["1", 0], guider=["2", 0], sampler=["3", 0], sigmas=["4", 0], latent_image=["41", 0],
    ),
    "_1": node("RandomNoise", noise_seed=7),
    "_3": node("KSamplerSelect", sampler_name="euler"),
    "_4": node("BasicScheduler", steps=8, scheduler="simple", model=["47", 0]),
}  # fmt: skip
LOADER = node(
    "Efficient Loader", ckpt_name="x", positive="a cat", negative="fog", empty_latent_width=512,
    empty_latent_height=768,
)  # fmt: skip
PROMPTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "the template": ({}, "a red house, 雪地", ""),
    "a negative prompt": (
        {"_42": encoded("fog")}, "a red house, 雪地", "fog",
    ),
    "the prompt in place of a negative one": (
        {"_44": sampled(negative=["45", 0])}, "a red house, 雪地", "",
    ),
    "both prompts from one encoder": (
        {"_44": sampled(negative=["45", 1]),
         "_45": node("TextEncodeQwenImage21", prompt="a cat", negative_prompt="fog")},
        "a cat", "fog",
    ),
    "one encoder without a negative prompt": (
        {"_44": sampled(negative=["45", 1]),
         "_45": node("TextEncodeQwenImage21", prompt="a cat", negative_prompt="")},
        "a cat", "",
    ),
    "zeros behind a reroute": (
        {"_44": sampled(negative=["1", 0]), "_1": node("Reroute", **{"": ["42", 0]})},
        "a red house, 雪地", "",
    ),
    "Omni": (
        {"_45": node("TextEncodeZImageOmni", prompt="a cat", clip=["39", 0], image1=["1", 0])},
        "a cat", "",
    ),
    "Qwen": ({"_45": node("TextEncodeQwenImageEdit", prompt="a cat", clip=["39", 0])}, "a cat", ""),
    "a primitive": (
        {"_45": encoded(["1", 0]), "_1": node("PrimitiveStringMultiline", value="a cat")},
        "a cat", "",
    ),
    "a chain of reroutes": (
        {
            "_45": encoded(["1", 0]),
            "_1": node("Reroute", **{"": ["2", 0]}),
            "_2": node("Reroute (rgthree)", **{"": ["3", 0]}),
            "_3": node("String Literal", string="a cat"),
        },
        "a cat", "",
    ),
    "ids of a subgraph": (
        {"_44": sampled(positive=["57:27", 0]), "_57:27": encoded("a cat")}, "a cat", "",
    ),
    "joined texts": (
        {
            "_45": encoded(["1", 0]),
            "_1": node("StringConcatenate", string_a="a cat", string_b=["2", 0], delimiter=" | "),
            "_2": node("PrimitiveString", value="on a mat"),
        },
        "a cat | on a mat", "",
    ),
    "joined conditionings": (
        {
            "_44": sampled(positive=["1", 0]),
            "_1": node("ConditioningCombine", conditioning_1=["45", 0], conditioning_2=["2", 0]),
            "_2": encoded("a cat"),
        },
        "a red house, 雪地, a cat", "",
    ),
    "guidance on the way": (
        {
            "_44": sampled(positive=["1", 0]),
            "_1": node("FluxGuidance", guidance=3.5, conditioning=["45", 0]),
        },
        "a red house, 雪地", "",
    ),
    "a ControlNet on the way": (
        {
            "_44": sampled(positive=["1", 0], negative=["1", 1]),
            "_1": node("ControlNetApplyAdvanced", positive=["45", 0], negative=["2", 0],
                       strength=1, control_net=["3", 0], image=["4", 0]),
            "_2": encoded("fog"),
        },
        "a red house, 雪地", "fog",
    ),
    "both halves of SDXL": (
        {"_45": node("CLIPTextEncodeSDXL", text_g="a cat", text_l="a cat", width=1024)},
        "a cat", "",
    ),
    "Flux": ({"_45": node("CLIPTextEncodeFlux", clip_l="a", t5xxl="a cat")}, "a cat", ""),
    "a basic guider": (
        {**ADVANCED, "_2": node("BasicGuider", model=["47", 0], conditioning=["45", 0])},
        "a red house, 雪地", "",
    ),
    "a guider with a negative prompt": (
        {
            **ADVANCED,
            "_2": node("CFGGuider", cfg=2, positive=["45", 0], negative=["5", 0]),
            "_5": encoded("fog"),
        },
        "a red house, 雪地", "fog",
    ),
    "a guider with zeros": (
        {**ADVANCED, "_2": node("CFGGuider", cfg=1, positive=["45", 0], negative=["42", 0])},
        "a red house, 雪地", "",
    ),
    "texts in a loader": (
        {
            "_44": sampled(positive=["1", 1], negative=["1", 2], latent_image=["1", 3]),
            "_1": LOADER,
        },
        "a cat", "fog",
    ),
    "texts in a pipe": (
        {
            "_44": node("easy kSampler", pipe=["1", 0], seed=5, steps=8, sampler_name="euler"),
            "_1": LOADER,
        },
        "a cat", "fog",
    ),
    "a switch that is on": (
        {
            "_45": encoded(["1", 0]),
            "_1": node("ComfySwitchNode", switch=True, on_true=["2", 0], on_false=["3", 0]),
            "_2": node("PrimitiveString", value="a cat"),
            "_3": node("PrimitiveString", value="a dog"),
        },
        "a cat", "",
    ),
    "a switch that is off": (
        {
            "_45": encoded(["1", 0]),
            "_1": node("ComfySwitchNode", switch=["4", 0], on_true=["2", 0], on_false=["3", 0]),
            "_2": node("PrimitiveString", value="a cat"),
            "_3": node("PrimitiveString", value="a dog"),
            "_4": node("PrimitiveBoolean", value=False),
        },
        "a dog", "",
    ),
    "a styler of prompts": (
        {
            "_45": encoded(["1", 0]),
            "_42": encoded(["1", 1]),
            "_1": node("SDXLPromptStyler", text_positive="a cat", text_negative="fog", style="x"),
        },
        "a cat", "fog",
    ),
    "a wildcard that was filled in": (
        {
            "_45": encoded(["1", 0]),
            "_1": node("ImpactWildcardProcessor", wildcard_text="a __pet__", seed=1,
                       populated_text="a cat"),
        },
        "a cat", "",
    ),
    "a text that is shown on the way": (
        {
            "_45": encoded(["1", 0]),
            "_1": node("ShowText|pysssss", text=["2", 0], text_0="a cat"),
            "_2": node("Written by a language model", seed=["3", 0]),
        },
        "a cat", "",
    ),
    "everything in one node": (
        {
            "_43": node("ZImageAllInOne", positive_prompt="a cat", negative_prompt="fog", seed=5,
                        steps=8, width=512, height=768),
        },
        "a cat", "fog",
    ),
    "a paid service": (
        {"_43": node("FluxProUltraImageNode", prompt="a cat", seed=5, aspect_ratio="16:9")},
        "a cat", "",
    ),
    "an empty picture decides between two samplers": (
        {
            "_43": node("VAEDecode", samples=["1", 0], vae=["40", 0]),
            "_1": sampled(positive=["2", 0], latent_image=["3", 0], seed=8),
            "_2": encoded("finer"),
            "_3": node("LatentUpscaleBy", samples=["44", 0], scale_by=2),
        },
        "a red house, 雪地", "",
    ),
    "an output that saves elsewhere": (
        {"_9": node("PreviewImage", images=["43", 0])}, "a red house, 雪地", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROMPTS)
def test_the_links_lead_to_the_texts(name: str):
    """Positive and negative prompt are told apart, whatever lies between them and the sampler."""
    changes, prompt, negative = PROMPTS[name]
    found = read(**changes)
    assert (found.prompt, found.negative) == (prompt, negative)


@pytest.mark.parametrize(
    ("changes", "seed", "size"),
    [
        ({}, 47447417949230, (1024, 768)),
        ({"_44": sampled(seed=["1", 0]), "_1": node("PrimitiveInt", value=7)}, 7, (1024, 768)),
        ({"_44": sampled(seed=["1", 0]), "_1": node("Seed (rgthree)", seed=7)}, 7, (1024, 768)),
        ({"_44": sampled(seed=None, noise_seed=7)}, 7, (1024, 768)),
        ({"_44": sampled(seed="7")}, None, (1024, 768)),
        (ADVANCED | {"_2": node("BasicGuider", conditioning=["45", 0])}, 7, (1024, 768)),
        (
            {
                "_41": node("EmptySD3LatentImage", width=["1", 0], height=["2", 0], batch_size=1),
                "_1": node("PrimitiveInt", value=640),
                "_2": node("Reroute", **{"": ["3", 0]}),
                "_3": node("PrimitiveInt", value=480),
            },
            47447417949230, (640, 480),
        ),
        ({"_41": node("VAEEncode", pixels=["1", 0]), "_1": node("LoadImage", image="a.png")},
         47447417949230, None),
        ({"_41": node("EmptySD3LatentImage", width=float("nan"), height=-4)}, 47447417949230, None),
    ],
)  # fmt: skip
def test_numbers_are_followed_too(
    changes: dict[str, Any], seed: int | None, size: tuple[int, int] | None
):
    """Seed and size are read where they stand or where their links lead."""
    found = read(**changes)
    assert (found.seed, found.size) == (seed, size)


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"1": 5, "2": [], "3": {}, "4": {"inputs": []}},
        {"1": node("KSampler", positive=["1", 0], seed=5)},
        {"1": node("KSampler", positive=["2", 0], seed=5), "2": node("x", conditioning=["2", 0])},
        {"1": node("KSampler", positive=["2", 0], seed=5), "2": node("x", conditioning=["1", 0])},
        {"1": node("KSampler", positive=["9", 0], seed=5)},
        {"1": node("KSampler", positive=[["2"], 0], seed=5)},
        {"1": node("KSampler", positive=["2", 0], seed=5), "2": node("ConditioningZeroOut")},
    ],
)
def test_graphs_without_a_prompt(graph: dict[str, Any]):
    """Circles, dead ends and other things in place of nodes end in nothing."""
    assert read_graph(graph) is None


def test_a_graph_that_joins_over_and_over_ends():
    """A graph whose texts double at each of hundreds of nodes is read in bounded time."""
    graph: dict[str, Any] = {
        str(number): node(
            "ConditioningCombine",
            conditioning_1=[str(number + 1), 0],
            conditioning_2=[str(number + 1), 0],
        )
        for number in range(500)
    }
    graph["500"] = encoded("a cat")
    graph["s"] = node("KSampler", positive=["0", 0], seed=5)
    read_graph(graph)
    chain = {str(n): node("Reroute", **{"": [str(n + 1), 0]}) for n in range(4000)}
    read_graph({**chain, "s": node("KSampler", positive=["0", 0], seed=5)})


NAMES = st.sampled_from(["1", "2", "3", "4"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
) | st.tuples(NAMES, st.integers(0, 2)).map(list)
INPUTS = st.sampled_from(
    ["positive", "negative", "seed", "text", "conditioning", "guider", "latent_image", "width",
     "height", "switch", "on_true", "string_a", "string_b", "delimiter", "", "pipe", "noise"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        NAMES,
        st.fixed_dictionaries(
            {"class_type": st.sampled_from(["KSampler", "SaveImage", "Reroute", 5]),
             "inputs": st.dictionaries(INPUTS, VALUES, max_size=6)}
        ),
    )
)  # fmt: skip
def test_no_graph_is_a_crash(graph: dict[str, Any]):
    """Whatever is linked to whatever, there is a reading with proper values, or none."""
    found = read_graph(graph)
    if found is not None:
        assert found.prompt and isinstance(found.negative, str)
        assert found.seed is None or isinstance(found.seed, int)
