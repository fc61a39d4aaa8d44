"""A folder of LoRA files: what it offers, read from headers, and opening one of them. No torch.

People give names, never paths: a name is the file's without `.safetensors`, and only files that lie
in the folder itself count.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path

from engine.diffusion.lora import alphas, sidecars
from engine.diffusion.lora.admission import Limits, Refused, admit, admit_scales
from engine.diffusion.lora.alphas import Scales, scales_of
from engine.diffusion.lora.dialects import Names, Role
from engine.diffusion.lora.headers import (
    BadHeader,
    Entry,
    RawHeader,
    parse_tensors,
    read_raw,
)
from engine.diffusion.lora.layout import KRON_METADATA, Foreign, Layout, Unreadable, understand
from engine.diffusion.lora.origins import CLAIMS, STABLE_DIFFUSION
from engine.diffusion.lora.sidecars import Sidecar
from engine.diffusion.lora.targets import Group, Targets
from engine.errors import LoraInvalid, LoraNotFound, LoraRefused, LoraUnusable

SUFFIX = ".safetensors"
PICTURES = tuple(
    marker + suffix for marker in ("", ".preview") for suffix in (".png", ".jpg", ".jpeg", ".webp")
)
"""How sample pictures end: as one would call them, and as web interfaces do."""
MAX_NAME = 100
"""Characters of a name. Chosen by hand: Discord's longest choice."""
_MOST_LAYOUTS = 1024
"""Layouts that are remembered. Chosen by hand: files of one trainer, rank and type share theirs."""
_AHEAD_BYTES = 256 * 1024
"""Read of each file before its header is parsed. Chosen by hand: headers of rank-32 files on every
layer of Z-Image take 100 to 200 kB."""
_NOT_IN_NAMES = frozenset('/\\:*?"<>|,，、;；：“”')
"""What leads out of a folder, and what stands between names and weights where people write them."""
_UNPACK = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i", "I16": "<h"}

Stamp = tuple[int, int, int]
"""Size in bytes, time of the last change in ns, and number of a file: they change with it."""


@dataclass(frozen=True, slots=True)
class LoraInfo:
    """What people see of a LoRA; texts may come from strangers and are one line each.

    style_words: those of a prompt that ask for it where no LoRA is named. ranks: ascending, empty
    for methods without one. groups: how many parts of each it changes. weight: to use by default.
    allow: ids of who may use it, None for everybody. sha256: of the file, None in a listing. notes:
    for the owner. problem: why it cannot be used; then the fields from `family` to `groups` are
    empty.
    """

    name: str
    title: str
    trigger_words: tuple[str, ...] = ()
    style_words: tuple[str, ...] = ()
    weight: float = 1.0
    allow: tuple[str, ...] | None = None
    family: str | None = None
    methods: tuple[str, ...] = ()
    ranks: tuple[int, ...] = ()
    groups: Mapping[Group, int] = field(default_factory=dict[Group, int])
    size_bytes: int = 0
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    problem: LoraUnusable | None = None

    @property
    def rank(self) -> int | None:
        """The highest rank."""
        return max(self.ranks, default=None)


@dataclass(frozen=True, slots=True)
class OpenedLora:
    """A file that was admitted and is still open, so that what is read is what was checked."""

    name: str
    file: FileIO
    stamp: Stamp
    header: RawHeader
    entries: Mapping[str, Entry]
    layout: Layout
    scales: Scales


_Understood = tuple[Mapping[str, Entry], Layout]


class LoraShelf:
    """The LoRA files of one folder.

    targets: the parts of the model that they are for; those of Z-Image if not given. Safe to use
    from several threads.
    """

    def __init__(
        self, folder: Path, targets: Targets | None = None, limits: Limits | None = None
    ) -> None:
        self._folder = folder
        self._targets = targets or Targets.z_image()
        self._limits = limits or Limits()
        self._names = Names(self._targets)
        self._layouts: dict[tuple[bytes, int, tuple[str, ...]], _Understood] = {}
        self._infos: dict[str, tuple[tuple[Stamp, ...], LoraInfo]] = {}
        self._hashes: dict[str, tuple[Stamp, str]] = {}

    @property
    def targets(self) -> Targets:
        """The parts of the model that the files are for."""
        return self._targets

    def listing(self) -> tuple[LoraInfo, ...]:
        """Return every .safetensors file of the folder, by name; unusable ones with the problem.

        Reads headers and sidecars only, and only of files that have changed. Never raises for a
        single file. Raises LoraNotFound if there is no such folder.
        """
        try:
            with os.scandir(self._folder) as found:
                entries = {each.name: each for each in found}
        except OSError as error:
            raise LoraNotFound(
                self._folder.name, f"the folder cannot be read ({error.strerror or error})"
            ) from error
        names = sorted(each.removesuffix(SUFFIX) for each in entries if _counts(each))
        self._infos = {name: self._infos[name] for name in names if name in self._infos}
        _read_ahead(entries[name + SUFFIX] for name in names if name not in self._infos)
        return tuple(self._listed(name, entries) for name in names)

    def info(self, name: str) -> LoraInfo:
        """Return everything about one LoRA, with the hash of its file and remarks on its alpha.

        Raises LoraUnusable.
        """
        with self.opened(name) as lora:
            _, sidecar = self._sidecar(name)
            known = self._described(name, lora.header, lora.layout, sidecar, lora.stamp[0])
            notes = (*known.notes, *lora.scales.notes)
            return replace(known, notes=notes, sha256=self.sha256(lora))

    def picture(self, name: str) -> Path | None:
        """Return the sample picture that lies beside a LoRA; None if it has none.

        Raises LoraInvalid where it is no file, or a link that leads out of the folder.
        """
        for suffix in PICTURES:
            path = self._path(name).with_name(name + suffix)
            if not os.path.lexists(path):
                continue
            with contextlib.suppress(OSError, RuntimeError):  # a link to nothing, or to itself
                inside = path.resolve(strict=True)
                if inside.parent == self._folder.resolve() and inside.is_file():
                    return inside
            raise LoraInvalid(name, f"{path.name} is no file in the folder")
        return None

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[OpenedLora]:
        """Open a LoRA that may be painted with, for reading its tensors.

        Raises LoraNotFound, LoraInvalid if it is damaged or not understood wholly, LoraRefused.
        """
        path = self._path(name)
        with contextlib.ExitStack() as stack:
            with _explained(name):
                file = stack.enter_context(path.open("rb", buffering=0))
                stamp = _stamp(os.fstat(file.fileno()))
                header = read_raw(file)
                entries, layout = self._understood(header)
                _, sidecar = self._sidecar(name)
                admit(name, layout, header.metadata, sidecar, self._targets, self._limits)
                configs = alphas.from_metadata(header.metadata)
                if not configs and sidecar.config is not None:
                    configs = {"": sidecar.config}
                scales = scales_of(layout, _alphas(file, header, entries, layout), configs)
                admit_scales(scales, self._limits)
            yield OpenedLora(name, file, stamp, header, entries, layout, scales)

    def _listed(self, name: str, entries: Mapping[str, os.DirEntry[str]]) -> LoraInfo:
        beside = [entries[name + each] for each in sidecars.SUFFIXES if name + each in entries]
        try:
            stamps = tuple(_stamp(each.stat()) for each in (entries[name + SUFFIX], *beside))
        except OSError:
            stamps = ()  # a dangling link, or gone meanwhile: the problem will say so
        known = self._infos.get(name)
        if known is not None and stamps and known[0] == stamps:
            return known[1]
        size_bytes = stamps[0][0] if stamps else 0
        try:
            with _explained(name):
                sidecar = sidecars.read([Path(each.path) for each in beside])
                with self._path(name).open("rb", buffering=0) as file:
                    header = read_raw(file)
                _, layout = self._understood(header)
                admit(name, layout, header.metadata, sidecar, self._targets, self._limits)
            info = self._described(name, header, layout, sidecar, size_bytes)
        except LoraUnusable as problem:
            info = LoraInfo(name, sidecars.clean(name), size_bytes=size_bytes, problem=problem)
        self._infos[name] = (stamps, info)
        return info

    def _described(
        self, name: str, header: RawHeader, layout: Layout, sidecar: Sidecar, size_bytes: int
    ) -> LoraInfo:
        said, family = header.metadata, self._targets.family
        if layout.origin is not None and layout.origin.family != STABLE_DIFFUSION:
            family = layout.origin.family
        title = (
            sidecar.title or sidecars.clean(said.get("modelspec.title", "")) or sidecars.clean(name)
        )
        words = sidecar.trigger_words
        if not words and (phrase := sidecars.clean(said.get("modelspec.trigger_phrase", ""))):
            words = (phrase,)
        return LoraInfo(
            name=name,
            title=title,
            trigger_words=words,
            style_words=sidecar.style_words,
            weight=1.0 if sidecar.weight is None else sidecar.weight,
            allow=sidecar.allow,
            family=family,
            methods=layout.methods,
            ranks=layout.ranks,
            groups=layout.groups,
            size_bytes=size_bytes,
        )

    def _path(self, name: str) -> Path:
        """Return the file of a name. Raises LoraNotFound, LoraInvalid."""
        shown = sidecars.clean(name)
        if (
            not name
            or len(name) > MAX_NAME
            or name.startswith(".")
            or not name.isprintable()
            or any(sign in name for sign in _NOT_IN_NAMES)
        ):
            raise LoraNotFound(shown, "this is not a name of a LoRA: no paths, no special signs")
        path = self._folder / (name + SUFFIX)
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                inside = path.resolve(strict=True)
                if inside.parent != self._folder.resolve():
                    raise LoraNotFound(shown, "its file is a link that leads out of the folder")
                mode = inside.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise LoraNotFound(shown, f"there is no {shown}{SUFFIX}") from None
        except (OSError, RuntimeError, ValueError) as error:
            raise LoraInvalid(shown, f"its file cannot be read ({error})") from error
        if not stat.S_ISREG(mode):
            raise LoraInvalid(shown, f"{shown}{SUFFIX} is not a file")
        return path

    def _sidecar(self, name: str) -> tuple[list[Path], Sidecar]:
        paths = [self._folder / (name + each) for each in sidecars.SUFFIXES]
        present = [path for path in paths if path.is_file()]
        return present, sidecars.read(present)

    def _understood(self, header: RawHeader) -> _Understood:
        claims = tuple(header.metadata.get(each, "") for each in (*CLAIMS, KRON_METADATA))
        key = (header.digest, header.data_bytes, claims)
        known = self._layouts.get(key)
        if known is None:
            entries = parse_tensors(header)
            layout = understand(entries, header.metadata, self._targets, self._names)
            known = (entries, layout)
            while len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.pop(next(iter(self._layouts)), None)
            self._layouts[key] = known
        return known

    def sha256(self, lora: OpenedLora) -> str:
        """Return the hash of an opened file, computed once until it changes. Raises LoraInvalid."""
        known = self._hashes.get(lora.name)
        if known is not None and known[0] == lora.stamp:
            return known[1]
        with _explained(lora.name):
            lora.file.seek(0)
            digest = hashlib.file_digest(lora.file, "sha256").hexdigest()
            if _stamp(os.fstat(lora.file.fileno())) != lora.stamp:
                raise BadHeader("it was changed while it was read")
        self._hashes[lora.name] = (lora.stamp, digest)
        return digest


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what reading a file raises into errors with its name."""
    shown = sidecars.clean(name)
    try:
        yield
    except (BadHeader, Unreadable) as error:
        raise LoraInvalid(shown, str(error)) from error
    except (Foreign, Refused) as error:
        raise LoraRefused(shown, str(error)) from error
    except FileNotFoundError as error:
        raise LoraNotFound(shown, "its file has vanished") from error
    except OSError as error:
        raise LoraInvalid(shown, f"its file cannot be read ({error.strerror})") from error


def _read_ahead(files: Iterable[os.DirEntry[str]]) -> None:
    """Let the system read these files' headers while others are parsed, where it can be told to."""
    if not hasattr(os, "posix_fadvise"):
        return
    for each in files:
        with contextlib.suppress(OSError):  # gone meanwhile, or unreadable: reading it will say so
            if not each.is_file(follow_symlinks=False):
                continue
            opened = os.open(each.path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.posix_fadvise(opened, 0, _AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(opened)


def _counts(file_name: str) -> bool:
    return file_name.endswith(SUFFIX) and not file_name.startswith(".")


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _alphas(
    file: FileIO, header: RawHeader, entries: Mapping[str, Entry], layout: Layout
) -> dict[str, float]:
    """Read the values of all alpha tensors."""
    found: dict[str, float] = {}
    for each in layout.adaptations:
        key = each.keys.get(Role.ALPHA)
        if key is None:
            continue
        entry = entries[key]
        file.seek(header.data_start + entry.start)
        raw = file.read(entry.stop - entry.start)
        if len(raw) != entry.stop - entry.start:
            raise BadHeader("it was cut off while it was read")
        found[key] = _value(entry.dtype, raw, key)
    return found


def _value(dtype: str, raw: bytes, key: str) -> float:
    if dtype == "BF16":
        return struct.unpack("<f", b"\0\0" + raw)[0]
    if dtype not in _UNPACK:
        raise Unreadable(f"{key} has the type {dtype}, which no alpha has")
    return float(struct.unpack(_UNPACK[dtype], raw)[0])
