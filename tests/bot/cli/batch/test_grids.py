"""Grids, contact sheets, prompt files and optional numbers of `zimagine imagine`."""

from __future__ import annotations

import io
import math

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.cli.batch import grids
from bot.cli.batch import prompts as prompting
from bot.cli.batch.contact_sheet import CELL_PX, LabelledSheet
from bot.cli.batch.grids import MAX_CELLS, Axis, InvalidGrid
from bot.cli.common.click_sections import NumberOption, SectionedCommand, section
from engine.types import Raster

NAMES = ("guidance", "steps", "seed", "strength", "variety")


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9), min_size=1), st.integers(1, 5))
def test_a_grid_has_every_combination_once_or_is_refused_with_its_number(
    sizes: dict[str, int], count: int
):
    """A grid has as many cells as the product of its axes, all different; more than 64 are refused
    with their number."""
    along = grids.axes([f"{name}={','.join(map(str, range(n)))}" for name, n in sizes.items()])
    number = math.prod(sizes.values())
    if number * count > MAX_CELLS:
        with pytest.raises(InvalidGrid, match=str(number * count)):
            grids.cells(along, count)
        return
    cells = grids.cells(along, count)
    assert len({cell.label for cell in cells}) == len(cells) == number
    assert 1 <= grids.columns(along, count) <= MAX_CELLS


def test_without_a_grid_there_is_one_cell_and_no_sheet():
    """A call without --grid has one cell and no contact sheet, whatever its --count."""
    (cell,) = grids.cells((), 1000)
    assert cell.values == {} and cell.file_label == "" and grids.columns(()) == 0


def test_the_last_axis_runs_along_the_row():
    """The last axis determines the columns of the sheet; a single long axis is wrapped."""
    two = (Axis("steps", (4, 8)), Axis("guidance", (1.0, 1.8, 2.5)))
    labels = [cell.label for cell in grids.cells(two)]
    assert labels[:2] == ["steps 4, guidance 1", "steps 4, guidance 1.8"]
    assert grids.columns(two) == 3
    assert grids.columns((Axis("seed", tuple(range(20))),)) == 8


@given(st.text(max_size=40))
def test_any_text_is_an_axis_or_a_sentence(text: str):
    """Any text after --grid is parsed, or refused with one line that says what is expected."""
    try:
        found = grids.axis(text)
    except InvalidGrid as wrong:
        assert str(wrong).endswith(".") and "\n" not in str(wrong)
    else:
        assert found.values


def test_a_sheet_shows_every_picture_in_its_place():
    """Red left, blue right, nothing below; small pictures stay as they are, large ones shrink."""
    sheet = LabelledSheet(2)
    sheet.add(Raster(32, 32, bytes((255, 0, 0)) * 1024), "steps 4, guidance 1")
    sheet.add(Raster(32, 32, bytes((0, 0, 255)) * 1024), "steps 8")
    sheet.add(None, "steps 9")
    with Image.open(io.BytesIO(sheet.png())) as image:
        assert image.getpixel((24, 24)) == (255, 0, 0)
        assert image.getpixel((64, 24)) == (0, 0, 255)
        labels = image.crop((8, 40, 40, 76)).convert("L").getextrema()
        assert isinstance(labels[0], int | float) and labels[0] < 100
    vast = LabelledSheet(1)
    vast.add(Raster(1024, 512, bytes(1024 * 512 * 3)), "x")
    with Image.open(io.BytesIO(vast.png())) as image:
        assert CELL_PX <= image.width < CELL_PX + 32 and image.height < CELL_PX


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))))
def test_lines_are_prompts_whatever_is_in_them(prompts: list[str]):
    """Each line that is not blank or a comment is one prompt, with any kind of line ending."""
    expected = [text.strip() for text in prompts]
    expected = [text for text in expected if text and not text.startswith("#")]
    for end in ("\n", "\r\n", "\r"):
        data = end.join(["# first", *prompts]).encode()
        assert prompting.lines(data) == prompting.lines(b"\xef\xbb\xbf" + data) == expected


def a_command() -> click.Command:
    """Return a command with an optional number."""
    option = section("Some")

    @click.command(cls=SectionedCommand)
    @click.argument("words", nargs=-1)
    @option("--refine", cls=NumberOption, usual=0.25, default=0.0, help="R.")
    @section("Others")("--flag", is_flag=True, help="F.")
    def command(words: tuple[str, ...], refine: float, flag: bool) -> None:
        click.echo(f"{words} {refine} {flag}")

    return command


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "() 0.0 False"),
        (["--refine"], "() 0.25 False"),
        (["--refine", "a lake"], "('a lake',) 0.25 False"),
        (["--refine", "--flag"], "() 0.25 True"),
        (["--refine", "0.3", "x"], "('x',) 0.3 False"),
        (["--refine=0.3", "x"], "('x',) 0.3 False"),
        (["--refine", "-1"], "() -1.0 False"),
        (["--", "--refine"], "('--refine',) 0.0 False"),
    ],
)
def test_a_number_may_be_left_out(arguments: list[str], shown: str):
    """The next word is taken as the value only if it is a number."""
    assert CliRunner().invoke(a_command(), arguments).stdout.strip() == shown


def test_the_help_lists_options_under_their_headings():
    """The help lists every option of `imagine` in a section, with its help text."""
    shown = CliRunner().invoke(a_command(), ["--help"]).stdout
    assert shown.index("Some:") < shown.index("--refine") < shown.index("Others:")
    assert shown.index("Others:") < shown.index("--flag") < shown.index("--help")
