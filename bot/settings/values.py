"""Types of values that settings have, with the checks that TOML cannot express."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from bot.proxies import parse_proxy
from engine.diffusion.families import FAMILIES
from engine.diffusion.footprint import MemoryPlan
from engine.settings import AUTO

_FIRST_PRINTABLE = 0x20
WINDOWS_PATHS = "write paths of Windows in single quotes, as in 'C:\\pictures', or with slashes (/)"


def _ids(value: Any) -> Any:
    """Accept "1, 2" and "[1, 2]" from the environment, and one id, as well as TOML's own lists."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError("expected a list of numbers like [1, 2]") from None
    return [part.strip() for part in text.split(",") if part.strip()]


Snowflake = Annotated[int, Field(gt=0, lt=2**63)]
Snowflakes = Annotated[tuple[Snowflake, ...], NoDecode, BeforeValidator(_ids)]


def _folder(value: Any) -> Any:
    """Accept the path of a folder that can be the bot's; Path() would take "" for "."."""
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a folder, in quotation marks")
    text = str(value).strip()
    if not text:
        raise ValueError("it is empty; give the path of a folder")
    _refuse_control_characters(text)
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder {Path(text).parts[0]}") from None
    whole = Path(os.path.abspath(path))  # noqa: PTH100, for .. is not to be resolved on disk
    if whole == Path(whole.anchor):
        raise ValueError("the root of a disk cannot be the data folder; give a folder in it")
    return path


def _path(value: Any) -> Any:
    """Accept the path of a file or folder, which need not exist yet; `~` is the user's home."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("expected the path of a file or folder, in quotation marks")
    text = str(value).strip()
    _refuse_control_characters(text)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text} is in the home of nobody known here") from None


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    _refuse_control_characters(text)
    return text


def _refuse_control_characters(text: str) -> None:
    """In TOML's double quotes, C:\\temp has a tab in place of its backslash and t."""
    if any(ord(each) < _FIRST_PRINTABLE for each in text):
        raise ValueError(f"it contains control characters; {WINDOWS_PATHS}")


def _proxy(address: SecretStr) -> SecretStr:
    if address.get_secret_value().strip():
        parse_proxy(address.get_secret_value())
    return address


def _device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise ValueError('use "auto", "cuda", "cuda:1" for the second GPU, "mps" or "cpu"')
    return name


def _memory_plan(name: str) -> str:
    return name if name == AUTO else str(MemoryPlan.parse(name))


def _family(name: str) -> str:
    names = [AUTO, *(family.name for family in FAMILIES)]
    if name not in names:
        raise ValueError(f"{name!r} is no model family: use one of {', '.join(names)}")
    return name


ProxyAddress = Annotated[SecretStr, AfterValidator(_proxy)]
NotBlank = Annotated[str, AfterValidator(_not_blank)]
FamilyName = Annotated[str, AfterValidator(_family)]
AnyPath = Annotated[Path, BeforeValidator(_path)]
DataFolder = Annotated[Path, BeforeValidator(_folder)]
DeviceName = Annotated[str, AfterValidator(_device)]
MemoryPlanName = Annotated[str, AfterValidator(_memory_plan)]


class Section(BaseModel):
    """One table of the configuration file; immutable, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
