"""The words of the page, Chinese and English side by side. Data only; HTML is allowed in them."""

from __future__ import annotations

from typing import Final

__all__ = ["HOW", "KEEP_PIN", "MORE_NOTES"]

KEEP_PIN: Final = (
    "请长期保存：今后任何证明都必须延续这个检查点，否则历史被改写过。",
    "Keep it: every later answer must extend this checkpoint, or history was rewritten.",
)
MORE_NOTES: Final = (
    "另有 {count} 条说明，核验时列出。",
    "{count} more notes, which verifying tells.",
)
HOW: Final = (
    (
        "纸面本身不是证明，证明是那份文件。先核对文件的 SHA-256。",
        "The paper proves nothing; the file does. First compare the file's SHA-256.",
    ),
    (
        "创世文件的 SHA-256 就是链名中的 64 位十六进制数；请从可信的来源取得它。",
        "The SHA-256 of the genesis file is the 64 hex digits in the chain's name; take that file from a source you trust.",
    ),
    (
        "离线核验，可断网：<code>suyuan verify 证明文件 --genesis 创世文件</code>，或在浏览器中打开 verify.html。",
        "Verify offline: <code>suyuan verify BUNDLE --genesis FILE</code>, or open verify.html in a browser.",
    ),
    (
        "日后取得新的证明时，把上面三行检查点存为文件，提问与核验都带上它：<code>suyuan ask … --pin 文件</code>。",
        "For a later answer save the three lines of the checkpoint as a file, ask and verify with it: <code>suyuan ask … --pin FILE</code>.",
    ),
)
