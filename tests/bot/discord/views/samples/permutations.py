"""Samples of forms and proposed batches."""

from __future__ import annotations

import dataclasses
from typing import Any

from bot.discord.views.corrections import correction_layout, edit_form
from bot.discord.views.custom_ids import ComponentAction, custom_id, staged_id
from bot.discord.views.modals import (
    block_form,
    image_to_image_form,
    note_form,
    remix_form,
    report_form,
    staged_layout,
)
from bot.discord.views.permutations import accepted_layout, closed_layout, proposal_layout
from bot.discord.views.suggestions import suggestion_layout
from bot.discord.views.upload_forms import blend_form, inpaint_form
from bot.i18n import Words
from bot.jobs.proposals.corrections import Correction
from bot.jobs.proposals.permutations import AcceptedBatch, BatchProposal
from bot.jobs.proposals.suggestions import Suggestion
from bot.request.input_sources import StagedSource
from bot.request.notes import GroundChosen, LimitedModel, SourceCut
from bot.request.outcomes import Accepted, FlagProblem, ProposalClosed, Refused
from bot.request.prompt.apply_flags import MAX_PERMUTATIONS
from bot.request.prompt.flags import parse
from bot.request.resolve import ResolvedRequest
from bot.wording.rejections import refusal
from engine.sketch.vocabulary import sketch_vocabulary
from engine.types import Ground
from storage.types import PolicySource, QuotaPolicy, QuotaStatus
from tests.bot.discord.views.samples.data import NEGATIVE, READY_AT, Sample, Shown
from tests.fakes import a_request

STAGED = StagedSource("0" * 64, "0123456789abcdef")
STAGED_NOTES = (SourceCut(83, longest="21:9"), GroundChosen(Ground.BLACK))
UNKNOWN = LimitedModel(sketch_vocabulary().names["en"], recognized=False)
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "grey", "brown", "pink", "violet")


def _remix(prompt: str | None = None, **asked: Any) -> Sample:
    return lambda say, words: remix_form(31, a_request(words, **asked), prompt, say)


def _texts(words: str, count: int) -> tuple[str, ...]:
    return tuple(f"{colour}: {words} --ar 3:2" for colour in COLOURS[:count])


def _proposal(
    count: int, duration_s: float | None, each: int = 1, ignored: tuple[str, ...] = ()
) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        quota = QuotaStatus(QuotaPolicy(50, 24, PolicySource.CONFIG), 8, 42, READY_AT)
        texts = _texts(words, count)
        asked = BatchProposal(9, texts, count * each, quota, duration_s, ignored=ignored)
        return proposal_layout(asked, say)

    return shown


def _unknown(count: int) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        examples = sketch_vocabulary().examples_for("a cat")
        return suggestion_layout(Suggestion(9, words, count, UNKNOWN, examples), say)

    return shown


def _unknown_batch(say: Words, words: str) -> Shown:
    quota = QuotaStatus(QuotaPolicy(50, 24, PolicySource.CONFIG), 8, 42, READY_AT)
    examples = sketch_vocabulary().examples_for("a cat")
    instead = Suggestion(10, words, 1, UNKNOWN, examples)
    return proposal_layout(BatchProposal(9, _texts(words, 2), 2, quota, None, instead), say)


def _accepted(count: int, *, private: bool = False) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        jobs = tuple(
            Accepted(12 + n, ResolvedRequest(a_request(words), "", ()), n, None, private)
            for n in range(count)
        )
        return accepted_layout(AcceptedBatch(jobs, _texts(words, count)), say)

    return shown


def _correction(prompt: str, *, paintable: bool = True) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        typed = prompt.format(words=words)
        found = parse(typed)
        problem = found if isinstance(found, FlagProblem) else FlagProblem(())
        sentences = refusal(Refused(problem), say, str)
        return correction_layout(Correction(9, problem, typed, paintable), sentences, say)

    return shown


def _closed(say: Words, _: str) -> Shown:
    return closed_layout(refusal(Refused(ProposalClosed(False)), say, str))


PERMUTATIONS: dict[str, Sample] = {
    "remix": _remix(),
    "inpaint-form": lambda say, words: inpaint_form(31, words, say),
    "blend-form": lambda say, _words: blend_form(31, say),
    "remix-words": _remix("a blue boat", negative_prompt=NEGATIVE),
    "start": lambda say, _: image_to_image_form(custom_id(ComponentAction.PAINT_FROM, 31), say),
    "start-series": lambda say, _: image_to_image_form(
        custom_id(ComponentAction.PAINT_FROM, 31), say, (31, 32, 33, 34)
    ),
    "start-kept": lambda say, _: image_to_image_form(staged_id(STAGED), say),
    "start-kept-notes": lambda say, _: image_to_image_form(
        staged_id(STAGED), say, notes=STAGED_NOTES
    ),
    "start-later": lambda say, _: staged_layout(STAGED, say),
    "start-later-notes": lambda say, _: staged_layout(
        dataclasses.replace(STAGED, notes=STAGED_NOTES), say
    ),
    "note": lambda say, words: note_form(31, words[:500], say),
    "note-none": lambda say, _: note_form(31, "", say),
    "report": lambda say, _: report_form(31, say),
    "report-block": lambda say, _: block_form(31, say),
    "question": _proposal(2, 7.0),
    "question-many": _proposal(MAX_PERMUTATIONS, 150.0, 4),
    "question-untimed": _proposal(3, None),
    "question-ignored": _proposal(2, None, ignored=("2$$", "3::")),
    "correction": _correction("a lake --foo 3 --ar wider"),
    "correction-only-edit": _correction("--foo --tile", paintable=False),
    "correction-words": _correction("--style --ar --seed x --steps --iw --q {words}"),
    "correction-form": lambda say, words: edit_form(9, words, say),
    "question-taken": _accepted(2),
    "question-taken-many": _accepted(MAX_PERMUTATIONS),
    "question-taken-private": _accepted(2, private=True),
    "question-over": _closed,
    "question-unknown": _unknown_batch,
    "unknown": _unknown(1),
    "unknown-several": _unknown(4),
}
