"""The whole playground: stand-in, page and the bot's process, behind one local port."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from aiohttp import web

from bot.playground.chat import Report, kept_chat
from bot.playground.event_dispatch import announce
from bot.playground.fault_effects import connect_faults
from bot.playground.faults import Fault, Faults
from bot.playground.files import FileStore
from bot.playground.gateway import Gateway, GatewayListener, ReadyData
from bot.playground.ideas import Ideas
from bot.playground.initial_world import ADMIN, BOT, populate
from bot.playground.interactions import Interaction, Interactions, State
from bot.playground.local_only import local_only
from bot.playground.page.server import PageServer
from bot.playground.people import People
from bot.playground.process import POINTED, BotProcess, pointed_command
from bot.playground.rate_limits import RateLimiter
from bot.playground.registry import Registry
from bot.playground.request_log import RequestLog
from bot.playground.response_order import Turns
from bot.playground.rest.gate import MAX_REQUEST_BYTES
from bot.playground.rest.routes import PREFIX, add_routes
from bot.playground.shapes import Json, guild_create_json, member_json, own_user_json
from bot.playground.standin_parts import StandIn
from bot.playground.world import World

HOST: Final = "127.0.0.1"
VITALS_S: Final = 2.0
"""How often pages are sent the bot's memory, uptime and queue length. Chosen by hand."""

Counts = Callable[[], Awaitable[Mapping[str, int]]]
Facts = Callable[[], Awaitable[Json | None]]


@dataclass(frozen=True, slots=True)
class PlaygroundPlan:
    """How to start a playground.

    arguments: those of `zimagine`, for the bot's process; None starts no bot, for one that is
    started elsewhere. module: what runs as the bot's process, with the addresses of its Discord
    followed by the arguments. counts: returns how many jobs are queued and in progress. facts:
    returns what the bot paints with and its memory, None while it has not said. port: 0 picks a
    free one. known: all that the bot's model knows, as one text by language of the page;
    empty for a model that knows more than can be listed. folder: where the chat is kept over
    restarts, existing and private; None keeps it until the end. report: called with sentences about
    a chat that cannot be kept. ideas: prompts for newcomers; None offers a few that any model can
    paint. locale: the language of the server, for what everybody reads.
    """

    arguments: Sequence[str] | None
    environment: Mapping[str, str]
    port: int = 0
    seed: int = 1
    output: IO[str] | None = sys.stderr
    counts: Counts | None = None
    facts: Facts | None = None
    module: str = POINTED
    known: Mapping[str, str] = field(default_factory=dict[str, str])
    folder: Path | None = None
    report: Report = lambda sentence: None
    locale: str = "en-US"
    ideas: Ideas | None = None


@dataclass(slots=True)
class Playground:
    """A running playground."""

    standin: StandIn
    people: People
    process: BotProcess
    page: PageServer
    url: str


@asynccontextmanager
async def open_playground(plan: PlaygroundPlan) -> AsyncIterator[Playground]:
    """Open the port and start the bot; on exit, stop the bot and close everything.

    Raises OSError if the port is taken.
    """
    async with AsyncExitStack() as stack:
        standin = build_standin(
            _files_folder(stack, plan.folder), seed=plan.seed, locale=plan.locale
        )
        process = BotProcess([], {}, output=plan.output)
        people = People(standin)
        page = PageServer(standin, process, people, plan.known, plan.ideas)
        standin.gateway.watcher.online = process.set_online
        process.changed = page.bot_changed
        connect_faults(standin)
        app = build_app(standin, page)
        port = await _listen(stack, app, plan.port)
        if plan.folder is not None:
            await stack.enter_async_context(kept_chat(plan.folder, standin, plan.report))
        standin.base_url = f"http://{HOST}:{port}"
        standin.gateway.url = f"ws://{HOST}:{port}/gateway"
        if plan.arguments is not None:
            standin.faults.connect(Fault.RESTART_BOT, process.restart)
            standin.faults.connect(Fault.KILL_BOT, process.kill)
            process.command = pointed_command(
                standin.base_url + PREFIX, standin.gateway.url, plan.arguments, plan.module
            )
            process.environment = {**plan.environment, "DISCORD_TOKEN": standin.token}
        playground = Playground(standin, people, process, page, standin.base_url + "/")
        watching = asyncio.create_task(_watch(playground, plan.counts, plan.facts))
        stack.push_async_callback(_end, playground, watching)
        if process.command:
            process.start()
        yield playground


def _files_folder(stack: AsyncExitStack, kept: Path | None) -> Path:
    """Return the folder for the files of messages: below `kept`, else one that is removed."""
    if kept is not None:
        return kept / "files"
    temporary = tempfile.TemporaryDirectory(
        prefix="zimagine-playground-",
        ignore_cleanup_errors=True,  # Windows removes no file that is open
    )
    return Path(stack.enter_context(temporary))


def build_standin(folder: Path, *, seed: int = 1, locale: str = "en-US") -> StandIn:
    """Build a stand-in with its world, not yet reachable.

    folder: for the files of messages. locale: the language of its server.
    """
    world = World(FileStore(folder))
    populate(world, locale)
    log = RequestLog()

    def note(path: str, problems: list[str]) -> None:
        log.note(int(time.time() * 1000), path, problems)

    def late(interaction: Interaction) -> None:
        if interaction.state is State.FAILED:
            what = interaction.name or interaction.data.get("custom_id", "")
            note(f"INTERACTION {what}", ["It was not acknowledged within three seconds."])

    greeting = _ready_data(world)
    standin = StandIn(
        world=world,
        registry=Registry(world.ids),
        interactions=Interactions(world),
        gateway=Gateway(greeting, GatewayListener(note, lambda online: None)),
        log=log,
        faults=Faults(seed),
        limits=RateLimiter(),
        bot=BOT,
        owner=ADMIN,
        token=greeting.token,
        turns=Turns(seed),
    )
    world.listen(standin.audit.record)
    world.listen(lambda event: announce(event, standin))
    standin.interactions.listen(late)
    return standin


def _ready_data(world: World) -> ReadyData:
    """Return what READY tells a bot of this world, with a new token."""

    def guilds() -> dict[int, Json]:
        joined = {key: g for key, g in world.guilds.items() if BOT.id in g.members}
        return {key: guild_create_json(g, world, BOT.id) for key, g in joined.items()}

    def members(guild_id: int, asked: Json) -> list[Json]:
        guild = world.guilds.get(guild_id)
        wanted = {str(each) for each in asked.get("user_ids") or ()}
        query = str(asked.get("query") or "").lower()
        return [
            member_json(member)
            for member in (guild.members.values() if guild else ())
            if str(member.user.id) in wanted or (query and member.user.username.startswith(query))
        ]

    return ReadyData(secrets.token_urlsafe(32), lambda: own_user_json(BOT), guilds, members)


def build_app(standin: StandIn, page: PageServer | None = None) -> web.Application:
    """Build the web application of a stand-in, with a page if there is one."""
    app = web.Application(
        client_max_size=MAX_REQUEST_BYTES + 2**20, middlewares=[local_only(standin)]
    )
    add_routes(app, standin)
    app.router.add_get("/gateway", standin.gateway.handle)
    app.router.add_get("/gateway/", standin.gateway.handle)
    if page is not None:
        page.add_routes(app)
    return app


async def _listen(stack: AsyncExitStack, app: web.Application, port: int) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    return int(runner.addresses[0][1])


async def _watch(playground: Playground, counts: Counts | None, facts: Facts | None) -> None:
    """Send the bot's vital signs to the pages every two seconds."""
    while True:
        waiting = painting = None
        if counts is not None:
            with contextlib.suppress(Exception):
                found = await counts()
                waiting, painting = found.get("waiting"), found.get("painting")
        memory_mib = playground.process.memory_mib
        playground.page.set_vitals(
            {
                "at_ms": int(time.time() * 1000),
                "memory_mib": None if memory_mib is None else round(memory_mib, 1),
                "waiting": waiting,
                "painting": painting,
                "uptime_s": round(playground.process.uptime_s, 1),
                "facts": None if facts is None else await facts(),
            }
        )
        await asyncio.sleep(VITALS_S)


async def _end(playground: Playground, watching: asyncio.Task[None]) -> None:
    """Stop everything; the bot first, as it may still have results to deliver to the stand-in."""
    await playground.process.stop()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await playground.page.close()
    await playground.standin.gateway.close()
