"""suyuan ask ABOUT --kind KIND: ask a member any question a proof answers, verify it, keep it.

A period of more events than a bundle holds is answered page by page, each page a file of its own.

Exit 0: answered, and the proof holds. 1: what was asked about does not exist, or of an absence does
exist, which is proved too. 2: an option cannot be used, the ledger refuses the question, or nobody
can be reached.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from client.cli.answer import ShowOption, answer_value, print_answer, print_hints
from client.cli.conditions import MaxAgeOption, PinOption, open_pin
from client.cli.options import (
    GenesisOption,
    JsonOption,
    LanguageOption,
    NodeOption,
    addresses,
    genesis_or_fetched,
)
from client.cli.pages import in_parts, kept, show_pages
from client.cli.questions import (
    EventOption,
    FromOption,
    HeightOption,
    IndexOption,
    Kind,
    Narrowed,
    PairsOption,
    UntilOption,
    claim_of,
    require_own_chain,
)
from client.cli.screen import EXIT_FAILED, Screen
from client.cli.witness import witness_prefix
from client.limits import ROUNDS_ASKING
from client.paging import Paging, Together
from client.sdk import Client
from client.session import clean_url
from client.transport import HttpTransport
from client.verify import verify_now
from client.witness.attaching import WITNESSES_MAX, witnessed
from ledger.claims import Claim, Period
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.notes import VerifierKey

__all__ = ["ask"]

_Attach = Callable[[Callable[[], bytes]], bytes]

_Witness = Annotated[
    list[str] | None,
    typer.Option(
        "--witness",
        help="见证人的地址，其签名将附入证明。An outside witness whose cosignature is attached.",
        show_default=False,
    ),
]
_WitnessKey = Annotated[
    list[str] | None,
    typer.Option(
        "--witness-key", help="其公钥，逐一对应。Its verifier key, one each.", show_default=False
    ),
]


def ask(
    about: Annotated[
        str,
        typer.Argument(
            help="编号，或 kind/id，或 contract/kind/id；或交易号；或检查点文件。"
            "An entity; a transaction's id; a checkpoint's file.",
            show_default=False,
        ),
    ],
    kind: Annotated[Kind, typer.Option("--kind", help="何种问题。Which question.")] = "trace",
    event: EventOption = None,
    since: FromOption = None,
    until: UntilOption = None,
    height: HeightOption = None,
    index: IndexOption = None,
    pairs: PairsOption = None,
    node: NodeOption = None,
    genesis: GenesisOption = None,
    max_age: MaxAgeOption = None,
    pin: PinOption = None,
    witness: _Witness = None,
    witness_key: _WitnessKey = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="保存证明文件。Save the bundle.", show_default=False),
    ] = None,
    show: ShowOption = False,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """任何可证明的问题。Any question that a proof answers, with its bundle."""
    screen = Screen(language)
    claim = claim_of(kind, about, Narrowed(event, since, until, height, index, pairs))
    witnesses = _witnesses(witness or [], witness_key or [])
    urls = addresses(node)
    chain = genesis_or_fetched(screen, genesis, urls)
    require_own_chain(kind, about, chain.origin)
    held = open_pin(pin)
    with (
        in_parts(claim),
        Client(
            urls, chain, language=screen.language, max_age_s=max_age, patience=ROUNDS_ASKING
        ) as client,
    ):
        attach = _attaching(client, urls, chain, witnesses)
        answers = kept(screen, out, _answers(client, claim, held, attach))
        first, several = next(answers)
        if several:
            together = Together(chain, held)
            pages = ((page, max_age) for page, _ in itertools.chain([(first, True)], answers))
            met = show_pages(screen, together, pages, json) and together.claim == claim
            if show:
                screen.note(screen.say("show-by-page"))
        else:
            report = verify_now(first, chain, max_age_s=max_age, pin=held)
            met = report.claim == claim  # else its absence, or presence, is what was proved
            if json:
                screen.json(answer_value(report, screen.language, show))
            else:
                print_answer(screen, report, chain, show)
                print_hints(screen, report, about)
    if not met:
        raise typer.Exit(EXIT_FAILED)


def _witnesses(urls: list[str], keys: list[str]) -> list[tuple[str, VerifierKey]]:
    if len(urls) != len(keys) or len(urls) > WITNESSES_MAX:
        raise Malformed("--witness", f"needs a --witness-key each, and at most {WITNESSES_MAX}")
    parsed = [VerifierKey.parse(key, "--witness-key") for key in keys]
    if len({key.name for key in parsed}) != len(parsed):
        raise Malformed("--witness-key", "names one witness twice")
    return [(witness_prefix(url), key) for url, key in zip(urls, parsed, strict=True)]


def _answers(client: Client, claim: Claim, pin: str | None, attach: _Attach) -> Iterator[bytes]:
    """The one bundle that answers; of a long period its pages."""
    if not isinstance(claim, Period):
        yield attach(lambda: client.prove(claim, pin))
        return
    paging = Paging(claim, pin)
    while not paging.done:
        page = attach(lambda: client.page(paging))
        paging.turn(page)
        yield page


def _attaching(
    client: Client, urls: list[str], chain: Genesis, witnesses: list[tuple[str, VerifierKey]]
) -> _Attach:
    """What asks, and puts the witnesses' cosignatures into what was answered."""
    if not witnesses:
        return lambda ask: ask()
    if len(urls) != 1:
        raise Malformed("--node", "must be one member with --witness: it is its log they sign")
    member = str(client.health().get("member"))

    def attach(ask: Callable[[], bytes]) -> bytes:
        with HttpTransport() as transport:
            return witnessed(transport, clean_url(urls[0]), member, chain, witnesses, ask)

    return attach
