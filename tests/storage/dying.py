"""Processes that kill themselves with SIGKILL at a chosen point of their work."""

import asyncio
import atexit
import functools
import json
import shutil
import subprocess
import sys
import tempfile

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


SERVER = """
import json, os, select, signal, socket, sys
import asyncio, pathlib, storage.restore, storage.retention

def perform(connection):
    asked = json.loads(connection.makefile().readline())
    if (pid := os.fork()) == 0:
        sys.argv = ["-c", *asked["arguments"]]
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        exec(compile(asked["script"], "<script>", "exec"), {"__name__": "__main__"})
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(b"%d" % code)

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(16)
print("listening", flush=True)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while sys.stdin not in (ready := select.select([server, sys.stdin], [], [])[0]):
    connection, _ = server.accept()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            perform(connection)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)
    connection.close()
"""
"""Forks a process for each script, which so need not import everything anew.

Ends when its standard input does, with the process that runs the tests.
"""


async def die(script: str, last: int, *arguments: str) -> int:
    """Run the script, which begins with PRELUDE, until its instant number `last`; its exit code."""
    reader, writer = await asyncio.open_unix_connection(_server())
    asked = {"script": PRELUDE + script, "arguments": [str(last), *arguments]}
    writer.write(json.dumps(asked).encode() + b"\n")
    code = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(code or 1)


@functools.cache
def _server() -> str:
    """Start the server, once for all tests; the path of its socket."""
    folder = tempfile.mkdtemp(prefix="zimagine-")
    address = f"{folder}/server"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def stop() -> None:
        process.communicate()
        shutil.rmtree(folder)

    atexit.register(stop)
    assert process.stdout is not None and process.stdout.readline() == b"listening\n"
    return address
