"""Files that people point to, fetched with a limit: no more is ever read than may be taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp

from engine.uploads import UploadTooLarge

Download = Callable[[str, int], Awaitable[bytes]]
"""Takes an address and how many bytes may come; raises TooLarge and OSError."""


async def download(url: str, limit_bytes: int) -> bytes:
    """The bytes at an address of Discord's. How long it may take is the caller's to say.

    TooLarge as soon as more come than the limit, OSError where nothing can be had.
    """
    try:
        # A session of its own: it sends nobody our token. Discord's files never lie elsewhere.
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise OSError(f"status {response.status}")
            if response.content_length is not None and response.content_length > limit_bytes:
                raise UploadTooLarge(response.content_length, limit_bytes)
            read = bytearray()
            async for chunk in response.content.iter_any():
                read += chunk
                if len(read) > limit_bytes:
                    raise UploadTooLarge(len(read), limit_bytes)
            return bytes(read)
    except (aiohttp.ClientError, ValueError) as error:
        # What it says itself has the address in it, and with that a person's words and a key.
        raise OSError(type(error).__name__) from None
