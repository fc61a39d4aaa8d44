#!/usr/bin/env bash
# Which of a subgraph's values a ComfyUI workflow holds, and in which order.
#
# Package: comfyui-workflow-templates-json 0.1.123, the workflows that ComfyUI brings along.
# The guess: `widgets_values` of a node that stands for a subgraph has one value for each of that
# node's own inputs that are marked with "widget", in their order, as for any other node.
# What is there (seen on 2026-11-29): of 311 such nodes
# - 131 have values, always as many as the inputs of the subgraph's *definition* that lead to a
#   widget inside; only 23 of them have as many as the node's own inputs, which list little more than
#   what is connected. Read by the node's own inputs, 108 give values to the wrong names.
# - 164 have no values at all: `properties.proxyWidgets` names nodes and widgets inside, and the
#   values are in those nodes.
# So a reader needs the definition to give a name to a value, and both forms to find every value.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --no-deps --disable-pip-version-check \
    --dest "$folder" comfyui-workflow-templates-json==0.1.123

python3 - "$folder" <<'PYTHON'
import collections
import json
import pathlib
import sys
import zipfile

SEEN = {
    "nodes that stand for a subgraph": 311,
    "with values": 131,
    "as many values as the definition's inputs that lead to a widget": 131,
    "as many values as the node's own inputs with a widget": 23,
    "without values, but listed in proxyWidgets": 164,
}


def link_target(link):
    """Return the id of a link, and the node and slot that it leads to; there are two forms."""
    if isinstance(link, dict):
        return link["id"], link["target_id"], link["target_slot"]
    return link[0], link[3], link[4]


def leads_to_widget(definition, entry):
    targets = {number: (node, slot) for number, node, slot in map(link_target, definition["links"])}
    inner = {node["id"]: node for node in definition["nodes"]}
    for number in entry.get("linkIds", []):
        node, slot = targets.get(number, (None, 0))
        inputs = inner.get(node, {}).get("inputs", [])
        if slot < len(inputs) and "widget" in inputs[slot]:
            return True
    return False


found = collections.Counter()
(wheel,) = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        workflow = json.loads(archive.read(name)) if name.endswith(".json") else None
        if not isinstance(workflow, dict) or "nodes" not in workflow:
            continue
        definitions = {
            each["id"]: each for each in workflow.get("definitions", {}).get("subgraphs", [])
        }
        nodes = workflow["nodes"] + [n for each in definitions.values() for n in each["nodes"]]
        for node in nodes:
            definition = definitions.get(node.get("type"))
            if definition is None:
                continue
            found["nodes that stand for a subgraph"] += 1
            values = node.get("widgets_values")
            if not values:
                listed = bool(node.get("properties", {}).get("proxyWidgets"))
                found["without values, but listed in proxyWidgets"] += listed
                continue
            found["with values"] += 1
            leading = sum(leads_to_widget(definition, each) for each in definition["inputs"])
            own = sum("widget" in each for each in node.get("inputs", []))
            both = ("the definition's inputs that lead to a widget", leading)
            for what, count in (both, ("the node's own inputs with a widget", own)):
                found[f"as many values as {what}"] += len(values) == count

for what, count in found.items():
    print(f"{count:4} {what}")
sys.exit(0 if dict(found) == SEEN else f"changed; on 2026-11-29 it was {SEEN}")
PYTHON
