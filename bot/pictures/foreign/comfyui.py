"""Read prompt, negative prompt, seed and size from a ComfyUI graph. Pure; never raises.

A graph is `{"3": {"class_type": "KSampler", "inputs": {"positive": ["6", 0], "seed": 5, …}}, …}`:
an input is a value, or a link of a node's id and the number of its output. There are thousands of
kinds of nodes, so they are told apart by the names of their inputs, and few by their class.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.pictures.foreign.comfyui_nodes import (
    CONDITIONINGS,
    JOINED,
    LATENTS,
    MAX_CHARS,
    MAX_NODES,
    OUTPUTS,
    PASSED,
    SEEDS,
    SETTINGS,
    TEXTS,
    Node,
    Role,
    class_of,
    is_computed,
    is_link,
    is_sampler,
    joined,
    links_of,
    named,
)
from bot.pictures.foreign.comfyui_workflow import running_graph

_MAX_DEPTH: Final = 60
"""Links followed one behind the other; a chain of reroutes is shorter. Chosen by hand, well below
Python's limit of recursion."""
_MAX_STEPS: Final = 20_000
"""Nodes looked at for one picture: a graph can join the same texts over and over. Chosen by hand.
"""


@dataclass(frozen=True, slots=True)
class GraphReading:
    """What a graph says. settings: names of what else it sets."""

    prompt: str
    negative: str = ""
    seed: int | None = None
    size: tuple[int, int] | None = None
    settings: tuple[str, ...] = ()


def read_workflow(workflow: Mapping[str, Any]) -> GraphReading | None:
    """Return what a workflow, the graph as it is drawn, paints from; None as `read_graph`.

    What the workflow does not say for certain is missing.
    """
    return read_graph(running_graph(workflow))


def read_graph(graph: Mapping[str, Any]) -> GraphReading | None:
    """Return what the graph paints from, None if there is no sampler with a prompt in it.

    Of several samplers, the one counts that starts from an empty picture, else the one nearest to
    the output. Where there is none, a node that takes a prompt and a seed paints by itself, such as
    those that ask a paid service.
    """
    nodes = {
        str(name): node
        for name, node in list(graph.items())[:MAX_NODES]
        if isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping)
    }
    walk = _Walk(nodes)
    painters = list(walk.upwards())
    samplers = [node for node in painters if is_sampler(node)]
    # Nearest to the output first, and stable.
    samplers.sort(key=lambda sampler: walk.size(sampler) is None)
    for sampler in samplers:
        prompt = walk.text(sampler, "positive")
        if prompt:
            return walk.reading(sampler, prompt, walk.text(sampler, "negative"))
    for node in painters:
        if not samplers and "seed" in node["inputs"]:
            prompt = walk.text_of(node)
            if prompt:
                return walk.reading(node, prompt, "")
    return None


@dataclass(slots=True)
class _Walk:
    """Follows the links of a graph, within limits."""

    nodes: Mapping[str, Node]
    steps: int = field(default=0)

    # Nodes

    def upwards(self) -> Iterator[Node]:
        """Yield the nodes from the outputs upwards, nearest first."""
        waiting = deque(self._outputs() or list(self.nodes))
        seen = set(waiting)
        while waiting:
            node = self.nodes[waiting.popleft()]
            yield node
            for value in node["inputs"].values():
                linked = self._linked_name(value)
                if linked is not None and linked not in seen:
                    seen.add(linked)
                    waiting.append(linked)

    def _outputs(self) -> list[str]:
        kinds = {name: str(node.get("class_type", "")).lower() for name, node in self.nodes.items()}
        for word in OUTPUTS:
            found = [name for name, kind in kinds.items() if word in kind]
            if found:
                return found
        return []

    def reading(self, sampler: Node, prompt: str, negative: str) -> GraphReading:
        """Return what is known of a picture with these texts.

        Where there is no guidance, the prompt is often linked to both, which is no negative one.
        """
        negative = "" if negative == prompt else negative
        seed, size = self.seed(sampler), self.size(sampler)
        return GraphReading(prompt, negative, seed, size, self.settings())

    # Texts

    def text_of(self, node: Node) -> str:
        """Return the text in a node itself, or in those that it is linked to."""
        return self._written(node, "positive", 0)

    def text(self, sampler: Node, role: Role) -> str:
        """Return the text that a sampler is given as its positive or negative prompt."""
        inputs = sampler["inputs"]
        given = next((name for name in named(role) if name in inputs), None)
        if given is not None:
            return self._conditioned(inputs[given], role)
        guider = self._linked(inputs.get("guider"))
        if guider is not None:
            given = guider["inputs"]
            if role in given:
                return self._conditioned(given[role], role)
            if role == "positive":
                return self._conditioned(given.get("conditioning", given.get("cond1")), role)
            return ""
        pipe = next(
            (inputs[name] for name in ("pipe", "context", "basic_pipe") if name in inputs), ""
        )
        return self._conditioned(pipe, role)

    def _conditioned(self, value: object, role: Role, depth: int = 0) -> str:
        """Return the text of a conditioning, or of a text itself."""
        if isinstance(value, str):
            return value[:MAX_CHARS].strip()
        node = self._step(value, depth)
        if node is None or is_computed(node) or "zeroout" in class_of(node):
            return ""  # a conditioning of zeros is no prompt, whatever it was made from
        inputs = node["inputs"]
        if role in inputs:
            return self._conditioned(inputs[role], role, depth + 1)
        parts = [
            self._conditioned(inputs[name], role, depth + 1)
            for name in CONDITIONINGS
            if isinstance(inputs.get(name), list)
        ]
        if any(parts):
            return joined(parts, ", ")
        return self._written(node, role, depth) or self._passed_text(node, role, depth)

    def _passed_text(self, node: Node, role: Role, depth: int) -> str:
        inputs = node["inputs"]
        links = [value for name, value in inputs.items() if name in PASSED and is_link(value)]
        links += [inputs[name] for name in self._switched(inputs)]
        if not links and len(inputs) == 1:
            links = [value for value in inputs.values() if is_link(value)]
        texts = (self._conditioned(link, role, depth + 1) for link in links)
        return next(filter(None, texts), "")

    def _written(self, node: Node, role: Role, depth: int) -> str:
        """Return the text of a node whose inputs hold one, or lead to nodes that do."""
        inputs = node["inputs"]
        for names in JOINED:
            if all(name in inputs for name in names[:2]):
                parts = [self._string(inputs.get(name), role, depth + 1) for name in names]
                between = inputs.get("delimiter", inputs.get("separator", ", "))
                text = joined(parts, between if isinstance(between, str) else ", ")
                if text:
                    return text
        # A node with texts for both roles has none for this one if it is empty.
        own = [name for name in named(role) if name in inputs]
        for name in own or (*TEXTS, *self._switched(inputs)):
            text = self._string(inputs.get(name), role, depth + 1)
            if text:
                return text
        return ""

    def _string(self, value: object, role: Role, depth: int) -> str:
        if isinstance(value, str):
            return value[:MAX_CHARS].strip()
        node = self._step(value, depth)
        if node is None or is_computed(node):
            return ""
        inputs = node["inputs"]
        found = self._written(node, role, depth)
        if found:
            return found
        names = ("text_0", *PASSED)
        texts = (self._string(inputs[name], role, depth + 1) for name in names if name in inputs)
        return next(filter(None, texts), "")

    def _switched(self, inputs: Mapping[str, Any]) -> list[str]:
        """Return the input that a switch lets through, as far as its own setting is written."""
        for name in ("switch", "boolean", "select", "input", "index", "Input"):
            chosen = self._value(inputs.get(name), (name, "value", "boolean"))
            if isinstance(chosen, bool):
                names = (
                    ("on_true", "true", "if_true") if chosen else ("on_false", "false", "if_false")
                )
                return [each for each in names if each in inputs]
            if isinstance(chosen, int):
                names = (f"input{chosen}", f"input_{chosen}", f"value{chosen}", f"text{chosen}")
                return [each for each in names if each in inputs]
        return []

    # Numbers

    def seed(self, sampler: Node) -> int | None:
        """Return the seed of a sampler, or of the noise that it is given."""
        for name in ("seed", "noise_seed", "noise"):
            found = self._value(sampler["inputs"].get(name), SEEDS)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
        return None

    def size(self, sampler: Node) -> tuple[int, int] | None:
        """Return the size of the empty picture that a sampler starts from."""
        waiting = deque(links_of(sampler["inputs"], LATENTS))
        seen: set[str] = set()
        while waiting and len(seen) < _MAX_DEPTH:
            link = waiting.popleft()
            name = self._linked_name(link)
            if name is None or name in seen:
                continue
            seen.add(name)
            node = self.nodes[name]
            inputs = node["inputs"]
            if is_sampler(node):  # this one only works the other's picture over
                continue
            sides = [self._side(inputs, axis) for axis in ("width", "height")]
            if all(sides):
                return sides[0], sides[1]
            waiting.extend(links_of(inputs, (*LATENTS, *PASSED)))
        inputs = sampler["inputs"]
        sides = [self._side(inputs, axis) for axis in ("width", "height")]
        return (sides[0], sides[1]) if all(sides) else None

    def _side(self, inputs: Mapping[str, Any], axis: str) -> int:
        for name in (axis, f"empty_latent_{axis}"):
            found = self._value(inputs.get(name), (axis, "value", "int", "number"))
            if isinstance(found, int) and 0 < found < 100_000:
                return found
        return 0

    def _value(self, value: object, names: tuple[str, ...], depth: int = 0) -> object:
        """Return a value that is written in an input, or in the node that it is linked to."""
        if not is_link(value):
            return value
        node = self._step(value, depth)
        if node is None:
            return None
        for name in (*names, *PASSED):
            if name in node["inputs"]:
                found = self._value(node["inputs"][name], names, depth + 1)
                if isinstance(found, int):
                    return found
        return None

    # Links

    def settings(self) -> tuple[str, ...]:
        """Return the names of what else the graph sets."""
        used = {name for node in self.nodes.values() for name in node["inputs"]}
        return tuple(dict.fromkeys(told for name, told in SETTINGS.items() if name in used))

    def _step(self, value: object, depth: int) -> Node | None:
        self.steps += 1
        if depth > _MAX_DEPTH or self.steps > _MAX_STEPS:
            return None
        return self._linked(value)

    def _linked(self, value: object) -> Node | None:
        name = self._linked_name(value)
        return None if name is None else self.nodes[name]

    def _linked_name(self, value: object) -> str | None:
        if not is_link(value):
            return None
        name = str(value[0])
        return name if name in self.nodes else None
