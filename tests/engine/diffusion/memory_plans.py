"""Memory plans and component shapes that several tests use."""

from hypothesis import strategies as st

from engine.diffusion.footprint import Shape
from engine.diffusion.memory_plans import plans

ALL = list(plans())


PLANS = st.sampled_from(ALL)


SIDES = st.integers(16, 128).map(lambda count: count * 16)


SHAPES = st.builds(
    Shape,
    width_px=SIDES,
    height_px=SIDES,
    steps=st.integers(1, 50),
    batch=st.integers(1, 4),
    guided=st.booleans(),
    new_prompt=st.booleans(),
)
