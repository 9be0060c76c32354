"""Build one member from its folder and serve it until it is told to stop.

Order of building follows the way of a transaction; order of stopping is the reverse: the door
closes first, the store last. The garbage collector is told to leave what lives long alone (a state
of a million entities would otherwise be walked again and again, with pauses above a second).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from chaincode.contract import Contract
from chaincode.registry import CONTRACTS
from consensus.evidence import Evidence, Finding
from ledger.checkpoint import Certificate
from network.links import Links
from node.admission import Admission
from node.answers import Answers
from node.api.app import create_app
from node.archive import Archive
from node.beside import Beside
from node.blames import Blames
from node.blocks import Blocks
from node.catch_up import CatchUp
from node.clock import Clock
from node.config import MemberConfig, load_peers
from node.door import DoorProtocol
from node.driver import Driver
from node.execution import Executed, Executor
from node.keyring import ConfigError
from node.member import Member
from node.metrics import Metrics
from node.peering import Peering
from node.proofs import Proofs
from node.seats import Seats
from node.stages import STAGES, Stages
from node.store import open_store
from node.tlog import MemberChain, Tlog
from node.waiting import Waiting

__all__ = ["run", "serve"]

log = logging.getLogger(__name__)

# young objects between collections; the default of 700 costs 5% at full load
GC_ALLOCATIONS = 50_000
# a synced write gives up the interpreter lock and would wait 5 ms to get it back
SWITCH_SECONDS = 0.0005

# questions that wait for the one thread that answers them: at worst some 20 s
QUESTIONS_MAX = 64


def run(config: MemberConfig) -> None:
    """Serve a member until SIGTERM or SIGINT."""
    uvloop.run(serve(config))


async def serve(config: MemberConfig, contracts: Iterable[type[Contract]] = CONTRACTS) -> None:
    """Build, start and serve; returns after a clean stop.

    Raises: InvariantViolated (among them the store's errors) when the member cannot start;
    ConfigError when the folder does not fit the chain.
    """
    archive = Archive(open_store(config.data, config.store_engine), config.genesis.chain_id)
    try:
        # The address is claimed first: a member whose door cannot open must not begin to vote.
        door = _door(config)
        member, links = build(config, archive, contracts)
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS, 20, 50)
        sys.setswitchinterval(SWITCH_SECONDS)
        await links.start()
        member.peering.begin(links)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, member.peering.refresh)
        member.driver.start()
        log.info("member %s at height %d, API on %s", config.id, member.executor.height, config.api)
        server = _Server(
            uvicorn.Config(
                create_app(member),
                http=DoorProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=3,
            )
        )
        await server.serve(sockets=[door])
        member.peering.stop()
        member.stop()
        await links.stop()
    finally:
        archive.close()


class _Server(uvicorn.Server):
    """Uvicorn that hands a signal back to nobody: after it, the member stops in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT close the door (uvicorn's own would kill the process after it)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _door(config: MemberConfig) -> socket.socket:
    host = config.api.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, config.api.port), family=family, backlog=2048)


def build(
    config: MemberConfig, archive: Archive, contracts: Iterable[type[Contract]] = CONTRACTS
) -> tuple[Member, Links]:
    """Compose the parts of a member over an open archive; nothing moves until they are started.

    Raises: InvariantViolated, ConfigError.
    """
    genesis, clock = config.genesis, Clock(config.clock_offset_ms)
    stages = Stages()
    executor = Executor(genesis, archive, stages, contracts=contracts)
    waiting = Waiting()
    kept = _kept_certificate(archive, executor)
    if (
        kept is not None
        and executor.next_epoch is not None
        and kept.checkpoint.size == executor.height
    ):
        executor.handed_over(kept)  # it stopped between the certificate and the handover
    config.cosigners.check()
    seats = Seats(config.id, genesis, archive, config.keys, config.cosigners)
    machines = seats.take(executor, kept)
    driver = Driver(genesis, archive, executor, machines, clock, waiting, stages, seats)
    driver.certificates.newest = kept
    own, peering = _peering(config, executor, clock)
    links = Links(
        config.id,
        own,
        config.keys.tls_key,
        peering.table,
        (config.listen.host, config.listen.port),
        driver.on_frame,
    )
    catch_up = CatchUp(
        genesis, config.id, archive, driver, links, peering.asked, config.snapshot_above
    )
    driver.connect(links, catch_up)
    driver.on_epoch.append(peering.refresh)
    driver.certificates.on_certified.append(lambda _: _retire(driver, seats))
    driver.on_epoch.append(lambda: _retire(driver, seats))
    _retire(driver, seats)
    blocks = Blocks(archive)
    proofs = Proofs(genesis, archive, driver, blocks)
    metrics = Metrics()
    driver.on_executed.extend((blocks.note, metrics.executed))
    member = Member(
        config=config,
        archive=archive,
        executor=executor,
        driver=driver,
        catch_up=catch_up,
        waiting=waiting,
        admission=Admission(genesis, executor, clock, stages),
        blames=Blames(config.data.parent / "blame", genesis.origin),
        blocks=blocks,
        proofs=proofs,
        answers=Answers(blocks, proofs, stages),
        questions=Beside("questions", QUESTIONS_MAX),
        metrics=metrics,
        stages=stages,
        seats=seats,
        peering=peering,
        tlog=Tlog(
            genesis, config.id, config.keys.log, MemberChain(driver, executor, archive), clock
        ),
    )
    driver.on_report.extend((metrics.reported, lambda finding: _blame(member, finding)))
    driver.on_executed.append(lambda block: _forget_keys(member, block))
    driver.on_change_over.append(member.admission.accounts_changed)
    _gauges(member)
    return member, links


def _kept_certificate(archive: Archive, executor: Executor) -> Certificate | None:
    epochs, kept = executor.epochs, archive.certificate()
    # The newest certificate is written unsynced: after a loss of power it may be ahead of the
    # blocks, or behind the one that ended the last epoch.
    if kept is not None and epochs.current.base < kept[0] <= executor.height:
        size, note = kept
        return Certificate.from_note(note, epochs.members(size))
    return epochs.certificate(epochs.current.number) if epochs.current.number else None


def _peering(config: MemberConfig, executor: Executor, clock: Clock) -> tuple[bytes, Peering]:
    own = config.keys.tls_certificate
    peering = Peering(
        config.id, own, executor.epochs, clock, lambda: load_peers(config.folder, config.id)
    )
    peering.read()
    missing = peering.missing()
    if missing and config.id in executor.epochs.current.members:
        raise ConfigError(
            f"{config.folder / 'member.json'}: peers: must give an address for each other member; "
            f"there is none for {', '.join(missing)}"
        )
    return own, peering


def _retire(driver: Driver, seats: Seats) -> None:
    """Once an epoch has its first certificate, destroy the cosigner keys of those before it; at
    once where this member has no seat in it.
    """
    epochs, newest = driver.executor.epochs, driver.certificate
    begun = newest is not None and newest.checkpoint.size > epochs.current.base
    if epochs.current.number and (begun or not driver.is_seated):
        seats.retire(epochs)


def _blame(member: Member, finding: Finding) -> None:
    if isinstance(finding, Evidence):
        epoch = member.executor.epochs.numbered(finding.first.epoch)
        if epoch is not None:
            member.blames.take(finding, epoch.members)


def _forget_keys(member: Member, block: Executed) -> None:
    if block.accounts_changed:
        member.admission.accounts_changed()


def _gauges(member: Member) -> None:
    gauge = member.metrics.gauge
    for stage in STAGES:
        gauge(
            f"stage_{stage}_seconds",
            f"CPU seconds spent on: {stage}.",
            lambda stage=stage: member.stages.seconds(stage),  # type: ignore[misc]
        )
    gauge("height", "Newest executed height.", lambda: member.executor.height)
    gauge(
        "blame_files",
        "Files that convict a member; above 0 somebody must look.",
        lambda: len(member.blames),
    )
    gauge("waiting", "Transactions of clients waiting here.", lambda: len(member.waiting))
    gauge("entities", "Entries of the state tree.", lambda: len(member.executor.tree))
    gauge(
        "silent",
        "1 while this member, having lost its ballots, votes for nothing.",
        lambda: member.driver.is_silent,
    )
    gauge(
        "halted", "1 when this member has stopped itself.", lambda: member.driver.halted is not None
    )
    gauge(
        "frames_dropped",
        "Frames dropped because the inbox was full.",
        lambda: member.driver.inbox.dropped,
    )
