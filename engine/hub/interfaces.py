"""What the two hubs' interfaces look like: how each lists a model's files, and where they lie.

Read in huggingface_hub 2.4.0 (`HfApi.repo_info`, `list_repo_tree`, `hf_hub_url`) and in
modelscope-hub 0.4.6 and later (`_legacy_api.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin

from engine.hub.client import Answer, HubClient
from engine.hub.errors import AccessDenied, Hub, HubFailed, ListingRefused, ModelUnknown
from engine.hub.listing import MAX_FILES, Listing, RemoteFile, checked_file
from engine.hub.model_ids import DEFAULT_REVISION

_NEXT: Final = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_MODELSCOPE_LIMIT: Final = 3000
"""At this many entries ModelScope cuts a list without saying so (REPO_FILES_TRUNCATION_LIMIT)."""
_LINK_MODES: Final = ("120000", "160000")
"""Git's modes of symbolic links and of other repositories."""


async def list_files(client: HubClient, model: str, revision: str | None) -> Listing:
    """Return a model's files. revision: None for the hub's default branch.

    Raises HubUnavailable and its kinds, ListingRefused and RedirectRefused.
    """
    wanted = revision or DEFAULT_REVISION[client.hub]
    if client.hub is Hub.HUGGING_FACE:
        return await _list_huggingface(client, model, wanted)
    return await _list_modelscope(client, model, wanted)


def file_url(client: HubClient, listing: Listing, file: RemoteFile) -> str:
    """Return the address of a file at the commit that was listed, or the nearest the hub has."""
    url = client.endpoint.url
    if client.hub is Hub.HUGGING_FACE:
        return f"{url}/{listing.model}/resolve/{listing.commit}/{quote(file.path)}"
    query = urlencode({"Revision": listing.asked_for, "FilePath": file.path})
    return f"{url}/api/v1/models/{listing.model}/repo?{query}"


async def _list_huggingface(client: HubClient, model: str, revision: str) -> Listing:
    base = f"{client.endpoint.url}/api/models/{model}"
    answer, found = await client.get_json(f"{base}/revision/{quote(revision, safe='')}")
    _require_success(client, answer, found, model, revision)
    commit = found.get("sha") if isinstance(found, dict) else None
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise HubFailed(client.hub, client.host, answer.status, "its answer names no commit")
    entries: list[Any] = []
    page: str | None = f"{base}/tree/{commit}?recursive=true&expand=false"
    while page is not None:
        answer, found = await client.get_json(page)
        _require_success(client, answer, found, model, revision)
        if not isinstance(found, list):
            raise HubFailed(client.hub, client.host, answer.status, "its list of files is none")
        entries += found
        if len(entries) > MAX_FILES:
            raise ListingRefused(client.host, None, f"has more than {MAX_FILES} files")
        following = _NEXT.search(answer.headers.get("Link", ""))
        if following and not found:
            raise ListingRefused(client.host, None, "goes on without end")
        page = urljoin(page, following[1]) if following else None
    files = _huggingface_files(client.host, entries)
    return Listing(client.hub, client.host, model, revision, commit, tuple(files))


def _huggingface_files(host: str, entries: Iterable[Any]) -> Iterable[RemoteFile]:
    for entry in entries:
        if not isinstance(entry, dict):
            raise ListingRefused(host, None, "has an entry that is none")
        kind, path = entry.get("type"), entry.get("path")
        if kind == "directory":
            continue
        if kind != "file":
            raise ListingRefused(host, str(path), f"is a {kind}, not a file")
        lfs = entry.get("lfs")
        large = lfs if isinstance(lfs, dict) else {}
        # A large file's own oid is that of the pointer in git, not of its contents.
        small_oid = None if large else entry.get("oid")
        size = large.get("size", entry.get("size"))
        yield checked_file(host, path, size, large.get("oid"), small_oid)


async def _list_modelscope(client: HubClient, model: str, revision: str) -> Listing:
    query = urlencode({"Revision": revision, "Recursive": "True"})
    url = f"{client.endpoint.url}/api/v1/models/{model}/repo/files?{query}"
    answer, found = await client.get_json(url)
    _require_success(client, answer, found, model, revision)
    data = found.get("Data") if isinstance(found, dict) else None
    entries = data.get("Files") if isinstance(data, dict) else data
    if not isinstance(entries, list):
        raise HubFailed(client.hub, client.host, answer.status, "its list of files is none")
    if len(entries) >= _MODELSCOPE_LIMIT:
        raise ListingRefused(client.host, None, f"has {len(entries)} entries and may be cut off")
    files = tuple(_modelscope_files(client.host, entries))
    # It tells no commit of the whole, so the contents stand for it.
    parts = sorted(f"{file.path}\0{file.size_bytes}\0{file.sha256}\n" for file in files)
    commit = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
    return Listing(client.hub, client.host, model, revision, commit, files)


def _modelscope_files(host: str, entries: Iterable[Any]) -> Iterable[RemoteFile]:
    for entry in entries:
        if not isinstance(entry, dict):
            raise ListingRefused(host, None, "has an entry that is none")
        kind, path = entry.get("Type") or "blob", entry.get("Path") or entry.get("Name")
        if kind == "tree":
            continue
        if kind != "blob" or str(entry.get("Mode", "")).endswith(_LINK_MODES):
            raise ListingRefused(host, str(path), "is a link or another repository, not a file")
        yield checked_file(host, path, entry.get("Size"), entry.get("Sha256"))


def _require_success(
    client: HubClient, answer: Answer, found: Any, model: str, revision: str
) -> None:
    """Raise the error that an answer stands for, if it is none that was asked for."""
    status = answer.status
    body = found if isinstance(found, dict) else {}
    if status == 200 and body.get("Success") is False:  # ModelScope, at times
        status = _modelscope_status(body)
    if status == 200 and found is not None:
        return
    gated = answer.headers.get("X-Error-Code") == "GatedRepo"
    if status in (401, 403):
        raise AccessDenied(client.hub, client.host, model, status, client.has_token and not gated)
    if status == 404:
        # ModelScope does not say which of both it lacks, and everything has its default branch.
        perhaps = client.hub is Hub.MODELSCOPE and revision != DEFAULT_REVISION[client.hub]
        unknown = answer.headers.get("X-Error-Code") == "RevisionNotFound"
        named = revision if perhaps or unknown else None
        raise ModelUnknown(client.hub, client.host, model, named)
    if status == 429:
        raise client.busy(answer)
    detail = "it answers with a page, not with its interface" if status == 200 else ""
    raise HubFailed(client.hub, client.host, status, detail)


def _modelscope_status(body: dict[str, Any]) -> int:
    """Return the status that an error in the body of a successful answer stands for."""
    code = body.get("Code")
    return code if isinstance(code, int) and code in (401, 403, 404, 429, 500) else 404
