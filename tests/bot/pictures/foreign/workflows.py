"""Draw ComfyUI's workflows as its frontend writes them."""

from __future__ import annotations

from typing import Any

SUBGRAPH = "f2fdebf6-dfaf-43b6-9eb2-7f70613cfdc1"
IN, OUT = -10, -20


def drawn(
    number: int, kind: str, *values: Any, mode: int = 0, outputs: str = "", **inputs: str
) -> dict[str, Any]:
    """Return a node without links. inputs: their types by name; those in lower case are of the
    value that has the same name, as a frontend marks them. outputs: their types."""
    return {
        "id": number,
        "type": kind,
        "mode": mode,
        "inputs": [
            {"name": name, "type": of.upper(), "link": None,
             **({"widget": {"name": name}} if of.islower() else {})}
            for name, of in inputs.items()
        ],
        "outputs": [{"name": of, "type": of, "links": []} for of in outputs.split()],
        "widgets_values": list(values),
    }  # fmt: skip


def connect(graph: dict[str, Any], origin: int, slot: int, target: int, name: str) -> None:
    """Link an output to an input of a graph. For a subgraph, its own inputs are the origin IN, and
    its first output is the target OUT."""
    links, number = graph["links"], len(graph["links"]) + 1
    nodes = {node["id"]: node for node in graph["nodes"]}
    place = 0
    if target != OUT:
        inputs = nodes[target]["inputs"]
        place = [each["name"] for each in inputs].index(name)
        inputs[place]["link"] = number
    if origin == IN:
        graph["inputs"][slot]["linkIds"].append(number)
    if "inputNode" in graph:
        links.append({"id": number, "origin_id": origin, "origin_slot": slot,
                      "target_id": target, "target_slot": place, "type": "*"})  # fmt: skip
    else:
        links.append([number, origin, slot, target, place, "*"])


def workflow(
    nodes: list[dict[str, Any]], links: list[tuple[int, int, int, str]], **more: Any
) -> dict[str, Any]:
    """Return a workflow with these nodes. links: origin, its output, target, its input."""
    graph = {"version": 0.4, "nodes": nodes, "links": [], "extra": {}, **more}
    for link in links:
        connect(graph, *link)
    return graph


def plain(*extra: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the usual workflow: two prompts, an empty picture, a sampler. extra: further nodes.
    changes: nodes in place of those, by "positive", "negative", "latent", "sampler"."""
    nodes = {
        "positive": drawn(6, "CLIPTextEncode", "a red house", clip="CLIP", text="string"),
        "negative": drawn(7, "CLIPTextEncode", "fog", clip="CLIP", text="string"),
        "latent": drawn(5, "EmptyLatentImage", 512, 768, 1),
        "sampler": drawn(
            3, "KSampler", 5, "randomize", 20, 7, "euler", "normal", 1, seed="int",
            positive="CONDITIONING", negative="CONDITIONING", latent_image="LATENT",
        ),
        **changes,
    }  # fmt: skip
    others = [
        drawn(8, "VAEDecode", samples="LATENT"),
        drawn(9, "SaveImage", "ComfyUI", images="IMAGE"),
    ]
    return workflow(
        [*nodes.values(), *others, *extra],
        [(6, 0, 3, "positive"), (7, 0, 3, "negative"), (5, 0, 3, "latent_image"),
         (3, 0, 8, "samples"), (8, 0, 9, "images")],
    )  # fmt: skip


def packed(*values: Any, named: dict[str, Any] | None = None, **instance: Any) -> dict[str, Any]:
    """Return the workflow of Z-Image-Turbo's template: everything but saving is in a subgraph.

    values: what the node of the subgraph holds for its inputs. instance: fields of that node.
    """
    inner: dict[str, Any] = {
        "id": SUBGRAPH,
        "inputNode": {"id": IN},
        "inputs": [
            {"name": name, "type": of, "linkIds": []}
            for name, of in (("text", "STRING"), ("width", "INT"), ("seed", "INT"))
        ],
        "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
        "nodes": [
            drawn(27, "CLIPTextEncode", "a red house", clip="CLIP", text="string"),
            drawn(33, "ConditioningZeroOut", conditioning="CONDITIONING"),
            drawn(13, "EmptySD3LatentImage", 1024, 768, 1, width="int"),
            drawn(3, "KSampler", 5, "randomize", 8, 1, "euler", "simple", 1, seed="int",
                  positive="CONDITIONING", negative="CONDITIONING", latent_image="LATENT"),
            drawn(8, "VAEDecode", samples="LATENT"),
        ],
        "links": [],
    }  # fmt: skip
    for link in ((IN, 0, 27, "text"), (IN, 1, 13, "width"), (IN, 2, 3, "seed"),
                 (27, 0, 33, "conditioning"), (27, 0, 3, "positive"), (33, 0, 3, "negative"),
                 (13, 0, 3, "latent_image"), (3, 0, 8, "samples"), (8, 0, OUT, "")):  # fmt: skip
        connect(inner, *link)
    host = drawn(57, SUBGRAPH, *values, outputs="IMAGE", text="string")
    if named is not None:
        host["widgets_values_named"] = named
    return workflow(
        [{**host, **instance}, drawn(9, "SaveImage", "z", images="IMAGE")],
        [(57, 0, 9, "images")],
        definitions={"subgraphs": [inner]},
    )
