"""Processes that kill themselves with SIGKILL at a chosen point of their work."""

import asyncio
import sys

PRELUDE = """
import itertools, os, signal, sqlite3, sys

last, instants = int(sys.argv[1]), itertools.count()

def instant(*_):
    if next(instants) == last:
        os.kill(os.getpid(), signal.SIGKILL)

EVENTS = {"os.rename", "os.remove", "os.link", "os.utime", "tempfile.mkstemp", "sqlite3.connect"}

def hook(event, _):
    if event in EVENTS:
        instant()

def fsync(descriptor, really=os.fsync):
    instant()
    really(descriptor)

def connect(*arguments, really=sqlite3.connect, **options):
    connection = really(*arguments, **options)
    connection.set_trace_callback(lambda sql: sql[:6] == "SELECT" or instant())
    return connection

def begin():
    os.fsync, sqlite3.connect = fsync, connect
    sys.addaudithook(hook)
"""


async def die(script: str, last: int, *arguments: str) -> int:
    """Run the script, which starts with PRELUDE, up to checkpoint `last`; returns its exit code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PRELUDE + script, str(last), *arguments),
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()
