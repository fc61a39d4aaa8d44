"""The rules of a server as a JSON file. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from bot.accounts.rules.values import from_plain, to_json
from bot.request.reasons.rules import RulesFileRefused
from storage.access_rules import (
    WHOLE_SERVER,
    RuleKind,
    RuleScope,
    RuleSubject,
    ServerAccess,
    StoredRule,
    in_order,
)

VERSION: Final = 1
_KEY: Final = "zimagine_rules"
_KEYS: Final = frozenset({_KEY, "rules", "admin_roles"})
_RULE_KEYS: Final = frozenset({"scope", "id", "name", "kind", "value"})
_ROLE_KEYS: Final = frozenset({"id", "name"})
_MAX_ID: Final = 2**63 - 1
_SHOWN_CHARS: Final = 60

NameOf = Callable[[RuleSubject], str | None]
"""Returns what a role, a channel or a member is called; None if nobody knows."""
Names = Mapping[RuleSubject, str]
"""What a file calls roles and channels, which may be gone."""


class _Unreadable(Exception):
    """A file that is not what `write` writes."""

    def __init__(self, reason: RulesFileRefused) -> None:
        self.reason = reason


def write(access: ServerAccess, name_of: NameOf) -> str:
    """Return the rules of a server as a file that `read` reads. Names are for people alone."""
    rules = [
        _subject_json(each.subject, name_of) | {"kind": each.kind, "value": json.loads(each.value)}
        for each in access.rules
    ]
    roles = [RuleSubject(RuleScope.ROLE, each) for each in sorted(access.admin_roles)]
    admin_roles = [_named(each, name_of) for each in roles]
    found = {_KEY: VERSION, "rules": rules, "admin_roles": admin_roles}
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def read(data: bytes) -> tuple[ServerAccess, Names] | RulesFileRefused:
    """Return what a file says; refused with what cannot be read, and then nothing of it holds."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return RulesFileRefused()
    if not isinstance(found, dict) or _KEY not in found:
        return RulesFileRefused()
    top = cast("dict[str, Any]", found)
    if top[_KEY] != VERSION or isinstance(top[_KEY], bool):
        return RulesFileRefused(version=_shown(top[_KEY]))
    try:
        return _access(top)
    except _Unreadable as unreadable:
        return unreadable.reason


def _access(top: dict[str, Any]) -> tuple[ServerAccess, Names]:
    rules, roles = _objects(top, "rules"), _objects(top, "admin_roles")
    unknown = [
        *(top.keys() - _KEYS),
        *(key for each in rules for key in each.keys() - _RULE_KEYS),
        *(key for each in roles for key in each.keys() - _ROLE_KEYS),
        *(
            _shown(each["kind"])
            for each in rules
            if each.get("kind", "paint") not in list(RuleKind)
        ),
    ]
    if unknown:
        raise _Unreadable(RulesFileRefused(unknown=tuple(sorted(set(unknown)))))
    names: dict[RuleSubject, str] = {}
    stored: dict[tuple[RuleSubject, RuleKind], StoredRule] = {}
    for each in rules:
        rule, kind = _rule(each)
        if (rule.subject, kind) in stored:
            raise _Unreadable(RulesFileRefused(problem=_shown(each)))
        stored[rule.subject, kind] = rule
        names[rule.subject] = _name(each)
    admin_roles: set[int] = set()
    for each in roles:
        subject = RuleSubject(RuleScope.ROLE, _id(each))
        admin_roles.add(subject.id)
        names[subject] = _name(each)
    ordered = sorted(stored.values(), key=in_order)
    return ServerAccess(tuple(ordered), frozenset(admin_roles)), names


def _rule(found: dict[str, Any]) -> tuple[StoredRule, RuleKind]:
    try:
        kind, scope = RuleKind(found["kind"]), RuleScope(found["scope"])
        subject = WHOLE_SERVER if scope is RuleScope.SERVER else RuleSubject(scope, _id(found))
        value = from_plain(kind, found["value"])
    except (KeyError, ValueError, TypeError):
        raise _Unreadable(RulesFileRefused(problem=_shown(found))) from None
    return StoredRule(subject, kind, to_json(value)), kind


def _id(found: dict[str, Any]) -> int:
    text = found.get("id")
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 19:
        number = int(text)
        if 0 < number <= _MAX_ID:
            return number
    raise _Unreadable(RulesFileRefused(problem=_shown(found)))


def _objects(top: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = top.get(key, [])
    if not isinstance(found, list) or not all(
        isinstance(each, dict) for each in cast("list[object]", found)
    ):
        raise _Unreadable(RulesFileRefused(problem=key))
    return cast("list[dict[str, Any]]", found)


def _name(found: dict[str, Any]) -> str:
    name = found.get("name")
    return name[:_SHOWN_CHARS] if isinstance(name, str) and name else str(found.get("id"))


def _subject_json(subject: RuleSubject, name_of: NameOf) -> dict[str, Any]:
    if subject == WHOLE_SERVER:
        return {"scope": subject.scope}
    return {"scope": subject.scope} | _named(subject, name_of)


def _named(subject: RuleSubject, name_of: NameOf) -> dict[str, Any]:
    name = name_of(subject)
    return {"id": str(subject.id)} | ({} if name is None else {"name": name})


def _shown(found: object) -> str:
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return text[:_SHOWN_CHARS]
