"""What can go wrong while a model is fetched, as data; the wording for people lives in `bot`.

HubError
├── NameInvalid          not the name of a model
├── EndpointInvalid      the address of a hub or mirror cannot be used
├── HubUnavailable       this hub does not help now; another one may
│   ├── HubUnreachable   no connection
│   ├── HubSilent        a connection, and no answer
│   ├── HubBusy          too many requests
│   ├── HubFailed        an answer that it should not have given
│   ├── ModelUnknown     it has no such model or revision
│   └── AccessDenied     it shows the model only to whom it knows
├── ListingRefused       its list of files is not one that is safe to follow
├── SelectionFailed      the files that a model needs cannot be told from the list
├── WrongBytes           a file was sent twice with other contents than the hub's own checksum
├── TransferFailed       the transfer of a file broke off again and again
├── RedirectRefused      the hub sent the download to an address that is not followed
├── DiskTooSmall         the files do not fit
├── Offline              the owner has switched all downloads off
└── NoHub                none of several hubs helped
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path


class Hub(StrEnum):
    """A hub of models, by the kind of its interface."""

    HUGGING_FACE = "huggingface"
    MODELSCOPE = "modelscope"


class HubError(Exception):
    """Base class of everything that fetching a model raises on purpose."""


class NameInvalid(HubError):
    """`name` is no model id. nearest: the short name that was probably meant, if any."""

    def __init__(self, name: str, nearest: str | None = None) -> None:
        super().__init__(f"{name!r} is not a model id like owner/name")
        self.name = name
        self.nearest = nearest


class EndpointInvalid(HubError):
    """The address `address`, which comes from `source`, cannot be used because of `reason`."""

    def __init__(self, source: str, address: str, reason: str) -> None:
        super().__init__(f"{source} {address!r}: {reason}")
        self.source = source
        self.address = address
        self.reason = reason


class HubUnavailable(HubError):
    """The hub at `host` does not help now; another one may."""

    def __init__(self, hub: Hub, host: str, detail: str) -> None:
        super().__init__(f"{host}: {detail}")
        self.hub = hub
        self.host = host
        self.detail = detail


class HubUnreachable(HubUnavailable):
    """No connection came about; `detail` says why, in the system's words."""


class HubSilent(HubUnavailable):
    """The hub accepted a connection and did not answer within `timeout_s`."""

    def __init__(self, hub: Hub, host: str, timeout_s: float) -> None:
        super().__init__(hub, host, f"no answer within {timeout_s:g} s")
        self.timeout_s = timeout_s


class HubBusy(HubUnavailable):
    """The hub wants fewer requests. retry_after_s: how long it asked to wait, None if not said."""

    def __init__(self, hub: Hub, host: str, retry_after_s: float | None) -> None:
        super().__init__(hub, host, "too many requests (429)")
        self.retry_after_s = retry_after_s


class HubFailed(HubUnavailable):
    """The hub answered with an error of its own, or with something that is no answer to this."""

    def __init__(self, hub: Hub, host: str, status: int, detail: str = "") -> None:
        super().__init__(hub, host, detail or f"status {status}")
        self.status = status


class ModelUnknown(HubUnavailable):
    """The hub has no such model; or, with a `revision`, perhaps the model and not the revision."""

    def __init__(self, hub: Hub, host: str, model: str, revision: str | None) -> None:
        at = "" if revision is None else f" at the revision {revision}"
        super().__init__(hub, host, f"there is no {model}{at}")
        self.model = model
        self.revision = revision


class AccessDenied(HubUnavailable):
    """The hub refuses to show the model. token_sent: whether a token came with the request."""

    def __init__(self, hub: Hub, host: str, model: str, status: int, token_sent: bool) -> None:
        super().__init__(hub, host, f"access to {model} is denied ({status})")
        self.model = model
        self.status = status
        self.token_sent = token_sent


class ListingRefused(HubError):
    """The hub's list of files has `name` in it, or is itself, `reason`."""

    def __init__(self, host: str, name: str | None, reason: str) -> None:
        super().__init__(f"{host}: {'its list of files' if name is None else repr(name)} {reason}")
        self.host = host
        self.name = name
        self.reason = reason


class SelectionFailed(HubError):
    """Which files to fetch cannot be told. files: those that compete, empty if one is missing."""

    def __init__(self, model: str, reason: str, files: Sequence[str] = ()) -> None:
        super().__init__(f"{model}: {reason}")
        self.model = model
        self.reason = reason
        self.files = tuple(files)


class WrongBytes(HubError):
    """What `host` sent as `file` does not have the hub's checksum, also the second time."""

    def __init__(self, host: str, file: str) -> None:
        super().__init__(f"{file}: not the bytes that {host} announced")
        self.host = host
        self.file = file


class TransferFailed(HubError):
    """The transfer of `file` ended early `attempts` times in a row; sizes in bytes."""

    def __init__(
        self, file: str, kept_bytes: int, size_bytes: int, attempts: int, cause: str
    ) -> None:
        super().__init__(f"{file}: {kept_bytes} of {size_bytes} bytes ({cause})")
        self.file = file
        self.kept_bytes = kept_bytes
        self.size_bytes = size_bytes
        self.attempts = attempts
        self.cause = cause


class RedirectRefused(HubError):
    """The hub at `host` redirects to `target`, which is not followed because of `reason`."""

    def __init__(self, host: str, target: str, reason: str) -> None:
        super().__init__(f"{host} redirects to {target}: {reason}")
        self.host = host
        self.target = target
        self.reason = reason


class DiskTooSmall(HubError):
    """The disk of `folder` has `free_bytes`, and `needed_bytes` are still to be fetched."""

    def __init__(self, folder: Path, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(f"{folder}: {needed_bytes} bytes needed, {free_bytes} free")
        self.folder = folder
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class Offline(HubError):
    """The environment variable `variable` forbids every download."""

    def __init__(self, variable: str) -> None:
        super().__init__(f"{variable} is set")
        self.variable = variable


class NoHub(HubError):
    """Every hub was asked, and none helped; `errors` in the order in which they were asked."""

    def __init__(self, errors: Sequence[HubUnavailable]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = tuple(errors)
