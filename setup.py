"""Compiles the catalogues of translations whenever zimagine is built or installed.

Everything else about the build is in pyproject.toml, which has no place for a step of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent


def compile_catalogues(
    locales: Path = ROOT / "bot" / "locales", *, only_older: bool = False
) -> None:
    """Write the .mo file beside each .po file.

    only_older: those that are there and newer than their .po file stay. Processes that do it at the
    same time do not disturb each other. Raises PoFileError for a file that is none.
    """
    for source in sorted(locales.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if only_older and target.exists() and target.stat().st_mtime > source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        with unfinished.open("wb") as file:
            write_mo(file, catalogue)
        unfinished.replace(target)


if __name__ == "__main__":
    # Not above: the tests compile catalogues too, and setuptools is not installed for them.
    from setuptools import Command, setup
    from setuptools.command.build import build

    class CompileCatalogues(Command):
        """The step of the build that compiles the catalogues, before files are collected."""

        user_options = ()

        def initialize_options(self) -> None:
            """Without options."""

        def finalize_options(self) -> None:
            """Without options."""

        def run(self) -> None:
            """Compile all catalogues."""
            compile_catalogues()

    class Build(build):
        """Every kind of build, also that of an editable install."""

        sub_commands = (("compile_catalogues", None), *build.sub_commands)

    setup(cmdclass={"build": Build, "compile_catalogues": CompileCatalogues})
