/// The part of the page that shows the verdict: the question, the four lines, what they do not say.

import { chinaTime } from "../verifier/instants.js";
import { hex } from "../verifier/bytes.js";
import {
  answers,
  isOk,
  lineName,
  LINES,
  sentence,
  stateWord,
  type Language,
  type Line,
  type Report,
} from "../verifier/index.js";
import { element } from "./dom.js";
import type { Verdict } from "./state.js";
import { say } from "./words.js";

const SIGNS = { clean: "✓", qualified: "△", failed: "✗" } as const;

export function verdictView(verdict: Verdict, language: Language): HTMLElement {
  const { report, genesis, milliseconds, engine } = verdict;
  const events = [...report.logs.values()].reduce((sum, leaves) => sum + leaves.length, 0);
  const took = say(events > 0 ? "took" : "tookAlone", language, { events, ms: milliseconds.toFixed(0), engine });
  const facts: (readonly [string, string])[] = [[say("chain", language), genesis.name]];
  if (report.height !== undefined) facts.push([say("height", language), String(report.height)]);
  if (report.blockTime !== undefined) {
    facts.push([say("blockTime", language), chinaTime(Math.floor(report.blockTime / 1000))]);
  }
  facts.push([say("chainId", language), hex(genesis.chainId)]);
  const rows = facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  return element(
    "section",
    { class: "verdict", "aria-labelledby": "asked" },
    element("h2", { id: "asked", tabindex: "-1" }, answers(report, language)),
    summary(report, language),
    element("ol", { class: "lines" }, ...LINES.map((name) => lineView(report.lines[name], language))),
    element("ul", { class: "notes" }, ...report.notes.map((note) => element("li", {}, sentence(note, language)))),
    element(
      "details",
      { class: "facts", open: true },
      element("summary", {}, say("facts", language)),
      element("dl", { class: "pairs" }, ...rows),
      element("p", { class: "quiet" }, say("chainHint", language)),
    ),
    keepView(report, language),
    element("p", { class: "quiet took", "data-ms": String(milliseconds) }, took),
  );
}

function summary(report: Report, language: Language): HTMLElement {
  const failed = LINES.filter((name) => report.lines[name].state === "failed");
  const isClean = LINES.every((name) => report.lines[name].state === "clean");
  if (failed.length > 0) {
    const lines = failed.map((name) => lineName(name, language)).join(language === "zh" ? "、" : ", ");
    return banner("failed", say("bad", language), say("badHint", language, { lines }));
  }
  if (!isOk(report)) return banner("failed", say("unmet", language), "");
  if (!isClean) return banner("qualified", say("reserved", language), "");
  return banner("clean", say("good", language), say("goodHint", language));
}

function banner(state: Line["state"], title: string, hint: string): HTMLElement {
  const sign = element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state]);
  return element("p", { class: `banner ${state}` }, sign, element("strong", {}, title), element("span", {}, hint));
}

function lineView(line: Line, language: Language): HTMLElement {
  return element(
    "li",
    { class: `line ${line.state}`, "data-line": line.name, "data-state": line.state, "data-code": line.code },
    element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[line.state]),
    element("span", { class: "name" }, lineName(line.name, language)),
    element("span", { class: "state" }, stateWord(line.state, language)),
    element("span", { class: "sentence" }, sentence(line, language)),
  );
}

/** The checkpoint as a file to keep, once somebody vouches for it. */
function keepView(report: Report, language: Language): HTMLElement | undefined {
  const { bundle } = report;
  if (bundle === undefined || report.lines.authority.state !== "clean" || report.lines.integrity.state !== "clean") {
    return undefined;
  }
  const href = `data:text/plain;charset=utf-8,${encodeURIComponent(bundle.checkpoint)}`;
  const size = bundle.checkpoint.split("\n")[1] ?? "";
  const link = element("a", { class: "plain", href, download: `checkpoint-${size}.txt` }, say("keep", language));
  return element("p", { class: "keep" }, link, element("span", { class: "quiet" }, say("keepHint", language)));
}
