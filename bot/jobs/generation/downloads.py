"""Download files from Discord without ever reading more than a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp

from bot.proxies import Proxies, proxy_auth
from engine.uploads import UploadTooLarge

Download = Callable[[str, int], Awaitable[bytes]]
"""Takes a URL and a limit in bytes; raises UploadTooLarge and OSError."""


async def download(url: str, limit_bytes: int, *, proxies: Proxies) -> bytes:
    """Return the bytes at a URL of Discord's. The caller sets a timeout.

    proxies: chooses the proxy that the request goes through, if any. Raises UploadTooLarge as soon
    as the limit is exceeded, OSError for all other failures.
    """
    try:
        proxy = proxies.for_url(url)
        # A separate session never sends the bot's token. Discord's files need no redirects.
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                url,
                allow_redirects=False,
                proxy=None if proxy is None else proxy.url,
                proxy_auth=None if proxy is None else proxy_auth(proxy),
            ) as response,
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
        # The original message contains the URL, and with it a member's words and an access key.
        raise OSError(type(error).__name__) from None
