"""C12, what is asked of a world in the end: that all is done, and that then nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consensus import Mode
from tests.simulator import inspection
from tests.simulator.checkers import Violation
from tests.simulator.plan import EPOCH_MS, TICK_MS

if TYPE_CHECKING:
    from tests.simulator.world import World

FRESH_MS = 3_000  # so long after healing the last block's own certificate is not enough
SLOW_NETWORK_MS = 300
IDLE_PATIENCES = 3  # an idle chain is watched for so many times the longest patience of a member


def is_converged(world: World) -> bool:
    """Say whether everything is executed, certified afresh, and the same at all honest members."""
    newest = world.membership.epochs[-1]
    if world.clients.waiting or world.membership.decided < len(world.plan.changes):
        return False
    height = world.core[0].height
    if height < len(world.checkers.canonical):
        return False  # C8: whatever anybody executed once is there, whoever lost a disk since
    if newest.number and height <= newest.base:
        return False  # not opened yet: nothing could be certified anew
    for one in world.core:
        inspection.check_bounds(one)
    since = EPOCH_MS + world.plan.chaos + FRESH_MS
    return all(inspection.is_done(one, newest, height, since) for one in world.core)


def stays(world: World) -> None:
    """Once all is done and all are in one view of an honest primary, nobody leaves it, whatever f
    liars say or replay (R-TL-4). Where somebody left alone, a liar leads, or a message may take
    longer than the least patience, no such thing is promised.
    """
    if world.plan.delay_most > SLOW_NETWORK_MS:
        return  # a proposal under way may be waited for in vain
    seated = [one for one in world.core if one.seated]
    views = {(one.replica.mode, one.replica.view) for one in seated}
    mode, view = min(views, key=lambda one: one[1])
    members = seated[0].epoch.members
    leads = members.members[view % members.n].id
    if len(views) > 1 or mode is not Mode.ACTIVE or leads not in [one.id for one in seated]:
        return
    world.checkers.mark("idle")

    def look() -> None:
        for one in seated:
            if one.replica.mode is not mode or one.replica.view != view:
                raise Violation(f"C12: {one.id} leaves view {view} of an idle chain")

    patience = max(one.replica._patience.timeout for one in seated)
    world.go_on(world.now + IDLE_PATIENCES * patience * TICK_MS, look)
    if not is_converged(world):
        raise Violation("C12: an idle chain does not stay converged")
