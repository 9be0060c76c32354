"""The everyday flow of supplies: donations of nineteen days, inspected, allocated to needs,
shipped, counted, used.

A generator with a memory: it knows what each lot still holds and what each need still lacks, so
that every call it makes is one the contract accepts. Nothing here is real data; the dates are those
of the events, stated in the bodies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client.scenario.goods import DONOR_KINDS, DONOR_PLACES, GOODS, NEEDS, Good
from client.scenario.model import Dice, Step, supplies

__all__ = ["DAYS", "Flow", "HeldLot"]

RECEPTION: Final = "red-cross.reception"
INSPECTOR: Final = "red-cross.inspector"
WAREHOUSE: Final = "red-cross.warehouse"
DISPATCH: Final = "health-commission.dispatch"
APPROVER: Final = "civil-affairs.approver"

DAYS: Final = (
    *(f"2020-01-{day:02}" for day in range(24, 32)),
    *(f"2020-02-{day:02}" for day in range(1, 12)),
)
_DONATIONS_PER_DAY: Final = (
    6,
    7,
    10,
    11,
    13,
    15,
    20,
    14,
    18,
    16,
    20,
    22,
    17,
    16,
    15,
    13,
    12,
    24,
    16,
)
_CARRIERS: Final = ("九州通物流", "红十字会志愿车队", "市应急运输队", "顺丰速运")
_SHORT_COUNTS: Final = {3: 40, 11: 25, 19: 60}  # shipment number -> base units missing at the door
_LOST: Final = 3  # the shipment whose missing goods are declared lost
_NON_CONFORMANT: Final = frozenset((7, 90, 201))  # lots that fail inspection


@dataclass(slots=True)
class HeldLot:
    """A lot in the warehouse and what is neither reserved nor gone, in base units."""

    lot: str
    good: str
    held: int


@dataclass(frozen=True, slots=True)
class _Allocation:
    number: int
    hospital: str
    lots: tuple[tuple[str, int], ...]

    @property
    def allocation(self) -> str:
        return f"health-commission.allocation-{self.number:04}"

    @property
    def shipment(self) -> str:
        return f"red-cross.shipment-{self.number:04}"


class Flow:
    """The state of the flow between its phases."""

    def __init__(self, seed: int) -> None:
        self._dice: Final = Dice(seed)
        self._lots: Final[list[HeldLot]] = []
        self._failed: Final[list[HeldLot]] = []
        self._lacking: Final = {
            f"{need.hospital}.need-{need.good}": need.quantity or 2_000 for need in NEEDS
        }
        self._donations = 0
        self._lot_number = 0
        self._allocations = 0
        self._pending: list[_Allocation] = []
        self._waiting: list[tuple[HeldLot, Step]] = []

    @property
    def donations(self) -> int:
        """How many donations have been received so far."""
        return self._donations

    @property
    def failed(self) -> tuple[HeldLot, ...]:
        """Lots that failed inspection."""
        return tuple(self._failed)

    @staticmethod
    def items() -> list[Step]:
        """Define the item master."""
        return [
            supplies(
                "define_item",
                "health-commission.registrar",
                item=good.item,
                name=good.name,
                base_unit=good.base_unit,
                packs=[list(pack) for pack in good.packs],
            )
            for good in GOODS
        ]

    @staticmethod
    def needs() -> list[Step]:
        """Report what the hospitals need."""
        items = {good.key: good.item for good in GOODS}
        return [
            supplies(
                "report_need",
                f"{need.hospital}.stores",
                need=f"{need.hospital}.need-{need.good}",
                recipient=need.hospital,
                item=items[need.good],
                quantity=need.quantity,
                urgency=need.urgency,
            )
            for need in NEEDS
        ]

    def receive(self, first: int, last: int) -> list[Step]:
        """Receive the donations of DAYS[first:last]."""
        return [
            self._donation(DAYS[day], number)
            for day in range(first, last)
            for number in range(1, _DONATIONS_PER_DAY[day] + 1)
        ]

    def inspect(self) -> list[Step]:
        """Inspect every lot that came since the last inspection."""
        steps = [step for _, step in self._waiting]
        for lot, step in self._waiting:
            passed = step.call.arguments["verdict"] == "conformant"
            (self._lots if passed else self._failed).append(lot)
        self._waiting = []
        return steps

    def propose(self, most: int) -> list[Step]:
        """Propose at most `most` allocations, the most urgent needs first."""
        order = {"stat": 0, "asap": 1, "urgent": 2, "routine": 3}
        steps: list[Step] = []
        for need in sorted(NEEDS, key=lambda entry: order[entry.urgency]):
            identity = f"{need.hospital}.need-{need.good}"
            share = max(1, self._lacking[identity] // 3)
            lots = self._take(need.good, min(share, self._lacking[identity])) if share else ()
            if not lots or len(steps) == most or self._lacking[identity] == 0:
                self._give_back(lots)
                continue
            self._allocations += 1
            entry = _Allocation(self._allocations, need.hospital, lots)
            self._pending.append(entry)
            self._lacking[identity] -= sum(quantity for _, quantity in lots)
            steps.append(
                supplies(
                    "propose",
                    DISPATCH,
                    allocation=entry.allocation,
                    recipient=need.hospital,
                    need=identity,
                    lots=[list(line) for line in lots],
                    reason=f"按紧急程度（{need.urgency}）与入库先后分配",
                )
            )
        return steps

    def approve(self) -> list[Step]:
        """Approve what was proposed, by another department."""
        return [
            supplies("approve", APPROVER, allocation=entry.allocation) for entry in self._pending
        ]

    def ship(self) -> list[Step]:
        """Ship what was approved."""
        return [
            supplies(
                "ship",
                WAREHOUSE,
                shipment=entry.shipment,
                allocation=entry.allocation,
                carrier=_CARRIERS[entry.number % len(_CARRIERS)],
                lots=[list(line) for line in entry.lots],
            )
            for entry in self._pending
        ]

    def hand_over(self) -> list[Step]:
        """The hospitals count what arrived; a few count less than was shipped."""
        steps: list[Step] = []
        for entry in self._pending:
            missing = _SHORT_COUNTS.get(entry.number, 0)
            counted = []
            for lot, quantity in entry.lots:
                short = min(missing, quantity)
                missing -= short
                counted.append([lot, quantity - short])
            condition = "外箱受潮，短少" if entry.number in _SHORT_COUNTS else "完好"
            steps.append(
                supplies(
                    "hand_over",
                    f"{entry.hospital}.stores",
                    shipment=entry.shipment,
                    counted=counted,
                    condition=condition,
                )
            )
        return steps

    def use(self) -> list[Step]:
        """Every second delivery is partly used; ends the round."""
        return [
            supplies(
                "use",
                f"{entry.hospital}.stores",
                lot=entry.lots[0][0],
                shipment=entry.shipment,
                quantity=max(1, (entry.lots[0][1] - _SHORT_COUNTS.get(entry.number, 0)) // 2),
                purpose="发热门诊与隔离病区领用",
            )
            for entry in self._pending
            if entry.number % 2 == 0 and entry.lots[0][1] > 2 * _SHORT_COUNTS.get(entry.number, 0)
        ]

    def lose(self) -> list[Step]:
        """The custodian declares the goods missing from one shipment lost."""
        return [
            supplies(
                "declare_loss",
                WAREHOUSE,
                shipment=entry.shipment,
                lot=entry.lots[0][0],
                quantity=min(_SHORT_COUNTS[_LOST], entry.lots[0][1]),
                reason="运输途中雨淋损毁，经双方清点确认",
            )
            for entry in self._pending
            if entry.number == _LOST
        ]

    def end_round(self) -> None:
        """Forget the allocations of the round that is over."""
        self._pending = []

    def _donation(self, day: str, number: int) -> Step:
        self._donations += 1
        place = DONOR_PLACES[self._dice.below(len(DONOR_PLACES))]
        kind = DONOR_KINDS[self._dice.below(len(DONOR_KINDS))]
        register = f"{day[5:7]}{day[8:]}-{number:03}"
        donation = f"red-cross.donation-{register}"
        lots = [self._lot(donation, index) for index in range(1, 2 + self._dice.pick((7, 2, 1)))]
        donor = DONOR_PLACES.index(place) * len(DONOR_KINDS) + DONOR_KINDS.index(kind)
        return supplies(
            "receive",
            RECEPTION,
            donation=donation,
            donor=f"red-cross.donor-{donor:04}",
            earmark=None,
            attestation="custodian",
            stated_date=day,
            source=f"接收登记 {register}，捐赠方：{place}{kind}",
            lots=lots,
        )

    def _lot(self, donation: str, index: int) -> dict[str, object]:
        good = GOODS[self._dice.pick(tuple(entry.weight for entry in GOODS))]
        unit, label, factor = self._pack(good)
        largest = good.packs[-1][2] if good.packs else 1
        count = 1 + self._dice.below(max(1, good.usual * largest // factor))
        self._lot_number += 1
        lot = HeldLot(f"{donation}.{index}", good.key, count * factor)
        failed = self._lot_number in _NON_CONFORMANT
        step = supplies(
            "inspect",
            INSPECTOR,
            lot=lot.lot,
            verdict="non_conformant" if failed else "conformant",
            note="无产品注册证，转作非医用" if failed else "外观、标识、效期符合",
        )
        self._waiting.append((lot, step))
        return {
            "lot": lot.lot,
            "item": good.item,
            "unit": unit,
            "label": label,
            "count": count,
            "expiry": None,
        }

    def _pack(self, good: Good) -> tuple[str, str, int]:
        packs = (*good.packs, (good.base_unit, "", 1))
        return packs[self._dice.pick((6,) * len(good.packs) + (1,))]

    def _take(self, good: str, quantity: int) -> tuple[tuple[str, int], ...]:
        """The oldest lots of an item up to `quantity`, at most eight."""
        taken: list[tuple[str, int]] = []
        for lot in self._lots:
            if lot.good == good and lot.held and quantity and len(taken) < 8:
                share = min(lot.held, quantity)
                lot.held -= share
                quantity -= share
                taken.append((lot.lot, share))
        return tuple(taken)

    def _give_back(self, lots: tuple[tuple[str, int], ...]) -> None:
        held = {lot.lot: lot for lot in self._lots}
        for identity, quantity in lots:
            held[identity].held += quantity
