"""The cache of compiled blocks: whole or not at all, bounded, and never what ended a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.diffusion.compilation import store as module
from engine.diffusion.compilation.calls import Accepted
from engine.diffusion.compilation.store import CompiledStore

ACCEPTED = Accepted("kind", ((1, "s0", 48), (1, 48)), {"s0": (2, 4096)})


@pytest.fixture
def store(tmp_path: Path) -> CompiledStore:
    return CompiledStore(tmp_path / "compiled")


def written(store: CompiledStore, key: str = "key", content: bytes = b"machine code") -> Path:
    """Write a library, and return its place."""
    with store.work_folder() as work:
        made = work / "made.so"
        made.write_bytes(content)
        library = store.library(key, ACCEPTED.kind)
        store.write(made, library, ACCEPTED)
    return library


def test_a_library_comes_back_as_it_was(store: CompiledStore) -> None:
    """With what it accepts and, once that was measured, how fast it is; for its own key only."""
    library = written(store)
    (found,) = store.read("key")
    assert (found.library, found.accepted, found.speedup) == (library, ACCEPTED, None)
    store.measured(library, 1.25)
    (found,) = store.read("key")
    assert found.speedup == 1.25 and found.accepted == ACCEPTED
    assert store.read("other") == []
    assert sorted(each.suffix for each in store.folder.iterdir()) == [".block", ".so"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version": 1', b'"version": 2'),
        (b'"s0": [2, 4096]', b'"s1": [2, 4096]'),
        (b'"ranges"', b'"range"'),
        (b"4096]}", b'"x"]}'),
        (b"}", b""),
        (b"{", b"["),
    ],
)
def test_a_damaged_description_is_removed(store: CompiledStore, old: bytes, new: bytes) -> None:
    """Nothing is read from it, and nothing stands in the way of the next one."""
    library = written(store)
    path = library.with_suffix(".block")
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    assert store.read("key") == [] and not library.exists()
    written(store)
    assert len(store.read("key")) == 1


def test_a_library_without_a_description_does_not_count(store: CompiledStore) -> None:
    """Such is what a process leaves that was killed between the two."""
    library = written(store)
    library.with_suffix(".block").unlink()
    assert store.read("key") == []
    written(store, content=b"newer code")
    assert library.read_bytes() == b"newer code" and len(store.read("key")) == 1


def test_what_ends_the_process_twice_is_not_tried_again(store: CompiledStore) -> None:
    """A process that is killed while it uses a library for the first time leaves a mark."""
    library = written(store)
    script = (
        "import os, sys; from pathlib import Path;"
        "from engine.diffusion.compilation.store import CompiledStore;"
        "trial = CompiledStore(Path(sys.argv[1])).trial(Path(sys.argv[2])); trial.__enter__();"
        "os.kill(os.getpid(), 9)"
    )
    for tries in range(2):
        assert len(store.read("key")) == 1 and not store.tried("key", ACCEPTED.kind), tries
        subprocess.run([sys.executable, "-c", script, str(store.folder), str(library)], check=False)
    assert store.read("key") == [] and store.tried("key", ACCEPTED.kind)


def test_a_trial_that_ends_leaves_no_mark(store: CompiledStore) -> None:
    """Whether it succeeds or raises."""
    library = written(store)
    for _ in range(3):
        with pytest.raises(ValueError, match="odd"), store.trial(library):
            raise ValueError("odd")
    assert len(store.read("key")) == 1


def test_what_was_used_longest_ago_goes_first(
    store: CompiledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By number and by size; reading counts as use."""
    libraries = [written(store, f"key{number}") for number in range(4)]
    for age, library in enumerate(libraries):
        path = library.with_suffix(".block")
        used_s = path.stat().st_mtime - 1000 + age
        os.utime(path, (used_s, used_s))
    store.read("key0")
    monkeypatch.setattr(module, "MOST_FILES", 2)
    store.tidy()
    assert [each.exists() for each in libraries] == [True, False, False, True]
    monkeypatch.setattr(module, "MOST_BYTES", 5)
    store.tidy()
    assert list(store.folder.iterdir()) == []


def test_what_a_dead_process_left_is_removed(store: CompiledStore) -> None:
    """Its folder, and a library that never got a description; those of the living stay."""
    library = written(store)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = store.folder / f"work-{dead.pid}"
    left.mkdir()
    (left / "half.so").write_bytes(b"half")
    bare = store.folder / "bare-00000000.so"
    bare.write_bytes(b"old")
    os.utime(bare, (1, 1))
    with store.work_folder() as own:
        store.tidy()
        assert own.exists()
    assert library.exists() and not left.exists() and not bare.exists()


def test_the_last_failure_is_kept_until_something_goes_right(store: CompiledStore) -> None:
    """For another process to read."""
    assert store.failure == ""
    store.failed("g++ is broken")
    assert CompiledStore(store.folder).failure == "g++ is broken"
    store.failed("")
    assert store.failure == ""
