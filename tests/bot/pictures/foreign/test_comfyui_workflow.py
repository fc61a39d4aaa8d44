"""ComfyUI's workflow, the graph as it is drawn, is read as far as it is certain."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.pictures.foreign.comfyui import read_workflow
from bot.pictures.foreign.comfyui_workflow import running_graph
from tests.bot.pictures.foreign.workflows import (
    OUT,
    SUBGRAPH,
    connect,
    drawn,
    packed,
    plain,
    workflow,
)

Parts = tuple[str, str, int | None, tuple[int, int] | None]
RED: Parts = ("a red house", "fog", 5, (512, 768))


def parts(graph: dict[str, Any]) -> Parts | None:
    found = read_workflow(graph)
    return None if found is None else (found.prompt, found.negative, found.seed, found.size)


def linked(graph: dict[str, Any], *links: tuple[int, int, int, str]) -> dict[str, Any]:
    """Return the graph with further links; a new one replaces that of the same input."""
    for link in links:
        connect(graph, *link)
    return graph


def encoder(number: int, *values: Any, mode: int = 0) -> dict[str, Any]:
    return drawn(number, "CLIPTextEncode", *values, mode=mode, clip="CLIP", text="string")


def reroute(number: int, mode: int = 0) -> dict[str, Any]:
    node = drawn(number, "Reroute", mode=mode, outputs="*")
    return {**node, "inputs": [{"name": "", "type": "*", "link": None}]}


def sampler(*values: Any, mode: int = 0) -> dict[str, Any]:
    return drawn(
        3, "KSampler", *values, mode=mode, seed="int", positive="CONDITIONING",
        negative="CONDITIONING", latent_image="LATENT",
    )  # fmt: skip


def as_objects(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the graph with links as version 1 of the format has them."""
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    links = [dict(zip(names, link, strict=True)) for link in graph["links"]]
    return {**graph, "links": links, "version": 1}


VALUES = {"seed": 9, "control_after_generate": "fixed", "steps": 8}
WORKFLOWS: dict[str, tuple[dict[str, Any], Parts | None]] = {
    "the usual one": (plain(), RED),
    "links as objects": (as_objects(plain()), RED),
    "a sampler of the first versions": (
        plain(sampler=sampler(5, True, 20, 7, "euler", "normal", 1)), RED,
    ),
    "a sampler without control of its seed": (
        plain(sampler=sampler(5, 20, 7, "euler", "normal", 1)), RED,
    ),
    "values with names": (
        plain(sampler={**sampler(), "widgets_values_named": VALUES}),
        ("a red house", "fog", 9, (512, 768)),
    ),
    "values that are an object": (
        plain(sampler={**sampler(), "widgets_values": VALUES}),
        ("a red house", "fog", 9, (512, 768)),
    ),
    "a prompt in another node": (
        linked(
            plain(drawn(20, "PrimitiveStringMultiline", "a cat", outputs="STRING")),
            (20, 0, 6, "text"),
        ),
        ("a cat", "fog", 5, (512, 768)),
    ),
    "primitive nodes": (
        linked(
            plain(drawn(20, "PrimitiveNode", 77, "randomize", outputs="INT"),
                  drawn(21, "PrimitiveNode", "a cat", outputs="STRING")),
            (20, 0, 3, "seed"), (21, 0, 6, "text"),
        ),
        ("a cat", "fog", 77, (512, 768)),
    ),
    "reroutes, one behind the other": (
        linked(
            plain(reroute(20),
                  reroute(21)),
            (6, 0, 20, ""), (20, 0, 21, ""), (21, 0, 3, "positive"), (5, 0, 3, "negative"),
        ),
        ("a red house", "", 5, (512, 768)),
    ),
    "a name that is set and got": (
        linked(
            plain(drawn(20, "SetNode", "subject", STRING="STRING"),
                  drawn(21, "GetNode", "subject", outputs="STRING"),
                  drawn(22, "SetNode", "other", STRING="STRING"),
                  drawn(23, "PrimitiveString", "a cat", outputs="STRING")),
            (23, 0, 20, "STRING"), (21, 0, 6, "text"),
        ),
        ("a cat", "fog", 5, (512, 768)),
    ),
    "a node that sets a name and hands it on": (
        linked(
            plain(drawn(20, "SetNode", "subject", outputs="*", STRING="STRING"),
                  drawn(23, "PrimitiveString", "a cat", outputs="STRING")),
            (23, 0, 20, "STRING"), (20, 0, 6, "text"),
        ),
        ("a cat", "fog", 5, (512, 768)),
    ),
    "a name that two nodes set": (
        linked(
            plain(drawn(20, "SetNode", "subject", STRING="STRING"),
                  drawn(22, "SetNode", "subject", STRING="STRING"),
                  drawn(21, "GetNode", "subject", outputs="STRING"),
                  drawn(23, "PrimitiveString", "a cat", outputs="STRING")),
            (23, 0, 20, "STRING"), (23, 0, 22, "STRING"), (21, 0, 6, "text"),
        ),
        None,
    ),
    "a name that nobody sets": (
        linked(plain(drawn(21, "GetNode", "subject", outputs="STRING")), (21, 0, 6, "text")), None,
    ),
    "a muted negative prompt": (
        plain(negative=encoder(7, "fog", mode=2)), ("a red house", "", 5, (512, 768)),
    ),
    "a muted prompt": (plain(positive=encoder(6, "a red house", mode=2)), None),
    "a muted sampler": (
        plain(sampler=sampler(5, "fixed", 20, 7, "euler", "normal", 1, mode=2)), None,
    ),
    "a bypassed node that is given both prompts": (
        linked(
            plain(drawn(20, "ControlNetApplyAdvanced", 1, 0, 1, mode=4,
                        outputs="CONDITIONING CONDITIONING", positive="CONDITIONING",
                        negative="CONDITIONING", image="IMAGE")),
            (6, 0, 20, "positive"), (7, 0, 20, "negative"),
            (20, 0, 3, "positive"), (20, 1, 3, "negative"),
        ),
        RED,
    ),
    "a bypassed node whose second input fits": (
        linked(
            plain(drawn(20, "FluxGuidance", 3.5, mode=4, outputs="CONDITIONING", guidance="float",
                        conditioning="CONDITIONING")),
            (6, 0, 20, "conditioning"), (20, 0, 3, "positive"),
        ),
        RED,
    ),
    "a bypassed prompt": (plain(positive=encoder(6, "a red house", mode=4)), None),
    "a node of unknown values": (
        plain(positive=drawn(6, "Odd Prompt", "a red house", "style", True)), None,
    ),
    "a negative prompt in a node of unknown values": (
        plain(negative=drawn(7, "Odd Prompt", "fog", 1)), ("a red house", "", 5, (512, 768)),
    ),
    "a node whose values are all marked": (
        plain(positive=drawn(6, "Odd Prompt", "a cat", 1, "fixed", text="string", count="int")),
        ("a cat", "fog", 5, (512, 768)),
    ),
    "a node of which one value is marked": (
        plain(positive=drawn(6, "Odd Prompt", "a cat", "a dog", text="string")), None,
    ),
    "an upscaler of its size": (
        plain(latent=drawn(5, "Odd Latent", 512, 768)), ("a red house", "fog", 5, None),
    ),
    "a sampler of too many values": (
        plain(sampler=sampler(5, "fixed", 20, 7, "euler", "normal", 1, "new")),
        ("a red house", "fog", None, (512, 768)),
    ),
    "a text that is made while it runs": (
        linked(
            plain(drawn(20, "TextGenerate", prompt="STRING", outputs="STRING"),
                  drawn(21, "PrimitiveString", "Write a prompt.", outputs="STRING")),
            (21, 0, 20, "prompt"), (20, 0, 6, "text"),
        ),
        None,
    ),
    "one encoder for both prompts": (
        linked(
            plain(positive=drawn(6, "TextEncodeQwenImage21", "a cat", "",
                                 prompt="string", negative_prompt="string")),
            (6, 1, 3, "negative"),
        ),
        ("a cat", "", 5, (512, 768)),
    ),
    "a subgraph": (packed(), ("a red house", "", 5, (1024, 768))),
    "a subgraph with values of its own": (
        packed("a cat", 640, 9), ("a cat", "", 9, (640, 768)),
    ),
    "a subgraph with the control of its seed": (
        packed("a cat", 640, 9, "randomize"), ("a cat", "", 9, (640, 768)),
    ),
    "a subgraph with some values of its own": (
        packed("a cat", None, None), ("a cat", "", 5, (1024, 768)),
    ),
    "a subgraph with names": (
        packed("a cat", 640, 9, named={"seed": 8, "text": "a dog"}),
        ("a dog", "", 8, (1024, 768)),
    ),
    "a subgraph of too many values": (packed("a cat", 640, 9, 1), None),
    "a subgraph that is given a prompt": (
        linked(
            {**packed(), "nodes": [
                *packed()["nodes"], drawn(60, "PrimitiveString", "a cat", outputs="STRING"),
            ]},
            (60, 0, 57, "text"),
        ),
        ("a cat", "", 5, (1024, 768)),
    ),
    "a muted subgraph": (packed(mode=2), None),
    "a bypassed subgraph": (packed(mode=4), None),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_drawing_is_read_as_it_runs(name: str):
    """Whatever a frontend draws between a text and its sampler, the text that is painted is read,
    and nothing that is not certain."""
    graph, expected = WORKFLOWS[name]
    assert parts(graph) == expected


def test_a_subgraph_within_a_subgraph():
    """Values are followed through two levels, and so is the picture on its way out."""
    inner = packed()
    outer: dict[str, Any] = {
        "id": "outer",
        "inputNode": {"id": -10},
        "inputs": [{"name": "words", "type": "STRING", "linkIds": []}],
        "nodes": [{**inner["nodes"][0]}],
        "links": [],
    }
    connect(outer, -10, 0, 57, "text")
    connect(outer, 57, 0, OUT, "")
    graph = workflow(
        [drawn(1, "outer", "a cat", outputs="IMAGE"), drawn(9, "SaveImage", "z", images="IMAGE")],
        [(1, 0, 9, "images")],
        definitions={"subgraphs": [*inner["definitions"]["subgraphs"], outer]},
    )
    assert parts(graph) == ("a cat", "", 5, (1024, 768))
    assert {"1:57:3", "1:57:27", "9"} <= running_graph(graph).keys()


def test_a_subgraph_of_itself_ends():
    """Subgraphs that hold themselves over and over are read in bounded time and memory."""
    many = [drawn(number, SUBGRAPH) for number in range(200)]
    inner = {"id": SUBGRAPH, "nodes": many, "links": [], "inputs": []}
    graph = workflow(many, [], definitions={"subgraphs": [inner]})
    started = time.monotonic()
    assert read_workflow(graph) is None
    assert time.monotonic() - started < 5


def test_circles_end():
    """Links, reroutes and bypassed nodes that lead back to themselves end in nothing."""
    chain = [reroute(100 + n, mode=4 * (n % 2)) for n in range(300)]
    graph = plain(*chain)
    for number in range(300):
        connect(graph, 100 + (number + 1) % 300, 0, 100 + number, "")
    connect(graph, 100, 0, 3, "positive")
    assert read_workflow(graph) is None


IDS = st.sampled_from([1, 2, 3, "1", -10, -20, None, 1.5])
ANY = IDS | st.booleans() | st.text(max_size=3) | st.lists(IDS, max_size=3) | st.just({"a": 1})
SLOTS = st.fixed_dictionaries(
    {"name": st.sampled_from(["positive", "text", "seed", "", 5]) | ANY, "type": ANY, "link": ANY},
    optional={"widget": ANY | st.just({"name": "text"}), "linkIds": ANY},
)
NODES = st.fixed_dictionaries(
    {
        "id": IDS,
        "type": st.sampled_from(
            ["KSampler", "CLIPTextEncode", "Reroute", "SetNode", "GetNode", "PrimitiveNode", "S"]
        )
        | ANY,
        "mode": st.sampled_from([0, 2, 4]) | ANY,
        "inputs": st.lists(SLOTS | ANY, max_size=4) | ANY,
        "outputs": st.lists(SLOTS | ANY, max_size=2) | ANY,
        "widgets_values": st.lists(ANY, max_size=8) | ANY,
    }
)
LINKS = st.lists(st.lists(ANY, max_size=7) | st.dictionaries(st.text(), ANY) | ANY, max_size=6)
GRAPHS = st.fixed_dictionaries(
    {"nodes": st.lists(NODES | ANY, max_size=6) | ANY, "links": LINKS | ANY,
     "inputs": st.lists(SLOTS, max_size=2) | ANY}
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(GRAPHS, st.lists(GRAPHS | ANY, max_size=2) | ANY)
def test_no_workflow_is_a_crash(graph: dict[str, Any], subgraphs: object):
    """Whatever stands in place of nodes, links and values, there is a reading or none."""
    if isinstance(subgraphs, list):
        subgraphs = [{**each, "id": "S"} if isinstance(each, dict) else each for each in subgraphs]
    found = read_workflow({**graph, "definitions": {"subgraphs": subgraphs}})
    assert found is None or found.prompt
