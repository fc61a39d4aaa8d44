"""Fixtures for every room."""

from __future__ import annotations

import os

# No test may reach a hub, and none may take its settings from the machine it runs on.
os.environ["HF_HUB_OFFLINE"] = "1"
for _name in [name for name in os.environ if name.startswith("ZIMAGINE_")]:
    del os.environ[_name]
os.environ.pop("DISCORD_TOKEN", None)
