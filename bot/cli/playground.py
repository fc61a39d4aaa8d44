"""`zimagine playground`: the real bot in a browser, entirely on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from bot.cli.common.errors import fail, load_settings
from bot.cli.common.language import terminal_language
from bot.cli.common.playground_folder import PlaygroundFolder, hold
from bot.cli.common.prompt_ideas import prompt_ideas
from bot.exit_codes import UNAVAILABLE
from bot.playground.request_log import RequestLogEntry
from bot.playground.rest.routes import PREFIX
from bot.playground.standin_server import Counts, Playground, PlaygroundPlan, open_playground
from bot.request.knowledge import known_names
from bot.runtime.shutdown import stop_on_request, stop_on_signals
from bot.setting_names import ENV_PREFIX
from bot.wording.knowledge import known_list
from engine.diffusion.families import family_for
from storage.database import FILE_NAME, Database
from storage.jobs import Jobs
from storage.types import JobState, utc_now

DEFAULT_PORT = 8765
"""Chosen by hand."""
STATUS_FILE = "status.json"
"""In the folder of the playground."""


@click.command("playground")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the page (default: {DEFAULT_PORT}, or a free one if it is taken; 0 = any).",
)
@click.option("--model", help='"sketch", a Hugging Face model id or a folder.')
@click.option("--no-browser", is_flag=True, help="Print the address without opening a browser.")
@click.option(
    "--no-bot",
    is_flag=True,
    help="Start no bot; print the addresses for another bot to connect to.",
)
def command(
    config: Path | None, port: int | None, model: str | None, no_browser: bool, no_bot: bool
) -> None:
    """Try the bot in a browser: no account, no GPU, no download. Ctrl-C stops everything."""
    override = {"engine": {"model": model}} if model else {}
    settings = load_settings(config, **override)
    environment = {
        # The playground is a separate server: a list of real ones would exclude it.
        f"{ENV_PREFIX}DISCORD__GUILDS": "[]",
        # It is on this machine, which no proxy has to reach.
        f"{ENV_PREFIX}DISCORD__PROXY": "",
        f"{ENV_PREFIX}LOG__FORMAT": "text",
    }
    if model:
        environment[f"{ENV_PREFIX}ENGINE__MODEL"] = model
        environment[f"{ENV_PREFIX}ENGINE__FAMILY"] = settings.engine.family
    arguments = None if no_bot else ["run", *(["--config", str(config)] if config else [])]
    data_dir = settings.storage.data_dir
    ideas = None if no_bot else prompt_ideas(settings.engine.model, np.random.default_rng())
    known = {} if no_bot else _known(settings.engine.model)
    plan = PlaygroundPlan(
        arguments,
        environment,
        known=known,
        report=_say,
        ideas=ideas,
        locale=terminal_language(),
    )
    # A bot of someone else has its own data: for it, nothing is stored and nothing is held.
    held = contextlib.nullcontext() if no_bot else hold(data_dir, _say)
    with held as folder:
        code = asyncio.run(_serve(plan, port, data_dir, folder, browse=not no_browser))
    if code:
        raise SystemExit(code)


def _known(model: str) -> dict[str, str]:
    """Return all that a model knows which knows little, by the page's languages."""
    family = family_for(model)
    locales = {"en": "en", "zh": "zh-CN"}
    names = {page: known_names(family, locale) for page, locale in locales.items()}
    return {page: known_list(each) for page, each in names.items() if each}


def _say(sentence: str) -> None:
    click.echo(f"zimagine: {sentence}", err=True)


async def _serve(
    plan: PlaygroundPlan,
    port: int | None,
    data_dir: Path,
    folder: PlaygroundFolder | None,
    *,
    browse: bool,
) -> int:
    """Run until a signal, or until the bot fails its first start; return the exit code."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        counts = await stack.enter_async_context(_job_counts(data_dir / FILE_NAME))
        stack.enter_context(stop_on_signals(stop))
        plan = replace(plan, counts=counts)
        if folder is not None:
            plan = kept_in(folder.path, plan)
        playground = await _open(stack, plan, port)
        if folder is not None:
            stack.enter_context(folder.at(playground.url))
            stack.enter_context(stop_on_request(folder.path, stop))
        click.echo(f"zimagine playground: {playground.url} (Ctrl-C stops it)")
        if plan.arguments is None:
            _print_connection(playground)
        if browse and _has_screen():
            await asyncio.to_thread(webbrowser.open, playground.url)
        return await _wait_for_end(playground, stop)


def kept_in(folder: Path, plan: PlaygroundPlan) -> PlaygroundPlan:
    """Keep the chat in this folder, and let the bot write there what it paints with."""
    file = folder / STATUS_FILE
    file.unlink(missing_ok=True)  # of a bot that was killed
    arguments = None
    if plan.arguments is not None:
        arguments = [*plan.arguments, "--status-file", str(file)]
    return replace(plan, folder=folder, arguments=arguments, facts=partial(_facts, file))


async def _facts(file: Path) -> dict[str, Any] | None:
    """Return what the bot's file says; None where there is none, or nothing that can be read."""
    try:
        found = json.loads(await asyncio.to_thread(file.read_text, encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


async def _open(stack: AsyncExitStack, plan: PlaygroundPlan, port: int | None) -> Playground:
    """Open at the requested port, else at the default one if it is free, else at any."""
    try:
        preferred = replace(plan, port=DEFAULT_PORT if port is None else port)
        return await stack.enter_async_context(open_playground(preferred))
    except OSError as error:
        if port is not None:
            fail(f"Port {port} cannot be used: {error.strerror or error}.", UNAVAILABLE)
    return await stack.enter_async_context(open_playground(replace(plan, port=0)))


def _print_connection(playground: Playground) -> None:
    """Print how another bot connects to this Discord, and from then on what it does wrong."""
    standin = playground.standin
    click.echo(f"API: {standin.base_url}{PREFIX}\nGateway: {standin.gateway.url}")
    click.echo(f"Application: {standin.bot.id}\nToken: {standin.token}")

    def print_problems(entry: RequestLogEntry) -> None:
        for problem in (*entry.problems, *([entry.refusal] if entry.refusal else [])):
            click.echo(f"{entry.method} {entry.path}: {problem}", err=True)

    standin.log.listen(print_problems)


def _has_screen() -> bool:
    """Return whether a browser would open a window, and not take over the terminal."""
    variables = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or any(name in os.environ for name in variables)


async def _wait_for_end(playground: Playground, stop: asyncio.Event) -> int:
    """Wait for a signal, or for a bot that never came online; return the exit code."""
    gave_up = asyncio.create_task(playground.process.gave_up.wait())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({gave_up, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if playground.process.was_online:
            # The page shows what happened, and can start the bot again.
            await stopped
        return 0 if stop.is_set() else playground.process.exit_code or 0
    finally:
        gave_up.cancel()
        stopped.cancel()


@asynccontextmanager
async def _job_counts(path: Path) -> AsyncIterator[Counts]:
    """Yield a function that counts the jobs in the bot's database, while the bot runs."""
    db: Database | None = None

    async def counts() -> Mapping[str, int]:
        nonlocal db
        if db is None:
            if not await asyncio.to_thread(path.exists):
                return {"waiting": 0, "painting": 0}
            db = await Database.open(path)
        live = await Jobs(db, utc_now, lambda: "").live_counts()
        waiting = live[JobState.ACCEPTED] + live[JobState.QUEUED]
        return {"waiting": waiting, "painting": live[JobState.PAINTING]}

    try:
        yield counts
    finally:
        if db is not None:
            await db.close()
