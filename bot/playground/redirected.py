"""Run `zimagine` against another Discord API.

`python -m bot.playground.redirected API GATEWAY ARGUMENTS…`: two addresses, then the command
line. It ends with SIGTERM when its standard input closes, because whoever started it is gone then.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

import discord.gateway
import discord.http
import yarl


def main() -> None:
    """Point discord.py at the addresses and hand over to the bot's own command line."""
    api_url, gateway_url, *arguments = sys.argv[1:]
    point(api_url, gateway_url)
    sys.argv = ["zimagine", *arguments]
    runpy.run_module("bot", run_name="__main__")


def point(api_url: str, gateway_url: str) -> None:
    """Point discord.py at the addresses, and end this process when its standard input closes."""
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    threading.Thread(target=_end_with_input, daemon=True).start()


def _end_with_input() -> None:
    # Not through sys.stdin: the interpreter aborts if a thread holds its lock at exit.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if sys.platform == "win32":  # where kill would end the process without a word
        signal.raise_signal(signal.SIGTERM)
    else:  # to the process, so that the main thread wakes up for it
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
