"""Names of models by their pipeline classes, to refuse them by their name."""

from __future__ import annotations

NAMES: tuple[tuple[str, str], ...] = (
    ("AuraFlow", "AuraFlow"),
    ("Bria", "Bria"),
    ("Chroma", "Chroma"),
    ("CogVideoX", "CogVideoX"),
    ("CogView", "CogView"),
    ("Cosmos", "Cosmos"),
    ("ErnieImage", "ERNIE-Image"),
    ("Flux3", "Flux.3"),
    ("Flux2", "Flux.2"),
    ("Flux", "Flux"),
    ("GlmImage", "GLM-Image"),
    ("HiDream", "HiDream"),
    ("HunyuanDiT", "HunyuanDiT"),
    ("HunyuanImage", "HunyuanImage"),
    ("Hunyuan", "HunyuanVideo"),
    ("Ideogram", "Ideogram"),
    ("JoyImage", "JoyImage"),
    ("Kandinsky", "Kandinsky"),
    ("Kolors", "Kolors"),
    ("Krea2", "Krea 2"),
    ("LatentConsistencyModel", "a latent consistency model of Stable Diffusion 1.5"),
    ("LongCatImage", "LongCat-Image"),
    ("LTX", "LTX-Video"),
    ("Lumina2", "Lumina 2"),
    ("Lumina", "Lumina"),
    ("OmniGen", "OmniGen"),
    ("OvisImage", "Ovis-Image"),
    ("PixArtAlpha", "PixArt-Alpha"),
    ("PixArtSigma", "PixArt-Sigma"),
    ("QwenImage21", "Qwen-Image 2.1"),
    ("QwenImage", "Qwen-Image"),
    ("Sana", "Sana"),
    ("StableCascade", "Stable Cascade"),
    ("StableDiffusion3", "Stable Diffusion 3"),
    ("StableDiffusionXL", "SDXL that is not known to be distilled for few steps"),
    ("StableDiffusion", "Stable Diffusion 1.5 or 2"),
    ("StableVideoDiffusion", "Stable Video Diffusion"),
    ("Wan", "Wan"),
    ("Wuerstchen", "Wuerstchen"),
    ("ZImageControlNet", "Z-Image with a ControlNet"),
    ("ZImageOmni", "Z-Image-Omni"),
)
"""By how the names of their classes begin; the longer beginning comes first."""


def pipeline_model(class_name: str) -> str | None:
    """Return the name of the model that a pipeline's class paints with; None if it is not known."""
    return next((model for start, model in NAMES if class_name.startswith(start)), None)
