"""The page: A4, black on white, Chinese first and English second, nothing loaded from anywhere.

No script, no font, no address is fetched; a Content-Security-Policy says so to the browser. All
text from the ledger is written as text, and what is hidden in it is made visible.
"""

from __future__ import annotations

from html import escape
from typing import Final

from client.receipt.code import code_svg
from client.receipt.essentials import Essentials, code_text
from client.receipt.wording import HOW, KEEP_PIN, MORE_NOTES
from client.rendering import printable
from client.story.partial import outcome_words
from ledger.claims import Receipt
from ledger.instants import china_time, utc_time
from ledger.verdict import Line, Note, Report

__all__ = ["receipt_page"]

NOTES_MAX: Final = 3  # of more the page says how many the file holds
_MARKS: Final = {"clean": "✓", "qualified": "△", "failed": "✗"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = """
@page { size: A4 portrait; margin: 10mm 15mm; }
* { box-sizing: border-box; }
html { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
body { margin: 0 auto; max-width: 180mm; padding: 8mm 0; color: #000; background: #fff;
  font: 8.7pt/1.27 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei",
  "WenQuanYi Zen Hei", sans-serif; }
header { display: flex; gap: 6mm; align-items: flex-start; border-bottom: 1.2pt solid #000;
  padding-bottom: 2.5mm; }
header div { flex: 1; min-width: 0; }
h1 { font-size: 17pt; margin: 0 0 3mm; letter-spacing: .06em; }
h1 small { font-size: 10pt; font-weight: normal; letter-spacing: 0; margin-left: .6em; }
h2 { font-size: 10pt; margin: 3mm 0 .6mm; }
.asked { font-size: 12.5pt; margin: 0; overflow-wrap: anywhere; }
.en { color: #333; font-size: 8pt; }
p { margin: .6mm 0; overflow-wrap: anywhere; }
svg { width: 50mm; height: 50mm; flex: none; }
table { border-collapse: collapse; width: 100%; margin-top: 1.5mm; }
th, td { text-align: left; vertical-align: top; padding: .4mm 0; border-bottom: .3pt solid #999; }
th { width: 46mm; font-weight: normal; }
td { overflow-wrap: anywhere; }
code, pre { font: 8.4pt/1.35 "DejaVu Sans Mono", "Noto Sans Mono", Consolas, monospace;
  overflow-wrap: anywhere; white-space: pre-wrap; }
pre { margin: 1mm 0; padding: 1.5mm 2mm; border: .6pt solid #000; }
ul { list-style: none; margin: 0; padding: 0; }
li { padding: .3mm 0 .3mm 6mm; position: relative; break-inside: avoid; }
li b { position: absolute; left: 0; }
ol { margin: 0; padding-left: 5mm; columns: 2; column-gap: 9mm; }
ol li { padding-left: 0; }
footer { margin-top: 2.5mm; border-top: 1.2pt solid #000; }
@media print { body { padding: 0; max-width: none; } }
"""


def receipt_page(essentials: Essentials, url: str | None = None) -> bytes:
    """Return the page's bytes: the same for the same bundle and address.

    Raises: Malformed for an address that cannot stand in the code.
    """
    parts = [
        "<!doctype html>",
        '<html lang="zh-CN"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>溯源凭据 Suyuan receipt {essentials.digest[:12]}</title>",
        f"<style>{_STYLE}</style></head><body>",
        _head(essentials, url),
        _facts(essentials),
        _verdict(essentials),
        _pin(essentials),
        _how(),
        "</body></html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _text(text: str) -> str:
    return escape(printable(text))


def _both(chinese: str, english: str, of: str = "p") -> str:
    """A sentence in both languages; the arguments are HTML."""
    return f'<{of}>{chinese}<br><span class="en" lang="en">{english}</span></{of}>'


def _head(essentials: Essentials, url: str | None) -> str:
    report = essentials.report
    svg = code_svg(code_text(essentials, url), "QR")
    return (
        "<header><div><h1>溯源凭据<small>Suyuan receipt</small></h1>"
        f'<p class="asked">{_text(report.question("zh"))}</p>'
        f'<p class="en" lang="en">{_text(report.question("en"))}</p>'
        f"</div>{svg}</header>"
    )


def _facts(essentials: Essentials) -> str:
    rows = (
        *_outcome(essentials.report),
        ("所问", "asked", f"<code>{_text(essentials.claim)}</code>"),
        ("区块 / 链长", "height / log size", f"{essentials.height} / {essentials.checkpoint.size}"),
        ("区块时间", "block time", _moment(essentials.block_time // 1000)),
        ("签署时间（最早）", "signed, earliest", _moment(essentials.complete_as_of)),
        (
            "证明文件",
            "bundle file",
            f"{essentials.size:,} B, SHA-256 <code>{essentials.digest}</code>",
        ),
    )
    cells = "".join(
        f'<tr><th>{zh} <span class="en" lang="en">{en}</span></th><td>{value}</td></tr>'
        for zh, en, value in rows
    )
    return f"<table>{cells}</table>"


def _outcome(report: Report) -> tuple[tuple[str, str, str], ...]:
    """What became of a transaction: four clean lines hold for a refused one too."""
    if not isinstance(report.claim, Receipt):
        return ()
    told = []
    for language in ("zh", "en"):
        word, sentence = outcome_words(report, language)
        told.append(_text(f"{word} {sentence}".rstrip()))
    return (("结果", "outcome", f'{told[0]}<br><span class="en" lang="en">{told[1]}</span>'),)


def _moment(seconds: int) -> str:
    return f'{china_time(seconds)}（UTC+8） <span class="en">{utc_time(seconds)}</span>'


def _verdict(essentials: Essentials) -> str:
    report = essentials.report
    # The handles asked about stand in the claim, or its hash does; the file has them whole.
    shown = [one for one in report.notes if one.code != "handle-asked"][:NOTES_MAX]
    more = len(report.notes) - len(shown)
    items = [_line(line) for line in report.lines] + [_note(note) for note in shown]
    if more > 0:
        chinese, english = (words.format(count=more) for words in MORE_NOTES)
        items.append(_both(f"<b>·</b>{chinese}", english, "li"))
    return f'<h2>核验结论 <span class="en">Verdict</span></h2><ul>{"".join(items)}</ul>'


def _line(line: Line) -> str:
    mark = f"<b>{_MARKS[line.state]}</b>"
    return _both(mark + _text(line.text("zh")), _text(line.text("en")), "li")


def _note(note: Note) -> str:
    return _both("<b>·</b>" + _text(note.sentence("zh")), _text(note.sentence("en")), "li")


def _pin(essentials: Essentials) -> str:
    return (
        '<h2>链与检查点 <span class="en">Chain and checkpoint (pin)</span></h2>'
        f"<pre>{_text_lines(essentials.pin)}</pre>" + _both(*KEEP_PIN)
    )


def _text_lines(text: str) -> str:
    return "\n".join(map(_text, text.splitlines()))


def _how() -> str:
    items = "".join(_both(chinese, english, "li") for chinese, english in HOW)
    title = '如何核验 <span class="en">How to check</span>'
    return f"<footer><h2>{title}</h2><ol>{items}</ol></footer>"
