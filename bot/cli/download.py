"""`zimagine download`: fetch a model once, so that the bot starts without the internet."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from bot.cli.common.click_sections import SectionedCommand, section
from bot.cli.common.errors import FAILED, fail, load_settings
from bot.cli.common.language import terminal_words
from bot.exit_codes import BAD_INPUT, INTERRUPTED, UNAVAILABLE
from bot.i18n import Words
from bot.wording.downloads import data_size, download_failed, hub_name, unavailable
from engine.errors import ModelUnavailable
from engine.hub.cache import ModelCache, default_cache, find_downloaded
from engine.hub.download import Downloaded, Plan, Request, download
from engine.hub.endpoints import Endpoint, endpoints, require_online
from engine.hub.errors import (
    EndpointInvalid,
    Hub,
    HubError,
    HubUnavailable,
    ListingRefused,
    NameInvalid,
    Offline,
    SelectionFailed,
)
from engine.hub.model_ids import SHORT_NAMES, ModelId, is_revision, parse_model

_AUTO: Final = "auto"
_DEFAULT_MODEL: Final = next(iter(SHORT_NAMES))
_BUILT_IN: Final = "sketch"
_FORMATS: Final = ("bf16", "int8")
_PARTS: Final = 20
"""Lines of progress where the output is no terminal; chosen by hand."""

_WORTH_SAYING_BYTES: Final = 1 << 20
"""Less is the index, which has just been fetched; chosen by hand."""

where = section("Where from")
what = section("What")


@click.command("download", cls=SectionedCommand)
@click.argument("model", required=False)
@where(
    "--from",
    "source",
    type=click.Choice([_AUTO, *(hub.value for hub in Hub)]),
    default=_AUTO,
    show_default=True,
    help="The hub. auto asks Hugging Face first, or ModelScope where the language is Chinese, and "
    "the other one if that does not help.",
)
@where("--mirror", metavar="URL", help="A mirror's address; no token goes to another host.")
@what("--revision", help="A branch, tag or commit (default: the newest).")
@what(
    "--include",
    multiple=True,
    metavar="PATTERN",
    help='Fetch the files that are called so, as "vae/*", in place of those that a model needs. '
    "May be repeated.",
)
@what(
    "--convert",
    type=click.Choice(_FORMATS),
    help="Also write a copy with smaller weights, once: bf16, or int8 for the large matrices.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
def command(
    model: str | None,
    source: str,
    mirror: str | None,
    revision: str | None,
    include: tuple[str, ...],
    convert: str | None,
    config: Path | None,
) -> None:
    """Fetch MODEL from Hugging Face or ModelScope, and check it.

    MODEL is z-image-turbo, z-image, an id like owner/name, or the address of a model's page; left
    out, the configured model, or else z-image-turbo.

    What breaks off is continued by the same command, also after the power failed, and from the
    other hub too. Tokens are taken from HF_TOKEN and MODELSCOPE_API_TOKEN, other addresses from
    HF_ENDPOINT and MODELSCOPE_ENDPOINT, the folder from HF_HUB_CACHE or HF_HOME, and a proxy from
    HTTPS_PROXY.
    """
    say = terminal_words()
    if convert is not None and include:
        raise click.UsageError(
            say("--convert takes a whole model, and --include fetches parts of one.")
        )
    if model is None:
        model, revision = _configured(config, revision)
    if model == _BUILT_IN:
        click.echo(say("The demo model sketch is built in: there is nothing to fetch."))
        return
    if revision is not None and not is_revision(revision):
        fail(say("“{revision}” is no branch, tag or commit.", revision=revision), BAD_INPUT)
    progress = Progress(say)
    try:
        chosen = parse_model(model)
        request = _request(chosen, source, mirror, revision, include)
        done = _fetched(request, progress)
        progress.close()
        copy = None if convert is None else _converted(done, request, convert, progress)
    except ModelUnavailable as error:
        sentence = say("The model cannot be converted: {reason}.", reason=error.reason)
        fail(sentence, UNAVAILABLE)
    except HubError as error:
        progress.close()
        fail(download_failed(error, say), _exit_code(error))
    except KeyboardInterrupt:
        progress.close()
        _interrupted(progress, say)
    except OSError as error:
        progress.close()
        fail(_disk_sentence(error, progress, say), FAILED)
    _report(done, request, copy, say)


def _configured(config: Path | None, revision: str | None) -> tuple[str, str | None]:
    """Return the model that the bot is configured for, if it is one of a hub."""
    engine = load_settings(config).engine
    try:
        parse_model(engine.model)
    except NameInvalid:
        return _DEFAULT_MODEL, revision
    if Path(engine.model).expanduser().exists():
        return _DEFAULT_MODEL, revision
    return engine.model, revision or engine.revision


def _request(
    chosen: ModelId,
    source: str,
    mirror: str | None,
    revision: str | None,
    include: tuple[str, ...],
) -> Request:
    hub = chosen.hub if source == _AUTO else Hub(source)
    asked = endpoints(os.environ, hub=hub, mirror=mirror)
    return Request(chosen.name, asked, default_cache(), revision, include)


def _fetched(request: Request, progress: Progress) -> Downloaded:
    try:
        require_online(os.environ)
    except Offline:
        here = find_downloaded(request.model, request.revision, request.root)
        if here is None:
            raise
        return Downloaded(here, None, 0, 0)
    return download(request, progress)


def _converted(done: Downloaded, request: Request, kind: str, progress: Progress) -> Path:
    """Return the folder of the smaller copy, which lies in the cache beside the model."""
    from engine.diffusion.conversion import Format, convert  # torch, which nothing else here needs

    cache = ModelCache(request.root, request.model)
    name = f"{request.model.rpartition('/')[2]}-{kind}"
    target = cache.folder / "converted" / done.folder.name[:12] / name
    with cache.locked(progress.waiting):
        copy = convert(done.folder, target, Format(kind), progress.converting)
    return copy.folder


def _report(done: Downloaded, request: Request, copy: Path | None, say: Words) -> None:
    """Say where the model is, and what to write into the configuration."""
    if done.host is None:
        click.echo(say("No hub was asked for a newer one."), err=True)
    size = f" ({data_size(done.total_bytes)})" if done.total_bytes else ""
    place = {"model": f"{request.model}", "size": size, "folder": done.folder}
    if done.fetched_bytes:
        click.echo(say("{model} is complete{size}: {folder}", **place))
    else:
        click.echo(say("{model} was complete already{size}: {folder}", **place))
    if copy is not None:
        size = data_size(sum(path.stat().st_size for path in copy.rglob("*") if path.is_file()))
        click.echo(say("Its copy is complete ({size}): {folder}", size=size, folder=copy))
    click.echo("\n" + say("To paint with it, write into config.toml:") + "\n\n[engine]")
    if copy is not None or request.include:  # neither is what the id stands for
        click.echo(f"model = {_toml(str(copy or done.folder))}")
        return
    click.echo(f"model = {_toml(request.model)}")
    if request.revision is not None:
        click.echo(f"revision = {_toml(request.revision)}")


def _toml(text: str) -> str:
    return (
        f"'{text}'"
        if "\\" in text and "'" not in text
        else '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
    )


def _exit_code(error: HubError) -> int:
    wrong = (NameInvalid, EndpointInvalid, SelectionFailed, ListingRefused)
    return BAD_INPUT if isinstance(error, wrong) else UNAVAILABLE


def _interrupted(progress: Progress, say: Words) -> NoReturn:
    said = say("stopped; the same command goes on from there.")
    if progress.total_bytes:
        said = say(
            "stopped; {kept} of {total} are kept; the same command goes on from there.",
            kept=data_size(progress.kept_bytes),
            total=data_size(progress.total_bytes),
        )
    click.echo(f"zimagine: {said}", err=True)
    raise click.exceptions.Exit(INTERRUPTED)


def _disk_sentence(error: OSError, progress: Progress, say: Words) -> str:
    place, detail = error.filename or progress.folder or default_cache(), error.strerror or error
    said = say("{file} cannot be written: {detail}.", file=place, detail=detail)
    if not progress.kept_bytes:
        return said
    return f"{said} {say('{size} are kept.', size=data_size(progress.kept_bytes))}"


class Progress:
    """Shows a download on standard error: a bar in a terminal, else a line now and then."""

    def __init__(self, say: Words) -> None:
        self._say = say
        self.folder: Path | None = None
        self.total_bytes = 0
        self.kept_bytes = 0
        self._bar: Any = None
        self._announced = 0

    def waiting(self) -> None:
        """Say that another process is at work."""
        say = self._say
        _note(say("Another process is fetching this model; waiting for it …"))

    def passed_over(self, error: HubUnavailable, following: Endpoint) -> None:
        """Say that another hub is asked."""
        say, name = self._say, hub_name(following.hub, following.host)
        _note(f"{unavailable(error, say)} {say('Asking {hub} …', hub=name)}")

    def checking(self, file: str, size_bytes: int) -> None:
        """Say which file is being read."""
        say, size = self._say, data_size(size_bytes)
        _note(say("Checking {file} ({size}), which is here already …", file=file, size=size))

    def damaged(self, file: str) -> None:
        """Say that a file is fetched anew."""
        say = self._say
        _note(say("{file} does not have its checksum: it is fetched again.", file=file))

    def planned(self, plan: Plan) -> None:
        """Say what is fetched, and begin the bar."""
        self.folder = plan.folder
        self.total_bytes = plan.total_bytes
        self.kept_bytes = plan.present_bytes + plan.kept_bytes
        if not plan.missing_bytes:
            return
        _note(self._fetching(plan))
        if sys.stderr.isatty():
            self._bar = click.progressbar(
                length=plan.total_bytes,
                file=sys.stderr,
                show_pos=False,
                item_show_func=lambda _: f"{data_size(self.kept_bytes)}",
            )
            self._bar.__enter__()
            self._bar.update(self.kept_bytes, 0)
        self._announced = self._part()

    def advanced(self, count_bytes: int) -> None:
        """Move the bar, or print a line for every twentieth."""
        self.kept_bytes += count_bytes
        if self._bar is not None:
            self._bar.update(count_bytes, 0)
        elif self.total_bytes and self._part() > self._announced:
            self._announced = self._part()
            say, percent = self._say, 100 * self.kept_bytes // self.total_bytes
            _note(say("{percent} % of {size}", percent=percent, size=data_size(self.total_bytes)))

    def converting(self, component: str, size_bytes: int) -> None:
        """Say which component is written."""
        say, size = self._say, data_size(size_bytes)
        _note(say("Writing {component} ({size}) …", component=component, size=size))

    def close(self) -> None:
        """End the line of the bar."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

    def _fetching(self, plan: Plan) -> str:
        say = self._say
        what = {
            "model": plan.model,
            "hub": hub_name(plan.hub, plan.host),
            "files": plan.files,
            "size": data_size(plan.total_bytes),
        }
        fetching = say("Fetching {model} from {hub}: {files} files, {size}.", **what)
        if plan.kept_bytes or plan.present_bytes > _WORTH_SAYING_BYTES:
            fetching = say(
                "Fetching {model} from {hub}: {files} files, {size}, {kept} of it here already.",
                **what,
                kept=data_size(self.kept_bytes),
            )
        free = data_size(plan.free_bytes)
        return f"{fetching} {say('{size} are free in {folder}.', size=free, folder=plan.folder)}"

    def _part(self) -> int:
        return _PARTS * self.kept_bytes // max(1, self.total_bytes)


def _note(text: str) -> None:
    click.echo(text, err=True)
