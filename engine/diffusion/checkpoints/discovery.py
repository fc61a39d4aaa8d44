"""Find a model's files: in diffusers' folders, in ComfyUI's, or beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.diffusion.checkpoints.candidates import (
    Candidate,
    Headers,
    Rank,
    candidates,
    listing,
    same_tensors,
)
from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.names.groups import (
    COMPONENTS,
    TEXT_ENCODER,
    TRANSFORMER,
    VAE,
    Group,
    fits,
    grouped,
    kinds,
)
from engine.diffusion.checkpoints.names.other_models import other_model
from engine.diffusion.checkpoints.names.other_pipelines import pipeline_model
from engine.diffusion.checkpoints.weight_files import PICKLED
from engine.diffusion.families import FAMILIES

INDEX = "model_index.json"
CONFIG = "config.json"
TOKENIZER, SCHEDULER = "tokenizer", "scheduler"

_FOLDERS: dict[str, tuple[str, ...]] = {
    TRANSFORMER: ("transformer", "dit", "diffusion_models", "diffusion_model", "unet"),
    TEXT_ENCODER: ("text_encoder", "text_encoders", "qwen", "qwen3", "qwen3_4b", "clip"),
    VAE: ("vae", "ae", "autoencoder"),
    TOKENIZER: ("tokenizer", "tokenizers"),
    SCHEDULER: ("scheduler",),
}
"""What people and programs call the folders; diffusers' own name first."""
_SHARED = frozenset({"diffusion_models", "text_encoders", "unet", "clip", "vae"})
"""ComfyUI's folders, in which files of other models may lie too."""
_INSIDE = ("split_files", "models")
"""Folders that hold ComfyUI's folders."""
_LOOSE = ("checkpoints",)
"""Further folders of ComfyUI, for files that hold several components."""
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json")
_MODEL_TYPE = "qwen3"
_CLASSES = {TRANSFORMER: "ZImageTransformer2DModel", VAE: "AutoencoderKL"}


@dataclass(frozen=True, slots=True)
class Found:
    """One component: its tensors, and the files that they are read from.

    config: the file of its configuration; None where the shapes of the tensors have to tell it.
    """

    group: Group
    files: tuple[Path, ...]
    config: Path | None


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """All files of a model.

    root: its folder, or that of its file. index: of model_index.json, empty without one. tokenizer,
    scheduler: folders, None where there are none. notes: what was repaired, chosen or ignored, one
    sentence each.
    """

    root: Path
    index: Config
    components: Mapping[str, Found]
    tokenizer: Path | None
    scheduler: Path | None
    notes: list[str] = field(default_factory=list[str])

    @property
    def weights(self) -> tuple[Path, ...]:
        """Every file of weights, each once."""
        return tuple(dict.fromkeys(path for one in self.components.values() for path in one.files))


@dataclass(frozen=True, slots=True)
class Companions:
    """Files or folders that the owner names; each wins over what lies beside the model."""

    text_encoder: Path | None = None
    vae: Path | None = None
    tokenizer: Path | None = None

    def of(self, component: str) -> Path | None:
        """The one that is named for a component."""
        named = {TEXT_ENCODER: self.text_encoder, VAE: self.vae, TOKENIZER: self.tokenizer}
        return named.get(component)


def find(source: Path, companions: Companions, pipeline_class: str) -> ModelFiles:
    """Return the files of the model that lies at `source`, a folder or a file.

    Reads headers only. pipeline_class: what a model_index.json has to name. Raises Unusable if a
    component is missing, damaged, of another model, or there twice.
    """
    return _Search(source, companions, pipeline_class).run()


class _Search:
    def __init__(self, source: Path, companions: Companions, pipeline_class: str) -> None:
        self._source = source
        self._companions = companions
        self._pipeline_class = pipeline_class
        self._root = source if source.is_dir() else source.parent
        self._headers = Headers(self._root)
        self._places = self._places_to_look()
        self._index: Config = {}
        self._found: dict[str, Found] = {}
        self._passed: list[str] = []
        self._notes: list[str] = []

    def run(self) -> ModelFiles:
        if self._source.is_dir():
            self._read_index()
        else:
            self._take_file(self._source, COMPONENTS)
            if TRANSFORMER not in self._found:
                raise Unusable(
                    f"the file {self._source.name} holds a {listed(list(self._found))} alone; a "
                    f"model is a folder, or a file with a transformer"
                )
        for component in COMPONENTS:
            self._take_component(component)
        scheduler = next(self._folders(SCHEDULER), None)
        return ModelFiles(
            self._root, self._index, self._found, self._tokenizer(), scheduler, self._notes
        )

    def _places_to_look(self) -> list[Path]:
        """Folders in which the components' folders may lie."""
        if self._source.is_dir():
            inside = [self._root / name for name in _INSIDE]
            return [self._root, *(place for place in inside if place.is_dir())]
        known = {
            *_SHARED,
            *_INSIDE,
            *_LOOSE,
            *(one for names in _FOLDERS.values() for one in names),
        }
        return [self._root, *([self._root.parent] if self._root.name in known else [])]

    def _read_index(self) -> None:
        path = self._root / INDEX
        if not path.exists():
            self._note(f"the folder has no {INDEX}: its components were found by their files")
            return
        self._index = read_json(path, INDEX)
        kind = self._index.get("_class_name")
        if not isinstance(kind, str):
            raise Unusable(f"its {INDEX} cannot be read")
        if kind != self._pipeline_class:
            model = pipeline_model(kind)
            named = f"it is {model} (a {kind})" if model else f"it is a {kind}"
            if others := [each.name for each in FAMILIES if each.pipeline_class == kind]:
                raise Unusable(
                    f"{named}; if it is, name it with `family` under [engine]: {', '.join(others)}"
                )
            raise Unusable(f"{named}; zimagine paints with {self._pipeline_class}")
        # What lists its components was whole once, so a missing one was not copied.
        for name in (*COMPONENTS, TOKENIZER, SCHEDULER):
            folder = next(self._folders(name), None)
            if self._companions.of(name) is None and (folder is None or not _has_json(folder)):
                raise Unusable(f"its component {name} is missing")

    def _folders(self, component: str) -> Iterator[Path]:
        for place in self._places:
            for name in _FOLDERS[component]:
                if (folder := place / name).is_dir():
                    yield folder

    def _take_component(self, component: str) -> None:
        named = self._companions.of(component)
        if named is not None:
            if component in self._found:
                self._note(f"the {component} in {self._source.name} is not read: another is named")
                del self._found[component]
            if named.is_dir():
                self._take_folder(named, component)
            else:
                self._take_file(named, (component,))
            return
        if component in self._found:
            return
        for folder in self._folders(component):
            own = bool(self._index) or self._config(folder, component) is not None
            if folder.name in _SHARED and not own:
                taken = self._take_from_shared(folder, component)
            else:
                taken = self._take_folder(folder, component)
            if taken:
                if folder.name != component:
                    self._note(f"its {component} lies in the folder {folder.name}")
                return
        for place in self._places:
            for folder in (place, *(place / name for name in _LOOSE)):
                if folder.is_dir() and self._take_from_shared(folder, component):
                    return
        passed = f" ({listed(self._passed)})" if self._passed else ""
        if self._source.is_dir():
            raise Unusable(f"its component {component} is missing{passed}")
        raise Unusable(
            f"{self._source.name} has no {component}, and none lies beside it{passed}; name its "
            f"file with `{component}` under [engine]"
        )

    def _take_folder(self, folder: Path, component: str) -> bool:
        """Take what lies in a folder that belongs to the component alone."""
        there = candidates(folder)
        if not there:
            raise Unusable(
                f"{component} has no weights in safetensors format or another that can be read"
            )
        best = [one for one in there if one.rank is there[0].rank]
        for other in there[len(best) :]:
            names = listed([self._headers.label(path) for path in other.paths])
            self._note(f"{names} is not read: {best[0].paths[0].name} lies beside it")
        self._accept(component, self._one_of(best, component), folder)
        return True

    def _take_from_shared(self, folder: Path, component: str) -> bool:
        """Take the only file of a folder that holds the component, among files of other models."""
        holding: list[Candidate] = []
        refusal: Unusable | None = None
        for candidate in candidates(folder):
            label = self._headers.label(candidate.paths[0])
            if candidate.rank is Rank.PICKLED:
                # Which component it holds is known only after unpickling it.
                self._pass(f"{label} is pickled, and not in a folder of its own")
                continue
            try:
                opened = self._headers.open(candidate)
                if component in kinds(opened):
                    holding.append(candidate)
                elif other := other_model(opened.tensors):
                    self._pass(f"{label} is of {other}")
            except Unusable as error:
                refusal = refusal or error
        if len(holding) > 1 and TRANSFORMER in self._found:
            transformer = self._found[TRANSFORMER].group
            fitting = [
                one for one in holding if fits(self._headers.open(one), component, transformer)
            ]
            holding = fitting or holding
        if not holding:
            if refusal is not None:
                raise refusal
            return False
        self._accept(component, self._one_of(holding, component), folder)
        return True

    def _one_of(self, several: list[Candidate], component: str) -> Candidate:
        """Return the only candidate; several are one if their tensors are the same."""
        first, *rest = several
        for other in rest:
            names = [self._headers.label(one.paths[0]) for one in (first, other)]
            if not same_tensors(self._headers.open(first), self._headers.open(other)):
                raise Unusable(
                    f"{listed(names)} both hold the {component} and differ: remove one, or name "
                    f"the one to use"
                )
            self._note(f"{names[1]} is not read: it holds the same as {names[0]}")
        return first

    def _accept(self, component: str, candidate: Candidate, folder: Path) -> None:
        if candidate.sharded and not candidate.indexed:
            self._note(f"{component} has no index: its {len(candidate.paths)} parts were counted")
        self._add(candidate, (component,), {component: self._config(folder, component)})

    def _take_file(self, path: Path, wanted: tuple[str, ...]) -> None:
        if path.is_dir() or not (path.exists() or path.is_symlink()):
            raise Unusable(f"there is no file {path.name}")
        configs = {component: self._config(path.parent, component) for component in wanted}
        self._add(Candidate((path,), Rank.SAFE), wanted, configs)

    def _add(
        self, candidate: Candidate, wanted: tuple[str, ...], configs: Mapping[str, Path | None]
    ) -> None:
        label = self._headers.label(candidate.paths[0])
        groups = grouped(self._headers.open(candidate), wanted)
        if candidate.paths[0].suffix.lower() in PICKLED:
            self._note(f"{label} is read although it is pickled: its tensors, and nothing else")
        if groups.ignored:
            self._note(f"{label}: {listed(sorted(groups.ignored))} is not needed")
        for component, group in groups.by_component.items():
            if component not in wanted:
                # Of a file with several components that was named for one of them.
                if self._companions.of(component) is None and component not in self._found:
                    self._found[component] = Found(group, candidate.paths, None)
                continue
            if group.prefix:
                self._note(f"{label}: names of its {component} have {group.prefix} before them")
            self._found[component] = Found(group, candidate.paths, configs.get(component))

    def _config(self, folder: Path, component: str) -> Path | None:
        """Return the configuration in a folder if it is this component's."""
        path = folder / CONFIG
        if self._index and folder.name == component:
            return path  # has to be there
        if not path.exists():
            return None
        config = read_json(path, f"{folder.name}/{CONFIG}")
        own = (
            config.get("model_type") == _MODEL_TYPE
            if component == TEXT_ENCODER
            else config.get("_class_name") == _CLASSES[component]
        )
        # In a folder of its own it is this component's, whatever it says: that is checked later.
        return path if own or folder.name in _FOLDERS[component] else None

    def _tokenizer(self) -> Path | None:
        named = self._companions.tokenizer
        if named is not None:
            if not named.is_dir():
                raise Unusable(f"the tokenizer {named.name} is no folder")
            return named
        if (folder := next(self._folders(TOKENIZER), None)) is not None:
            return folder
        beside = self._found[TEXT_ENCODER].files[0].parent
        for place in dict.fromkeys((beside, *self._places)):
            if any((place / name).is_file() for name in _TOKENIZER_FILES):
                self._note(f"its tokenizer lies in the folder {place.name}")
                return place
        return None

    def _pass(self, text: str) -> None:
        """Remember why a file was passed over, in case that nothing else is found."""
        if text not in self._passed:
            self._passed.append(text)

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _has_json(folder: Path) -> bool:
    return any(path.suffix == ".json" for path in listing(folder))
