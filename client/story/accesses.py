"""Who looked at my data: every access and every denial under a person's handles, grant by grant.

A grant under which nothing was ever recorded about the person is listed too: that it is empty is
proved, and is what the person came to hear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from client.story.facts import Branch, Line, Logs, Names, day, events_on
from client.story.phrases import Phrases
from ledger.claims import grants_of, handle_path
from ledger.leaf import Leaf
from ledger.paths import Path

__all__ = ["access_rows", "tell_accesses"]

_DATASHARING: Final = "datasharing"
Records = Mapping[Path, Mapping[str, Any]]


def tell_accesses(
    dataset: Path,
    pairs: Sequence[tuple[str, str]],
    logs: Logs,
    records: Records,
    names: Names,
    language: str,
) -> Branch:
    """Tell a data subject's accesses from verified logs; `pairs` are [grant id, handle hex]."""
    say = Phrases(language)
    rows = access_rows(pairs, logs)
    permitted = sum(row["kind"] == "accessed" for row in rows)
    closing = Line(
        say("accesses-sum", permitted=permitted, denied=len(rows) - permitted, grants=len(pairs)),
        tone="dim",
    )
    named = records.get(dataset, {}).get("name")
    title = (
        say("dataset-named", name=named, id=dataset.id) if named else say("accesses", id=dataset.id)
    )
    life = _lives(logs.get(dataset, ()))
    branches = tuple(
        _grant(grant, handle, life.get(grant, ()), logs, records, names, say)
        for grant, handle in pairs
    )
    return Branch(title, (closing,), branches)


def access_rows(pairs: Sequence[tuple[str, str]], logs: Logs) -> list[dict[str, Any]]:
    """Every access and denial as a plain row, in the order of the chain: for programs."""
    found: dict[tuple[int, int, int], dict[str, Any]] = {}
    for grant, handle in pairs:
        for leaf in events_on(logs, [handle_path(grant, bytes.fromhex(handle))]):
            if leaf.kind in ("accessed", "denied"):
                found[leaf.position] = {
                    "by": leaf.body.get("by"),
                    "fields": list(leaf.body.get("fields", ())),
                    "grant": grant,
                    "height": leaf.height,
                    "kind": leaf.kind,
                    "purpose": leaf.body.get("purpose"),
                    "reason": leaf.body.get("reason"),
                    "time": leaf.time,
                    "user": leaf.body.get("user"),
                }
    return [found[position] for position in sorted(found)]


def _lives(dataset_leaves: Sequence[Leaf]) -> dict[str, list[Leaf]]:
    """How each grant began and ended, by its id: the data set's log says so of all its grants."""
    lives: dict[str, list[Leaf]] = {}
    for leaf in dataset_leaves:
        ended = [str(leaf.body.get("grant"))] if leaf.kind == "revoked" else []
        for grant in [*(path.id for path in grants_of([leaf])), *ended]:
            lives.setdefault(grant, []).append(leaf)
    return lives


def _grant(
    grant: str,
    handle: str,
    life: Sequence[Leaf],
    logs: Logs,
    records: Records,
    names: Names,
    say: Phrases,
) -> Branch:
    record = records.get(Path(_DATASHARING, "grant", grant), {})
    mine = events_on(logs, [handle_path(grant, bytes.fromhex(handle))])
    events = sorted({leaf.position: leaf for leaf in [*life, *mine]}.items())
    lines = [line for _, leaf in events if (line := _line(leaf, names, say)) is not None]
    if not mine:
        lines.append(Line(say("never"), tone="good"))
    user = str(record.get("user", ""))
    title = say("grant-to", id=grant, user=names.party(user)) if user else say("grant", id=grant)
    return Branch(title, tuple(lines))


def _line(leaf: Leaf, names: Names, say: Phrases) -> Line | None:
    body = leaf.body
    signers = [names.account(str(body["by"]))] if "by" in body else []
    fields = say.list([str(name) for name in body.get("fields", ())])
    notes = [say("purpose", purpose=body["purpose"])] if body.get("purpose") else []
    if body.get("reason"):
        notes.append(say("reason", reason=body["reason"]))
    note = " · ".join(notes)
    user = str(body.get("user", ""))
    if leaf.kind == "granted":
        text = say("granted", fields=fields, start=day(body["from"]), end=day(body["until"]))
        return Line(text, leaf.time, tuple(signers), note=note)
    if leaf.kind == "revoked":
        return Line(say("revoked"), leaf.time, tuple(signers), note=note, tone="warn")
    if leaf.kind == "accessed":
        # Both sides signed: the provider's account is `by`, the user's is `user`.
        text = say("accessed", user=names.party(user.split(".")[0]), fields=fields)
        return Line(text, leaf.time, (*signers, names.account(user)), note=note)
    if leaf.kind == "denied":
        text = say("denied", user=names.party(user.split(".")[0]), fields=fields)
        return Line(text, leaf.time, tuple(signers), note=note, tone="bad")
    return None
