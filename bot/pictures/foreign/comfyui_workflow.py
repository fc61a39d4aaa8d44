"""Turn ComfyUI's workflow, the graph as it is drawn, into the graph as it runs. Pure; never raises.

A workflow has nodes, links by number, and nodes that stand for a whole graph of their own. Muted
nodes do not run, what is given to a bypassed one goes past it, and some only hand on a value or a
link. The result is what `read_graph` takes; what the workflow does not say for certain is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from bot.pictures.foreign.comfyui_nodes import MAX_NODES
from bot.pictures.foreign.comfyui_widgets import widget_names, widget_values

_MUTED, _BYPASSED = 2, 4
_FROM_OUTSIDE, _TO_OUTSIDE = -10, -20
"""The numbers by which the links within a subgraph name its own inputs and outputs."""
_MAX_LEVELS: Final = 8
"""Subgraphs within subgraphs. Chosen by hand."""
_MAX_DEPTH: Final = 60
"""Links followed one behind the other, as in `read_graph`."""
_MAX_STEPS: Final = 50_000
"""Links followed for one workflow. Chosen by hand."""
_REROUTES: Final = frozenset(("Reroute", "Reroute (rgthree)"))
_NOTES: Final = frozenset(("Note", "MarkdownNote", "PrimitiveNode", "SetNode", "GetNode"))
"""Nodes that do not run, besides reroutes."""

Node = Mapping[str, Any]


class _Nothing(Enum):
    """What is at the other end of a link in place of an output or a value."""

    OWN = "the value of the node itself"
    GONE = "nothing that is certain"


@dataclass(slots=True)
class _Level:
    """One graph: the workflow, or a subgraph as one node stands for it.

    path: what its nodes' names begin with. Of a subgraph, inputs: the names of its inputs, in
    order, values: those that have a value. host: the node that stands for it.
    """

    path: str
    nodes: dict[str, Node]
    links: dict[object, tuple[object, object]]
    targets: dict[object, object]
    inputs: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    host: Node = field(default_factory=dict[str, Any])
    parent: _Level | None = None
    children: dict[str, _Level] = field(default_factory=dict[str, "_Level"])

    def levels(self) -> Iterator[_Level]:
        """Yield this level and all below it."""
        yield self
        for child in self.children.values():
            yield from child.levels()


def running_graph(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Return the graph that a workflow runs as, empty if it is none."""
    return _Reading(_definitions(workflow)).graph(workflow)


def _definitions(workflow: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = workflow.get("definitions")
    subgraphs = found.get("subgraphs") if isinstance(found, Mapping) else None
    return {str(each.get("id")): each for each in _mappings(subgraphs)}


@dataclass(slots=True)
class _Reading:
    """Reads one workflow, within limits."""

    definitions: Mapping[str, Mapping[str, Any]]
    nodes: int = 0
    steps: int = 0

    def graph(self, workflow: Mapping[str, Any]) -> dict[str, Any]:
        return {
            f"{level.path}{name}": {
                "class_type": str(node.get("type")),
                "inputs": self._inputs(level, node),
            }
            for level in self._level(workflow).levels()
            for name, node in level.nodes.items()
            if self._runs(level, node)
        }

    def _level(self, graph: Mapping[str, Any], path: str = "", deep: int = 0) -> _Level:
        nodes = {str(each.get("id")): each for each in _mappings(graph.get("nodes"))}
        self.nodes += len(nodes)
        inputs = tuple(str(each.get("name")) for each in _mappings(graph.get("inputs")))
        level = _Level(path, nodes, *_links(graph.get("links")), inputs, _inner_values(graph))
        for name, node in nodes.items():
            inner = self.definitions.get(str(node.get("type")))
            if inner is None or deep == _MAX_LEVELS or self.nodes > MAX_NODES:
                continue
            child = self._level(inner, f"{path}{name}:", deep + 1)
            child.host, child.parent = node, level
            level.children[name] = child
        return level

    def _runs(self, level: _Level, node: Node) -> bool:
        kind = str(node.get("type"))
        if kind in _REROUTES | _NOTES or kind in self.definitions:
            return False
        at: _Level | None = level
        while at is not None:  # nor does what is within a muted or a bypassed one
            if node.get("mode") in (_MUTED, _BYPASSED):
                return False
            node, at = at.host, at.parent
        return True

    # Inputs

    def _inputs(self, level: _Level, node: Node) -> dict[str, Any]:
        # A list of two would be read as a link where it is a value.
        inputs: dict[str, Any] = {
            name: value
            for name, value in widget_values(node).items()
            if isinstance(value, str | int | float)
        }
        for each in _mappings(node.get("inputs")):
            name = str(each.get("name"))
            if each.get("link") is None:
                continue
            found = self._origin(level, each.get("link"), each.get("type"), 0)
            if found is _Nothing.GONE:
                inputs.pop(name, None)
            elif found is not _Nothing.OWN:
                inputs[name] = found
        return inputs

    def _origin(self, level: _Level, link: object, kind: object, depth: int) -> object:
        """Return [node, output] or a value: what a link hands on in the end."""
        self.steps += 1
        if depth > _MAX_DEPTH or self.steps > _MAX_STEPS or not isinstance(link, int | str):
            return _Nothing.GONE
        name, slot = level.links.get(link, (None, None))
        if not isinstance(slot, int) or slot < 0:
            return _Nothing.GONE
        if name == _FROM_OUTSIDE and level.parent is not None:
            return self._from_outside(level, level.parent, slot, kind, depth)
        node = level.nodes.get(str(name))
        return _Nothing.GONE if node is None else self._output(level, node, slot, kind, depth)

    def _from_outside(
        self, level: _Level, parent: _Level, slot: int, kind: object, depth: int
    ) -> object:
        """Return what the node that stands for a subgraph gives it."""
        name = level.inputs[slot] if slot < len(level.inputs) else ""
        given = next(
            (each for each in _mappings(level.host.get("inputs")) if each.get("name") == name), {}
        )
        if given.get("link") is not None:
            found = self._origin(parent, given.get("link"), kind, depth + 1)
            if found is not _Nothing.OWN:
                return found
        return _own_value(level, name)

    def _output(self, level: _Level, node: Node, slot: int, kind: object, depth: int) -> object:
        named = str(node.get("type"))
        if node.get("mode") == _MUTED:
            return _Nothing.GONE
        if node.get("mode") == _BYPASSED:
            return self._input(level, node, _slot_past(node, slot, kind), kind, depth)
        child = level.children.get(str(node.get("id")))
        if child is not None:
            return self._origin(child, child.targets.get(slot), kind, depth + 1)
        if named in _REROUTES or named == "SetNode":
            return self._input(level, node, 0, kind, depth)
        if named == "PrimitiveNode":
            return _plain(widget_values(node).get("value"))
        if named == "GetNode":
            source = _set_by(level, node)
            return self._input(level, source, 0, kind, depth) if source else _Nothing.GONE
        return [f"{level.path}{node.get('id')}", slot]

    def _input(self, level: _Level, node: Node, slot: int, kind: object, depth: int) -> object:
        inputs = _mappings(node.get("inputs"))
        if not 0 <= slot < len(inputs) or inputs[slot].get("link") is None:
            return _Nothing.GONE
        return self._origin(level, inputs[slot].get("link"), kind, depth + 1)


# Nodes


def _own_value(level: _Level, name: str) -> object:
    """Return the value that the node of a subgraph holds for one of its inputs.

    Without any values, those of the nodes within it count.
    """
    host, inner = level.host, level.values
    if not host.get("widgets_values") and not host.get("widgets_values_named"):
        return _Nothing.OWN
    # Of its own inputs, newer frontends write only those that are linked.
    found = [each for each in (widget_values(host), widget_values(host, inner)) if each]
    if not found and name not in {*widget_names(host), *inner}:
        return _Nothing.OWN
    if not found or any(list(each) != list(found[0]) for each in found):
        return _Nothing.GONE
    return _plain(found[0][name]) if found[0].get(name) is not None else _Nothing.OWN


def _inner_values(graph: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a subgraph's inputs that lead to an input with a value, in order."""
    nodes = {str(each.get("id")): each for each in _mappings(graph.get("nodes"))}
    with_value: set[object] = set()
    for node in nodes.values():
        for each in _mappings(node.get("inputs")):
            link = each.get("link")
            if isinstance(each.get("widget"), Mapping) and isinstance(link, int | str):
                with_value.add(link)
    names: list[str] = []
    for each in _mappings(graph.get("inputs")):
        links = each.get("linkIds")
        if any(isinstance(link, int | str) and link in with_value
               for link in (links if isinstance(links, list) else [])):  # fmt: skip
            names.append(str(each.get("name")))
    return tuple(names)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float) else _Nothing.GONE


def _slot_past(node: Node, slot: int, kind: object) -> int:
    """Return which input's link goes past a bypassed node to an output; -1 if none does.

    As ComfyUI does it: the one beside the output if their types agree, else the first that fits.
    """
    kinds = [each.get("type") for each in _mappings(node.get("inputs"))]
    outputs = _mappings(node.get("outputs"))
    own = outputs[slot].get("type") if slot < len(outputs) else kind
    if kind in ("*", ""):
        return slot if slot < len(kinds) else 0
    if slot < len(kinds) and _fits(kinds[slot], own) and _fits(kinds[slot], kind):
        return slot
    if kind in kinds:
        return kinds.index(kind)
    fitting = (at for at, each in enumerate(kinds) if _fits(each, own) and _fits(each, kind))
    return next(fitting, -1)


def _fits(one: object, other: object) -> bool:
    return one == other or "*" in (one, other)


def _set_by(level: _Level, node: Node) -> Node | None:
    """Return the node that sets what another one gets, by the name that both hold; None if there
    are several."""
    named = node.get("widgets_values")
    found = [
        each
        for each in level.nodes.values()
        if each.get("type") == "SetNode" and each.get("widgets_values") == named
    ]
    return found[0] if len(found) == 1 else None


def _links(links: object) -> tuple[dict[object, tuple[object, object]], dict[object, object]]:
    """Return the origins of links, and which link leads to each output of a subgraph.

    A link is a list of numbers, or an object in which they have names.
    """
    origins: dict[object, tuple[object, object]] = {}
    targets: dict[object, object] = {}
    for each in links if isinstance(links, list) else []:
        if isinstance(each, Mapping):
            parts = [each.get(name) for name in
                     ("id", "origin_id", "origin_slot", "target_id", "target_slot")]  # fmt: skip
        else:
            parts = list(each[:5]) if isinstance(each, list) else []
        if len(parts) < 5 or not all(isinstance(part, int | str) for part in parts):
            continue
        number, origin, origin_slot, target, target_slot = parts
        origins[number] = (origin, origin_slot)
        if target == _TO_OUTSIDE:
            targets.setdefault(target_slot, number)
    return origins, targets


def _mappings(value: object) -> list[Mapping[str, Any]]:
    found = value[: MAX_NODES + 1] if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]
