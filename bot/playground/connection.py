"""One WebSocket connection of the gateway: compression, heartbeat and protocol state."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.playground.protocol import (
    ACK,
    ALL_INTENTS,
    ALREADY_AUTHENTICATED,
    API_VERSION,
    AUTHENTICATION_FAILED,
    DECODE_ERROR,
    DISALLOWED_INTENTS,
    DISPATCH,
    GUILD_MEMBERS,
    GUILDS,
    HEARTBEAT,
    HEARTBEAT_MS,
    HELLO,
    IDENTIFY,
    INVALID_API_VERSION,
    INVALID_INTENTS,
    INVALID_SEQUENCE,
    INVALID_SESSION,
    MAX_PAYLOAD_BYTES,
    NOT_AUTHENTICATED,
    PRESENCE,
    PRIVILEGED_INTENTS,
    RATE_LIMITED,
    REQUEST_MEMBERS,
    REQUEST_SOUNDBOARD,
    RESUME,
    SENDS_PER_MINUTE,
    SESSION_TIMED_OUT,
    UNKNOWN_OPCODE,
    VOICE,
    Close,
    same_secret,
    shard_receives,
)

if TYPE_CHECKING:
    from bot.playground.gateway import Gateway, Session

Json = dict[str, Any]

ACK_AFTER_S = 0.05


class Socket:
    """One connection with its compression, heartbeat and protocol state."""

    def __init__(
        self,
        gateway: Gateway,
        answer: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        compression: str,
    ) -> None:
        self.gateway = gateway
        self.answer = answer
        self._transport = transport
        self.session: Session | None = None
        self._deflate = _deflater(compression)
        self._outbox: asyncio.Queue[Json | Close] = asyncio.Queue()
        self._received: deque[float] = deque()
        self._last_heartbeat_s = gateway.now_s()
        self._may_speak = asyncio.Event()
        self._may_speak.set()

    async def run(self, version: str, encoding: str | None) -> None:
        """Communicate with the bot until the connection ends."""
        writer = asyncio.create_task(self._write())
        self.send(
            {"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_MS, "_trace": ["playground"]}}
        )
        try:
            if version != API_VERSION:
                raise Close(INVALID_API_VERSION, f"API version {version}")
            if encoding not in (None, "json"):
                raise Close(DECODE_ERROR, f"encoding {encoding}")
            await self._read()
        except Close as close:
            self.gateway.watcher.note(f"close {close.code}", [close.reason])
            self._outbox.put_nowait(close)
            await asyncio.wait([writer], timeout=5)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def send(self, payload: Json) -> None:
        """Queue a payload for the bot."""
        self._outbox.put_nowait(payload)

    def set_silent(self, silent: bool) -> None:
        """Stop sending and reading, as a peer that hangs, or go on with it."""
        if self._transport is None or self._transport.is_closing():
            return
        if silent:
            self._may_speak.clear()
            self._transport.pause_reading()
        else:
            self._may_speak.set()
            self._transport.resume_reading()

    def drop(self) -> None:
        """Cut the connection without a close frame."""
        if self._transport is not None:
            self._transport.abort()

    def disconnected(self) -> None:
        """Handle the loss of the connection; its session waits to be resumed."""
        if self.session is not None and self.session.socket is self:
            self.session.socket = None
            self.session.left_at_s = self.gateway.now_s()
            self.gateway.watcher.online(self.gateway.online)

    async def _write(self) -> None:
        while True:
            payload = await self._outbox.get()
            await self._may_speak.wait()
            try:
                if isinstance(payload, Close):
                    await self.answer.close(code=payload.code, message=payload.reason.encode())
                    return
                text = json.dumps(payload, separators=(",", ":"))
                if self._deflate is None:
                    await self.answer.send_str(text)
                else:
                    await self.answer.send_bytes(self._deflate(text.encode()))
            except (ConnectionError, RuntimeError):
                return

    async def _read(self) -> None:
        limit_s = HEARTBEAT_MS / 1000 * 1.5
        while True:
            left_s = self._last_heartbeat_s + limit_s - self.gateway.now_s()
            if left_s <= 0:
                raise Close(SESSION_TIMED_OUT, "No heartbeat came in time")
            try:
                message = await self.answer.receive(timeout=left_s)
            except TimeoutError:
                continue
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
                if message.type is WSMsgType.CLOSE and message.data in (1000, 1001):
                    self._end_if_closed_normally()
                return
            if message.type is WSMsgType.ERROR:
                return
            self._handle(self._decoded(message.data))

    def _end_if_closed_normally(self) -> None:
        """End the session of a bot that closed with 1000 or 1001."""
        if self.session is not None:
            self.gateway.end(self.session)
            self.session.socket = None
            self.session = None
            self.gateway.watcher.online(self.gateway.online)

    def _decoded(self, data: str | bytes) -> Json:
        now_s = self.gateway.now_s()
        self._received.append(now_s)
        while self._received[0] < now_s - 60:
            self._received.popleft()
        if len(self._received) > SENDS_PER_MINUTE:
            raise Close(RATE_LIMITED, f"More than {SENDS_PER_MINUTE} payloads in a minute")
        if len(data) > MAX_PAYLOAD_BYTES:
            raise Close(DECODE_ERROR, f"A payload over {MAX_PAYLOAD_BYTES} bytes")
        try:
            payload = json.loads(data)
        except ValueError:
            raise Close(DECODE_ERROR, "A payload that is no JSON") from None
        if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
            raise Close(DECODE_ERROR, "A payload without an opcode")
        return payload

    def _handle(self, payload: Json) -> None:
        op, data = payload["op"], payload.get("d")
        if self.gateway.ignores_all:
            return
        if op == HEARTBEAT:
            self._last_heartbeat_s = self.gateway.now_s()
            # discord.py records when it sent a heartbeat on a separate thread, a moment afterwards;
            # an acknowledgement that arrives before that looks a whole interval late.
            acknowledge = {"op": ACK, "d": None}
            asyncio.get_running_loop().call_later(ACK_AFTER_S, self.send, acknowledge)
        elif op in (IDENTIFY, RESUME) and self.gateway.rejects_sessions:
            self.send({"op": INVALID_SESSION, "d": False})
        elif op == IDENTIFY:
            self._identify(data)
        elif op == RESUME:
            self._resume(data)
        elif op not in (PRESENCE, VOICE, REQUEST_MEMBERS, REQUEST_SOUNDBOARD):
            raise Close(UNKNOWN_OPCODE, f"Unknown opcode {op}")
        elif self.session is None:
            raise Close(NOT_AUTHENTICATED, f"Opcode {op} before IDENTIFY")
        elif op == REQUEST_MEMBERS:
            self._members(data)

    def _identify(self, data: Any) -> None:
        if self.session is not None:
            raise Close(ALREADY_AUTHENTICATED, "A second IDENTIFY")
        if not isinstance(data, dict):
            raise Close(DECODE_ERROR, "IDENTIFY without data")
        greeting = self.gateway.greeting
        if not same_secret(str(data.get("token", "")), greeting.token):
            raise Close(AUTHENTICATION_FAILED, "The token of IDENTIFY is not the bot's")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents < 0 or intents & ~ALL_INTENTS:
            raise Close(INVALID_INTENTS, "Invalid intents")
        if intents & PRIVILEGED_INTENTS:
            raise Close(DISALLOWED_INTENTS, "Privileged intents that are not switched on")
        problems = [] if isinstance(data.get("properties"), dict) else ["properties are missing"]
        self.session = self.gateway.open_session(data, self)
        self.gateway.watcher.note("IDENTIFY", problems)
        for name, event in self._greetings(self.session):
            self.session.sequence += 1
            sent: Json = {"op": DISPATCH, "t": name, "s": self.session.sequence, "d": event}
            self.session.events.append(sent)
            self.send(sent)
        self.gateway.watcher.online(True)

    def _greetings(self, session: Session) -> Iterator[tuple[str, Json]]:
        user = self.gateway.greeting.user()
        guilds = self.gateway.greeting.guilds()
        own = {key: shape for key, shape in guilds.items() if shard_receives(session.shard, key)}
        yield (
            "READY",
            {
                "v": int(API_VERSION),
                "user": user,
                "private_channels": [],
                "relationships": [],
                "guilds": [{"id": str(key), "unavailable": True} for key in own],
                "session_id": session.id,
                "session_type": "normal",
                "resume_gateway_url": self.gateway.url,
                "shard": list(session.shard),
                "application": {"id": user["id"], "flags": 0},
                "_trace": ["playground"],
            },
        )
        if session.intents & GUILDS:
            for shape in own.values():
                yield "GUILD_CREATE", shape

    def _resume(self, data: Any) -> None:
        if self.session is not None:
            raise Close(ALREADY_AUTHENTICATED, "RESUME after IDENTIFY")
        if not isinstance(data, dict) or not isinstance(data.get("seq"), int):
            raise Close(DECODE_ERROR, "RESUME without a sequence number")
        if not same_secret(str(data.get("token", "")), self.gateway.greeting.token):
            raise Close(AUTHENTICATION_FAILED, "The token of RESUME is not the bot's")
        session, seen = self.gateway.resumable(str(data.get("session_id"))), int(data["seq"])
        if session is not None and seen > session.sequence:
            raise Close(INVALID_SEQUENCE, "RESUME with a sequence number of the future")
        lost = session is None or (session.events and session.events[0]["s"] > seen + 1)
        self.gateway.watcher.note("RESUME", ["the session is over"] if lost else [])
        if session is None or lost:
            self.send({"op": INVALID_SESSION, "d": False})
            return
        if session.socket is not None:
            session.socket.drop()
        session.socket, session.left_at_s, self.session = self, None, session
        for event in session.events:
            if event["s"] > seen:
                self.send(event)
        session.sequence += 1
        self.send({"op": DISPATCH, "t": "RESUMED", "s": session.sequence, "d": {"_trace": []}})
        self.gateway.watcher.online(True)

    def _members(self, data: Any) -> None:
        assert self.session is not None
        if not isinstance(data, dict) or not str(data.get("guild_id", "")).isdecimal():
            raise Close(DECODE_ERROR, "REQUEST_GUILD_MEMBERS without a guild")
        guild_id = int(data["guild_id"])
        everyone = data.get("query") == "" and not data.get("limit")
        if everyone and not self.session.intents & GUILD_MEMBERS:
            self.gateway.watcher.note("REQUEST_GUILD_MEMBERS", ["needs the intent GUILD_MEMBERS"])
            return
        chunk: Json = {
            "guild_id": str(guild_id),
            "members": self.gateway.greeting.members(guild_id, data),
            "chunk_index": 0,
            "chunk_count": 1,
        }
        if data.get("nonce"):
            chunk["nonce"] = data["nonce"]
        self.gateway.dispatch("GUILD_MEMBERS_CHUNK", chunk, guild_id=guild_id)


def _deflater(compression: str) -> Callable[[bytes], bytes] | None:
    """Return the stream compressor that the bot asked for, or None."""
    if compression == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if compression == "zstd-stream":
        from compression import zstd  # type: ignore[import-not-found]  # asked for from 3.14 on

        stream = zstd.ZstdCompressor()
        return lambda data: stream.compress(data, mode=zstd.ZstdCompressor.FLUSH_BLOCK)
    return None
