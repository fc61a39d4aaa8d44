"""A model is fetched from a real server once, wholly and checked, whatever happens on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import threading
import time
from typing import Any
from urllib.parse import unquote

import pytest
from huggingface_hub import snapshot_download, try_to_load_from_cache

from engine.hub import find_downloaded
from engine.hub.cache import ModelCache
from engine.hub.endpoints import Endpoint
from engine.hub.errors import (
    AccessDenied,
    DiskTooSmall,
    Hub,
    HubBusy,
    HubError,
    HubFailed,
    HubSilent,
    HubUnreachable,
    ListingRefused,
    ModelUnknown,
    NoHub,
    RedirectRefused,
    SelectionFailed,
    TransferFailed,
    WrongBytes,
)
from tests.engine.hub.conftest import FILES, QUICK, WEIGHTS, Setup, noise
from tests.engine.hub.hub_servers import (
    COMMIT,
    MODEL,
    Fault,
    answers,
    cut_after,
    ignores_ranges,
    sends,
    silent_after,
)

DEAD = Endpoint(Hub.HUGGING_FACE, "http://127.0.0.1:9")


def test_only_what_a_pipeline_needs_is_fetched(setup: Setup) -> None:
    """The index's components arrive bit for bit, with one copy of each weight and nothing else."""
    done = setup.fetch()
    assert setup.found(done) == FILES
    assert done.fetched_bytes == sum(map(len, FILES.values())) - len(FILES["model_index.json"])
    assert setup.watcher.kept_bytes == setup.watcher.plans[0].total_bytes == done.total_bytes
    assert setup.parts() == []


def test_the_second_time_nothing_is_read(hugging_face: Setup) -> None:
    """With the same list, no file is fetched and none is hashed again."""
    setup = hugging_face
    first = setup.fetch()
    count = len(setup.hubs.requests())
    again = setup.fetch()
    assert (again.folder, again.fetched_bytes) == (first.folder, 0)
    assert len(setup.hubs.requests()) == count and setup.watcher.checked == []


def test_the_model_is_found_without_the_network(setup: Setup) -> None:
    """This program and Hugging Face's own client find it by its id."""
    done = setup.fetch()
    assert find_downloaded(MODEL, root=setup.root) == done.folder
    theirs = snapshot_download(MODEL, cache_dir=setup.root, local_files_only=True)
    assert theirs == str(done.folder)
    file = try_to_load_from_cache(MODEL, "tokenizer/tokenizer.json", cache_dir=setup.root)
    assert file == str(done.folder / "tokenizer/tokenizer.json")


def test_without_a_hub_a_whole_model_is_enough(hugging_face: Setup) -> None:
    """Where no hub answers, what is here is used; half a model is not."""
    setup = hugging_face
    done = setup.fetch()
    assert setup.fetch(DEAD).host is None
    (done.folder / WEIGHTS).unlink()
    with pytest.raises(HubUnreachable):
        setup.fetch(DEAD)


def test_a_cut_is_continued(setup: Setup) -> None:
    """After each cut the rest alone is asked for, and the address is asked for anew."""
    setup.hubs.faults[WEIGHTS] = [cut_after(100_000), cut_after(50_000)]
    assert setup.found(setup.fetch()) == FILES
    first, second, third = setup.hubs.ranges(WEIGHTS)
    assert (first, second, third) == (None, "bytes=100000-", "bytes=150000-")
    assert (
        sum(WEIGHTS in unquote(each.query) for each in setup.hubs.seen if each.server == "hub") == 3
    )


def test_what_is_kept_survives_the_process(hugging_face: Setup) -> None:
    """A transfer that fails for good is continued by the next call where it ended."""
    setup = hugging_face
    setup.hubs.faults[WEIGHTS] = [cut_after(70_000), *[cut_after(0)] * 3]
    with pytest.raises(TransferFailed) as caught:
        setup.fetch()
    assert (caught.value.file, caught.value.kept_bytes) == (WEIGHTS, 70_000)
    assert setup.part(WEIGHTS).stat().st_size == 70_000
    done = setup.fetch()
    assert setup.watcher.plans[0].kept_bytes >= 70_000  # other files may have begun too
    assert setup.found(done) == FILES
    assert setup.hubs.ranges(WEIGHTS)[-1] == "bytes=70000-"


def test_one_hub_continues_what_another_began(setup: Setup) -> None:
    """The same bytes are the same file, wherever they come from."""
    setup.hubs.faults[WEIGHTS] = [cut_after(70_000), *[cut_after(0)] * 3]
    with pytest.raises(TransferFailed):
        setup.fetch()
    (other,) = set(Hub) - {setup.hub}
    assert setup.found(setup.fetch(setup.hubs.endpoint(other))) == FILES
    assert setup.hubs.ranges(WEIGHTS)[-1] == "bytes=70000-"


def test_a_part_with_a_flipped_bit_is_noticed(hugging_face: Setup) -> None:
    """What was kept is part of the checksum; where it is wrong the file is fetched anew."""
    setup = hugging_face
    setup.hubs.faults[WEIGHTS] = [cut_after(70_000), *[cut_after(0)] * 3]
    with pytest.raises(TransferFailed):
        setup.fetch()
    part = setup.part(WEIGHTS)
    part.write_bytes(bytes([part.read_bytes()[0] ^ 1]) + part.read_bytes()[1:])
    assert setup.found(setup.fetch()) == FILES
    assert setup.hubs.ranges(WEIGHTS)[-2:] == ["bytes=70000-", None]
    assert setup.watcher.kept_bytes == setup.watcher.plans[0].total_bytes


WRONG: dict[str, Fault] = {
    "other bytes of the same length": sends(noise(300_000, 99)),
    "a page": sends(b"<html>please log in</html>"),
    "too much": sends(noise(300_001, 98)),
    "nothing": sends(b""),
    "a part that does not exist": sends(b"", 416),
}


@pytest.mark.parametrize("fault", WRONG.values(), ids=WRONG.keys())
def test_wrong_bytes(hugging_face: Setup, fault: Fault) -> None:
    """They are fetched once more; a second time they are refused by the file's name, not kept."""
    setup = hugging_face
    setup.hubs.faults[WEIGHTS] = [fault, fault]
    with pytest.raises(WrongBytes) as caught:
        setup.fetch()
    assert caught.value.file == WEIGHTS and not setup.part(WEIGHTS).exists()
    assert find_downloaded(MODEL, root=setup.root) is None
    setup.hubs.faults[WEIGHTS] = [fault]
    assert setup.found(setup.fetch()) == FILES


def test_a_server_that_ignores_ranges(hugging_face: Setup) -> None:
    """The file begins anew, and is right."""
    hugging_face.hubs.faults[WEIGHTS] = [cut_after(70_000), ignores_ranges]
    assert hugging_face.found(hugging_face.fetch()) == FILES


def test_a_server_that_falls_silent(hugging_face: Setup) -> None:
    """Silence counts as a cut: what came is kept, and the rest is asked for."""
    hugging_face.hubs.faults[WEIGHTS] = [silent_after(70_000)]
    patience = dataclasses.replace(QUICK, silence_s=0.5)
    assert hugging_face.found(hugging_face.fetch(patience=patience)) == FILES
    assert hugging_face.hubs.ranges(WEIGHTS) == [None, "bytes=70000-"]


def test_an_address_that_has_expired(hugging_face: Setup) -> None:
    """A refusal of the second server only means that the hub is asked for a new address."""
    hugging_face.hubs.faults[WEIGHTS] = [sends(b"expired", 403), sends(b"", 503)]
    assert hugging_face.found(hugging_face.fetch()) == FILES


REFUSALS: dict[str, tuple[int, type[HubError]]] = {
    "unknown": (404, ModelUnknown),
    "no token": (401, AccessDenied),
    "forbidden": (403, AccessDenied),
    "busy": (429, HubBusy),
    "broken": (500, HubFailed),
    "overloaded": (503, HubFailed),
    "a page": (200, HubFailed),
}


@pytest.mark.parametrize(("status", "kind"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_hub_that_refuses(setup: Setup, status: int, kind: type[HubError]) -> None:
    """Each status is an error of its own kind, and nothing is left behind but empty folders."""
    setup.hubs.overrides["/api"] = answers(status, "<html>", Retry_After="7")
    with pytest.raises(kind) as caught:
        setup.fetch()
    if isinstance(caught.value, HubBusy):
        assert caught.value.retry_after_s == 7.0
    assert setup.parts() == []


def test_modelscope_refuses_inside_a_success(hubs: Any, tmp_path: Any) -> None:
    """An answer with the status 200 whose body says otherwise is the error that it names."""
    hubs.overrides["/api"] = answers(200, {"Code": 404, "Success": False, "Data": None})
    with pytest.raises(ModelUnknown):
        Setup(hubs, Hub.MODELSCOPE, tmp_path).fetch()


def test_a_hub_that_accepts_and_never_answers(setup: Setup) -> None:
    """It costs the time limit, not for ever; the next hub is asked."""

    async def never(_: object) -> Any:
        await asyncio.sleep(30)

    setup.hubs.overrides["/api"] = never
    began = time.monotonic()
    with pytest.raises(HubSilent):
        setup.fetch(patience=dataclasses.replace(QUICK, answer_s=0.3))
    assert time.monotonic() - began < 5


def test_the_next_hub_is_asked(hugging_face: Setup) -> None:
    """A hub that cannot be reached is passed over and named; where none helps, all are named."""
    setup = hugging_face
    done = setup.fetch(DEAD, setup.hubs.endpoint(setup.hub))
    assert setup.found(done) == FILES
    assert [type(error) for error in setup.watcher.passed] == [HubUnreachable]
    setup.hubs.overrides["/api"] = answers(503)
    shutil.rmtree(setup.root)
    with pytest.raises(NoHub) as caught:
        setup.fetch(DEAD, setup.hubs.endpoint(setup.hub))
    assert [type(error) for error in caught.value.errors] == [HubUnreachable, HubFailed]


def test_a_token_stays_with_its_host(setup: Setup) -> None:
    """The hub gets it with every request, the server that it redirects to never."""
    setup.fetch(setup.hubs.endpoint(setup.hub, "secret"))
    tokens = {server: set[bool]() for server in ("hub", "cdn")}
    for seen in setup.hubs.seen:
        tokens[seen.server].add(seen.has_token)
        assert seen.server == "hub" or "secret" not in str(seen.headers)
    assert tokens == {"hub": {True}, "cdn": {False}}


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", ""])
def test_redirects_that_are_not_followed(hugging_face: Setup, address: str) -> None:
    """A redirect to anything but a web page ends the download with a sentence of its own."""
    hugging_face.hubs.overrides["/api"] = answers(302, Location=address)
    with pytest.raises(RedirectRefused):
        hugging_face.fetch()


def test_redirects_in_a_circle(hugging_face: Setup) -> None:
    """They end."""
    hugging_face.hubs.overrides["/api"] = answers(302, Location="/api/round")
    with pytest.raises(RedirectRefused):
        hugging_face.fetch()


UNSAFE = [
    "/etc/passwd",
    "../outside.json",
    "vae/../../outside.json",
    "vae/./config.json",
    "vae//config.json",
    "vae\\..\\..\\outside.json",
    "C:/outside.json",
    "vae/a\nb.json",
    "vae/nul.json",
    "",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_unsafe_names(setup: Setup, path: str) -> None:
    """A list with a name that could leave the folder is refused before anything is fetched."""
    key = "path" if setup.hub is Hub.HUGGING_FACE else "Path"
    setup.hubs.listed = lambda entries: entries[3].update({key: path, "Name": path})
    with pytest.raises(ListingRefused):
        setup.fetch()
    assert setup.hubs.requests() == []


def test_a_link_in_a_list(setup: Setup) -> None:
    """Links are refused, in the words of either hub."""
    link = {"type": "symlink", "Mode": "120000"}
    setup.hubs.listed = lambda entries: entries[3].update(link)
    with pytest.raises(ListingRefused):
        setup.fetch()


def test_a_needed_file_without_a_checksum(setup: Setup) -> None:
    """It is refused by its name; one that is not needed may lack it."""

    def strip(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if (entry.get("path") or entry.get("Path")) in stripped:
                entry.update({"oid": None, "lfs": None, "Sha256": ""})

    stripped = {"README.md"}
    setup.hubs.listed = strip
    setup.fetch()
    stripped.add("vae/config.json")
    with pytest.raises(ListingRefused, match="no checksum"):
        setup.fetch()


def test_a_list_of_several_pages(hugging_face: Setup) -> None:
    """All pages are read."""
    hugging_face.hubs.page_size = 3
    assert hugging_face.found(hugging_face.fetch()) == FILES


def test_a_component_that_the_hub_lacks(hugging_face: Setup) -> None:
    """A repository without a folder that its index names is refused before the weights come."""
    setup = hugging_face
    for path in [path for path in setup.hubs.files if path.startswith("vae/")]:
        del setup.hubs.files[path]
    with pytest.raises(SelectionFailed, match="vae"):
        setup.fetch()
    assert setup.hubs.ranges(WEIGHTS) == []


def test_a_disk_that_is_too_small(hugging_face: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both numbers are known before the weights come; what is kept already does not count."""
    setup = hugging_face
    real = shutil.disk_usage

    def small(path: Any) -> Any:
        return real(path)._replace(free=100_000)

    monkeypatch.setattr(shutil, "disk_usage", small)
    with pytest.raises(DiskTooSmall) as caught:
        setup.fetch()
    assert caught.value.free_bytes == 100_000
    assert caught.value.needed_bytes == sum(map(len, FILES.values())) - len(
        FILES["model_index.json"]
    )
    assert setup.hubs.ranges(WEIGHTS) == []


def test_a_file_that_changed_on_the_disk(hugging_face: Setup) -> None:
    """It is hashed again, and fetched again if its contents are no longer right."""
    setup = hugging_face
    done = setup.fetch()
    weights = (done.folder / WEIGHTS).resolve()
    weights.write_bytes(noise(300_000, 77))
    assert find_downloaded(MODEL, root=setup.root) is None
    assert setup.found(setup.fetch()) == FILES
    assert setup.watcher.checked == setup.watcher.repaired == [WEIGHTS]


def test_what_another_program_fetched_is_checked_and_kept(hugging_face: Setup) -> None:
    """A file in the cache that is right is not fetched again, only hashed, once."""
    setup = hugging_face
    done = setup.fetch()
    ModelCache(setup.root, MODEL).manifest.file.write_text("{ damaged")
    count = len(setup.hubs.requests())
    assert setup.fetch().folder == done.folder
    assert len(setup.hubs.requests()) == count and WEIGHTS in setup.watcher.checked
    setup.fetch()
    assert setup.watcher.checked == []


def test_where_links_are_impossible(hugging_face: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without symbolic and hard links, as on some disks, files lie in the snapshot itself."""
    setup = hugging_face

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    done = setup.fetch()
    assert setup.found(done) == FILES
    assert find_downloaded(MODEL, root=setup.root) == done.folder
    count = len(setup.hubs.requests())
    assert setup.found(setup.fetch()) == FILES
    assert len(setup.hubs.requests()) == count


def test_two_at_once(hugging_face: Setup) -> None:
    """The second waits and says so, then has nothing left to fetch."""
    setup = hugging_face
    first = ModelCache(setup.root, MODEL)
    done: list[Any] = []
    with first.locked():
        other = threading.Thread(target=lambda: done.append(setup.fetch()))
        other.start()
        while not setup.watcher.waited:
            time.sleep(0.01)
        assert setup.hubs.seen == []
    other.join(10)
    assert setup.found(done[0]) == FILES


def test_files_by_name(hugging_face: Setup) -> None:
    """Patterns replace the choice; one that fits nothing is named."""
    setup = hugging_face
    done = setup.fetch(include=("vae/*", "*.md"))
    assert sorted(setup.found(done)) == [
        "README.md",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert find_downloaded(MODEL, root=setup.root) is None  # some files are not the model
    whole = setup.fetch()
    setup.fetch(include=("vae/*",))
    assert find_downloaded(MODEL, root=setup.root) == whole.folder
    with pytest.raises(SelectionFailed, match="nothing/"):
        setup.fetch(include=("nothing/*",))


def test_a_commit_is_asked_for_by_its_hash(hugging_face: Setup) -> None:
    """Weights come from the commit that was listed, whatever the branch is by then."""
    hugging_face.fetch()
    resolved = [path for path in hugging_face.hubs.requests("hub") if "/resolve/" in path]
    assert resolved and all(f"/resolve/{COMMIT}/" in path for path in resolved)
