"""Sentences about fetching a model: what goes on, and what went wrong."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.wording.lists import enumerated
from engine.hub.endpoints import token_names
from engine.hub.errors import (
    AccessDenied,
    DiskTooSmall,
    EndpointInvalid,
    Hub,
    HubBusy,
    HubError,
    HubFailed,
    HubSilent,
    HubUnavailable,
    HubUnreachable,
    ListingRefused,
    ModelUnknown,
    NameInvalid,
    NoHub,
    Offline,
    RedirectRefused,
    SelectionFailed,
    TransferFailed,
    WrongBytes,
)
from engine.hub.model_ids import SHORT_NAMES

_NAMES = {Hub.HUGGING_FACE: "Hugging Face", Hub.MODELSCOPE: "ModelScope"}
_HOSTS = {Hub.HUGGING_FACE: "huggingface.co", Hub.MODELSCOPE: "modelscope.cn"}
_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1000


def hub_name(hub: Hub, host: str) -> str:
    """Name a hub, with its host where that is a mirror."""
    return _NAMES[hub] if host == _HOSTS[hub] else f"{_NAMES[hub]} ({host})"


def data_size(count_bytes: int) -> str:
    """Write a number of bytes as hubs do, in steps of a thousand: "32.9 GB"."""
    size, unit = float(count_bytes), "B"
    for larger in _UNITS:
        if size < _STEP - 0.05:
            break
        size, unit = size / _STEP, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def download_failed(error: HubError, say: Words) -> str:
    """Say why a model was not fetched, and what helps, in one or two sentences."""
    match error:
        case NameInvalid():
            return _name_invalid(error, say)
        case EndpointInvalid():
            return say(
                "The address {address} of {source} cannot be used: {reason}.",
                address=error.address,
                source=error.source,
                reason=error.reason,
            )
        case HubUnavailable():
            return unavailable(error, say)
        case ListingRefused(name=None):
            return say(
                "Nothing was fetched: the list of files at {host} {reason}.",
                host=error.host,
                reason=error.reason,
            )
        case ListingRefused():
            return say(
                "Nothing was fetched: the file {name} in the list at {host} {reason}.",
                name=repr(error.name),
                host=error.host,
                reason=error.reason,
            )
        case SelectionFailed(files=()):
            return say("{model}: {reason}.", model=error.model, reason=error.reason)
        case SelectionFailed():
            return say(
                "{model}: {reason}. Name what you want with --include, and the files that belong "
                "to it: {files}",
                model=error.model,
                reason=error.reason,
                files=enumerated(error.files, say),
            )
        case WrongBytes():
            return say(
                "{file} was fetched twice, and both times its contents were not those that {host} "
                "announces. It was not kept; the other files are. Try another hub with --from.",
                file=error.file,
                host=error.host,
            )
        case TransferFailed():
            return say(
                "The transfer of {file} broke off {attempts} times in a row ({cause}). {kept} of "
                "{size} are kept; the same command goes on from there.",
                file=error.file,
                attempts=error.attempts,
                cause=error.cause,
                kept=data_size(error.kept_bytes),
                size=data_size(error.size_bytes),
            )
        case RedirectRefused():
            return say(
                "{host} redirects to {target}, which is not followed: {reason}.",
                host=error.host,
                target=error.target,
                reason=error.reason,
            )
        case DiskTooSmall():
            return say(
                "There is not enough space in {folder}: {needed} are needed, and {free} are free. "
                "HF_HUB_CACHE can name a folder on another disk.",
                folder=error.folder,
                needed=data_size(error.needed_bytes),
                free=data_size(error.free_bytes),
            )
        case Offline():
            return say(
                "Nothing is fetched while {variable} is set in the environment.",
                variable=error.variable,
            )
        case NoHub():
            return paragraph(*(unavailable(each, say) for each in error.errors))
        case _:
            return f"{error}."


def unavailable(error: HubUnavailable, say: Words) -> str:
    """Say why a hub did not help."""
    name = hub_name(error.hub, error.host)
    match error:
        case HubSilent():
            return say(
                "{hub} did not answer within {seconds} s.", hub=name, seconds=f"{error.timeout_s:g}"
            )
        case HubUnreachable():
            return say("{hub} cannot be reached: {detail}.", hub=name, detail=error.detail)
        case HubBusy(retry_after_s=None):
            return say("{hub} asks for fewer requests (429): try again later.", hub=name)
        case HubBusy():
            return say(
                "{hub} asks for fewer requests (429): try again in {seconds} s.",
                hub=name,
                seconds=f"{error.retry_after_s:.0f}",
            )
        case ModelUnknown(revision=None):
            return say("{hub} has no {model}.", hub=name, model=error.model)
        case ModelUnknown():
            return say(
                "{hub} has no {model}, or not at the revision {revision}.",
                hub=name,
                model=error.model,
                revision=error.revision,
            )
        case AccessDenied():
            return _access_denied(error, name, say)
        case HubFailed():
            return say("{hub} failed: {detail}.", hub=name, detail=error.detail)
        case _:
            return f"{name}: {error.detail}."


def _access_denied(error: AccessDenied, name: str, say: Words) -> str:
    variable = token_names(error.hub)[0]
    if error.token_sent:
        return say(
            "{hub} does not let the owner of the token in {variable} have {model} ({status}): ask "
            "for access on the model's page, or check the token.",
            hub=name,
            variable=variable,
            model=error.model,
            status=error.status,
        )
    return say(
        "{hub} has no {model}, or shows it only to members ({status}): check the name, or set "
        "{variable} to a token; a mirror that is given by --mirror gets none.",
        hub=name,
        model=error.model,
        status=error.status,
        variable=variable,
    )


def _name_invalid(error: NameInvalid, say: Words) -> str:
    if error.nearest is not None:
        return say(
            "“{name}” is no model. Did you mean {nearest}?", name=error.name, nearest=error.nearest
        )
    return say(
        "“{name}” is no model: give an id like owner/name, or one of these: {names}.",
        name=error.name,
        names=enumerated(SHORT_NAMES, say),
    )
