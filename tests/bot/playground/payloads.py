"""JSON that a bot sends, and a minimal PNG."""

from __future__ import annotations

from typing import Any

from bot.playground.model import MessageFlag

V2 = int(MessageFlag.IS_COMPONENTS_V2)


def button(custom_id: str, **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": custom_id, **more}


def row(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(parts)}


def words(content: str = "hello") -> dict[str, Any]:
    return {"type": 10, "content": content}


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000010802000000"
    "7b40e8dd0000000d49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
