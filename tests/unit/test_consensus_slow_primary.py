"""R-TL-7: a primary that stays just below the timeout does not throttle for ever."""

from __future__ import annotations

from consensus import Settings, Suspicion
from consensus import messages as wire
from consensus.patience import Tenure
from tests.simulator import plan, world
from tests.simulator.stage import SETTINGS, Stage

TENURE = SETTINGS.tenure_factor * SETTINGS.timeout_ticks
JUST_BELOW = SETTINGS.timeout_ticks * 8 // 10  # resends come each 10 ticks: never above it


def keep_back(stage: Stage, primary: str, ticks: int) -> None:
    """The proposals of a primary leave it only after so many ticks."""
    first: dict[tuple[int, int], int] = {}

    def rule(sender: str, _: str, one: wire.Message) -> bool:
        if sender != primary or not isinstance(one, wire.PrePrepare):
            return False
        since = first.setdefault((one.view, one.sequence), stage.now)
        return stage.now - since < ticks * 10

    stage.lose(rule)


def serve(stage: Stage, name: str, first: int, ticks: int) -> int:
    """A client of a member sends one request after the other; return how many were executed."""
    number, ends = first, stage.now + ticks * 10
    while stage.now < ends:
        stage.submit(name, number)
        stage.until(lambda wanted=number: wanted in stage.executed_numbers(name))  # type: ignore[misc]
        stage.ticks(1)
        number += 1
    return number - first


def test_a_primary_just_below_the_timeout_is_replaced_after_its_tenure() -> None:
    """R-TL-7: whoever the clients talk to, all members see the requests lie, and leave together."""
    stage = Stage()
    keep_back(stage, "m0", JUST_BELOW)
    slow = serve(stage, "m1", 0, TENURE)
    assert {member.replica.view for member in stage.members} == {0}, "no timeout has passed"
    assert slow <= TENURE // JUST_BELOW + 1
    serve(stage, "m1", 1_000, TENURE)
    assert {member.replica.view for member in stage.members} == {1}
    assert ("m1", f"reports {Suspicion('m0', 'slow')}") in stage.story
    assert serve(stage, "m1", 3_000, 100) > 10 * slow * 100 // TENURE


def test_a_primary_left_for_slowness_leaves_the_next_one_twice_the_time() -> None:
    """R-TL-7: if the load is to blame, leaving must not go on at the same pace."""
    stage = Stage()
    keep_back(stage, "m0", JUST_BELOW)
    before = stage["m1"].replica._patience.tenure.budget
    serve(stage, "m1", 0, TENURE + 4 * JUST_BELOW)
    assert {member.replica.view for member in stage.members} == {1}
    budgets = [member.replica._patience.tenure.budget for member in stage.members]
    assert max(budgets) == 2 * before


def test_who_keeps_requests_from_the_primary_does_not_make_it_look_slow() -> None:
    """R-TL-4, R-TL-7: f members and their clients force no view change of a healthy consortium.

    Each request reaches m1 and m2 only; they say it to the primary themselves before they count.
    """
    stage = Stage()
    for number in range(8 * TENURE // (SETTINGS.timeout_ticks // 4)):
        spread = wire.Transactions((stage.transaction(number).raw,))
        stage.inject("m3", "m1", spread)
        stage.inject("m3", "m2", spread)
        stage.until(lambda wanted=number: wanted in stage.executed_numbers("m1"))  # type: ignore[misc]
    assert stage["m1"]._ticks > TENURE
    assert {member.replica.view for member in stage.members} == {0}
    assert stage["m1"].replica._patience.tenure.spent == 0


def test_an_idle_or_prompt_primary_uses_up_nothing() -> None:
    stage = Stage()
    for number in range(50):
        stage.submit("m2", number)
        stage.ticks(20)
    assert stage["m2"].replica._patience.tenure.spent == 0


def test_a_window_that_is_full_is_not_the_primarys_fault() -> None:
    """R-CP-1: nothing may be proposed before more is certified."""
    stage = Stage()
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    for number in range(SETTINGS.window + 1):
        stage.submit("m1", number)
    stage.ticks(SETTINGS.timeout_ticks // 2)
    assert stage["m1"].replica._patience.tenure.spent == 0


def test_slowness_adds_up_over_requests_and_the_tenure_doubles_up_to_a_cap() -> None:
    """R-TL-7, R-TL-4: where all primaries look slow, leaving becomes rare and stays possible."""
    settings = Settings(
        timeout_ticks=40, timeout_cap_ticks=40, tenure_factor=2, tenure_cap_factor=7
    )
    tenure = Tenure(settings)
    tenure.entered(100)
    for request in range(8):  # each lies for 20 ticks, 10 of them beyond a quarter of the timeout
        since = 200 + 20 * request
        verdicts = [tenure.look(since, since + waited, told=True) for waited in range(20)]
        assert verdicts == [False] * 20
    assert tenure.spent == 80
    assert not tenure.look(500, 600, told=False), "what it may not hold does not count"
    assert not tenure.look(500, 509, told=True)
    assert tenure.look(500, 510, told=True)
    budgets = []
    for _ in range(3):
        tenure.left()
        tenure.entered(1_000)
        budgets.append(tenure.budget)
    assert budgets == [160, 280, 280]
    assert tenure.spent == 0
    assert not tenure.look(0, 1_009, told=True), "what waited under another is not its doing"
    assert tenure.spent == 0
    for tick in range(78):
        tenure.look(tick, tick, told=True)
    assert tenure.budget == 280
    tenure.look(80, 80, told=True)
    assert tenure.budget == 80, "one that serves promptly for long ends the doubling"


def test_the_caps_exceed_the_worst_delay_that_is_simulated() -> None:
    """R-TL-1, R-TL-7: a capped patience must still outlast a round on the slowest network.

    A view change and one round in it are seven messages one after the other, of which a slow
    primary keeps one back, its proposal.
    """
    slowest = max(plan.generate(seed).delay_most for seed in range(500))
    assert slowest >= 400
    settings = world.World(plan.generate(1)).settings
    cap_ms = settings.timeout_cap_ticks * plan.TICK_MS
    assert cap_ms > 7 * slowest + world.SLOW_MS
    assert settings.tenure_cap_factor * settings.timeout_ticks * plan.TICK_MS > 7 * slowest
    shipped = Settings()
    assert shipped.timeout_cap_ticks * 10 > 7 * slowest + world.SLOW_MS
    assert shipped.tenure_cap_factor > shipped.tenure_factor
