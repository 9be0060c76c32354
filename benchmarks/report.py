"""The figures as a table for people. Pure but for the printing."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["print_report"]

Row = tuple[str, ...]


def print_report(report: dict[str, Any], console: Console) -> None:
    """Print what was measured, on what, side by side, then the stages."""
    machine = report["machine"]
    console.print(
        f"\n{report['date']} · {machine['cores']} cores, {machine['processor']}, "
        f"{machine['memory']}, {machine['system']}, Python {machine['python']}, "
        f"Suyuan {report['version']}, {report['suyuan']['store']}"
    )
    console.print(f"{report['command']}\n", highlight=False)
    console.print(_comparison(report["suyuan"], report["etcd"]))
    console.print(_stages(report["suyuan"]))
    console.print(_stored(report["suyuan"]))
    ours = report["suyuan"]
    console.print(
        f"{ours['full']['receipts_verified']} receipts (1%) verified during full load, all clean; "
        f"{ours['low']['verify_ms']:.2f} ms each; {ours['accounts']:,} accounts, "
        f"{ours['entities']:,} entities loaded before "
        f"({ours['preload']['entities_per_second']:,.0f}/s)."
    )
    if report["etcd"] is None:
        console.print("etcd was left out, or is not installed (Debian: etcd-server, etcd-client).")
    else:
        console.print(
            f"etcd {report['etcd']['version']}: values of {report['etcd']['value_bytes']} bytes, "
            "unsigned, without rules or proofs, against crashes only; WAL segments are "
            "preallocated, 64 MB each."
        )


def _comparison(ours: dict[str, Any], etcd: dict[str, Any] | None) -> Table:
    table = Table(title="Committed, certified and receipted, everything on this machine")
    table.add_column("")
    table.add_column("Suyuan, 4 members", justify="right")
    columns = [_column(ours["full"], ours["low"], ours["disk_bytes_per_transaction"])]
    if etcd is not None:
        table.add_column("etcd, 3, a put a request", justify="right")
        table.add_column("etcd, 3, puts in batches", justify="right")
        columns.append(_column(etcd["full"], etcd["low"], etcd["disk_bytes_per_put"]))
        columns.append(_column(etcd["batched"], None, None))
    names = (
        "transactions per second",
        "latency at full load, p50 / p99, ms",
        "latency at low load, p50 / p99, ms",
        "CPU a transaction, µs: all",
        "  members together",
        "  clients",
        "cores in use",
        "growth of the disk, bytes a transaction and member",
    )
    for name, *cells in zip(names, *columns, strict=True):
        table.add_row(name, *cells)
    return table


def _column(full: dict[str, Any], low: dict[str, Any] | None, disk: float | None) -> Row:
    cpu = full["cpu_us_per_transaction"]
    return (
        f"{full['rate']:,.0f}",
        _pair(full),
        "" if low is None else _pair(low),
        f"{cpu['all']:,.0f}",
        f"{cpu['members']:,.0f}",
        f"{cpu['clients']:,.0f}",
        f"{full['cores_used']:.2f}",
        "" if disk is None else f"{disk:,.0f}",
    )


def _pair(window: dict[str, Any]) -> str:
    return f"{window['p50_ms']:,.1f} / {window['p99_ms']:,.1f}"


def _stages(ours: dict[str, Any]) -> Table:
    table = Table(title="CPU a transaction by stage, µs")
    table.add_column("stage")
    table.add_column("all members", justify="right")
    table.add_column("a member", justify="right")
    cpu = ours["full"]["cpu_us_per_transaction"]
    for stage, spent in cpu["stages_of_all_members"].items():
        table.add_row(stage, f"{spent:,.1f}", f"{spent / ours['members']:,.1f}")
    table.add_section()
    total = cpu["members"]
    table.add_row("sum", f"{total:,.1f}", f"{total / ours['members']:,.1f}")
    return table


def _stored(ours: dict[str, Any]) -> Table:
    table = Table(title="Bytes stored a transaction and member, before the engine's compression")
    table.add_column("kind")
    table.add_column("bytes", justify="right")
    sizes = ours["stored_bytes_per_transaction"]
    for kind, size in sizes.items():
        table.add_row(kind, f"{size:,.0f}")
    table.add_section()
    table.add_row("sum", f"{sum(sizes.values()):,.0f}")
    table.add_row("of a transaction itself", f"{ours['raw_bytes_per_transaction']:,.0f}")
    return table
