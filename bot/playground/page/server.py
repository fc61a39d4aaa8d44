"""Serves the page over HTTP: static files, socket, user actions, and the files of messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aiohttp import BodyPartReader, WSMsgType, web

from bot.playground.faults import Fault
from bot.playground.ideas import Ideas
from bot.playground.initial_world import PEOPLE
from bot.playground.interactions import Interaction, InteractionKind, state_json
from bot.playground.model import FILE_LIMIT_BYTES, ChannelType, Message
from bot.playground.page.views import Views, modal_json
from bot.playground.people import ActingUser, ActionRefused, People
from bot.playground.process import BotProcess
from bot.playground.request_log import RequestLogEntry
from bot.playground.shapes import Json, attachment_json
from bot.playground.standin_parts import StandIn
from bot.playground.world import (
    ChannelChanged,
    Event,
    MemberChanged,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
)

STATIC: Final = Path(__file__).parent / "static"
LOCALES: Final = ("en-US", "zh-CN")
MAX_WAITING_EVENTS: Final = 2000


@dataclass(eq=False, slots=True)
class Viewer:
    """One open page."""

    user_id: int
    outbox: asyncio.Queue[Json] = field(
        default_factory=lambda: asyncio.Queue[Json](MAX_WAITING_EVENTS)
    )
    lost: bool = False

    def send(self, event: Json) -> None:
        """Queue an event; a page that does not keep up is disconnected and reconnects."""
        try:
            self.outbox.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True


class PageServer:
    """All open pages, and the actions of their users."""

    def __init__(
        self,
        standin: StandIn,
        process: BotProcess,
        people: People,
        known: Mapping[str, str] = MappingProxyType({}),
        ideas: Ideas | None = None,
    ) -> None:
        """known, ideas: as for `Views`."""
        self._ideas = ideas
        self._standin = standin
        self._process = process
        self._people = people
        self._views = Views(standin, process, known, ideas)
        self._viewers: set[Viewer] = set()
        self.vitals: Json = {"type": "vitals", "vitals": {}}
        standin.world.listen(self._world_changed)
        standin.interactions.listen(self._interaction_changed)
        standin.log.listen(self._requested)
        standin.on_commands.append(self._commands_changed)

    def add_routes(self, app: web.Application) -> None:
        """Serve the page at the root."""
        app.router.add_get("/", self._index)
        app.router.add_static("/static", STATIC)
        app.router.add_get("/page/socket", self._socket)
        app.router.add_post("/page/act", self._act)
        app.router.add_post("/page/uploads", self._upload)
        app.router.add_get(r"/attachments/{channel:\d+}/{id:\d+}/{name}", self._attachment)

    def bot_changed(self) -> None:
        """Send the bot's state to every page."""
        self._tell({"type": "bot", "bot": self._views.bot()})

    def set_vitals(self, vitals: Json) -> None:
        """Send the vital signs of the bot's process to every page."""
        self.vitals = {"type": "vitals", "vitals": vitals}
        self._tell(self.vitals)

    async def close(self) -> None:
        """Disconnect every page."""
        for viewer in list(self._viewers):
            viewer.lost = True
            viewer.send({"type": "bye"})

    def _tell(self, event: Json, whom: Callable[[Viewer], bool] = lambda _: True) -> None:
        for viewer in self._viewers:
            if whom(viewer):
                viewer.send(event)

    def _world_changed(self, event: Event) -> None:
        if isinstance(event, MemberChanged) or (isinstance(event, ChannelChanged) and event.gone):
            for viewer in self._viewers:
                viewer.send(self._views.state(viewer.user_id, self.vitals["vitals"]))
            return
        if isinstance(event, ChannelChanged):
            for viewer in self._viewers:
                if not self._views.sees(viewer.user_id, event.channel):
                    continue
                shape = self._views.channel(viewer.user_id, event.channel)
                guild_id = str(event.channel.guild_id)
                viewer.send({"type": "channel_update", "guild_id": guild_id, "channel": shape})
            return
        message = event.message
        if isinstance(event, MessageDeleted):
            told = {
                "type": "message_delete",
                "channel_id": str(message.channel_id),
                "id": str(message.id),
            }
        else:
            assert isinstance(event, MessageCreated | MessageEdited)
            self._tell_private(message)
            kind = "message_create" if isinstance(event, MessageCreated) else "message_update"
            told = {"type": kind, "message": self._views.message(message)}
        self._tell(told, lambda viewer: self._views.sees_message(viewer.user_id, message))

    def _tell_private(self, message: Message) -> None:
        """Announce a direct message channel to its user's pages before its messages."""
        channel = self._standin.world.channel(message.channel_id)
        if channel is None or channel.type is not ChannelType.DM:
            return
        home = str(self._views.home().id)
        for viewer in self._viewers:
            if viewer.user_id in channel.recipients:
                shape = self._views.channel(viewer.user_id, channel)
                viewer.send({"type": "channel_update", "guild_id": home, "channel": shape})

    def _interaction_changed(self, interaction: Interaction) -> None:
        if interaction.kind is InteractionKind.AUTOCOMPLETE:
            return

        def own(viewer: Viewer) -> bool:
            return viewer.user_id == interaction.user_id

        self._tell({"type": "interaction", "interaction": state_json(interaction)}, own)
        if (form := modal_json(interaction)) is not None:
            self._tell(form, own)

    def _requested(self, entry: RequestLogEntry) -> None:
        self._tell({"type": "request", "request": entry.to_json()})

    def _commands_changed(self) -> None:
        for viewer in self._viewers:
            commands = self._views.commands(viewer.user_id)
            viewer.send({"type": "commands", "commands": commands})

    async def _index(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        user_id = _viewer_id(request.query.get("viewer", str(PEOPLE[0].id)))
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        viewer = Viewer(user_id)
        viewer.send(self._views.state(user_id, self.vitals["vitals"]))
        self._viewers.add(viewer)
        writer = asyncio.create_task(_write(socket, viewer))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self._viewers.discard(viewer)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def _act(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            sent = await request.json()
            actor = ActingUser(_viewer_id(sent["viewer"]), _locale(sent.get("locale")))
            answer = await self._acts()[sent["kind"]](actor, sent)
        except ActionRefused as error:
            return _json_answer({"ok": False, "error": str(error)}, 400)
        except (KeyError, TypeError, ValueError, AttributeError):
            return _json_answer(
                {"ok": False, "error": "The page sent an invalid request. Reload it."}, 400
            )
        return _json_answer({"ok": True, **answer}, 200)

    def _acts(self) -> dict[str, Callable[[ActingUser, Json], Awaitable[Json]]]:
        return {
            "command": self._command,
            "autocomplete": self._autocomplete,
            "component": self._component,
            "modal": self._modal,
            "context": self._context,
            "say": self._say,
            "delete": self._delete,
            "fault": self._fault,
            "surprise": self._surprise,
        }

    async def _command(self, actor: ActingUser, sent: Json) -> Json:
        made = self._people.command(
            actor, int(sent["channel_id"]), int(sent["command_id"]), sent["path"], _values(sent)
        )
        return {"interaction_id": str(made.id)}

    async def _autocomplete(self, actor: ActingUser, sent: Json) -> Json:
        choices = await self._people.autocomplete(
            actor,
            int(sent["channel_id"]),
            int(sent["command_id"]),
            sent["path"],
            _values(sent),
            sent["focused"],
        )
        return {"choices": choices}

    async def _component(self, actor: ActingUser, sent: Json) -> Json:
        made = self._people.component(
            actor,
            int(sent["channel_id"]),
            int(sent["message_id"]),
            sent["custom_id"],
            sent.get("values"),
        )
        return {"interaction_id": str(made.id)}

    async def _modal(self, actor: ActingUser, sent: Json) -> Json:
        made = self._people.modal(
            actor, int(sent["interaction_id"]), sent["custom_id"], sent["values"]
        )
        return {"interaction_id": str(made.id)}

    async def _context(self, actor: ActingUser, sent: Json) -> Json:
        made = self._people.context(
            actor, int(sent["channel_id"]), int(sent["command_id"]), int(sent["target_id"])
        )
        return {"interaction_id": str(made.id)}

    async def _say(self, actor: ActingUser, sent: Json) -> Json:
        reply_to = sent.get("reply_to")
        message = self._people.say(
            actor,
            int(sent["channel_id"]),
            str(sent["content"]),
            None if reply_to is None else int(reply_to),
        )
        return {"message_id": str(message.id)}

    async def _delete(self, actor: ActingUser, sent: Json) -> Json:
        self._people.delete(actor, int(sent["channel_id"]), int(sent["message_id"]))
        return {}

    async def _fault(self, actor: ActingUser, sent: Json) -> Json:
        self._standin.faults.inject(Fault(sent["fault"]), active=bool(sent.get("active", True)))
        self._tell({"type": "faults", "faults": self._standin.faults.to_json()})
        return {}

    async def _surprise(self, actor: ActingUser, sent: Json) -> Json:
        if self._ideas is None:
            raise ActionRefused("There are no surprises here.")
        return {"prompt": self._ideas.surprise(actor.locale)}

    async def _upload(self, request: web.Request) -> web.Response:
        reader = await request.multipart()
        part = await reader.next()
        if not isinstance(part, BodyPartReader) or part.name != "file":
            return _json_answer({"ok": False, "error": "The upload contains no file."}, 400)
        data = bytearray()
        while chunk := await part.read_chunk():
            data += chunk
            if len(data) > FILE_LIMIT_BYTES:
                return _json_answer({"ok": False, "error": "Files are limited to 10 MiB."}, 400)
        kept = await self._people.upload(part.filename or "file", bytes(data))
        return _json_answer({"ok": True, **attachment_json(kept, 0, self._standin.base_url)}, 200)

    async def _attachment(self, request: web.Request) -> web.StreamResponse:
        path = self._standin.world.files.path(int(request.match_info["id"]))
        if not path.is_file():
            raise web.HTTPNotFound
        response = web.FileResponse(path)
        name = request.match_info["name"]
        response.content_type = _content_type(name)
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


async def _write(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    with contextlib.suppress(ConnectionError):
        while not viewer.lost:
            await socket.send_str(json.dumps(await viewer.outbox.get()))
        await socket.close()


def _content_type(name: str) -> str:
    """Return the content type for the browser: images are shown, everything else is downloaded."""
    ending = name.rpartition(".")[2].lower()
    pictures = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "gif": "gif"}
    return f"image/{pictures[ending]}" if ending in pictures else "application/octet-stream"


def _viewer_id(text: Any) -> int:
    number = int(text) if str(text).isdecimal() else 0
    if number not in {user.id for user in PEOPLE}:
        raise ActionRefused("There is no such user here.")
    return number


def _locale(text: Any) -> str:
    return text if text in LOCALES else LOCALES[0]


def _values(sent: Json) -> dict[str, Any]:
    return {option["name"]: option["value"] for option in sent["options"]}


def _json_answer(answer: Json, status: int) -> web.Response:
    return web.json_response(answer, status=status)
