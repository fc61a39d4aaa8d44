"""An SDXL model in a single file: all of it in Stability's layout, or its U-Net alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.diffusion.checkpoints.candidates import Candidate, Rank
from engine.diffusion.checkpoints.component_folder import require_unscaled
from engine.diffusion.checkpoints.components import Prepared
from engine.diffusion.checkpoints.configurations import Config, from_shapes, read_json
from engine.diffusion.checkpoints.discovery import SCHEDULER, TOKENIZER, Companions
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.fingerprint import digest, named_files
from engine.diffusion.checkpoints.names.sdxl import FIRST, SECOND, UNET, VAE, SdxlFile, sdxl_file
from engine.diffusion.checkpoints.sdxl_checkpoint import (
    SdxlCheckpoint,
    has_vocabulary,
    read_tokenizer,
)
from engine.diffusion.checkpoints.sdxl_configurations import (
    CLASSES,
    encoder_config,
    noise_of,
    unet_config,
)
from engine.diffusion.checkpoints.weight_files import SAFE
from engine.diffusion.families import Component
from engine.diffusion.families.sdxl import Sdxl

_SECOND_PADDING = "!"
"""What SDXL's second tokenizer fills prompts up with; else it is the first one."""


class PipelineFile(SdxlCheckpoint):
    """The files of an SDXL model one of which holds its U-Net, and maybe the rest.

    What is not in it is what the owner names, or what lies beside it in folders as diffusers calls
    them. Raises Unusable.
    """

    def __init__(self, source: Path, family: Sdxl, companions: Companions) -> None:
        super().__init__(source, family)
        self._companions = companions
        self._files: dict[Path, SdxlFile] = {}
        self._places = self._find_all()
        self._tokenizers = self._find_tokenizer()
        self._prepare_all()

    @property
    def _index(self) -> Config:
        return CLASSES

    def _digest(self) -> str:
        return digest(self._named())

    def _named(self) -> Iterator[tuple[str, Path]]:
        """Return every file that the model is read from, with names that do not say where."""
        places = [*self._places.values(), self._tokenizers, self.root / SCHEDULER]
        for place in dict.fromkeys(places):
            if place.is_file():
                yield place.name, place
            elif place.is_dir():
                yield from ((f"{place.name}/{name}", path) for name, path in named_files(place))

    def _opened(self, path: Path) -> SdxlFile:
        if path not in self._files:
            if path.suffix.lower() not in SAFE:
                raise Unusable(f"{path.name} is no safetensors file, as {self._family.name} needs")
            file = self._headers.open(Candidate((path,), Rank.SAFE))
            require_unscaled(file, self._family)
            self._files[path] = sdxl_file(file)
            if self._files[path].ignored:
                ignored = listed(sorted(self._files[path].ignored))
                self._notes.append(f"{path.name}: {ignored} is not needed")
        return self._files[path]

    def _find_all(self) -> dict[str, Path]:
        """Return the file or folder of each component that has weights. Raises Unusable."""
        own = self._opened(self._source).components
        if UNET not in own:
            raise Unusable(f"{self._source.name} holds {listed(sorted(own)) or 'nothing'} alone")
        named = {FIRST: self._companions.text_encoder, VAE: self._companions.vae}
        named[SECOND] = named[FIRST]
        found: dict[str, Path] = {}
        for component in (UNET, FIRST, SECOND, VAE):
            if (place := named.get(component)) is not None:
                found[component] = self._named_place(component, place)
                if component in own:
                    self._notes.append(
                        f"the {component} in {self._source.name} is not read: another is named"
                    )
            elif component in own:
                found[component] = self._source
            elif (folder := self.root / component).is_dir():
                found[component] = folder
                self._notes.append(f"its {component} lies beside {self._source.name}")
        if missing := [component for component in (FIRST, SECOND, VAE) if component not in found]:
            raise Unusable(
                f"{self._source.name} has no {' and no '.join(missing)}: put SDXL's folders "
                f"{', '.join([*missing, TOKENIZER])} beside it, as diffusers has them, or name "
                f"them with text_encoder, vae and tokenizer under [engine]"
            )
        return found

    def _named_place(self, component: str, place: Path) -> Path:
        """Return where a component lies in what the owner names for it. Raises Unusable."""
        if place.is_dir():
            inside = place / component
            if component == VAE and not inside.is_dir():
                return place
            if not inside.is_dir():
                raise Unusable(
                    f"{place.name} has no folder {component}: SDXL has two text encoders, and "
                    f"`text_encoder` under [engine] names the folder of both"
                )
            return inside
        if component not in self._opened(place).components:
            raise Unusable(f"{place.name} holds no {component} of SDXL")
        return place

    def _find_tokenizer(self) -> Path:
        """Return the folder of the first tokenizer. Raises Unusable."""
        named = self._companions.tokenizer
        places = [self.root] if named is None else [named]
        for place in (*(each / TOKENIZER for each in places), *places):
            if has_vocabulary(place):
                return place
        lacks = f"there is no tokenizer beside {self._source.name}"
        if named is not None:
            lacks = f"{named.name} holds no tokenizer"
        raise Unusable(
            f"{lacks}: put SDXL's folder `tokenizer` (vocab.json and merges.txt, or "
            f"tokenizer.json) there, or name one with `tokenizer` under [engine]"
        )

    def _prepare(self, component: Component) -> Prepared:
        name = component.name
        place = self._places[name]
        if place.is_dir():
            return self._prepare_folder(component, place)
        file = self._opened(place)
        if name == UNET:
            config = unet_config(
                file.shapes(UNET), file.label, self._pooled(), self._family.native_side_px
            )
            found = file.translation(UNET, config)
        else:
            found = file.translation(name, {})
            shapes = {key: weight.shape for key, weight in found.weights.items()}
            if name == VAE:
                config = from_shapes(VAE, found.weights, self._family, {})
                config["scaling_factor"] = self._family.vae_scaling_factor
                config["use_quant_conv"] = "quant_conv.weight" in shapes
                config["use_post_quant_conv"] = "post_quant_conv.weight" in shapes
            else:
                config = encoder_config(name, shapes, file.label)
        notes = [f"{name}: its sizes were read from the shapes of its tensors"]
        if found.ignored:
            notes.append(f"{file.label}: {listed(sorted(found.ignored))} is not needed")
        return self._filled(component, config, file.label, found.weights, notes)

    def _pooled(self) -> int:
        """Return the width of the second encoder's pooled prompt. Raises Unusable."""
        place = self._places[SECOND]
        if place.is_dir():
            label = f"{SECOND}/config.json"
            width: Any = read_json(place / "config.json", label).get("projection_dim")
        else:
            width = self._opened(place).shapes(SECOND).get("text_projection", (None, None))[-1]
        if not isinstance(width, int):
            raise Unusable(f"nothing tells the width of its pooled prompts: {SECOND} lacks it")
        return width

    def _tokenizer(self, name: str) -> Any:
        first = self._tokenizers
        if name == TOKENIZER:
            return read_tokenizer(first, name)
        second = first.parent / name
        if has_vocabulary(second) and first.name == TOKENIZER:
            return read_tokenizer(second, name)
        self._notes.append(f"its {name} is its tokenizer, filled up with {_SECOND_PADDING!r}")
        return read_tokenizer(first, name, pad_token=_SECOND_PADDING)

    def _scheduler(self) -> Any:
        path = self.root / SCHEDULER / "scheduler_config.json"
        if path.is_file():
            label = f"{SCHEDULER}/{path.name}"
            config = read_json(path, label)
            return self._made_scheduler(str(config.get("_class_name")), config, label)
        name = self._family.schedulers[0]
        metadata = self._headers.open(Candidate((self._source,), Rank.SAFE)).metadata
        config = noise_of(metadata)
        self._notes.append(
            f"no scheduler lies beside it: {name} is used, which predicts "
            f"{config['prediction_type']}"
        )
        return self._made_scheduler(name, config, "the schedule")
