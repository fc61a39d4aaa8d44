"""Read prompt, negative prompt, seed and size from a ComfyUI graph. Pure; never raises.

A graph is `{"3": {"class_type": "KSampler", "inputs": {"positive": ["6", 0], "seed": 5, …}}, …}`:
an input is a value, or a link of a node's id and the number of its output. There are thousands of
kinds of nodes, so they are told apart by the names of their inputs, and few by their class.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeGuard

MAX_NODES: Final = 5000
"""Of one graph. Chosen by hand."""
_MAX_DEPTH: Final = 60
"""Links followed one behind the other; a chain of reroutes is shorter. Chosen by hand, well below
Python's limit of recursion."""
_MAX_STEPS: Final = 20_000
"""Nodes looked at for one picture: a graph can join the same texts over and over. Chosen by hand.
"""
_MAX_CHARS: Final = 20_000

Role = Literal["positive", "negative"]
Node = Mapping[str, Any]

_TEXTS: Final = (
    "text",
    "prompt",
    "text_g",
    "text_l",
    "t5xxl",
    "clip_l",
    "string",
    "value",
    "wildcard_text",
    "populated_text",
    "text_positive",
    "caption",
    "input_text",
    "source",
)
"""Inputs that hold a text or lead to one, the likeliest first."""
_JOINED: Final = (
    ("string_a", "string_b", "string_c"),
    ("text_a", "text_b", "text_c", "text_d"),
    ("text1", "text2", "text3", "text4"),
    ("string1", "string2", "string3", "string4"),
    ("prefix", "text", "suffix"),
    ("text_g", "text_l"),
)
"""Inputs whose texts are joined."""
_CONDITIONINGS: Final = (
    "conditioning",
    "conditioning_1",
    "conditioning_2",
    "conditioning_to",
    "conditioning_from",
    "conditioning1",
    "conditioning2",
    "cond",
)
_SEEDS: Final = ("seed", "noise_seed", "value", "int", "number")
_LATENTS: Final = ("latent_image", "latent", "samples", "latents", "pixels", "image", "images")
_PASSED: Final = (
    "",
    "any",
    "any_01",
    "any_1",
    "input",
    "*",
    "value",
    "in",
    "data",
    "pipe",
    "model",
)
"""Inputs through which reroutes and the like hand on whatever they are given."""
_OUTPUTS: Final = ("save", "preview", "output", "imagesend")
_SETTINGS: Final = {
    "steps": "steps",
    "cfg": "cfg",
    "guidance": "guidance",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
    "denoise": "denoise",
    "ckpt_name": "model",
    "unet_name": "model",
    "lora_name": "LoRA",
    "control_net_name": "ControlNet",
}
"""Inputs that say how a picture was painted, as they are named in a note."""


@dataclass(frozen=True, slots=True)
class GraphReading:
    """What a graph says. settings: names of what else it sets."""

    prompt: str
    negative: str = ""
    seed: int | None = None
    size: tuple[int, int] | None = None
    settings: tuple[str, ...] = ()


def read_graph(graph: Mapping[str, Any]) -> GraphReading | None:
    """Return what the graph paints from, None if there is no sampler with a prompt in it.

    Of several samplers, the one counts that starts from an empty picture, else the one nearest to
    the output.
    """
    nodes = {
        str(name): node
        for name, node in list(graph.items())[:MAX_NODES]
        if isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping)
    }
    walk = _Walk(nodes)
    found = [
        (walk.size(sampler) is not None, -position, sampler)
        for position, sampler in enumerate(walk.samplers())
    ]
    for _, _, sampler in sorted(found, key=lambda each: each[:2], reverse=True):
        prompt = walk.text(sampler, "positive")
        if prompt:
            return GraphReading(
                prompt,
                walk.text(sampler, "negative"),
                walk.seed(sampler),
                walk.size(sampler),
                walk.settings(),
            )
    return None


@dataclass(slots=True)
class _Walk:
    """Follows the links of a graph, within limits."""

    nodes: Mapping[str, Node]
    steps: int = field(default=0)

    # Samplers

    def samplers(self) -> Iterator[Node]:
        """Yield the samplers from the outputs upwards, nearest first."""
        waiting = deque(self._outputs() or list(self.nodes))
        seen = set(waiting)
        while waiting:
            node = self.nodes[waiting.popleft()]
            if _is_sampler(node):
                yield node
            for value in node["inputs"].values():
                linked = self._linked_name(value)
                if linked is not None and linked not in seen:
                    seen.add(linked)
                    waiting.append(linked)

    def _outputs(self) -> list[str]:
        kinds = {name: str(node.get("class_type", "")).lower() for name, node in self.nodes.items()}
        for word in _OUTPUTS:
            found = [name for name, kind in kinds.items() if word in kind]
            if found:
                return found
        return []

    # Texts

    def text(self, sampler: Node, role: Role) -> str:
        """Return the text that a sampler is given as its positive or negative prompt."""
        inputs = sampler["inputs"]
        if role in inputs:
            return self._conditioned(inputs[role], role)
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
            return value[:_MAX_CHARS].strip()
        node = self._step(value, depth)
        if node is None or "zeroout" in str(node.get("class_type", "")).lower():
            return ""  # a conditioning of zeros is no prompt, whatever it was made from
        inputs = node["inputs"]
        if role in inputs:
            return self._conditioned(inputs[role], role, depth + 1)
        parts = [
            self._conditioned(inputs[name], role, depth + 1)
            for name in _CONDITIONINGS
            if isinstance(inputs.get(name), list)
        ]
        if any(parts):
            return _joined(parts, ", ")
        return self._written(node, depth) or self._passed_text(node, role, depth)

    def _passed_text(self, node: Node, role: Role, depth: int) -> str:
        inputs = node["inputs"]
        links = [value for name, value in inputs.items() if name in _PASSED and _is_link(value)]
        links += [inputs[name] for name in self._switched(inputs)]
        if not links and len(inputs) == 1:
            links = [value for value in inputs.values() if _is_link(value)]
        texts = (self._conditioned(link, role, depth + 1) for link in links)
        return next(filter(None, texts), "")

    def _written(self, node: Node, depth: int) -> str:
        """Return the text of a node whose inputs hold one, or lead to nodes that do."""
        inputs = node["inputs"]
        for names in _JOINED:
            if all(name in inputs for name in names[:2]):
                parts = [self._string(inputs.get(name), depth + 1) for name in names]
                between = inputs.get("delimiter", inputs.get("separator", ", "))
                joined = _joined(parts, between if isinstance(between, str) else ", ")
                if joined:
                    return joined
        for name in (*_TEXTS, *self._switched(inputs)):
            text = self._string(inputs.get(name), depth + 1)
            if text:
                return text
        return ""

    def _string(self, value: object, depth: int) -> str:
        if isinstance(value, str):
            return value[:_MAX_CHARS].strip()
        node = self._step(value, depth)
        if node is None:
            return ""
        inputs = node["inputs"]
        found = self._written(node, depth)
        if found:
            return found
        names = ("positive", "text_0", *_PASSED)
        texts = (self._string(inputs[name], depth + 1) for name in names if name in inputs)
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
            found = self._value(sampler["inputs"].get(name), _SEEDS)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
        return None

    def size(self, sampler: Node) -> tuple[int, int] | None:
        """Return the size of the empty picture that a sampler starts from."""
        waiting = deque(_links(sampler["inputs"], _LATENTS))
        seen: set[str] = set()
        while waiting and len(seen) < _MAX_DEPTH:
            link = waiting.popleft()
            name = self._linked_name(link)
            if name is None or name in seen:
                continue
            seen.add(name)
            node = self.nodes[name]
            inputs = node["inputs"]
            if _is_sampler(node):  # this one only works the other's picture over
                continue
            sides = [self._side(inputs, axis) for axis in ("width", "height")]
            if all(sides):
                return sides[0], sides[1]
            waiting.extend(_links(inputs, (*_LATENTS, *_PASSED)))
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
        if not _is_link(value):
            return value
        node = self._step(value, depth)
        if node is None:
            return None
        for name in (*names, *_PASSED):
            if name in node["inputs"]:
                found = self._value(node["inputs"][name], names, depth + 1)
                if isinstance(found, int):
                    return found
        return None

    # Links

    def settings(self) -> tuple[str, ...]:
        """Return the names of what else the graph sets."""
        used = {name for node in self.nodes.values() for name in node["inputs"]}
        return tuple(dict.fromkeys(told for name, told in _SETTINGS.items() if name in used))

    def _step(self, value: object, depth: int) -> Node | None:
        self.steps += 1
        if depth > _MAX_DEPTH or self.steps > _MAX_STEPS:
            return None
        return self._linked(value)

    def _linked(self, value: object) -> Node | None:
        name = self._linked_name(value)
        return None if name is None else self.nodes[name]

    def _linked_name(self, value: object) -> str | None:
        if not _is_link(value):
            return None
        name = str(value[0])
        return name if name in self.nodes else None


def _is_link(value: object) -> TypeGuard[list[Any]]:
    """Return whether an input is a link: a node's id and the number of its output."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str | int)
        and isinstance(value[1], int)
    )


def _links(inputs: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    return [inputs[name] for name in names if _is_link(inputs.get(name))]


def _is_sampler(node: Node) -> bool:
    """Return whether a node paints: it is given a prompt, and noise or a number of steps."""
    inputs = node["inputs"]
    prompted = any(name in inputs for name in ("positive", "guider", "pipe", "context"))
    return prompted and any(
        name in inputs
        for name in ("seed", "noise_seed", "noise", "sampler_name", "steps", "sampler")
    )


def _joined(parts: list[str], between: str) -> str:
    """Join the texts that differ: both halves of an encoder are often given the same one."""
    kept = list(dict.fromkeys(part for part in parts if part))
    return between[:20].join(kept)[:_MAX_CHARS]
