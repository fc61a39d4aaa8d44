"""The words of `zimagine bench`, which engine/benchmarks writes in English."""

from __future__ import annotations

from typing import Final

from bot.i18n import translatable

MESSAGES: Final = (
    translatable("what"),
    translatable("compared with"),
    translatable("ratio"),
    translatable("goal"),
    translatable("met"),
    translatable("yes"),
    translatable("no"),
    translatable("not measured"),
    translatable("{levels} of 255 levels"),
    translatable("{day}. {processor}, {cores} cores, {system}, {versions}."),
    translatable("second picture, {side} × {side} px, and by diffusers"),
    translatable("second picture with compiled blocks, {side} × {side} px, and by diffusers"),
    translatable("peak memory, {side} × {side} px, and of diffusers"),
    translatable("start to ready, and of diffusers"),
    translatable("a picture, 256 × 256 px, and by diffusers"),
    translatable("largest difference of its pixels"),
    translatable("first picture, from the start of the process, and by diffusers"),
    translatable("a picture of the same prompt, and of another, the demo model"),
    translatable("a picture of the same prompt, and of another, the full-size model"),
    translatable("a picture of the same prompt, and of another, a tiny model"),
    translatable("a picture in {format}, and in float32"),
    translatable("weights in {format}, and in float32"),
    translatable("PSNR and SSIM of {format} to float32 (LPIPS: not measured)"),
    translatable("equal"),
    translatable("memory after picture {last}, and after picture {first}"),
)
"""Everything that the table may say, for the catalogues."""
