"""The whole demonstration, in order: Wuhan, 24 January to 11 February 2020, in our own words and
figures.

Deterministic: the same seed and the same `now` give the same calls, so a run can be repeated on
another chain.
"""

from __future__ import annotations

from typing import Final

from client.scenario.episodes import N95_DONATION, earmarked, n95_case, refused_attempts
from client.scenario.flow import DAYS, Flow
from client.scenario.model import Phase, Scenario, Step
from client.scenario.sharing import DATASET, citizen_pairs, sharing_story

__all__ = ["SEED", "build_scenario"]

SEED: Final = 20200124
_ROUNDS: Final = (  # first day, last day (excluded), most allocations, zh, en
    (0, 7, 26, "1月24日至30日", "24 to 30 January"),
    (7, 13, 28, "1月31日至2月5日", "31 January to 5 February"),
    (13, len(DAYS), 28, "2月6日至11日", "6 to 11 February"),
)


def build_scenario(now: int, seed: int = SEED) -> Scenario:
    """All phases. `now` (ms since 1970 UTC) is when the story is played: grants hold around it."""
    flow = Flow(seed)
    phases = [
        Phase("items", "物资目录与包装换算", "Item master with pack factors", tuple(flow.items())),
        Phase(
            "needs",
            "十二家医院上报需求",
            "Twelve hospitals report their needs",
            tuple(flow.needs()),
        ),
    ]
    for number, (first, last, most, zh, en) in enumerate(_ROUNDS, 1):
        phases += _round(flow, number, first, last, most, zh, en)
        if number == 1:
            phases += n95_case()
        if number == 2:
            phases += earmarked()
            phases += refused_attempts(flow.failed[0].lot)
    phases += sharing_story(now)
    return Scenario(tuple(phases), N95_DONATION, DATASET, citizen_pairs())


def _round(
    flow: Flow, number: int, first: int, last: int, most: int, zh: str, en: str
) -> list[Phase]:
    """One round: received, inspected, allocated, approved, shipped, counted, used."""
    phases: list[Phase] = []

    def add(key: str, title_zh: str, title_en: str, steps: list[Step]) -> None:
        if steps:
            phases.append(
                Phase(f"{key}-{number}", f"{zh}：{title_zh}", f"{en}: {title_en}", tuple(steps))
            )

    add("receive", "接收捐赠", "donations received", flow.receive(first, last))
    add("inspect", "质检", "inspected", flow.inspect())
    add("propose", "按需求提出分配", "allocations proposed", flow.propose(most))
    add("approve", "另一部门审批", "approved by another department", flow.approve())
    add("ship", "发运", "shipped", flow.ship())
    add("hand-over", "医院清点签收", "counted at the hospitals' doors", flow.hand_over())
    add("loss", "申报途中损失", "a loss declared", flow.lose())
    add("use", "领用", "used", flow.use())
    flow.end_round()
    return phases
