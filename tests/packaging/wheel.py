"""Build the wheel, install it outside the clone and use it: `python -m tests.packaging.wheel`.

An editable install and the tests read the clone, so neither would notice a package without
`__init__.py` or a data file that the wheel lacks. The dependencies are those of the environment
that runs this; nothing but the wheel itself is installed. Exits with 1 and one sentence where
something is wrong.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.request
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "engine", "storage")
PROJECT_FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "constraints.txt")
NOT_PACKAGED = {".md"}
"""File types in the packages that only readers of the repository need."""
WAIT_S = 120.0
"""For one step on a busy machine; the whole check takes well under a minute on an idle one."""


class CheckFailed(Exception):
    """The wheel is not what it should be; the message says why."""


def main() -> None:
    """Run the whole check."""
    began_s = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="zimagine-wheel-") as folder:
            check(Path(folder))
    except CheckFailed as failure:
        print(f"wheel-check: {failure}", file=sys.stderr)
        raise SystemExit(1) from None
    print(f"wheel-check: passed in {time.monotonic() - began_s:.0f} s")


def check(folder: Path) -> None:
    """Build, install and use the wheel in `folder`. Raises CheckFailed."""
    wheel = build(folder)
    compare_files(wheel)
    scripts = install(wheel, folder / "environment")
    work = folder / "work"
    work.mkdir()
    check_imports(scripts, folder / "environment", work)
    helped = run([scripts / "zimagine", "--help"], work)
    require("imagine" in helped, "zimagine --help does not list its commands")
    code = "from bot.i18n import words; print(words('zh-CN')('Reroll') != 'Reroll')"
    translated = run([scripts / "python", "-c", code], work)
    require("True" in translated, "the catalogues of the wheel are not found")
    check_picture(scripts, work)
    check_playground(scripts, work)
    check_plain_install(folder)


def build(folder: Path) -> Path:
    """Return a wheel built from a copy, so that no `build` folder of the clone gets into it, and no
    catalogue that was compiled here."""
    source, built = folder / "source", folder / "built"
    for package in PACKAGES:
        unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", "*.mo")
        shutil.copytree(ROOT / package, source / package, ignore=unwanted)
    for name in PROJECT_FILES:
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--wheel-dir", built, source, work=folder)
    (wheel,) = built.glob("*.whl")
    print(f"wheel-check: built {wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB")
    return wheel


def compare_files(wheel: Path) -> None:
    """Check that every folder of the packages is one, and that the wheel holds every file."""
    # setuptools packs a folder without __init__.py too, and the import rules do not see it.
    folders = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    bare = [f"{path.relative_to(ROOT)}" for path in folders if not (path / "__init__.py").exists()]
    require(not bare, f"without an __init__.py: {', '.join(sorted(bare))}")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in NOT_PACKAGED
    }
    wanted |= {f"{name.removesuffix('.po')}.mo" for name in wanted if name.endswith(".po")}
    missing = sorted(wanted - packed)
    hint = "is an entry under [tool.setuptools.package-data] missing?"
    require(not missing, f"not in the wheel: {', '.join(missing)}; {hint}")


def install(wheel: Path, environment: Path) -> Path:
    """Return the scripts folder of a new environment with the wheel and this one's libraries."""
    venv.create(environment, symlinks=os.name != "nt")
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    pip("install", "--no-deps", "--no-index", wheel, work=environment, python=python)
    # Paths in a .pth file are searched last, and .pth files in them are not read: the editable
    # install of the clone stays invisible.
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    paths = {"base": str(environment), "platbase": str(environment)}
    purelib = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
    (purelib / "dependencies.pth").write_text("\n".join(libraries) + "\n", encoding="utf-8")
    return scripts


def check_plain_install(folder: Path) -> None:
    """Check that the README's way without make installs the program, apart from the libraries."""
    environment = folder / "plain"
    venv.create(environment, symlinks=os.name != "nt")
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    chosen = ["--no-deps", "-c", "constraints.txt", "."]
    pip("install", *chosen, work=folder / "source", python=scripts / "python")
    require(any(scripts.glob("zimagine*")), "pip install . makes no command zimagine")


def check_imports(scripts: Path, environment: Path, work: Path) -> None:
    """Check that the packages come from the new environment and not from the clone."""
    code = f"import {', '.join(PACKAGES)}; print(*({', '.join(f'{p}.__file__' for p in PACKAGES)}))"
    for file in run([scripts / "python", "-c", code], work).split():
        inside = Path(file).resolve().is_relative_to(environment.resolve())
        require(inside, f"{file} was imported instead of the wheel's own file")


def check_picture(scripts: Path, work: Path) -> None:
    """Check that the embedded model paints, and that the picture carries its recipe."""
    quick = ["--steps", "2", "--size", "128x128", "--seed", "5"]
    run([scripts / "zimagine", "imagine", "a red house", *quick, "--out", "house.png"], work)
    recipe = run([scripts / "zimagine", "inspect", "house.png"], work)
    require("a red house" in recipe, "zimagine inspect does not find the recipe of a new picture")


def check_playground(scripts: Path, work: Path) -> None:
    """Check that the page is served and that the bot behind it loads its model and stops."""
    process = subprocess.Popen(
        [scripts / "zimagine", "playground", "--no-browser", "--port", "0"],
        cwd=work,
        env=environment_variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # Whatever it does, it ends: the bot does not outlive the playground.
    watchdog = threading.Timer(WAIT_S, process.kill)
    watchdog.start()
    children: list[psutil.Process] = []
    try:
        lines: list[str] = []
        address = await_line(process, r"http://127\.0\.0\.1:\d+/", lines)
        page = fetch(address)
        scripts_of_page = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        require(bool(scripts_of_page), "the page of the playground names no files of its own")
        for path in scripts_of_page:
            fetch(address.rstrip("/") + path)
        await_line(process, "model loaded", lines)
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        rest, _ = process.communicate()
        said = "".join(lines) + rest
        require(
            process.returncode == 0, f"the playground exited with {process.returncode}:\n{said}"
        )
        _, left = psutil.wait_procs(children, timeout=10)
        require(not left, f"the playground left processes behind: {left}")
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        for child in children:
            if child.is_running():
                child.kill()


def await_line(process: subprocess.Popen[str], pattern: str, lines: list[str]) -> str:
    """Return the match in the next line that has one; `lines` collects what was read."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if (found := re.search(pattern, line)) is not None:
            return found[0]
    raise CheckFailed(f"the playground ended before it printed {pattern!r}:\n{''.join(lines)}")


def fetch(address: str) -> str:
    """Return what the playground serves at `address`."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.read().decode("utf-8", "replace")
    except OSError as error:
        raise CheckFailed(f"{address} is not served: {error}") from None


def pip(*arguments: str | Path, work: Path, python: Path | None = None) -> None:
    """Run this environment's pip, for the environment of `python` if given."""
    target = ["--python", python] if python is not None else []
    quiet = ["--quiet", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", *target, *quiet, *arguments], work)


def run(command: list[str | Path], work: Path) -> str:
    """Return the standard output of a command that succeeds."""
    try:
        done = subprocess.run(
            command,
            cwd=work,
            env=environment_variables(),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"took over {WAIT_S:.0f} s: {shown(command)}") from None
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}"
        raise CheckFailed(f"exit code {done.returncode} of {shown(command)}:\n{said}")
    return done.stdout


def shown(command: list[str | Path]) -> str:
    """Return the command as one line."""
    return " ".join(str(word) for word in command)


def environment_variables() -> Mapping[str, str]:
    """Return this process's variables without those that lead to the clone or to settings."""
    unwanted = ("PYTHON", "ZIMAGINE_", "DISCORD_TOKEN", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    fixed = {"PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
    # Two torch threads that wait for each other starve beside anything else on a small machine.
    return {"OMP_NUM_THREADS": "1"} | kept | fixed


def require(holds: bool, otherwise: str) -> None:
    """Raise CheckFailed with the sentence `otherwise` unless `holds`."""
    if not holds:
        raise CheckFailed(otherwise)


if __name__ == "__main__":
    main()
