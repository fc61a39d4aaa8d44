"""The limit checks reject what breaks the limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bot.discord.views.limits import cut_on_phones, form_problems, problems, text_problems


def button(number: int = 1, label: str = "Show") -> dict[str, Any]:
    """Return a button as discord.py sends it."""
    return {"type": 2, "style": 2, "label": label, "custom_id": f"z1:show:{number}"}


def row(*children: dict[str, Any]) -> dict[str, Any]:
    """Return a row of buttons or a menu."""
    return {"type": 1, "components": list(children)}


def menu(count: int, label: str = "one") -> dict[str, Any]:
    """Return a menu of `count` options."""
    options = [{"label": label, "value": f"z1:show:{n}"} for n in range(count)]
    return {"type": 3, "custom_id": "z1:pick:1", "options": options}


def text(content: str) -> dict[str, Any]:
    """Return a text display."""
    return {"type": 10, "content": content}


def gallery(count: int, alt: str) -> dict[str, Any]:
    """Return a gallery of `count` pictures with the same description."""
    item = {"media": {"url": "attachment://x.png"}, "description": alt}
    return {"type": 12, "items": [item] * count}


def section(alt: str) -> dict[str, Any]:
    """Return a text beside a thumbnail with this description."""
    thumbnail = {"type": 11, "media": {"url": "attachment://x.png"}, "description": alt}
    return {"type": 9, "components": [text("x")], "accessory": thumbnail}


SOUND = [
    text("x" * 3998),
    text("y"),
    section("z" * 1024),
    gallery(10, "z" * 1024),
    row(*map(button, range(5))),
]


@pytest.mark.parametrize(
    "broken",
    [
        [text("x")] * 41,
        [text("x" * 2000), text("x" * 2001)],
        [text("")],
        [text("half \ud83d")],
        [row(*map(button, range(6)))],
        [row(button(1)), row(button(1))],
        [row(button(label="x" * 81))],
        [row(button(10**100))],
        [row(menu(26))],
        [row(menu(0))],
        [row(menu(2, "x" * 101))],
        [row(menu(2), button())],
        [gallery(11, "x")],
        [gallery(1, "x" * 1025)],
        [gallery(1, "")],
        [section("x" * 1025)],
        [{"type": 9, "components": [text("x")] * 4, "accessory": button()}],
        [{"type": 9, "components": [], "accessory": button()}],
        [gallery(0, "x")],
        [row()],
    ],
)
def test_a_broken_layout_is_noticed(broken: list[Any]):
    """Exceeding any limit of a layout by one is a problem; reaching it is none."""
    assert problems(broken) and problems(SOUND) == []


def test_a_broken_form_and_text_are_noticed():
    """Forms and plain texts have limits of their own."""
    field = {"type": 4, "custom_id": "prompt", "value": "x", "max_length": 5}
    label = {"type": 18, "label": "x" * 45, "component": field}
    form = {"title": "x" * 45, "custom_id": "z1:remix:1", "components": [label]}
    assert form_problems(form) == []
    for spoilt in (
        form | {"title": "x" * 46},
        form | {"components": [label] * 6},
        form | {"components": [label | {"label": "x" * 46}]},
        form | {"components": [label | {"component": field | {"value": "x" * 6}}]},
        form | {"components": [label | {"component": field | {"max_length": 4001}}]},
        form | {"components": [label, label]},
        form | {"components": []},
    ):
        assert form_problems(spoilt)
    assert text_problems("x" * 2000) == [] and text_problems("x" * 2001)


def test_phones_show_less():
    """Labels over 34 letters, or 17 Chinese characters, are truncated."""
    assert cut_on_phones([row(button(label="x" * 34), button(2, "湖" * 17))]) == []
    assert cut_on_phones([row(button(label="湖" * 18))]) == ["湖" * 18]
