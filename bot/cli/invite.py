"""`zimagine invite`: the link that adds the bot to a server."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.common.errors import fail, load_settings
from bot.diagnosis.token import application_id
from bot.exit_codes import BAD_CONFIG


@click.command("invite")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option("--application", type=int, help="The application id (default: read from the token).")
def command(config: Path | None, application: int | None) -> None:
    """Print the invitation link, with exactly the permissions the bot needs."""
    if application is None:
        token = load_settings(config).discord.token
        application = application_id(token.get_secret_value()) if token else None
        if token and token.get_secret_value().strip() and application is None:
            fail(
                "The bot token is wrong: it does not begin with an application id. Copy it again "
                "from Bot, Reset Token, in Discord's developer portal, or give --application with "
                "the id of the application.",
                BAD_CONFIG,
            )
    if application is None:
        fail(
            "The application id is unknown: set DISCORD_TOKEN, or give --application with "
            "the id from Discord's developer portal.",
            BAD_CONFIG,
        )
    from bot.discord.client import invitation

    click.echo(invitation(application))
