"""Rules as a file: what is written is read again, and what cannot be read is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.rules.transfer import read, write
from bot.accounts.rules.values import from_plain, read_typed, to_json
from bot.request.outcomes import Refused
from bot.request.reasons.rules import RulesFileRefused
from storage.access_rules import (
    RuleKind,
    RuleScope,
    RuleSubject,
    ServerAccess,
    StoredRule,
    in_order,
)

TYPED = {
    RuleKind.PAINT: ("allow", "BLOCK "),
    RuleKind.MODELS: ("all", "none", "turbo, base"),
    RuleKind.LORAS: ("all", "none", "ink"),
    RuleKind.SIZE: ("1024x768", "512 × 512"),
    RuleKind.STEPS: ("1", "1000"),
    RuleKind.SPEED: ("fast", "Fine"),
    RuleKind.COUNT: ("1", "4"),
    RuleKind.PENDING: ("1", "1000"),
    RuleKind.COOLDOWN: ("0", "30", "30s", "604800"),
    RuleKind.PRIVATE: ("on", "off"),
    RuleKind.SPOILER: ("on", "off"),
}
BAD = {
    RuleKind.PAINT: ("", "yes", "no"),
    RuleKind.MODELS: (", ,",),
    RuleKind.SIZE: ("0x5", "1024", "-1x1", "99999x1", "1024x768x2"),
    RuleKind.STEPS: ("0", "1001", "-1", "1.5", "٣", "9" * 5000),
    RuleKind.SPEED: ("slow", ""),
    RuleKind.COUNT: ("0", "5"),
    RuleKind.COOLDOWN: ("604801", "s", "-5"),
    RuleKind.PRIVATE: ("maybe",),
}
RULE = {"scope": "role", "id": "5", "kind": "steps", "value": 4}


def names(_kind: RuleKind, text: str) -> tuple[str, ...]:
    """Return the names in a text, as if each were offered."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


def typed(kind: RuleKind, text: str) -> Any:
    """Return the value that a text means."""
    value = read_typed(kind, text, names)
    assert not isinstance(value, Refused), (kind, text)
    return value


def test_every_kind_is_read_as_typed_and_as_stored() -> None:
    """A value that can be typed is the same once it was stored; others are refused."""
    for kind in RuleKind:
        for text in TYPED[kind]:
            value = typed(kind, text)
            assert from_plain(kind, json.loads(to_json(value))) == value
    for kind, texts in BAD.items():
        for text in texts:
            assert isinstance(read_typed(kind, text, names), Refused), (kind, text)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(RuleScope),
            st.integers(1, 2**63 - 1),
            st.sampled_from(
                [(kind, typed(kind, text)) for kind, texts in TYPED.items() for text in texts]
            ),
        ),
        unique_by=lambda each: (each[0], each[1] if each[0] != "server" else 0, each[2][0]),
    ),
    st.frozensets(st.integers(1, 2**63 - 1)),
)
def test_a_file_is_read_as_it_was_written(rules: list[Any], roles: frozenset[int]) -> None:
    """What is exported says the same when it is read, whatever roles and channels are called."""
    stored = [
        StoredRule(
            RuleSubject(scope, 0 if scope is RuleScope.SERVER else id_), kind, to_json(value)
        )
        for scope, id_, (kind, value) in rules
    ]
    access = ServerAccess(tuple(sorted(stored, key=in_order)), roles)
    found = read(write(access, lambda each: f"“{each.id}” \\ \n").encode())
    assert not isinstance(found, RulesFileRefused) and found[0] == access


@pytest.mark.parametrize(
    ("file", "refused"),
    [
        (b"", RulesFileRefused()),
        (b"\xff\xfe", RulesFileRefused()),
        (b"[" * 100_000, RulesFileRefused()),
        (b'{"rules": []}', RulesFileRefused()),
        ({"zimagine_rules": 2}, RulesFileRefused(version="2")),
        ({"zimagine_rules": "1"}, RulesFileRefused(version="1")),
        ({"zimagine_rules": True}, RulesFileRefused(version="true")),
        ({"zimagine_rules": 1, "rulez": []}, RulesFileRefused(unknown=("rulez",))),
        (
            {"zimagine_rules": 1, "rules": [RULE | {"kind": "hat", "x": 1}]},
            RulesFileRefused(unknown=("hat", "x")),
        ),
        ({"zimagine_rules": 1, "rules": {}}, RulesFileRefused(problem="rules")),
        ({"zimagine_rules": 1, "rules": [5]}, RulesFileRefused(problem="rules")),
    ],
)
def test_what_is_no_such_file_is_refused_by_name(file: Any, refused: RulesFileRefused) -> None:
    """Another version and unknown keys are named; other texts are no file of rules at all."""
    data = file if isinstance(file, bytes) else json.dumps(file).encode()
    assert read(data) == refused


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0},
        {"value": "4"},
        {"value": True},
        {"value": None},
        {"value": [4]},
        {"kind": ["steps"]},
        {"scope": "guild"},
        {"scope": ["role"]},
        {"id": 5},
        {"id": "0"},
        {"id": "-5"},
        {"id": "9" * 19},
        {"id": "5" * 40},
        {"kind": "size", "value": [1, 2, 3]},
        {"kind": "size", "value": [1, True]},
        {"kind": "models", "value": [""]},
        {"kind": "models", "value": "some"},
    ],
)
def test_a_value_that_no_rule_can_have_is_refused(change: dict[str, Any]) -> None:
    """Whatever a file has in place of a value, an id or a scope, it is refused, not believed."""
    found = read(json.dumps({"zimagine_rules": 1, "rules": [RULE | change]}).encode())
    assert isinstance(found, RulesFileRefused), found


def test_the_same_rule_twice_is_refused() -> None:
    """A file that says two things about the same is refused."""
    file = {"zimagine_rules": 1, "rules": [RULE, RULE | {"value": 5}]}
    assert isinstance(read(json.dumps(file).encode()), RulesFileRefused)
