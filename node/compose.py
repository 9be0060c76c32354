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
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from consensus.certification import Certifier
from consensus.epoch import Epoch
from consensus.replica import Replica, Start
from consensus.settings import CertifierSettings, Settings
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated
from network.links import Links
from node.admission import Admission
from node.answers import Answers
from node.api.app import create_app
from node.archive import CERTIFIER_RECORD, ENGINE_RECORD, Archive
from node.beside import Beside
from node.blocks import Blocks
from node.catch_up import CatchUp
from node.clock import Clock
from node.config import MemberConfig
from node.door import DoorProtocol
from node.driver import Driver
from node.execution import Executed, Executor
from node.member import Member
from node.metrics import Metrics
from node.proofs import Proofs
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


async def serve(config: MemberConfig) -> None:
    """Build, start and serve; returns after a clean stop.

    Raises: InvariantViolated (among them the store's errors) when the member cannot start.
    """
    archive = Archive(open_store(config.data, config.store_engine), config.genesis.chain_id)
    try:
        # The address is claimed first: a member whose door cannot open must not begin to vote.
        door = _door(config)
        member, links = build(config, archive)
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS, 20, 50)
        sys.setswitchinterval(SWITCH_SECONDS)
        await links.start()
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


def build(config: MemberConfig, archive: Archive) -> tuple[Member, Links]:
    """Compose the parts of a member over an open archive; nothing moves until they are started."""
    genesis, clock = config.genesis, Clock(config.clock_offset_ms)
    stages = Stages()
    executor = Executor(genesis, archive, stages)
    waiting = Waiting()
    kept = _kept_certificate(config, archive, executor)
    replica, certifier = _machines(config, archive, executor, kept)
    driver = Driver(genesis, archive, executor, replica, certifier, clock, waiting, stages)
    driver.certificate = kept
    links = Links(
        config.id,
        _own_certificate(config),
        config.keys.tls_key,
        {
            member.id: (
                config.peers[member.id].host,
                config.peers[member.id].port,
                member.tls_certificate,
            )
            for member in genesis.members.members
            if member.id != config.id
        },
        (config.listen.host, config.listen.port),
        driver.on_frame,
    )
    catch_up = CatchUp(genesis, config.id, archive, driver, links)
    driver.connect(links, catch_up)
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
        blocks=blocks,
        proofs=proofs,
        answers=Answers(blocks, proofs, stages),
        questions=Beside("questions", QUESTIONS_MAX),
        metrics=metrics,
        stages=stages,
        tlog=Tlog(
            genesis, config.id, config.keys.log, MemberChain(driver, executor, archive), clock
        ),
    )
    driver.on_executed.append(lambda block: _forget_keys(member, block))
    _gauges(member)
    return member, links


def _machines(
    config: MemberConfig, archive: Archive, executor: Executor, certificate: Certificate | None
) -> tuple[Replica, Certifier]:
    genesis = config.genesis
    epoch = Epoch(0, genesis.members)
    replica = Replica(
        config.id,
        epoch,
        genesis.chain_id,
        genesis.origin,
        config.keys.vote,
        Settings(),
        Start(executor.height, executor.time, certificate),
        archive.records(ENGINE_RECORD),
    )
    certifier = Certifier(
        config.id,
        epoch,
        genesis.origin,
        config.keys.cosigner,
        CertifierSettings(),
        archive.records(CERTIFIER_RECORD),
    )
    return replica, certifier


def _kept_certificate(
    config: MemberConfig, archive: Archive, executor: Executor
) -> Certificate | None:
    kept = archive.certificate()
    if kept is None:
        return None
    size, note = kept
    # The newest certificate is written unsynced: after a loss of power it may be ahead of the
    # blocks.
    return Certificate.from_note(note, config.genesis.members) if size <= executor.height else None


def _own_certificate(config: MemberConfig) -> bytes:
    own = config.genesis.members.get(config.id)
    if own is None:
        raise InvariantViolated(f"{config.id} is not a member")
    return own.tls_certificate


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
    gauge("waiting", "Transactions of clients waiting here.", lambda: len(member.waiting))
    gauge("entities", "Entries of the state tree.", lambda: len(member.executor.tree))
    gauge(
        "halted", "1 when this member has stopped itself.", lambda: member.driver.halted is not None
    )
    gauge(
        "frames_dropped",
        "Frames dropped because the inbox was full.",
        lambda: member.driver.inbox.dropped,
    )
