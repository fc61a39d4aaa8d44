"""Permutations of a prompt: proposed with their number, accepted all together or not at all."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.accounts.block_check import BlockCheck
from bot.accounts.cost_check import CostCheck
from bot.accounts.delivery_settings import DeliverySettingsService
from bot.accounts.lora_access import LoraAccess
from bot.accounts.model_access import ModelAccess
from bot.accounts.permissions import Actor, Permissions
from bot.accounts.presets import SettingsFiller
from bot.accounts.rules.books import RuleBooks
from bot.accounts.rules.check import RuleCheck
from bot.accounts.server_languages import ServerLanguages
from bot.jobs.active import ActiveJobs
from bot.jobs.admission import AdmissionService
from bot.jobs.completion import CompletionService, JobEvents
from bot.jobs.engine_jobs import EngineJobs
from bot.jobs.generation.text_to_image import GenerationService
from bot.jobs.generation.variations import params_like
from bot.jobs.painting_control import PaintingControl
from bot.jobs.proposals import permutations
from bot.jobs.proposals.permutations import (
    AcceptedBatch,
    BatchProposal,
    PendingBatch,
    PermutationService,
)
from bot.moderation.filter.prompt_filter import CompiledFilters, PromptFilter
from bot.pictures.lineage import Lineage
from bot.pictures.originals import OriginalPictures
from bot.pictures.recent import RecentPictures
from bot.request.outcomes import (
    ManyPermutations,
    QueueIsFull,
    QuotaSpent,
    Refused,
    StorageUnavailable,
    TooManyPermutations,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.prompt.apply_flags import (
    MAX_PERMUTATIONS,
    apply_flags,
    apply_flags_to_each,
    expand_prompts,
)
from bot.request.prompt.permutations import Permutations
from bot.request.resolver import RequestResolver
from engine.diffusion.families import Speed
from engine.errors import Scope
from engine.prompts import EnhancementLevel
from engine.queue import Bounds
from engine.service import Engine
from engine.types import Mode, request_from_json
from storage.access_rules import AccessRules
from storage.blocks import Blocks
from storage.database import Database
from storage.files import PictureFiles
from storage.filters import Filters
from storage.history import History
from storage.inputs import Inputs
from storage.jobs import Jobs
from storage.open_names import OpenLoras, OpenModels
from storage.painting_control import PaintingControls
from storage.pauses import Pauses
from storage.preferences import Preferences
from storage.presets import Presets, RequestDefaults
from storage.proposals import Proposals
from storage.quotas import Quotas
from storage.types import PolicySource, QuotaPolicy
from tests.fakes import KNOWS_ALL, FakeClock, ScriptedRenderer, a_request

ALICE = Actor(100, 1, 10, reply_token="token")
WORDS = st.text("abcxyz", min_size=1, max_size=4)
GROUPS = st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=3)


def in_braces(groups: list[list[str]]) -> str:
    """Return a prompt with these groups of options."""
    return " and ".join("{" + ", ".join(group) + "}" for group in groups)


class PermutationsHarness:
    """The services on a real database, with an engine whose model never loads."""

    def __init__(self, db: Database, limit: int, bounds: Bounds) -> None:
        self.db, self.clock = db, FakeClock()
        self.seeds = iter(range(1000, 10_000)).__next__
        self.jobs = Jobs(db, self.clock, iter(map(str, range(10_000))).__next__)
        self.engine = Engine(ScriptedRenderer().load, bounds=bounds)
        self.storage_errors: list[Exception] = []
        history, active = History(db, self.clock), ActiveJobs()
        events = JobEvents(lambda _: None, lambda _: None, self.storage_errors.append)
        files = PictureFiles(db.path.parent, clock=self.clock)
        preferences = Preferences(db, self.clock)
        fallback = QuotaPolicy(limit, 24, PolicySource.CONFIG)
        block_check = BlockCheck(Blocks(db, self.clock), Pauses(db, self.clock))
        resolver = RequestResolver(KNOWS_ALL, self.seeds, self.engine.count_tokens)
        originals = OriginalPictures(history, block_check, Lineage(self.jobs, history))
        completion = CompletionService(self.jobs, files, RecentPictures(history), active, events)
        self.admission = AdmissionService(
            rules=RuleCheck(RuleBooks(AccessRules(db, self.clock)), resolver.models),
            model_access=ModelAccess(resolver.models, Permissions(), OpenModels(db, self.clock)),
            lora_access=LoraAccess(resolver.models, Permissions(), OpenLoras(db, self.clock)),
            engine_jobs=EngineJobs(
                engine=self.engine,
                active=active,
                completion=completion,
                inputs=Inputs(db, self.clock),
            ),
            resolver=resolver,
            jobs=self.jobs,
            block_check=block_check,
            content_check=PromptFilter(CompiledFilters(Filters(db, self.clock))),
            delivery_settings=DeliverySettingsService(
                preferences, Permissions(), ServerLanguages(preferences)
            ),
            cost_check=CostCheck(Quotas(db, self.clock), lambda: fallback),
            control=PaintingControl(
                PaintingControls(db, self.clock),
                self.engine,
                active,
                clock=self.clock,
                max_wait=lambda: timedelta(hours=1),
                drained=lambda: None,
            ),
            fallback=lambda: fallback,
            events=events,
            clock=self.clock,
        )
        filler = SettingsFiller(
            Presets(db, self.clock),
            RequestDefaults(db, self.clock),
            LoraAccess(resolver.models, Permissions(), OpenLoras(db, self.clock)),
            ModelAccess(resolver.models, Permissions(), OpenModels(db, self.clock)),
        )
        self.generation = GenerationService(
            admission=self.admission, resolver=resolver, filler=filler
        )
        self.proposals = Proposals(db, self.clock)
        self.permutations = PermutationService(
            admission=self.admission,
            resolver=resolver,
            filler=filler,
            originals=originals,
            proposals=self.proposals,
            quotas=Quotas(db, self.clock),
            fallback=lambda: fallback,
            estimator=self.engine.estimator,
        )

    async def propose(self, prompt: str, count: int = 1, **options: Any) -> BatchProposal | Refused:
        """Propose the permutations of a prompt."""
        outcome = await self.generation.imagine(
            ALICE, GenerationParams(prompt, **options), count=count
        )
        assert isinstance(outcome, Refused)
        if not isinstance(outcome.reason, ManyPermutations):
            return outcome
        return await self.permutations.propose(ALICE, outcome.reason)

    async def charged(self) -> int:
        """Return the number of charged pictures."""
        (row,) = await self.db.fetch_all("SELECT coalesce(sum(pictures), 0) AS n FROM ledger")
        return row["n"]

    def reserved_places(self) -> int:
        """Return the number of queue places that are reserved or filled."""
        return self.engine.queue._held[(Scope.QUEUE, 0)]


@asynccontextmanager
async def open_harness(limit: int = 100, **bounds: int) -> AsyncIterator[PermutationsHarness]:
    """Open the harness on an empty database. limit: the quota. bounds: of the queue."""
    with tempfile.TemporaryDirectory() as folder:
        async with await Database.open(Path(folder) / "data" / "zimagine.db") as db:
            yield PermutationsHarness(db, limit, Bounds(**({"queue": 100} | bounds)))


@given(GROUPS, st.integers(1, 4))
def test_as_many_wishes_as_ways_to_choose(groups: list[list[str]], count: int):
    """The number of prompts is the product of the groups, and each prompt could have been typed."""
    total = math.prod(map(len, groups))
    prompt, params = in_braces(groups), GenerationParams(in_braces(groups), seed=5, steps=4)
    found, expanded = apply_flags_to_each(params, count, True), expand_prompts(prompt)
    if total > MAX_PERMUTATIONS:
        assert found == expanded == Refused(TooManyPermutations(total, MAX_PERMUTATIONS))
        return
    assert isinstance(found, tuple) and isinstance(expanded, Permutations)
    assert len(found) == len(expanded.prompts) == total
    for text, parsed in zip(expanded.prompts, found, strict=True):
        assert parsed == apply_flags(dataclasses.replace(params, prompt=text), count, True)
    single = apply_flags(params, count, True)
    assert single == (
        found[0] if total == 1 else Refused(ManyPermutations(total, params, count, True))
    )


@settings(max_examples=60, deadline=None)
@given(
    GROUPS.filter(lambda groups: 2 <= math.prod(map(len, groups)) <= MAX_PERMUTATIONS),
    st.integers(1, 3),
    st.integers(0, 30),
    st.integers(1, 12),
)
def test_all_or_none_under_any_quota_and_queue(
    groups: list[list[str]], count: int, left: int, places: int
):
    """Everything is accepted and charged once, or nothing is, and the refusal says what is
    missing."""
    prompt_count = math.prod(map(len, groups))

    async def scene() -> None:
        async with open_harness(left, queue=50, user=places) as harness:
            proposal = await harness.propose(in_braces(groups), count)
            assert harness.reserved_places() == 0 == await harness.charged()
            if prompt_count > places:
                assert proposal == Refused(QueueIsFull(0, places, Scope.USER, prompt_count))
            elif prompt_count * count > left:
                assert proposal == Refused(QuotaSpent(0, left, 24, prompt_count * count))
            else:
                assert isinstance(proposal, BatchProposal)
                assert (proposal.pictures, len(proposal.texts)) == (
                    prompt_count * count,
                    prompt_count,
                )
                batch = await harness.permutations.accept(ALICE, proposal.proposal_id)
                assert isinstance(batch, AcceptedBatch) and batch.texts == proposal.texts
                assert harness.reserved_places() == len(batch.jobs) == prompt_count
                assert await harness.charged() == prompt_count * count
                again = await harness.permutations.accept(ALICE, proposal.proposal_id)
                assert (
                    isinstance(again, Refused) and await harness.charged() == prompt_count * count
                )

    asyncio.run(scene())


@pytest.mark.parametrize("blocked", ["quota", "queue"])
async def test_what_came_between_the_question_and_its_answer_counts(blocked: str):
    """Quota and queue are checked again on the answer: nothing is partly accepted, and the proposal
    can be answered again later."""
    async with open_harness(5, queue=50, user=4) as harness:
        proposal = await harness.propose("{a, b, c}")
        assert isinstance(proposal, BatchProposal)
        for _ in range(3 if blocked == "quota" else 2):
            await harness.generation.imagine(ALICE, GenerationParams("another"))
        if blocked == "quota":
            while harness.engine.queue.first_of(ALICE.user_id):
                await harness.engine.queue.take()
        before, held = await harness.charged(), harness.reserved_places()
        refused = await harness.permutations.accept(ALICE, proposal.proposal_id)
        expected = (
            QuotaSpent(3, 5, 24, 3) if blocked == "quota" else QueueIsFull(2, 4, Scope.USER, 3)
        )
        assert isinstance(refused, Refused) and refused.reason == expected
        assert (await harness.charged(), harness.reserved_places()) == (before, held)
        harness.clock.advance(59 * 60)
        if blocked == "queue":
            await harness.engine.queue.take()
            assert isinstance(
                await harness.permutations.accept(ALICE, proposal.proposal_id), AcceptedBatch
            )


async def test_seeds_are_fresh_or_the_one_that_is_given():
    """Without a seed each permutation has a different one; a given seed applies to all."""
    async with open_harness() as harness:
        for seed in (None, 7):
            proposal = await harness.propose("{a, b, c}", seed=seed)
            assert isinstance(proposal, BatchProposal)
            batch = await harness.permutations.accept(ALICE, proposal.proposal_id)
            assert isinstance(batch, AcceptedBatch)
            seeds = [each.resolved.request.seed for each in batch.jobs]
            assert len(set(seeds)) == (3 if seed is None else 1) and (seed is None or 7 in seeds)


async def test_what_was_asked_for_is_what_is_painted():
    """Flags, options and privacy are preserved in the proposal and in the jobs."""
    async with open_harness() as harness:
        proposal = await harness.propose(
            r"{a --private, b} \{x\} --ar {16:9, 1:1} --no fog", count=2, steps=3, seed=9
        )
        assert isinstance(proposal, BatchProposal) and proposal.pictures == 8
        assert proposal.texts[0] == "a --private {x} --ar 16:9 --no fog"
        batch = await harness.permutations.accept(ALICE, proposal.proposal_id)
        assert isinstance(batch, AcceptedBatch)
        assert [each.private for each in batch.jobs] == [True, True, False, False]
        for job in batch.jobs:
            row = await harness.jobs.get(job.job_id)
            assert row is not None and row.pictures == 2
            request = request_from_json(row.request)
            assert request.prompt in ("a {x}", "b {x}")
            assert (request.negative_prompt, request.steps, request.seed) == ("fog", 3, 9)
        deliveries = await harness.db.fetch_all("SELECT reply_token, message_id FROM deliveries")
        assert {tuple(row) for row in deliveries} == {(None, None)}


async def test_a_database_in_trouble_is_said(monkeypatch: pytest.MonkeyPatch):
    """A database that is slow or failing refuses the proposal; no place stays reserved."""
    async with open_harness() as harness:
        monkeypatch.setattr(permutations, "ACCEPT_LIMIT_S", 0.05)
        async with harness.db.transaction():
            slow = asyncio.create_task(harness.propose("{a, b}"))
            assert await slow == Refused(StorageUnavailable())
        assert isinstance(await harness.propose("{a, b}"), BatchProposal)
        assert harness.reserved_places() == 0


async def test_a_question_of_another_version_is_over():
    """A stored proposal that cannot be read any more is closed, not partly painted."""
    async with open_harness() as harness:
        proposal = await harness.propose("{a, b}")
        assert isinstance(proposal, BatchProposal)
        async with harness.db.transaction() as transaction:
            await transaction.execute("""UPDATE proposals SET wish = '{"wish": 5}'""")
        assert isinstance(await harness.permutations.accept(ALICE, proposal.proposal_id), Refused)
        assert await harness.permutations.decline(ALICE, proposal.proposal_id) is None
        assert await harness.charged() == 0


PARAMS = st.builds(
    GenerationParams,
    prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    aspect=st.none() | st.just("16:9"),
    size=st.none() | st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    seed=st.none() | st.integers(0, 2**32 - 1),
    steps=st.none() | st.integers(1, 50),
    speed=st.none() | st.sampled_from(Speed),
    guidance=st.none() | st.floats(1, 10),
    strict=st.booleans(),
    negative=st.none() | st.just("雾"),
    enhance=st.none() | st.sampled_from(EnhancementLevel),
    variety=st.floats(0, 1),
    refine=st.floats(0, 0.35),
    start=st.none()
    | st.builds(InitImages, st.sampled_from(Mode), st.just(("ab" * 32,)), st.none()),
)


@given(PARAMS, st.integers(1, 4), st.booleans(), st.none() | st.integers(1, 10**9))
def test_a_stored_question_is_the_same(
    params: GenerationParams, count: int, private: bool, parent_id: int | None
):
    """Every field of a stored proposal is read back unchanged."""
    batch = PendingBatch(params, count, private, parent_id)
    assert permutations._from_json(permutations._to_json(batch)) == batch


def test_a_remix_takes_the_numbers_that_no_flag_says():
    """A remix keeps the picture's size, steps and guidance unless flags override them; with source
    images the size is fixed."""
    original = a_request(width_px=512, height_px=256, steps=6, guidance=2.0, variety=0.5)
    plain = params_like(GenerationParams("x"), original)
    assert isinstance(plain, GenerationParams)
    assert (plain.size, plain.steps, plain.guidance, plain.variety) == ((512, 256), 6, 2.0, 0.5)
    changed = params_like(
        GenerationParams("x", aspect="1:1", speed=Speed.FAST, strict=True, variety=0.2), original
    )
    assert isinstance(changed, GenerationParams)
    assert (changed.size, changed.aspect, changed.steps, changed.guidance) == (
        None,
        "1:1",
        None,
        None,
    )
    assert changed.variety == 0.2
    start = InitImages(Mode.IMAGE, ("ab" * 32,))
    assert isinstance(
        params_like(GenerationParams("x", size=(64, 64), start=start), original), Refused
    )
