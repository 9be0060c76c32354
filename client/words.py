"""What the client says to people, Chinese and English, keyed by a word.

Refusals of the ledger have their sentences in ledger/sentences; here stand the client's own.
Chinese is the first language: English is spoken when asked for, or when the environment's language
is English.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from client.faults import Unreachable, Unusable
from ledger.errors import ClientFault, Malformed, SuyuanError
from ledger.sentences import render

__all__ = ["LANGUAGES", "Words", "language_of", "sentence_of"]

LANGUAGES: Final = ("zh", "en")

_TRY: Final = """
  suyuan trace {entity} --node {url} --genesis {genesis} --proof
  suyuan accesses {dataset} --pairs {pairs} --node {url} --genesis {genesis}"""

# word -> (Chinese, English)
_CATALOGUE: Final[Mapping[str, tuple[str, str]]] = {
    # faults of the client's own
    "file-unreadable": ("无法读取文件 {file}：{reason}", "cannot read {file}: {reason}"),
    "file-unwritable": ("无法写入文件 {file}：{reason}", "cannot write {file}: {reason}"),
    "file-exists": ("文件 {file} 已存在，不会覆盖", "{file} exists already and is not overwritten"),
    "wrong-passphrase": (
        "{account} 的密码不对，密钥未打开",
        "wrong passphrase: the key of {account} stays closed",
    ),
    "no-key": ("没有账户 {account} 的密钥", "no key for the account {account}"),
    "not-json": ("{field} 不是合法的 JSON：{reason}", "{field} is not JSON: {reason}"),
    "malformed-input": ("{field}：{rule}", "{field}: {rule}"),
    "unreachable": ("联系不上节点 {url}：{reason}", "no member answers at {url}: {reason}"),
    "unusable": ("{url} 的回答不可用：{reason}", "no usable answer from {url}: {reason}"),
    "no-terminal": (
        "需要密码：请设置 SUYUAN_PASSPHRASE 或使用 --passphrase-file",
        "a passphrase is needed: set SUYUAN_PASSPHRASE or use --passphrase-file",
    ),
    "passphrases-differ": ("两次输入的密码不一致", "the two passphrases differ"),
    "account-mismatch": (
        "密钥文件属于 {found}，而不是 {account}",
        "the key file is of {found}, not of {account}",
    ),
    "language-unknown": ("语言只能是 zh 或 en", "the language must be zh or en"),
    "no-paper": (
        "证明文件未通过核验，未生成凭据",
        "the bundle does not verify: no receipt is written",
    ),
    "paper-written": ("已写入 {file}，可打印（A4）", "{file} is written, for printing on A4"),
    "needs-genesis": (
        "这里需要 --genesis FILE（或环境变量 SUYUAN_GENESIS）",
        "--genesis FILE (or SUYUAN_GENESIS) is needed here",
    ),
    "needs-keys": ("请给出 --keys DIR,或使用 --scratch", "give --keys DIR, or use --scratch"),
    "scratch-or-node": (
        "--scratch 自己启动联盟，不能与 --node、--keys 同用",
        "--scratch starts its own consortium: it excludes --node and --keys",
    ),
    "consortium-failed": (
        "成员进程 {member} 已退出（状态 {status}），日志：{log}\n{tail}",
        "the process of member {member} ended (status {status}), log: {log}\n{tail}",
    ),
    "consortium-slow": (
        "{seconds} 秒内未能就绪：{waiting}。日志在 {folder}",
        "not ready within {seconds} s: {waiting}. The logs are in {folder}",
    ),
    "found-failed": ("建立联盟失败：{reason}", "founding the consortium failed: {reason}"),
    "file-error": (
        "{file} 第 {line} 行，列 {column}：{rule}",
        "{file}, line {line}, column {column}: {rule}",
    ),
    "interrupted": ("已中断", "interrupted"),
    # keys
    "passphrase-prompt": ("密码", "Passphrase"),
    "passphrase-again": ("再输一次密码", "Passphrase again"),
    "key-made": ("已为 {account} 生成密钥：{file}", "made a key for {account}: {file}"),
    "key-unencrypted": (
        "注意：此密钥未加密，只可用于演示",
        "note: this key is not encrypted; for demonstrations only",
    ),
    "account": ("账户", "Account"),
    "public-key": ("公钥", "Public key"),
    "protection": ("保护", "Protection"),
    "encrypted": ("已加密", "encrypted"),
    "unencrypted": ("未加密（仅供演示）", "not encrypted (demonstration)"),
    "file": ("文件", "File"),
    "no-keys": ("{folder} 里没有密钥文件", "no key files in {folder}"),
    # submit
    "accepted": ("已接受", "accepted"),
    "refused": ("被拒绝", "refused"),
    "pending": ("尚未确认", "not yet certified"),
    "at-height": ("区块高度 {height}", "block {height}"),
    "transaction": ("交易", "Transaction"),
    "receipt-saved": ("回执已存入 {file}（已验证）", "receipt saved in {file} (verified)"),
    # verify, trace
    "asked-unmet": ("所要求的未获满足", "what was asked for is not met"),
    "ask-with-pin": (
        "请重新提问，并带上这个检查点：suyuan ask … --pin 文件；证明中就会附上一致性证明",
        "ask again with that checkpoint, suyuan ask … --pin FILE: the bundle then brings the proof",
    ),
    "taken-as": (
        "“{id}”按 {kind}/{id} 查询；其他种类请写 kind/id，如 lot/…、grant/…",
        "'{id}' was taken as {kind}/{id}; for another kind write kind/id, such as lot/… or grant/…",
    ),
    "kinds-instead": (
        "其中没有这一种；这里有的事件种类：{kinds}",
        "none of this kind; the kinds of events there are: {kinds}",
    ),
    "show-by-page": (
        "各页内容请逐页显示：suyuan verify 文件 --show",
        "to see what the pages hold, show them one by one: suyuan verify FILE --show",
    ),
    "saved": ("已保存 {file}", "saved {file}"),
    "page": ("第 {page} 页", "Page {page}"),
    "ask-by-period": (
        (
            "回答超过一份证明的上限 {limit}（{what}）。"
            "请用 --kind period --from … --until … 提问：所需各页逐一证明，可合并核验。"
        ),
        (
            "The answer would exceed what one bundle holds, {limit} ({what}). Ask with --kind "
            "period --from … --until …: as many pages as it takes are proved, and verified together."
        ),
    ),
    "ask-by-entity": (
        (
            "回答超过一份证明的上限 {limit}（{what}）。"
            "请对其中的每个实体分别提问：--kind history，或更长的用 --kind period。"
        ),
        (
            "The answer would exceed what one bundle holds, {limit} ({what}). Ask about each entity "
            "in it by itself: with --kind history, or --kind period where that is too long."
        ),
    ),
    "pages-whole": (
        "✓ {pages} 页合起来：{entity} 从 {since} 到 {until} 之前的全部 {events} 条记录，无一遗漏",
        (
            "✓ the {pages} pages together: all {events} events of {entity} from {since} until "
            "before {until}, none left out"
        ),
    ),
    "page-not-clean": (
        "✗ 合起来不成立：第 {page} 页未通过核验",
        "✗ not together: page {page} does not verify",
    ),
    "page-of-no-period": (
        "✗ 合起来不成立：第 {page} 页回答的不是一段时间",
        "✗ not together: page {page} does not answer about a period",
    ),
    "page-of-another": (
        "✗ 合起来不成立：第 {page} 页说的是另一个实体",
        "✗ not together: page {page} is about another entity",
    ),
    "page-not-next": (
        "✗ 合起来不成立：第 {page} 页不始于前一页之末",
        "✗ not together: page {page} does not begin where the one before it ends",
    ),
    "page-leaves-out": (
        "✗ 合起来不成立：第 {page} 页与前一页之间另有 {events} 条记录",
        "✗ not together: {events} events stand between page {page} and the one before it",
    ),
    "genesis-from-member": (
        "注意：创世文件取自该节点，未经独立核对（链号 {chain}）",
        "note: the genesis file came from this member and was not checked elsewhere (chain {chain})",
    ),
    # import
    "import-receipts": ("接收表", "Receipts"),
    "import-distributions": ("发放表", "Distributions"),
    "import-rows": ("行数", "rows"),
    "import-findings": ("发现（供审计）", "Findings (for the auditor)"),
    "import-reason": ("原因", "reason"),
    "import-count": ("数量", "count"),
    "report-saved": ("逐行结果已存入 {folder}", "the outcome of every row is in {folder}"),
    # demo
    "demo-title": (
        "溯源演示：四个部门，一本账，武汉 2020年1月24日至2月11日",
        "Suyuan: four departments, one ledger; Wuhan, 24 January to 11 February 2020",
    ),
    "demo-starting": ("启动四个成员", "starting four members"),
    "demo-loaded": ("故事已全部记入账本", "the whole story is on the ledger"),
    "demo-donor": ("捐赠者问：我的捐赠去了哪里？", "A donor asks: where did my donation go?"),
    "demo-citizen": ("市民问：谁看过我的数据？", "A citizen asks: who looked at my data?"),
    "demo-verify": (
        "离线核验：另一进程，只用文件，不联系任何成员",
        "Verified offline: another process, from the files alone, asking no member",
    ),
    "demo-unexpected": (
        "意外：{phase} 的 {call} 应为 {expected}，实为 {code} {sentence}",
        "unexpected: {call} in “{phase}” must end as {expected}, ended as {code} {sentence}",
    ),
    "demo-sum": (
        "共 {steps} 步：{accepted} 步被接受，{refused} 步按规则被拒绝；用时 {seconds} 秒。",
        "{steps} steps: {accepted} accepted, {refused} refused by the rules; {seconds} s.",
    ),
    "demo-clean": ("✓ 两份证明的四项结论全部通过", "✓ all four verdicts of both bundles are clean"),
    "demo-not-clean": ("✗ 有结论未通过", "✗ a verdict is not clean"),
    "demo-files": ("文件在 {folder}", "the files are in {folder}"),
    "demo-up": ("四个成员仍在运行，按 Ctrl-C 结束", "The four members stay up; Ctrl-C ends"),
    "demo-try": (
        "可以试试：" + _TRY,
        "Try:" + _TRY,
    ),
    "handles-unasked": (
        "未核对这些代号是否属于您：请用 --pairs 给出您自己的代号文件。",
        "Whether these handles are yours was not checked: give your own with --pairs.",
    ),
    "demo-member-ended": (
        "成员 {member} 已停止（状态 {status}）；其余成员继续。让它回来：suyuan node run {folder}",
        (
            "member {member} has stopped (status {status}); the others go on. "
            "To bring it back: suyuan node run {folder}"
        ),
    ),
    "demo-stopping": ("正在停止四个成员……", "stopping the four members…"),
    # reasons of an import
    "importing-items": ("导入物资目录", "importing the item master"),
    "importing-rows": ("导入各行", "importing the rows"),
}


def language_of(asked: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Return "zh" or "en": what is asked for, else the environment's English, else Chinese.

    Raises: ClientFault "language-unknown".
    """
    if asked is not None:
        if asked not in LANGUAGES:
            raise ClientFault("language-unknown")
        return asked
    given = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = given.get(name, "")
        if value:
            return "en" if value.lower().startswith("en") else "zh"
    return "zh"


class Words:
    """The client's sentences in one language."""

    __slots__ = ("language",)

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, word: str, **parameters: Any) -> str:
        """Return the sentence of a word, filled. Raises: KeyError for a word nobody wrote (our
        bug).
        """
        return _CATALOGUE[word][self.language == "en"].format(**parameters)


def sentence_of(error: SuyuanError, language: str) -> str:
    """Return one line that tells a person what went wrong."""
    words = Words(language)
    if isinstance(error, ClientFault):
        if error.code in _CATALOGUE:
            return words(error.code, **error.parameters)
        return render(error.code, error.parameters, language)
    if isinstance(error, Malformed):
        return words("malformed-input", field=error.field, rule=error.rule)
    if isinstance(error, Unreachable):
        word = "unusable" if isinstance(error, Unusable) else "unreachable"
        return words(word, url=error.url, reason=error.reason)
    return str(error)
