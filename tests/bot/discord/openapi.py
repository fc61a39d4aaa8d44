"""Checks requests against Discord's own API description, if that file is available."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DESCRIPTION = Path(__file__).parents[4] / "shared" / "discord-openapi.json"
_ROOT = "urn:discord"


class ApiDescription:
    """Discord's API description."""

    def __init__(self, path: Path = DESCRIPTION) -> None:
        self._document = json.loads(path.read_text(encoding="utf-8"))
        resource = Resource(contents=self._document, specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_ROOT, resource)

    def problems(self, method: str, path: str, body: Any) -> list[str]:
        """Return what is wrong with a request body; empty if nothing is.

        Integers are accepted for snowflakes, because Discord accepts them.
        """
        template = self._template(method.lower(), path)
        if template is None:
            return [f"there is no {method} {path}"]
        operation = self._document["paths"][template][method.lower()]
        if "requestBody" not in operation:
            return [] if body is None else [f"{method} {template} takes no body"]
        errors = self._validator(template, method.lower()).iter_errors(_with_text_ids(body))
        return [f"{method} {template}: {_innermost(error)}" for error in errors]

    def answer_problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """Return what is wrong with a response body; empty if nothing is."""
        template = self._template(method.lower(), path.partition("?")[0])
        if template is None:
            return [f"there is no {method} {path}"]
        answers = self._document["paths"][template][method.lower()]["responses"]
        if str(status) not in answers:
            return [f"{method} {template} never answers {status}"]
        content = answers[str(status)].get("content")
        if content is None:
            return [] if body is None else [f"{method} {template}: {status} has no body"]
        steps = ("paths", template, method.lower(), "responses", str(status))
        schema = self._schema((*steps, "content", "application/json", "schema"))
        return [f"{method} {template}: {_innermost(e)}" for e in schema.iter_errors(body)]

    def _template(self, method: str, path: str) -> str | None:
        """Return the route that a path belongs to, preferring the one with the fewest variables."""
        for template in sorted(self._document["paths"], key=lambda each: each.count("{")):
            pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method in self._document["paths"][template]:
                return template
        return None

    def _validator(self, template: str, method: str) -> Any:
        steps = ("paths", template, method, "requestBody", "content", "application/json", "schema")
        return self._schema(steps)

    @lru_cache(maxsize=64)  # noqa: B019 - one object in one test run
    def _schema(self, steps: tuple[str, ...]) -> Any:
        pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
        reference = {"$ref": f"{_ROOT}#/{quote(pointer, safe='/~@')}"}
        return jsonschema.Draft202012Validator(reference, registry=self._registry)


def _with_text_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: str(each) if key == "id" and type(each) is int else _with_text_ids(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_with_text_ids(each) for each in value]
    return str(value) if type(value) is int and value > 2**50 else value


def _innermost(error: jsonschema.ValidationError) -> str:
    best = best_match([error])
    return f"{'/'.join(map(str, best.absolute_path))}: {best.message[:300]}"
