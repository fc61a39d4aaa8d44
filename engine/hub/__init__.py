"""Models from Hugging Face and ModelScope: fetched once, wholly and checked, then used offline.

`download` fetches, `find_downloaded` tells where a fetched model is. Imports neither torch nor
discord.py.
"""

from __future__ import annotations

from engine.hub.cache import default_cache, find_downloaded

__all__ = ["default_cache", "find_downloaded"]
