"""The gateway: the bot's sessions, the events sent to them, and how connections are cut."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

from bot.playground.connection import Socket
from bot.playground.protocol import (
    API_VERSION,
    DISPATCH,
    INVALID_SESSION,
    INVALID_SHARD,
    KEPT_EVENTS,
    RECONNECT,
    SESSION_LIFE_S,
    Close,
    shard_receives,
)

Json = dict[str, Any]


class GatewayMode(StrEnum):
    """How the gateway treats connections; everything but SERVING is a fault.

    REFUSING: no connection is accepted. SILENT: connections are accepted and nothing more is sent
    or read, not even on older ones. HELLO_ONLY: new connections get HELLO and nothing after it.
    INVALID: IDENTIFY and RESUME are answered with an invalid session.
    """

    SERVING = "serving"
    REFUSING = "refusing"
    SILENT = "silent"
    HELLO_ONLY = "hello_only"
    INVALID = "invalid"


@dataclass(slots=True)
class Session:
    """The part of a connection that survives its socket: sent events, kept for resuming."""

    id: str
    intents: int
    shard: tuple[int, int]
    sequence: int = 0
    events: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=KEPT_EVENTS))
    socket: Socket | None = None
    left_at_s: float | None = None


@dataclass(slots=True)
class GatewayListener:
    """Callbacks for what happens on the gateway: note(path, problems), online(changed)."""

    note: Callable[[str, list[str]], None]
    online: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class ReadyData:
    """The content of READY: the only bot's token, its user and application, the guilds by id."""

    token: str
    user: Callable[[], Json]
    guilds: Callable[[], dict[int, Json]]
    members: Callable[[int, Json], list[Json]]


class Gateway:
    """All sockets and sessions of the bot."""

    def __init__(
        self,
        greeting: ReadyData,
        watcher: GatewayListener,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.greeting = greeting
        self.watcher = watcher
        self.now_s = now_s
        self.url = ""
        self.refuse_resume = False
        self.identified = 0
        self._sessions: dict[str, Session] = {}
        self._sockets: set[Socket] = set()
        self.mode = GatewayMode.SERVING

    def set_mode(self, mode: GatewayMode) -> None:
        """Change how connections are treated; REFUSING also cuts those that exist."""
        self.mode = mode
        for socket in self._sockets:
            socket.set_silent(mode is GatewayMode.SILENT)
        if mode is GatewayMode.REFUSING:
            self.drop_sockets()

    @property
    def ignores_all(self) -> bool:
        """Return whether nothing is answered after HELLO."""
        return self.mode is GatewayMode.HELLO_ONLY

    @property
    def rejects_sessions(self) -> bool:
        """Return whether every IDENTIFY and RESUME is answered with an invalid session."""
        return self.mode is GatewayMode.INVALID

    @property
    def online(self) -> bool:
        """Return whether a bot is connected and identified."""
        return any(session.socket is not None for session in self._sessions.values())

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection of a bot."""
        if self.mode is GatewayMode.REFUSING:
            raise web.HTTPServiceUnavailable
        answer = web.WebSocketResponse(max_msg_size=2**20, autoping=True)
        await answer.prepare(request)
        compression = request.query.get("compress", "")
        socket = Socket(self, answer, request.transport, compression)
        self._sockets.add(socket)
        socket.set_silent(self.mode is GatewayMode.SILENT)
        try:
            await socket.run(request.query.get("v", API_VERSION), request.query.get("encoding"))
        finally:
            self._sockets.discard(socket)
            socket.disconnected()
        return answer

    def dispatch(self, name: str, data: Json, *, guild_id: int | None, intent: int = 0) -> bool:
        """Send an event to a guild's shard; events are kept while its socket is disconnected.

        intent: the one the bot must have asked for, 0 for none. False if no session would receive
        it.
        """
        heard = False
        self._forget_old()
        for session in self._sessions.values():
            if intent and not session.intents & intent:
                continue
            if not shard_receives(session.shard, guild_id):
                continue
            heard = True
            session.sequence += 1
            event: Json = {"op": DISPATCH, "t": name, "s": session.sequence, "d": data}
            session.events.append(event)
            if session.socket is not None:
                session.socket.send(event)
        return heard

    def open_session(self, identify: Json, socket: Socket) -> Session:
        """Create a session for a socket that identified itself. Raises Close."""
        match identify.get("shard") or [0, 1]:
            case [int(number), int(count)] if 0 <= number < count:
                shard = (number, count)
            case _:
                raise Close(INVALID_SHARD, "Invalid shard")
        for other in list(self._sessions.values()):
            if other.shard == shard and other.socket is None:
                # Its bot has come back without resuming it. A session with a socket is another
                # process's: Discord lets both have one, and sends everything to both.
                del self._sessions[other.id]
        self.identified += 1
        session = Session(secrets.token_hex(16), int(identify["intents"]), shard, socket=socket)
        self._sessions[session.id] = session
        return session

    def resumable(self, session_id: str) -> Session | None:
        """Return the session with this id, if it can still be resumed."""
        self._forget_old()
        return None if self.refuse_resume else self._sessions.get(session_id)

    def end(self, session: Session) -> None:
        """End a session, which cannot be resumed any more."""
        self._sessions.pop(session.id, None)

    def drop_sockets(self) -> None:
        """Cut every connection without a close frame, as a failing network does."""
        for socket in list(self._sockets):
            socket.drop()

    def ask_reconnect(self) -> None:
        """Ask every connected bot to reconnect."""
        for socket in list(self._sockets):
            socket.send({"op": RECONNECT, "d": None})

    def invalidate(self) -> None:
        """Tell every connected bot that its session is invalid."""
        for session in list(self._sessions.values()):
            self.end(session)
            if session.socket is not None:
                session.socket.send({"op": INVALID_SESSION, "d": False})
                session.socket.session = None

    async def close(self) -> None:
        """Close all connections, as Discord does before it restarts."""
        for socket in list(self._sockets):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await socket.answer.close(code=1001)

    def _forget_old(self) -> None:
        for session in list(self._sessions.values()):
            if session.left_at_s is not None and self.now_s() - session.left_at_s > SESSION_LIFE_S:
                self.end(session)
