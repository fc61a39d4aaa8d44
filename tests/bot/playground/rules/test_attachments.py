"""Rules for files: size, number, and references to them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.model import MessageFlag
from bot.playground.rules.attachments import clean_filename
from bot.playground.rules.messages import MessageKind, UploadedFile, check_message
from tests.bot.playground.rules.checks import problems, refusal
from tests.bot.playground.rules.components import gallery, picture, section, thumbnail, words

Json = dict[str, Any]

POST, EDIT = MessageKind.CHANNEL_POST, MessageKind.CHANNEL_EDIT
MIB = 2**20
V2 = int(MessageFlag.IS_COMPONENTS_V2)
OLD: Json = {
    "content": "",
    "flags": 0,
    "embeds": [],
    "components": [],
    "attachments": [{"id": "100", "filename": "old.png"}, {"id": "101", "filename": "older.png"}],
}


def upload(number: int = 0, filename: str = "lake.png", size: int = 1) -> UploadedFile:
    """Return a file in the part files[number]."""
    return UploadedFile(f"files[{number}]", filename, size, "image/png")


def test_files_need_no_list():
    """A file without an attachments entry is accepted."""
    check_message({}, [upload()], kind=POST)
    check_message({"content": "x"}, [UploadedFile("file", "a.png", 1, "image/png")], kind=POST)


def test_a_list_says_more_of_the_files():
    """Ids are the numbers of the parts, as integers or strings."""
    listed = [{"id": 0, "description": "x" * 1024}, {"id": "1", "filename": "b.png"}]
    check_message({"attachments": listed}, [upload(0), upload(1)], kind=POST)


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ({"id": 1}, "attachments.0 ATTACHMENT_NOT_FOUND"),
        ({"id": "100"}, "attachments.0 ATTACHMENT_NOT_FOUND"),
        ({"filename": "lake.png"}, "attachments.0.id BASE_TYPE_REQUIRED"),
        ({"id": 0, "description": "x" * 1025}, "attachments.0.description BASE_TYPE_MAX_LENGTH"),
        ({"id": 0, "filename": ""}, "attachments.0.filename BASE_TYPE_BAD_LENGTH"),
        ({"id": 0, "filename": 7}, "attachments.0.filename STRING_TYPE_CONVERT"),
    ],
)
def test_a_list_that_fits_no_file(listed: Json, problem: str):
    """A listed file must exist and be described within bounds."""
    assert problems(check_message, {"attachments": [listed]}, [upload()], kind=POST) == {problem}


def test_a_file_is_listed_once():
    """An integer and a string with the same digits are the same id."""
    body = {"attachments": [{"id": 0}, {"id": "0"}]}
    found = problems(check_message, body, [upload()], kind=POST)
    assert found == {"attachments.1.id SET_TYPE_ALREADY_CONTAINS_VALUE"}


def test_how_large_a_file_may_be():
    """The limit itself passes, one byte more is 40005."""
    check_message({}, [upload(size=10 * MIB)], kind=POST)
    error = refusal(check_message, {}, [upload(size=10 * MIB + 1)], kind=POST)
    assert (error.status, error.code) == (413, 40005)
    check_message({}, [upload(size=20 * MIB)], kind=POST, limit_bytes=20 * MIB)


def test_how_large_a_request_may_be():
    """A whole request is limited to 25 MiB, however small each file is."""
    files = [upload(number, size=8 * MIB) for number in range(3)]
    check_message({}, [*files, upload(3, size=MIB - 2)], kind=POST)
    assert refusal(check_message, {}, [*files, upload(3, size=MIB - 1)], kind=POST).code == 40005


def test_how_many_files_a_message_has():
    """Ten files pass, eleven do not, including those that an edit keeps."""
    check_message({}, [upload(n) for n in range(10)], kind=POST)
    error = refusal(check_message, {}, [upload(n) for n in range(11)], kind=POST)
    assert (error.status, error.code) == (400, 30015)
    check_message({}, [upload(n) for n in range(8)], kind=EDIT, old=OLD)
    files = [upload(n) for n in range(9)]
    assert refusal(check_message, {}, files, kind=EDIT, old=OLD).code == 30015
    check_message({"attachments": [{"id": "100"}]}, files, kind=EDIT, old=OLD)
    listed = {"attachments": [{"id": n} for n in range(11)]}
    found = problems(check_message, listed, [upload(n) for n in range(11)], kind=POST)
    assert found == {"attachments BASE_TYPE_MAX_LENGTH"}


def test_an_edit_lists_what_it_keeps_and_what_it_adds():
    """Old ids and new numbers go in one list; an id of neither is refused."""
    check_message({"attachments": [{"id": 100}, {"id": "0"}]}, [upload()], kind=EDIT, old=OLD)
    body = {"attachments": [{"id": 100}, {"id": "102"}]}
    found = problems(check_message, body, kind=EDIT, old=OLD)
    assert found == {"attachments.1 ATTACHMENT_NOT_FOUND"}


def embed(**parts: Any) -> Json:
    """Return a message with one embed."""
    return {"embeds": [{"title": "x"} | parts]}


def layout(*components: Json) -> Json:
    """Return a message that consists of components."""
    return {"flags": V2, "components": list(components)}


REFERENCES = {
    "embeds.0.image.url": lambda url: embed(image={"url": url}),
    "embeds.0.thumbnail.url": lambda url: embed(thumbnail={"url": url}),
    "embeds.0.footer.icon_url": lambda url: embed(footer={"text": "x", "icon_url": url}),
    "embeds.0.author.icon_url": lambda url: embed(author={"name": "x", "icon_url": url}),
    "components.0.items.1.media.url": lambda url: layout(gallery(picture(), picture(url))),
    "components.0.file.url": lambda url: layout({"type": 13, "file": {"url": url}}),
    "components.0.accessory.media.url": lambda url: layout(
        section(words(), accessory=thumbnail(media={"url": url}))
    ),
}


@pytest.mark.parametrize("path", REFERENCES)
def test_references_lead_to_files(path: str):
    """Every reference to an upload must name an existing file."""
    body = REFERENCES[path]("attachment://lake.png")
    check_message(body, [upload()], kind=POST)
    check_message(body, [upload(filename="b.png"), upload(1)], kind=POST)
    found = problems(check_message, body, [upload(filename="sea.png")], kind=POST)
    assert found == {f"{path} UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"}


def test_references_of_an_edit_lead_to_files_that_stay():
    """An edit can show a file that it keeps, but not one that it drops."""
    body = embed(image={"url": "attachment://old.png"})
    check_message(body, kind=EDIT, old=OLD)
    check_message(body | {"attachments": [{"id": "100"}]}, kind=EDIT, old=OLD)
    dropped = body | {"attachments": [{"id": "101"}]}
    found = problems(check_message, dropped, kind=EDIT, old=OLD)
    assert found == {"embeds.0.image.url UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"}


def test_a_new_name_replaces_that_of_the_part():
    """References use the name in the list rather than the part's."""
    body = embed(image={"url": "attachment://new.png"})
    listed = {"attachments": [{"id": 0, "filename": "new.png"}]}
    check_message(body | listed, [upload(filename="part.png")], kind=POST)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("lake.png", "lake.png"),
        ("a lake.png", "a_lake.png"),
        ("_private.png", "private.png"),
        ("SPOILER_lake.png", "SPOILER_lake.png"),
        ("湖 1.png", "1.png"),
        ("../../a(1).png", "a1.png"),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str):
    """Discord keeps plain names, and resolves references by the same rule."""
    assert clean_filename(name) == cleaned
    body = embed(image={"url": f"attachment://{name}"})
    check_message(body, [upload(filename=name)], kind=POST)
