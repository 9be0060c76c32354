"""Where did my donation go: lots as branches, then allocations, shipments, hospitals, use; and what
is left.

Only quantities of the donor's own lots are told: an allocation or a shipment may also carry other
people's. What a correction replaced stays in its place, struck through, and the correction says
why. The closing lines of a lot are its counters in the proved record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from client.story.facts import Branch, Line, Logs, Names, amount, events_on, pairs
from client.story.phrases import Phrases
from ledger.leaf import Leaf
from ledger.paths import Path

__all__ = ["tell_donation"]

Records = Mapping[Path, Mapping[str, Any]]
Position = tuple[int, int, int]

_SUPPLIES: Final = "supplies"
# Counters of a lot in the order in which goods move; each has its phrase.
_COUNTERS: Final = (
    ("in_stock", "in_stock", "warn"),
    ("reserved", "reserved", "warn"),
    ("in_transit", "in_transit", "warn"),
    ("delivered", "delivered", "warn"),
    ("used", "used-sum", "good"),
    ("destroyed", "destroyed", "bad"),
    ("declared_loss", "declared_loss", "bad"),
    ("transformed_out", "transformed_out", "dim"),
)


class _Teller:
    """Tells one donation in one language."""

    __slots__ = ("logs", "names", "records", "say")

    def __init__(self, logs: Logs, records: Records, names: Names, say: Phrases) -> None:
        self.logs = logs
        self.records = records
        self.names = names
        self.say = say

    def lot(self, lot: Path) -> Branch:
        """One lot: how it came, what was found, where it went, where it is now."""
        record = self.records.get(lot, {})
        unit = str(record.get("base_unit", ""))
        leaves = events_on(self.logs, [lot])
        corrected = _corrected(leaves)
        lines = [
            _struck(line, leaf, corrected) for leaf in leaves for line in self._lot_lines(leaf, lot)
        ]
        allocations = [
            (path, leaf)
            for leaf in leaves
            if leaf.kind == "proposed"
            for path, _ in leaf.outputs
            if path.kind == "allocation"
        ]
        branches = [self.allocation(path, leaf, lot, unit) for path, leaf in allocations]
        if "item" not in record:
            return Branch(self.say("lot-unknown", id=lot.id), tuple(lines), tuple(branches))
        title = self.say(
            "lot",
            item=self.names.item(str(record["item"])),
            amount=amount(int(record.get("received", 0)), unit),
            id=lot.id,
        )
        return Branch(title, tuple(lines), (*branches, self._now(record, unit)))

    def _lot_lines(self, leaf: Leaf, lot: Path) -> Iterator[Line]:
        body, say = leaf.body, self.say
        if leaf.kind == "received":
            yield self._received(leaf)
        elif leaf.kind == "inspected":
            tone = "good" if body.get("verdict") == "conformant" else "bad"
            yield self._line(leaf, say(str(body["verdict"])), tone, note=str(body.get("note", "")))
        elif leaf.kind == "receipt_corrected" and body.get("lot") == lot.id:
            yield self._receipt_corrected(leaf)

    def _received(self, leaf: Leaf) -> Line:
        body, say = leaf.body, self.say
        quantity = amount(int(body["quantity"]), str(body["base_unit"]))
        custodian = self.names.party(str(body["by"]).split(".")[0])
        notes = [say("source", source=body["source"])] if body.get("source") else []
        if body["unit"] != body["base_unit"]:
            label = str(body.get("label", ""))
            shown = f" × {label}" if label else ""
            count = f"{int(body['count']):,}"
            notes.append(say("received-packs", count=count, unit=body["unit"], label=shown))
        if body.get("stated_date"):
            notes.append(say("stated-date", date=body["stated_date"]))
        if body.get("expiry"):
            notes.append(say("expiry", date=body["expiry"]))
        if body.get("earmark"):
            notes.append(say("earmark", recipient=self.names.party(str(body["earmark"]))))
        if body.get("attestation") == "republished":
            if not body.get("stated_date"):
                notes.append(say("stated-none"))
            notes.append(say("republished"))
        item = self.names.item(str(body["item"]))
        text = say("received", custodian=custodian, item=item, amount=quantity)
        return self._line(leaf, text, note=" · ".join(notes))

    def _receipt_corrected(self, leaf: Leaf) -> Line:
        body, say = leaf.body, self.say
        unit = str(body["base_unit"])

        def goods(state: Mapping[str, Any]) -> str:
            return f"{self.names.item(str(state['item']))} {amount(int(state['quantity']), unit)}"

        void = body.get("reason") == "did_not_occur"
        text = say("receipt-void") if void else say("receipt-corrected", new=goods(body["new"]))
        why = say("explanation", explanation=body.get("explanation", ""))
        return self._line(leaf, text, "warn", note=why, old=goods(body["old"]))

    def _now(self, record: Mapping[str, Any], unit: str) -> Branch:
        if record.get("status") == "void":
            return Branch(self.say("now"), (Line(self.say("void"), tone="warn"),))
        lines = tuple(
            Line(self.say(phrase, amount=amount(int(record[counter]), unit)), tone=tone)
            for counter, phrase, tone in _COUNTERS
            if record.get(counter)
        )
        return Branch(self.say("now"), lines)

    def allocation(self, path: Path, proposed: Leaf, lot: Path, unit: str) -> Branch:
        """One decision to give some of this lot to a recipient, and its shipments."""
        say = self.say
        quantity = sum(number for source, number in proposed.inputs if source == lot)
        recipient = self.names.party(str(proposed.body["recipient"]))
        shown = amount(quantity, unit)
        lines = [
            self._line(
                proposed,
                say("proposed", amount=shown, recipient=recipient),
                note=say("reason", reason=proposed.body.get("reason", "")),
            )
        ]
        branches = []
        for leaf in events_on(self.logs, [path]):
            if leaf.kind == "approved":
                lines.append(self._line(leaf, say("approved")))
            elif leaf.kind == "rejected":
                back = dict(pairs(leaf.body.get("lots"))).get(lot.id, 0)
                why = say("reason", reason=leaf.body.get("reason", ""))
                lines.append(
                    self._line(leaf, say("rejected", amount=amount(back, unit)), "warn", note=why)
                )
            elif leaf.kind == "shipped" and lot.id in dict(pairs(leaf.body.get("lots"))):
                branches += [
                    self.shipment(shipment, lot, recipient, unit)
                    for shipment, _ in leaf.outputs
                    if shipment.kind == "shipment"
                ]
        title = say("allocation", recipient=recipient, amount=shown, id=path.id)
        return Branch(title, tuple(lines), tuple(branches))

    def shipment(self, path: Path, lot: Path, recipient: str, unit: str) -> Branch:
        """One shipment: what was sent of this lot, counted, corrected, lost, used."""
        leaves = events_on(self.logs, [path])
        corrected = _corrected(leaves)
        sent = 0
        lines: list[Line] = []
        for leaf in leaves:
            if leaf.kind == "shipped":
                sent = dict(pairs(leaf.body["lots"])).get(lot.id, 0)
            line = self._shipment_line(leaf, lot, recipient, unit, sent)
            if line is not None:
                lines.append(_struck(line, leaf, corrected))
        record = self.records.get(path, {})
        shipped, missing, unused = _of_lot(record, lot.id) or (sent, 0, 0)
        for quantity, phrase in ((missing, "missing-here"), (unused, "unused-here")):
            if quantity:
                lines.append(Line(self.say(phrase, amount=amount(quantity, unit)), tone="warn"))
        shown = amount(shipped, unit)
        return Branch(
            self.say("shipment", recipient=recipient, amount=shown, id=path.id), tuple(lines)
        )

    def _shipment_line(
        self, leaf: Leaf, lot: Path, recipient: str, unit: str, sent: int
    ) -> Line | None:
        body, say = leaf.body, self.say
        if leaf.kind == "shipped":
            carrier = body.get("carrier", "")
            return self._line(leaf, say("shipped", amount=amount(sent, unit), carrier=carrier))
        if leaf.kind == "handed_over":
            counted = dict(pairs(body["counted"])).get(lot.id, 0)
            given = {"recipient": recipient, "amount": amount(counted, unit)}
            condition = str(body.get("condition", ""))
            note = say("condition", condition=condition) if condition else ""
            if counted < sent:
                missing = amount(sent - counted, unit)
                return self._line(leaf, say("handed-short", missing=missing, **given), "warn", note)
            return self._line(leaf, say("handed-over", **given), "good", note)
        if leaf.kind == "hand_over_corrected":
            new, old = dict(pairs(body["new"])), dict(pairs(body["old"]))
            if lot.id not in new:
                return None
            text = say("handover-corrected", new=amount(new[lot.id], unit))
            why = say("explanation", explanation=body.get("explanation", ""))
            return self._line(leaf, text, "warn", why, amount(old[lot.id], unit))
        if body.get("lot") != lot.id:
            return None
        quantity = amount(int(body.get("quantity", 0)), unit)
        if leaf.kind == "used":
            purpose = str(body.get("purpose", ""))
            note = say("used-for", purpose=purpose) if purpose else ""
            return self._line(leaf, say("used", amount=quantity), "good", note)
        if leaf.kind == "loss_declared":
            return self._line(leaf, say("lost", amount=quantity, reason=body["reason"]), "bad")
        return None

    def _line(
        self, leaf: Leaf, text: str, tone: str = "plain", note: str = "", old: str = ""
    ) -> Line:
        signers = tuple(
            self.names.account(str(leaf.body[name]))
            for name in ("by", "confirmed_by")
            if name in leaf.body
        )
        return Line(text, leaf.time, signers, old, note, tone)


def tell_donation(path: Path, logs: Logs, records: Records, names: Names, language: str) -> Branch:
    """Tell a donation (or one lot) from verified logs and records."""
    say = Phrases(language)
    teller = _Teller(logs, records, names, say)
    if path.kind == "lot":
        lots = [path]
        title = say("lot-unknown", id=path.id)
    else:
        lots = list(
            dict.fromkeys(
                product
                for leaf in events_on(logs, [path])
                for product, _ in leaf.outputs
                if product.contract == _SUPPLIES and product.kind == "lot"
            )
        )
        donor = str(records.get(path, {}).get("donor", ""))
        title = (
            say("donation-from", id=path.id, donor=names.organisations.get(donor, donor))
            if donor
            else say("donation", id=path.id)
        )
    count = len(events_on(logs, logs))
    closing = Line(say("events", count=count), tone="dim")
    return Branch(title, (closing,), tuple(teller.lot(lot) for lot in lots))


def _of_lot(record: Mapping[str, Any], lot: str) -> tuple[int, int, int] | None:
    """What a shipment's record says of a lot: shipped, neither counted nor lost, counted but not
    used.
    """
    for line in record.get("lines", ()):
        name, shipped, counted, lost, used = line
        if name == lot:
            return shipped, shipped - counted - lost, counted - used
    return None


def _corrected(leaves: list[Leaf]) -> set[Position]:
    """The positions of the events that later ones correct."""
    found: set[Position] = set()
    for leaf in leaves:
        corrects = leaf.body.get("corrects")
        if isinstance(corrects, list | tuple) and len(corrects) == 3:
            height, transaction, event = corrects
            found.add((height, transaction, event))
    return found


def _struck(line: Line, leaf: Leaf, corrected: set[Position]) -> Line:
    return replace(line, tone="struck") if leaf.position in corrected else line
