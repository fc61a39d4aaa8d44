"""Sentences about jobs that cannot be cancelled, and jobs that failed."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.reasons.jobs import JobFinished, JobReason, NothingToCancel, UnknownJob
from storage.cancelled_painting import CHARGED


def job_refusal(reason: JobReason, say: Words) -> str:
    """Say why there is no job to cancel."""
    match reason:
        case UnknownJob(job):
            return say("There is no job {job} here.", job=f"“{job[:30]}”")
        case JobFinished(True):
            return say("This has already been cancelled.")
        case JobFinished():
            return say("This job has already finished.")
        case NothingToCancel():
            return say("You have no picture waiting or being painted here.")
        case _:
            assert_never(reason)


def failure_sentence(state: str, code: str, detail: str, say: Words) -> str:
    """Explain why a job ended without a picture, and whether it was charged.

    state: a value of JobState. code: an error's code. detail: technical, may be "".
    """
    refunded = say("Nothing was charged.")
    sentences = {
        "prompt_too_long": say(
            "The prompt is too long for the model. Please shorten it. ({detail})",
            detail=detail,
        ),
        "non_finite": say("The picture came out broken and was discarded. Try another seed."),
        "blank": say("The picture came out blank and was discarded. Try another seed."),
        "input_unfit": say("The source image does not have the expected size."),
        "input_missing": say("The source image is no longer available."),
        "out_of_memory": say("There was not enough memory to paint this picture."),
        **dict.fromkeys(
            ("lora_not_found", "lora_invalid", "lora_refused"),
            say("A LoRA cannot be used. ({detail})", detail=detail),
        ),
        **dict.fromkeys(
            ("model_not_found", "model_too_large", "model_invalid", "model_unavailable"),
            say("The model of this picture could not be loaded."),
        ),
        "model_gone": say("The model of this picture is not offered here any more."),
        "disk": say("The picture could not be saved: there is a problem with my disk."),
        "filtered": say(
            "What the prompt was expanded to has words that are not allowed on this server."
        ),
        "picture_refused": say("The picture was checked and is not shown."),
        "crashed": say("I crashed twice while painting this and gave up."),
    }
    if state == "cancelled" and code == CHARGED:
        return say("Cancelled while it was painted. It stays charged.")
    if state == "cancelled":
        return paragraph(say("Cancelled."), refunded)
    if state == "expired":
        return paragraph(say("This job waited too long in the queue."), refunded)
    return paragraph(sentences.get(code, say("Something went wrong while painting.")), refunded)
