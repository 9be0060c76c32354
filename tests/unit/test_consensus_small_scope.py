"""Every run of one sequence through five views, with a liar in any place: T1, exhausted.

An abstract model of everything but `choose`, which is the real one: who votes for what, who becomes
prepared, what q VIEW-CHANGEs the next primary takes, and what the liar shows in its own. A liar
votes for everything, hides what it has prepared, shows any certificate that exists, proposes two
things as a primary, and starts its view on two sets of VIEW-CHANGEs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

import pytest

from consensus import messages as wire
from consensus.new_view import choose

A, B = bytes([1]) * 32, bytes([2]) * 32
FRESH = frozenset({A, B})  # what a primary may propose that is bound by nothing
N, Q = 4, 3
VIEWS = 5

Certificate = tuple[int, bytes]  # view and digest
History = Certificate | None  # of the highest view; what an honest member shows
# Histories of the three honest members, certificates that exist, what is committed.
State = tuple[tuple[History, ...], frozenset[Certificate], frozenset[bytes]]


def view_change(member: int, history: History) -> wire.ViewChange:
    prepared: tuple[wire.PreparedCertificate, ...] = ()
    if history is not None:
        prepared = (wire.PreparedCertificate(history[0], 1, history[1], bytes(64), ()),)
    return wire.ViewChange(0, 9, member, wire.GENESIS_STABLE, prepared, bytes(64))


@cache
def proposals(shown: tuple[History, ...]) -> frozenset[bytes]:
    """What a primary may propose on q VIEW-CHANGEs: one digest, or any if they bind it to none."""
    choice = choose([view_change(member, one) for member, one in enumerate(shown)])
    return frozenset({dict(choice.proposals)[1]}) if choice.proposals else FRESH


def startable(histories: tuple[History, ...], shown: frozenset[Certificate]) -> set[bytes]:
    """Everything that some q of the VIEW-CHANGEs allow, whatever the liar shows in its own."""
    allowed = set(proposals(histories))
    for two in itertools.combinations(histories, Q - 1):
        for claim in (None, *shown):
            allowed |= proposals((*two, claim))
    return allowed


def voted(offered: set[bytes], is_liar: bool) -> Iterator[tuple[bytes | None, ...]]:
    """What each honest member votes for: an honest primary proposes one thing to all."""
    for told in [offered] if is_liar else [{one} for one in offered]:
        yield from itertools.product((None, *sorted(told)), repeat=N - 1)


def view(state: State, number: int, is_liar: bool) -> Iterator[State]:
    """All ways in which a view can go, led by the liar or by an honest member."""
    histories, shown, committed = state
    offered = set(FRESH) if number == 0 else startable(histories, shown)
    for votes in voted(offered, is_liar):
        # With the liar's vote two honest ones make a certificate; whoever voted may hold it.
        proven = {one for one in offered if votes.count(one) >= Q - 1}
        may = [(False, True) if vote in proven else (False,) for vote in votes]
        for prepared in itertools.product(*may):
            after = tuple(
                (number, vote) if holds and vote is not None else before
                for holds, vote, before in zip(prepared, votes, histories, strict=True)
            )
            # With the liar's COMMIT two honest ones decide.
            decided = {one for one in proven if after.count((number, one)) >= Q - 1}
            yield after, shown | {(number, one) for one in proven}, committed | decided


@pytest.mark.parametrize("liar", range(N))
def test_no_run_of_five_views_commits_two_things_at_one_sequence(liar: int) -> None:
    """R-VC-2, R-VC-4, C1: whatever is committed in one view is what every later one proposes."""
    states: set[State] = {((None,) * (N - 1), frozenset(), frozenset())}
    for number in range(VIEWS):
        states = {after for before in states for after in view(before, number, number % N == liar)}
        assert all(len(committed) < 2 for _, _, committed in states)
    assert len(states) > 1_000
    assert {frozenset({A}), frozenset({B}), frozenset()} == {one for _, _, one in states}
