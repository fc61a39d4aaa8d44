"""Everything that discord.py sends passes, and none of its fields is unknown."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import discord
import pytest
from discord import app_commands, ui
from discord.http import MultipartParameters, handle_message_parameters
from discord.webhook.async_ import interaction_message_response_params

from bot.playground.rules.choices import check_choices
from bot.playground.rules.commands import check_commands
from bot.playground.rules.fields import (
    CALLBACK,
    COMMANDS,
    MESSAGES,
    MODAL,
    MessageKind,
    unknown_fields,
)
from bot.playground.rules.messages import UploadedFile, check_message
from bot.playground.rules.modals import check_modal

NOBODY = discord.AllowedMentions.none()


def sent(parameters: MultipartParameters) -> tuple[dict[str, Any], list[UploadedFile]]:
    """Return the JSON and the files of a request that discord.py would make."""
    if parameters.payload is not None:
        return parameters.payload, []
    assert parameters.multipart
    first, *parts = parameters.multipart
    uploads = [
        UploadedFile(part["name"], part["filename"], 8, part["content_type"]) for part in parts
    ]
    return json.loads(first["value"]), uploads


def picture(name: str = "a lake.png") -> discord.File:
    """Return a file with alt text."""
    return discord.File(io.BytesIO(b"a pixel."), filename=name, description="A lake.")


def card() -> discord.Embed:
    """Return an embed with every part that discord.py can write."""
    embed = discord.Embed(title="Done", description="A lake.", colour=0x123456, url="https://e.org")
    embed.timestamp = datetime(2026, 1, 1, tzinfo=UTC)
    embed.set_footer(text="42", icon_url="https://e.org/a.png")
    embed.set_author(name="Alice", url="https://e.org", icon_url="https://e.org/b.png")
    embed.set_image(url="attachment://a lake.png").set_thumbnail(url="https://e.org/c.png")
    return embed.add_field(name="Seed", value="42").add_field(name="Steps", value="8", inline=False)


def buttons() -> ui.View:
    """Return a legacy view with every kind of item."""
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label="Reroll", custom_id="z1:reroll:1", emoji="🎲", row=0))
    view.add_item(ui.Button(label="Home", url="https://e.org", row=0))
    view.add_item(ui.Button(emoji=discord.PartialEmoji(name="art", id=5, animated=True), row=0))
    view.add_item(ui.Button(style=discord.ButtonStyle.premium, sku_id=7, row=0))
    choices = [
        discord.SelectOption(label="1:1", description="square", emoji="⬜", default=True),
        discord.SelectOption(label="16:9"),
    ]
    view.add_item(ui.Select(options=choices, placeholder="Size", min_values=1, max_values=2, row=1))
    view.add_item(ui.UserSelect(default_values=[discord.Object(1, type=discord.User)], row=2))
    view.add_item(ui.ChannelSelect(channel_types=[discord.ChannelType.text], row=3))
    return view


def layout() -> ui.LayoutView:
    """Return a V2 view with every kind of item."""
    view = ui.LayoutView(timeout=None)
    box = ui.Container(accent_colour=discord.Colour.blurple(), spoiler=False)
    box.add_item(ui.TextDisplay("# Done"))
    box.add_item(
        ui.Section("A lake.", "Seed 42", accessory=ui.Thumbnail("attachment://a lake.png"))
    )
    box.add_item(ui.MediaGallery(discord.MediaGalleryItem("attachment://a lake.png")))
    box.add_item(ui.Separator(visible=True, spacing=discord.SeparatorSpacing.large))
    box.add_item(ui.File("attachment://a lake.png"))
    box.add_item(ui.ActionRow(ui.Button(label="Reroll", custom_id="z1:reroll:1")))
    view.add_item(box)
    view.add_item(ui.ActionRow(ui.RoleSelect(), id=77))
    return view


class Sheet(ui.Modal, title="Paint"):
    """A modal with every kind of item."""

    words = ui.TextDisplay("What shall it be?")
    prompt = ui.Label(
        text="Prompt",
        description="In any language.",
        component=ui.TextInput(
            style=discord.TextStyle.paragraph, default="a lake", max_length=2000
        ),
    )
    size = ui.Label(
        text="Size", component=ui.Select(options=[discord.SelectOption(label="1:1")], required=True)
    )
    source = ui.Label(text="Source", component=ui.FileUpload(max_values=1, required=False))
    sure = ui.Label(text="Sure?", component=ui.Checkbox())


class OldSheet(ui.Modal, title="Paint"):
    """A modal of action rows."""

    prompt: ui.TextInput[OldSheet] = ui.TextInput(label="Prompt", placeholder="a lake")


def check_sent(
    parameters: MultipartParameters,
    kind: MessageKind,
    old: Mapping[str, Any] | None = None,
    limit_bytes: int = 10 * 2**20,
) -> dict[str, Any]:
    """Check a request, including unknown fields, and return its JSON."""
    body, uploads = sent(parameters)
    check_message(body, uploads, kind=kind, old=old, limit_bytes=limit_bytes)
    assert unknown_fields(body, MESSAGES[kind]) == []
    return body


async def test_posts():
    """A post with every legacy feature passes, and so does a V2 one."""
    reference = discord.MessageReference(message_id=1, channel_id=2, fail_if_not_exists=False)
    check_sent(
        handle_message_parameters(
            "Here.",
            embed=card(),
            files=[picture(), picture("other.png")],
            view=buttons(),
            allowed_mentions=discord.AllowedMentions(users=[discord.Object(1)]),
            mention_author=False,
            message_reference=reference.to_message_reference_dict(),
            nonce=123456789,
            flags=discord.MessageFlags(suppress_notifications=True),
            stickers=[5],
        ),
        MessageKind.CHANNEL_POST,
    )
    check_sent(
        handle_message_parameters(file=picture(), view=layout(), allowed_mentions=NOBODY),
        MessageKind.CHANNEL_POST,
    )


async def test_polls():
    """discord.py's fractional poll duration is accepted."""
    poll = discord.Poll("Again?", timedelta(hours=24)).add_answer(text="Yes", emoji="🎨")
    check_sent(handle_message_parameters("?", poll=poll), MessageKind.CHANNEL_POST)


def kept() -> discord.Attachment:
    """Return a file that a message already has."""
    data: Any = {
        "id": "100",
        "filename": "old.png",
        "size": 8,
        "url": "https://e.org/old.png",
        "proxy_url": "https://e.org/old.png",
        "height": 1,
        "width": 1,
        "content_type": "image/png",
        "description": "Old.",
    }
    return discord.Attachment(data=data, state=Mock())


@pytest.mark.parametrize("kind", [MessageKind.CHANNEL_EDIT, MessageKind.WEBHOOK_EDIT])
async def test_edits(kind: MessageKind):
    """An edit can keep and add a file, clear everything, or change to a layout."""
    old = {"content": "x", "flags": 0, "embeds": [], "attachments": [kept().to_dict()]}
    files = [kept(), picture()]
    check_sent(handle_message_parameters("y", embed=card(), attachments=files), kind, old)
    check_sent(handle_message_parameters(embed=None, view=None), kind, old)
    turned = handle_message_parameters(None, embeds=[], attachments=[picture()], view=layout())
    body = check_sent(turned, kind, old)
    assert body["flags"] == 1 << 15
    check_sent(handle_message_parameters("z", stickers=None), kind, old)


async def test_answers_to_interactions():
    """Responses, ephemeral or not, message updates and follow-ups pass."""
    hidden = discord.MessageFlags(ephemeral=True)
    for parameters, old in [
        (interaction_message_response_params(type=4, content="x", flags=hidden), None),
        (interaction_message_response_params(type=4, view=layout(), files=[picture()]), None),
        (
            interaction_message_response_params(
                type=7, content=None, embed=card(), attachments=[picture()], view=buttons()
            ),
            {"content": "x", "flags": 64},
        ),
    ]:
        body, uploads = sent(parameters)
        check_message(body["data"], uploads, kind=MessageKind.CALLBACK, old=old)
        assert unknown_fields(body, CALLBACK) == []
    check_sent(
        handle_message_parameters("x", file=picture(), view=buttons(), flags=hidden),
        MessageKind.WEBHOOK_POST,
    )


async def test_modals():
    """Modals of labels and of rows pass."""
    for sheet in (Sheet(), OldSheet()):
        check_modal(sheet.to_dict())
        assert unknown_fields(sheet.to_dict(), MODAL) == []


class Chinese(app_commands.Translator):
    """Gives everything a different name in one language."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the Chinese text, or None for other languages."""
        return "画图" if locale is discord.Locale.chinese else None


Ratio = app_commands.Range[float, 0.0, 1.0]
Steps = app_commands.Range[int, 1, 50]
Prompt = app_commands.Range[str, 1, 2000]


@app_commands.command(name=app_commands.locale_str("imagine"), description="Paint.", nsfw=False)
@app_commands.describe(prompt=app_commands.locale_str("What to paint."))
@app_commands.choices(size=[app_commands.Choice(name=app_commands.locale_str("1:1"), value=1)])
@app_commands.guild_only()
async def imagine(
    interaction: discord.Interaction,
    prompt: Prompt,
    steps: Steps,
    strength: Ratio = 0.5,
    size: int = 1,
    source: discord.Attachment | None = None,
    where: discord.TextChannel | None = None,
) -> None:
    """A command with options of every type."""


@imagine.autocomplete("prompt")
async def suggest(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Choices for the prompt."""
    return [app_commands.Choice(name="a lake", value="a lake")]


@app_commands.context_menu(name="Show Recipe")
async def recipe(interaction: discord.Interaction, message: discord.Message) -> None:
    """A message context menu command."""


@app_commands.context_menu(name="Show Quota")
async def quota(interaction: discord.Interaction, member: discord.Member) -> None:
    """A user context menu command."""


def admin() -> app_commands.Group:
    """Command groups for those who manage the server."""
    root = app_commands.Group(
        name="admin",
        description="Manage.",
        default_permissions=discord.Permissions(manage_guild=True),
    )
    inner = app_commands.Group(name="quota", description="Quotas.", parent=root)

    @inner.command(name="set", description="Set.")
    async def _set(interaction: discord.Interaction, who: discord.Member) -> None: ...

    return root


async def test_commands():
    """A whole command tree with localized names passes."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        tree = app_commands.CommandTree(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        commands = [imagine, recipe, quota, admin()]
        translated = [await each.get_translated_payload(tree, Chinese()) for each in commands]
        for body in ([each.to_dict(tree) for each in commands], translated):
            check_commands(body)
            assert unknown_fields(body, COMMANDS) == []
    assert translated[0]["name_localizations"] == {"zh-CN": "画图"}


def test_suggestions():
    """Choices pass as discord.py sends them."""
    choice = app_commands.Choice(name="a lake", value="a lake")
    check_choices({"choices": [choice.to_dict()]}, discord.AppCommandOptionType.string.value)
