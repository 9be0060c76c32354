"""What an operator watches: counters and gauges of one member in the Prometheus text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from consensus.evidence import Evidence, Finding
from node.execution import Executed

__all__ = ["Metrics"]

_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


class Metrics:
    """The metrics of one member, in a registry of its own (several members may share a process in
    tests).
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._blocks = Counter(
            "suyuan_blocks_executed", "Blocks executed.", registry=self._registry
        )
        self._transactions = Counter(
            "suyuan_transactions_executed", "Transactions executed.", registry=self._registry
        )
        self._sizes = Histogram(
            "suyuan_block_transactions",
            "Transactions of a block.",
            buckets=_SIZES,
            registry=self._registry,
        )

        self._evidence = Counter(
            "suyuan_evidence",
            "Proofs seen that a member contradicted itself.",
            ["member"],
            registry=self._registry,
        )
        self._suspicions = Counter(
            "suyuan_suspicions",
            "Faults seen of a member, proved to nobody else.",
            ["member"],
            registry=self._registry,
        )

    def reported(self, finding: Finding) -> None:
        """Count a finding against a member."""
        counter = self._evidence if isinstance(finding, Evidence) else self._suspicions
        counter.labels(finding.member).inc()

    def executed(self, block: Executed) -> None:
        """Count an executed block."""
        self._blocks.inc()
        self._transactions.inc(len(block.transactions))
        self._sizes.observe(len(block.transactions))

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge whose value is read when it is asked for."""
        Gauge(f"suyuan_{name}", text, registry=self._registry).set_function(read)

    def exposition(self) -> tuple[bytes, str]:
        """Return the text format and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
