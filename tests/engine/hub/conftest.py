"""Two servers on this machine for each test, and a cache that is empty."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.hub.client import Patience
from engine.hub.download import Downloaded, Plan, Request, download
from engine.hub.endpoints import Endpoint
from engine.hub.errors import Hub, HubUnavailable
from tests.engine.hub.hub_servers import MODEL, Hubs, serve, sha256

QUICK = Patience(retries=2, wait_s=0.0)
"""Does not wait between attempts; a busy machine may take long to answer."""
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
INDEX = {
    "_class_name": "ZImagePipeline",
    "transformer": ["diffusers", "ZImageTransformer2DModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "tokenizer": ["transformers", "Qwen2Tokenizer"],
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "safety_checker": [None, None],
}
"""What a pipeline consists of; nobody loads it here."""


def noise(count: int, seed: int) -> bytes:
    """Return bytes that no two files share."""
    return random.Random(seed).randbytes(count)


FILES: dict[str, bytes] = {
    "model_index.json": json.dumps(INDEX).encode(),
    "transformer/config.json": b'{"dim": 48}',
    WEIGHTS: noise(300_000, 1),
    "vae/config.json": b"{}",
    "vae/diffusion_pytorch_model.safetensors": noise(50_000, 2),
    "tokenizer/tokenizer.json": noise(9_000, 3),
    "tokenizer/merges.txt": b"a b\n",
    "scheduler/scheduler_config.json": b'{"shift": 3.0}',
}
UNNEEDED: dict[str, bytes] = {
    ".gitattributes": b"*",
    "README.md": b"# Tiny",
    "assets/preview.png": noise(5_000, 4),
    "transformer/diffusion_pytorch_model.bin": noise(5_000, 5),
    "transformer/diffusion_pytorch_model.fp16.safetensors": noise(5_000, 6),
    "transformer/pipeline.py": b"import os",
    "all_in_one.safetensors": noise(5_000, 7),
    "onnx/model.onnx": noise(5_000, 8),
}


class Watcher:
    """Remembers what a download said."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.passed: list[HubUnavailable] = []
        self.checked: list[str] = []
        self.repaired: list[str] = []
        self.waited = 0
        self.kept_bytes = 0

    def waiting(self) -> None:
        self.waited += 1

    def passed_over(self, error: HubUnavailable, following: Endpoint) -> None:
        self.passed.append(error)

    def checking(self, file: str, size_bytes: int) -> None:
        self.checked.append(file)

    def damaged(self, file: str) -> None:
        self.repaired.append(file)

    def planned(self, plan: Plan) -> None:
        self.plans.append(plan)
        self.kept_bytes = plan.present_bytes + plan.kept_bytes

    def advanced(self, count_bytes: int) -> None:
        self.kept_bytes += count_bytes


class Setup:
    """One hub, one cache; `fetch` downloads the model."""

    def __init__(self, hubs: Hubs, hub: Hub, root: Path) -> None:
        self.hubs = hubs
        self.hub = hub
        self.root = root
        self.watcher = Watcher()

    def request(self, *endpoints: Endpoint, **changes: object) -> Request:
        asked = endpoints or (self.hubs.endpoint(self.hub),)
        given: dict[str, object] = {"patience": QUICK, **changes}
        return Request(MODEL, asked, self.root, **given)  # pyright: ignore[reportArgumentType]

    def fetch(self, *endpoints: Endpoint, **changes: object) -> Downloaded:
        self.watcher = Watcher()
        return download(self.request(*endpoints, **changes), self.watcher)

    def found(self, done: Downloaded) -> dict[str, bytes]:
        """What lies in the model's folder."""
        files = [path for path in done.folder.rglob("*") if path.is_file()]
        return {path.relative_to(done.folder).as_posix(): path.read_bytes() for path in files}

    def part(self, path: str) -> Path:
        """Where the beginning of a large file is kept."""
        blobs = self.root / f"models--{MODEL.replace('/', '--')}" / "blobs"
        return blobs / f"{sha256(self.hubs.files[path])}.part"

    def parts(self) -> list[Path]:
        """What is kept of unfinished files."""
        return sorted(self.root.rglob("*.part"))


@pytest.fixture
def hubs() -> Iterator[Hubs]:
    """The hub and its server of files."""
    with serve({**FILES, **UNNEEDED}) as running:
        yield running


@pytest.fixture(params=list(Hub))
def setup(request: pytest.FixtureRequest, hubs: Hubs, tmp_path: Path) -> Setup:
    """Each test with the interface of each hub."""
    return Setup(hubs, request.param, tmp_path / "cache")


@pytest.fixture
def hugging_face(hubs: Hubs, tmp_path: Path) -> Setup:
    """For what does not depend on the interface."""
    return Setup(hubs, Hub.HUGGING_FACE, tmp_path / "cache")
