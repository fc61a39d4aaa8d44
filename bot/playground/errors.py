"""Discord's refusals: an HTTP status, a code, a message, and for forms every single problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

Path = tuple[str | int, ...]
"""A position in a body: names of fields and indexes in lists."""


class ApiError(Exception):
    """The refusal of one request.

    status: the HTTP status. code: Discord's JSON error code, 0 for none. errors: for 50035, nested
    objects with the body's field names, ending in lists named `_errors`.
    """

    def __init__(
        self, status: int, code: int, message: str, errors: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """Return the response JSON, as Discord writes it."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        return body if self.errors is None else body | {"errors": self.errors}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of Discord's known refusals."""

    status: int
    code: int
    message: str

    def error(self, errors: dict[str, Any] | None = None) -> ApiError:
        """Return a new exception to raise."""
        return ApiError(self.status, self.code, self.message, errors)


UNAUTHORIZED: Final = Refusal(401, 0, "401: Unauthorized")
NOT_FOUND: Final = Refusal(404, 0, "404: Not Found")
METHOD_NOT_ALLOWED: Final = Refusal(405, 0, "405: Method Not Allowed")

UNKNOWN_APPLICATION: Final = Refusal(404, 10002, "Unknown Application")
UNKNOWN_CHANNEL: Final = Refusal(404, 10003, "Unknown Channel")
UNKNOWN_GUILD: Final = Refusal(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER: Final = Refusal(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE: Final = Refusal(404, 10008, "Unknown Message")
UNKNOWN_ROLE: Final = Refusal(404, 10011, "Unknown Role")
UNKNOWN_USER: Final = Refusal(404, 10013, "Unknown User")
UNKNOWN_EMOJI: Final = Refusal(404, 10014, "Unknown Emoji")
UNKNOWN_WEBHOOK: Final = Refusal(404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION: Final = Refusal(404, 10062, "Unknown interaction")
UNKNOWN_COMMAND: Final = Refusal(404, 10063, "Unknown application command")

TOO_MANY_ATTACHMENTS: Final = Refusal(
    400, 30015, "Maximum number of attachments in a message reached (10)"
)
TOO_MANY_COMMANDS: Final = Refusal(400, 30032, "Maximum number of application commands reached")
TOO_MANY_COMMAND_CREATES: Final = Refusal(
    429, 30034, "Max number of daily application command creates has been reached (200)"
)
TOO_MANY_OLD_EDITS: Final = Refusal(
    429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later"
)

ENTITY_TOO_LARGE: Final = Refusal(413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED: Final = Refusal(400, 40060, "Interaction has already been acknowledged.")
TOO_MANY_FOLLOWUPS: Final = Refusal(
    400, 40094, "This interaction has hit the maximum number of follow up messages."
)

MISSING_ACCESS: Final = Refusal(403, 50001, "Missing Access")
NOT_YOUR_MESSAGE: Final = Refusal(403, 50005, "Cannot edit a message authored by another user")
CANNOT_SEND_TO_USER: Final = Refusal(403, 50007, "Cannot send messages to this user")
EMPTY_MESSAGE: Final = Refusal(400, 50006, "Cannot send an empty message")
NOT_A_TEXT_CHANNEL: Final = Refusal(400, 50008, "Cannot send messages in a non-text channel")
MISSING_PERMISSIONS: Final = Refusal(403, 50013, "Missing Permissions")
SYSTEM_MESSAGE: Final = Refusal(403, 50021, "Cannot execute action on a system message")
WRONG_CHANNEL_TYPE: Final = Refusal(400, 50024, "Cannot execute action on this channel type")
INVALID_WEBHOOK_TOKEN: Final = Refusal(401, 50027, "Invalid Webhook Token")
INVALID_FORM_BODY: Final = Refusal(400, 50035, "Invalid Form Body")
THREAD_ARCHIVED: Final = Refusal(400, 50083, "Thread is archived")
THREAD_EXISTS: Final = Refusal(400, 160004, "A thread has already been created for this message")
TOO_MANY_THREADS: Final = Refusal(400, 160006, "Maximum number of active threads reached")
INVALID_JSON: Final = Refusal(400, 50109, "The request body contains invalid JSON.")


class Form:
    """Collects every problem in a body, since Discord reports all of them at once.

    root: where the body is in the request, such as ("data",) in an interaction response.
    """

    def __init__(self, root: Path = ()) -> None:
        self._root = root
        self._found: list[tuple[Path, str, str]] = []

    def __bool__(self) -> bool:
        """Return whether any problem was found."""
        return bool(self._found)

    def add(self, path: Path, code: str, message: str) -> None:
        """Add a problem. code: Discord's error name. message: one short sentence."""
        self._found.append(((*self._root, *path), code, message))

    def nested(self) -> dict[str, Any]:
        """Return all problems, nested as Discord does; empty if there are none."""
        return nest(self._found)

    def check(self) -> None:
        """Raise ApiError with code 50035 if any problem was found."""
        if self._found:
            raise INVALID_FORM_BODY.error(self.nested())


def nest(found: Sequence[tuple[Path, str, str]]) -> dict[str, Any]:
    """Nest problems, given as path, code and message, in objects that end in `_errors`."""
    tree: dict[str, Any] = {}
    for path, code, message in found:
        node = tree
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})
    return tree
