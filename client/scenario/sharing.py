"""The data-sharing story: from catalogue through request and grant to three accesses, a denial, a
revocation, and an access after it that is refused.

Persons appear only as handles: 32 opaque bytes per (data set, grant, person), here tagged hashes of
invented case numbers. The citizen who asks "who looked at my data?" holds one handle per grant;
under the second grant nobody looked at him, which his bundle proves as well.
"""

from __future__ import annotations

from typing import Any, Final

from client.calls import ACCEPTED, Call
from client.scenario.model import Phase, Step
from ledger.codec import encode
from ledger.hashing import tagged

__all__ = ["CITIZEN", "DATASET", "citizen_pairs", "handle", "sharing_story"]

DATASET: Final = "health-commission.dataset-observation"
RELIEF: Final = "health-commission.grant-relief"
COMMUNITY: Final = "health-commission.grant-community"
CITIZEN: Final = "case-0427"
_STEWARD: Final = "health-commission.data"
_OFFICER: Final = "civil-affairs.relief"
_NEIGHBOUR: Final = "civil-affairs.community"
_HOUR: Final = 3_600_000  # ms
_DAY: Final = 24 * _HOUR
_FIELDS: Final = ("居住社区", "隔离起始日期", "隔离状态", "生活物资需求")


def handle(grant: str, case: str) -> bytes:
    """The handle of an invented case under a grant: 32 bytes."""
    return tagged("demo-handle", encode([DATASET, grant, case]))


def citizen_pairs() -> tuple[tuple[str, bytes], ...]:
    """The citizen's (grant, handle), one per grant of the data set."""
    return (RELIEF, handle(RELIEF, CITIZEN)), (COMMUNITY, handle(COMMUNITY, CITIZEN))


def sharing_story(now: int) -> list[Phase]:
    """The phases, with grants from an hour before `now` (ms since 1970 UTC) for 30 days."""
    revoked = _call(
        "revoke", _STEWARD, grant=RELIEF, reason="居家隔离配送改由街道统一负责，用途已终止"
    )
    late = _access(
        RELIEF, _OFFICER, "relief-delivery", [CITIZEN], [_FIELDS[0]], expected="grant-revoked"
    )
    told: tuple[tuple[str, str, str, list[Step]], ...] = (
        (
            "catalogue",
            "发布数据目录：有条件共享",
            "Catalogue: shared under conditions",
            [_publish()],
        ),
        (
            "requests",
            "共享申请：用途、依据、字段、期限",
            "Requests with their purpose",
            _requests(now),
        ),
        ("grants", "提供部门授权", "Grants by the providing department", _grants(now)),
        ("accesses", "先记录、后取数", "Accesses, recorded before the data leaves", _accesses()),
        (
            "denial",
            "超范围调取被拒并留痕",
            "A query out of scope is denied, on record",
            [_denial()],
        ),
        ("revocation", "撤销授权", "The grant is revoked", [revoked]),
        ("after-revocation", "撤销之后的调取被拒", "An access after it is refused", [late]),
    )
    return [Phase(key, zh, en, tuple(steps)) for key, zh, en, steps in told]


def _requests(now: int) -> list[Step]:
    relief, visit = "为居家隔离人员配送生活物资", "社区上门探访安排"
    return [
        _request(RELIEF, _OFFICER, "relief-delivery", relief, list(_FIELDS), _period(now)),
        _request(COMMUNITY, _NEIGHBOUR, "community-visit", visit, list(_FIELDS[:2]), _period(now)),
    ]


def _grants(now: int) -> list[Step]:
    granted = ((RELIEF, list(_FIELDS)), (COMMUNITY, list(_FIELDS[:2])))
    return [
        _call("grant", _STEWARD, grant=grant, request=_asked(grant), fields=fields, **_period(now))
        for grant, fields in granted
    ]


def _period(now: int) -> dict[str, int]:
    return {"from": now - _HOUR, "until": now + 30 * _DAY}


def _publish() -> Step:
    sensitivity = ("general", "sensitive", "sensitive", "general")
    return _call(
        "publish",
        _STEWARD,
        dataset=DATASET,
        name="居家隔离观察名册",
        share_type="conditional",
        fields=[list(pair) for pair in zip(_FIELDS, sensitivity, strict=True)],
        purposes=["relief-delivery", "community-visit", "statistics"],
    )


def _asked(grant: str) -> str:
    return "civil-affairs.request-" + grant.rsplit("-", 1)[1]


def _request(
    grant: str, account: str, purpose: str, basis: str, fields: list[str], period: dict[str, int]
) -> Step:
    return _call(
        "request",
        account,
        request=_asked(grant),
        dataset=DATASET,
        purpose=purpose,
        legal_basis=f"传染病防治法第十二条；{basis}",
        fields=fields,
        **period,
    )


def _accesses() -> list[Step]:
    """Three accesses touch the citizen, the others only other people."""
    groups = (
        [CITIZEN, "case-0391", "case-0455"],
        ["case-0391", "case-0502"],
        [CITIZEN],
        [f"case-{number:04}" for number in range(600, 624)],
        [CITIZEN, *(f"case-{number:04}" for number in range(430, 442))],
    )
    relief = [
        _access(RELIEF, _OFFICER, "relief-delivery", cases, [_FIELDS[0], _FIELDS[3]])
        for cases in groups
    ]
    visit = _access(
        COMMUNITY, _NEIGHBOUR, "community-visit", ["case-0391", "case-0555"], [_FIELDS[0]]
    )
    return [*relief, visit]


def _access(
    grant: str,
    user: str,
    purpose: str,
    cases: list[str],
    fields: list[str],
    expected: str = ACCEPTED,
) -> Step:
    handles = [handle(grant, case) for case in cases]
    arguments = {"grant": grant, "handles": handles, "fields": fields, "purpose": purpose}
    return Step(Call("datasharing", "access", arguments, (_STEWARD, user)), expected)


def _denial() -> Step:
    return _call(
        "deny",
        _STEWARD,
        grant=RELIEF,
        handles=[handle(RELIEF, "case-0391")],
        fields=[_FIELDS[2]],
        purpose="statistics",
        reason="用途与授权不符",
    )


def _call(function: str, account: str, /, **arguments: Any) -> Step:
    return Step(Call("datasharing", function, arguments, (account,)))
