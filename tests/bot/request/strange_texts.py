"""Strategies for unusual texts, for properties that hold for any prompt."""

from __future__ import annotations

from hypothesis import strategies as st

SIGNS = st.text(st.sampled_from(list('ab1 \\{}｛｝,，-—–－‑"“”「」«»:.\n猫ａar=')), max_size=40)
PIECES = st.lists(
    st.sampled_from(["a cat", " --ar", " 16:9", "—seed", " 5", "--no", " é", "猫", "——", "-", "\n"])
    | st.sampled_from(["--raw", " --refine", " --v 6", " --repeat 3", "＝", "x2", "--Steps=3", "."])
    | st.sampled_from(["{", "}", "“", "”", '"', "\\", ", ", "--"]),
    max_size=14,
).map("".join)
TEXTS = st.text(max_size=80) | SIGNS | PIECES
