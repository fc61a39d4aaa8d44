"""The one table of the options of a request."""

from __future__ import annotations

import dataclasses

import click
import pytest

from bot.cli.imagine import command
from bot.request.options import BY_NAME, OPTIONS, PARAMS, Option, chosen, with_options
from bot.request.outcomes import FlagProblem, Refused
from bot.request.params import GenerationParams
from bot.request.prompt.flags import ParsedPrompt, parse

OF_THE_JOB = {"count", "private", "strength"}
"""Options that belong to the job or to its source image."""


def test_every_parameter_is_an_option():
    """GenerationParams holds the prompt, the source image, what was pasted, what was filled in and
    what the table lists, no more."""
    fields = {each.name for each in dataclasses.fields(GenerationParams)}
    fields -= {"prompt", "start", "pasted", "unknown_options"}
    fields -= {"used_preset", "left_out", "defaults"}
    assert fields == set(PARAMS) == set(BY_NAME) - OF_THE_JOB


def test_no_name_is_used_twice():
    """Neither options nor the flags of different options share a name."""
    flags = [name for option in OPTIONS for flag in option.flags for name in flag.names]
    assert len(set(flags)) == len(flags) and len(BY_NAME) == len(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_found_wherever_people_look(option: Option):
    """Each option of /imagine is a flag with its own name; each option is listed by `imagine
    --help` under its heading. `--style random` sets the one that has none."""
    flags = [name for flag in option.flags for name in flag.names]
    of_imagine = option.command == "imagine" and option.name != "negative"  # Midjourney's --no
    assert option.name in flags or not of_imagine or option.name == "random_style"
    listed = {each.name: each for each in command.params if isinstance(each, click.Option)}
    # Of the command line's own --model, one is loaded for all prompts.
    assert (option.name in listed) == (option.section is not None or option.name == "model")
    if option.section is not None:
        assert listed[option.name].help == option.help
        assert listed[option.name].section == option.section  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", [each.name for each in OPTIONS if each.choices is not None])
def test_closed_lists_are_closed_everywhere(name: str):
    """A value outside the list is refused and quoted, as an option and as a flag."""
    refused = with_options(GenerationParams("a lake"), **{name: "odd"})
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    assert chosen(name, "odd") == refused and chosen(name, None) is None
    assert refused.reason.errors[0].flag == f"--{name}" and refused.reason.errors[0].expected
    assert not isinstance(parse(f"a lake --{name} odd"), ParsedPrompt)
