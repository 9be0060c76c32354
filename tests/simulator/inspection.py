"""What is checked of each member at every effect: that what it says is durable, proven, and within
bounds (C6, C7, C9). What needs the words of others is in checkers.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from consensus import Epoch, Mode, Ordered, Send
from consensus.catch_up import CatchUp
from consensus.pool import INVALID_MAX, Pool
from consensus.settings import REPORTS_MAX
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import Malformed
from ledger.limits import CLOCK_TOLERANCE_S
from tests.simulator.chain import REPLICA, Block
from tests.simulator.checkers import Violation
from tests.simulator.judge import quorum

if TYPE_CHECKING:
    from tests.simulator.member import SimMember

# By which a certificate's lines may be ahead of the member that makes it: half of what verifiers
# tolerate, and the second that the clock of its last tick is old.
AHEAD_S = CLOCK_TOLERANCE_S // 2 + 1
BATCH_MAX = 5  # transactions of a batch at most here, those that a liar adds included
ONLY_LIARS = ("bad-", "malformed-", "not-primary", "empty-proposal")  # suspicions of lies


def check_send(member: SimMember, machine: str, effect: Send) -> None:
    if not member.honest:
        return
    durable = member.disk.records[machine][-1][0] if member.disk.records[machine] else 0
    if effect.after > durable:
        raise Violation(f"C6: {member.id} sent what depends on record {effect.after}")
    assert member.seat is not None, "who says something has a seat"
    if machine == REPLICA:
        member.world.checkers.on_send(member.who, member.seat, effect.data)
        member.world.checkers.on_window(
            member.id, effect.data, member.replica.stable, member.world.settings.window
        )
    else:
        member.world.checkers.on_cosigned(member.id, member.seat, effect.data)


def check_ordered(member: SimMember, effect: Ordered) -> None:
    if member.honest:
        slot = member.replica._ordering.log.get(effect.height)
        assert member.seat is not None, "who orders something has a seat"
        member.world.checkers.on_ordered(
            member.id, member.seat, slot.decided if slot else None, effect.height
        )


def check_certificate(member: SimMember, certificate: Certificate, fresh: bool = True) -> None:
    """C7: exactly q lines, each of a member that said so; none spoils the time (DESIGN 2.8).

    A certificate made before its block was known may hold a liar's time until a fresher one comes.
    That of an epoch's last height (not `fresh`) is never replaced: nobody cosigns there any more.
    """
    world = member.world
    lines = certificate.cosignatures
    size = certificate.checkpoint.size
    members = world.checkers.certifying(member.id, size, member.epoch.number)
    if len({one.member for one in lines}) != quorum(members.n):
        raise Violation(f"C7: {member.id} certified with {len(lines)} lines")
    try:
        verify_certificate(certificate, members, world.origin, world.keyring.verify)
    except Malformed as error:
        raise Violation(f"C7: {member.id} certified with a bad line: {error}") from error
    if max(certificate.timestamps()) > world.wall_ms(member) // 1000 + AHEAD_S:
        raise Violation(f"C7: {member.id} certified {size} at a time to come")
    if fresh and size <= member.height:
        if min(certificate.timestamps()) * 1000 < member.disk.chain[size - 1].time:
            raise Violation(f"C7: {member.id} certified {size} at a time before its block")


def check_stable(member: SimMember) -> None:
    """C7: of what it takes for stable, q members of its set have signed (R-CP-2)."""
    proven, seat, world = member.replica.proven, member.seat, member.world
    assert seat is not None, "who takes something for stable has a seat"
    if not member.honest:
        return
    if proven is None or proven.checkpoint.size != member.replica.stable:
        raise Violation(f"C7: {member.id} takes {member.replica.stable} for stable, and shows none")
    try:
        verify_certificate(proven, seat.members, world.origin, world.keyring.verify)
    except Malformed as error:
        raise Violation(f"C7: {member.id} takes for stable what nobody proves: {error}") from error


def check_time(member: SimMember, block: Block, latest: int) -> None:
    """R-DT-3: later than the block before, and not beyond what an honest clock tolerates."""
    chain = member.disk.chain
    before = chain[-2].time if len(chain) > 1 else member.world.genesis_time
    if not before < block.time <= max(latest, before + 1):
        raise Violation(f"R-DT-3: {member.id} has time {block.time} after {before}, now {latest}")


def check_suspicion(member: SimMember, suspect: SimMember, code: str) -> None:
    """C13: what only a liar can have sent is never found at an honest member (R-RS-4)."""
    if suspect.honest and code.startswith(ONLY_LIARS):
        raise Violation(f"C13: {member.id} suspects the honest {suspect.id} of {code}")


def check_bounds(member: SimMember) -> None:
    """C9: what an honest member holds is bounded (R-RS-1)."""
    if not member.seated:
        return
    replica, window, n = member.replica, member.world.settings.window, member.epoch.members.n
    held = {
        "slots": (len(replica._ordering.log), 4 * window),
        "contents": (max((len(one.contents) for one in replica._ordering.log), default=0), 3),
        "view changes": (len(replica._views._collected), n),
        "ballots": (len(replica._ballots._cast), 3 * 2 * window + 2),
        "wanted bodies": (len(replica._ordering.bodies.wanted), 2 * window * 3 * BATCH_MAX),
        "invalid digests": (len(replica._pool.invalid), INVALID_MAX),
        "settled words": (max(map(len, replica._watching._words.values()), default=0), n),
        "seen by catch-up": (max(map(len, _tables(replica._catch_up)), default=0), n),
        "findings": (len(replica._findings._known), REPORTS_MAX * n),
        "held words": (len(replica._outbox._held), 8 * window),
        "roots": (len(member.certifier._roots), 64),
        "words": (max((len(one) for one in member.certifier._seen.values()), default=0), 64),
    }
    for what, (count, most) in held.items():
        if count > most:
            raise Violation(f"C9: {member.id} holds {count} {what}, more than {most}")
    check_sums(member.id, replica._pool)


def check_sums(who: str, pool: Pool) -> None:
    """C9: what a pool takes itself to hold is what it holds, or its limits would mean nothing."""
    counts, sizes = Counter[str](), Counter[str]()
    for entry in pool.entries.values():
        counts[entry.source] += 1
        sizes[entry.source] += len(entry.raw)
    ready = {name: one for name, one in pool.entries.items() if one.transaction and not one.claimed}
    for what, said, found in (
        ("entries of a source", +Counter(pool._counts), counts),
        ("bytes of a source", +Counter(pool._sizes), sizes),
        ("bytes", pool._size, sizes.total()),
        ("ready", set(pool.ready), set(ready)),
        ("ready bytes", pool.ready_size, sum(len(one.raw) for one in ready.values())),
    ):
        if said != found:
            raise Violation(f"C9: the pool of {who} counts {what} as {said}, not {found}")


def _tables(catch_up: CatchUp) -> list[dict[str, Any]]:
    """What catch-up remembers of each member."""
    return [catch_up._answered, catch_up._seen, catch_up._served, catch_up._shown]


def is_done(one: SimMember, newest: Epoch, height: int, since: int) -> bool:
    """Say whether a member has reached a height in the newest epoch, nothing is left to do, and the
    idle chain is certified as of a time (ms) at least (DESIGN 2.7).
    """
    if not one.up or one.height != height or len(one.disk.handovers) != newest.number:
        return False
    if one.id not in newest.members:
        return not one.seated and (not one.answers or one.replica.mode is Mode.ENDED)
    # Nothing may be pending: it would wait for what is done, and blame the primary.
    if not one.seated or one.replica.stable != height or one.replica.pending:
        return False
    certificate = one.disk.certificate
    return certificate is not None and min(certificate.timestamps()) * 1000 >= since


def status(members: Iterable[SimMember]) -> str:
    """One line for each member."""
    lines = ["member strategy   up    mode      view height exec stable pending records crashes"]
    for one in members:
        replica = one.replica
        if not one.answers:
            lines.append(f"{one.id:<6} {one.strategy or '-':<10} {one.up!s:<5} in no set")
            continue
        lines.append(
            f"{one.id:<6} {one.strategy or '-':<10} {one.up!s:<5} {replica.mode.value:<9} "
            f"{replica.view:>4} {one.height:>6} {replica.executed:>4} {replica.stable:>6} "
            f"{replica.pending:>7} {len(one.disk.records['replica']):>7} {one.crashes:>7}"
        )
    return "\n".join(lines)
