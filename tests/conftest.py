"""Settings for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

from setup import compile_catalogues

# Tests must not access a model hub, nor take settings from this machine's environment.
os.environ["HF_HUB_OFFLINE"] = "1"
for _name in list(os.environ):
    if _name.startswith("ZIMAGINE_") or _name.lower().endswith("_proxy"):
        del os.environ[_name]
os.environ.pop("DISCORD_TOKEN", None)
os.environ["LC_ALL"] = "C.UTF-8"
# The install compiled the catalogues too, perhaps before they were changed.
compile_catalogues(only_older=True)
# One torch thread, here and in every process that a test starts: two that wait for each other
# starve beside anything else on a small machine. Tests about threads set their own number.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is not a bug: properties are not timed.
settings.register_profile("zimagine", deadline=None, max_examples=80)
settings.load_profile("zimagine")

_NAME_CHARS = 40


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep the names of tests readable: a file among their arguments is its length, and a long text
    its beginning. pytest numbers those that are the same."""
    if isinstance(val, bytes) and len(val) > _NAME_CHARS:
        return f"{argname} of {len(val)} bytes"
    if isinstance(val, str) and len(val) > _NAME_CHARS:
        return f"{val[:_NAME_CHARS]}..."
    return None
