"""LoRA files: what a folder offers, which of them may be painted with, and applying them."""
