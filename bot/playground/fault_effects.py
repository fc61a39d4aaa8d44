"""The effects of the drawer's faults on the gateway and the world."""

from __future__ import annotations

from functools import partial
from typing import Final

from bot.playground.faults import Fault
from bot.playground.gateway import Gateway, GatewayMode
from bot.playground.initial_world import BOT, GUILD_ID, PAINT_ID, PEOPLE, SECOND_ID, THREAD_ID
from bot.playground.model import FILE_LIMIT_BYTES, Overwrite
from bot.playground.permissions import bits
from bot.playground.standin_parts import StandIn

SMALL_FILE_BYTES: Final = 64 * 2**10
GATEWAY_MODES: Final = {
    Fault.REFUSE_GATEWAY: GatewayMode.REFUSING,
    Fault.SILENT_GATEWAY: GatewayMode.SILENT,
}


def connect_faults(standin: StandIn) -> None:
    """Connect every fault that is more than a failing request to its action."""
    faults, gateway, mishaps = standin.faults, standin.gateway, _WorldFaults(standin)
    faults.connect(Fault.DROP_SOCKET, gateway.drop_sockets)
    faults.connect(Fault.RECONNECT, gateway.ask_reconnect)
    faults.connect(Fault.INVALIDATE, gateway.invalidate)
    for fault, mode in GATEWAY_MODES.items():
        faults.connect_switch(fault, partial(_switch_gateway, gateway, mode))
    faults.connect(Fault.EXPIRE_TOKENS, standin.interactions.expire_all)
    faults.connect(Fault.FORGET_NONCES, standin.world.forget_nonces)
    faults.connect(Fault.DELETE_CHANNEL, mishaps.delete_channel)
    faults.connect_switch(Fault.REORDER, mishaps.reorder)
    faults.connect_switch(Fault.SMALL_UPLOADS, mishaps.small_uploads)
    faults.connect_switch(Fault.MUTE_BOT, mishaps.mute)
    faults.connect_switch(Fault.ARCHIVE_THREAD, mishaps.archive)
    faults.connect_switch(Fault.CLOSE_DIRECT, mishaps.close_direct)
    faults.connect_switch(Fault.REMOVE_BOT, mishaps.remove_bot)


def _switch_gateway(gateway: Gateway, mode: GatewayMode, on: bool) -> None:
    """Switch a mode on, instead of another one, or off if it is the current one."""
    if on:
        gateway.set_mode(mode)
    elif gateway.mode is mode:
        gateway.set_mode(GatewayMode.SERVING)


class _WorldFaults:
    """Faults that change the world; each tolerates that its target no longer exists."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._world = standin.world
        self._removed = standin.world.guilds[GUILD_ID].members[BOT.id]

    def reorder(self, on: bool) -> None:
        self._standin.turns.shuffled = on

    def delete_channel(self) -> None:
        if (channel := self._world.channel(SECOND_ID)) is not None:
            self._world.delete_channel(channel)

    def small_uploads(self, on: bool) -> None:
        for guild in self._world.guilds.values():
            guild.filesize_limit = SMALL_FILE_BYTES if on else FILE_LIMIT_BYTES

    def mute(self, on: bool) -> None:
        if (channel := self._world.channel(PAINT_ID)) is not None:
            deny = bits("SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS") if on else 0
            self._world.overwrite(channel, Overwrite(BOT.id, 1, 0, deny))

    def archive(self, on: bool) -> None:
        if (thread := self._world.channel(THREAD_ID)) is not None:
            self._world.archive(thread, archived=on, locked=on)

    def close_direct(self, on: bool) -> None:
        for person in PEOPLE:
            self._world.close_private(person.id, closed=on)

    def remove_bot(self, on: bool) -> None:
        guild = self._world.guilds[GUILD_ID]
        if on and BOT.id in guild.members:
            self._removed = self._world.leave(guild, BOT.id)
        elif not on and BOT.id not in guild.members:
            self._world.join(guild, self._removed)
