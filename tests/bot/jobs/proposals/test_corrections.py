"""Requests with wrong flags, as they are stored until they are corrected."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.proposals.corrections import StoredCorrection, _adapter
from bot.request.input_sources import InputSpec, PictureSource, StagedSource, UrlSource
from bot.request.params import GenerationParams
from bot.request.pending import PendingRequest
from bot.request.values.regions import Region
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import Mode

SOURCES = st.one_of(
    st.builds(UrlSource, st.text(), st.none() | st.integers(0, 2**40)),
    st.builds(PictureSource, st.text(), st.booleans()),
    st.builds(StagedSource, st.just("a" * 64), st.just("b" * 16)),
)
REQUESTS = st.builds(
    PendingRequest,
    st.builds(
        GenerationParams,
        st.text(st.characters(exclude_categories=["Cs"])),
        aspect=st.none() | st.just("16:9"),
        size=st.none() | st.just((256, 128)),
        seed=st.none() | st.integers(0, 2**32 - 1),
        speed=st.none() | st.sampled_from(Speed),
        guidance=st.none() | st.floats(1, 5),
        negative=st.none() | st.just("fog"),
        enhance=st.none() | st.sampled_from(EnhancementLevel),
        style=st.none() | st.sampled_from(PictureStyle),
    ),
    st.integers(1, 4),
    st.booleans(),
    st.none()
    | st.builds(
        InputSpec,
        st.sampled_from([Mode.IMAGE, Mode.BLEND, Mode.INPAINT]),
        st.lists(SOURCES, max_size=3).map(tuple),
        st.none() | st.floats(0.01, 1),
        st.none() | st.sampled_from(Region),
    ),
    st.none() | st.floats(0.01, 1),
    st.none() | st.integers(1, 9),
)


@given(REQUESTS)
def test_a_stored_request_is_the_same_request(request_: PendingRequest):
    """Every option, source image and number survives the database."""
    stored = StoredCorrection(request_, "a cat")
    assert _adapter().validate_json(_adapter().dump_json(stored)) == stored
