/// What a verifier says: four lines that never blur, notes on their scope, and the question.

import {
  KIND_WORDS,
  LINE_NAMES,
  QUESTIONS,
  SENTENCES,
  STATE_WORDS,
} from "../generated/catalogue.js";
import type { Leaf } from "./block.js";
import type { Bundle } from "./bundle.js";
import { hex } from "./bytes.js";
import type { Claim } from "./claims.js";
import { Failed, Malformed, type Parameters } from "./errors.js";
import { utcTime } from "./instants.js";
import type { Result } from "./transaction.js";

export type Language = "zh" | "en";
export type State = "clean" | "qualified" | "failed";
export const LINES = ["integrity", "completeness", "time", "authority"] as const;
export type LineName = (typeof LINES)[number];

type Pair = readonly [string, string];

/** A sentence of the catalogue: its code, and values for its {names}. */
export interface Said {
  readonly code: string;
  readonly parameters: Parameters;
}

export interface Line extends Said {
  readonly name: LineName;
  readonly state: State;
}

/** The verdict on a bundle. `logs` may be believed only where integrity is clean. */
export interface Report {
  readonly lines: Readonly<Record<LineName, Line>>;
  /** Whether what was asked for (question, age, pin), where asked, is met. */
  readonly isMet: boolean;
  readonly notes: readonly Said[];
  readonly bundle: Bundle | undefined;
  /** The decoded leaves of every entity shown with its log, by path as text. */
  readonly logs: ReadonlyMap<string, readonly Leaf[]>;
  readonly result: Result | undefined;
  readonly height: number | undefined;
  /** Milliseconds. */
  readonly blockTime: number | undefined;
}

export const clean = (name: LineName, code: string, parameters: Parameters = {}): Line => ({
  name,
  state: "clean",
  code,
  parameters,
});

/** The line of something that could not be checked because another line is not clean. */
export function notChecked(name: LineName, because: LineName): Line {
  const [zh, en] = LINE_NAMES[because];
  return { name, state: "qualified", code: "not-checked", parameters: { because: en, because_zh: zh } };
}

/** The line that an error makes of a step; other errors are our own and pass through. */
export function failed(name: LineName, error: unknown): Line {
  if (error instanceof Failed) {
    return { name, state: "failed", code: error.code, parameters: error.parameters };
  }
  if (error instanceof Malformed) {
    const parameters = { field: error.field, rule: error.rule };
    return { name, state: "failed", code: "malformed", parameters };
  }
  throw error;
}

export function pick(pair: Pair, language: Language): string {
  return language === "zh" ? pair[0] : pair[1];
}

/** Fills the {names} of a template. */
export function fill(template: string, parameters: Parameters): string {
  return template.replace(/\{(\w+)\}/g, (place, name: string) => String(parameters[name] ?? place));
}

export function sentence({ code, parameters }: Said, language: Language): string {
  const pair: Pair | undefined = (SENTENCES as Readonly<Record<string, Pair>>)[code];
  return pair === undefined ? code : fill(pick(pair, language), parameters);
}

export function lineName(name: LineName, language: Language): string {
  return pick(LINE_NAMES[name], language);
}

export function stateWord(state: State, language: Language): string {
  return pick(STATE_WORDS[state], language);
}

/** The whole printed line: name, state, sentence. */
export function lineText(line: Line, language: Language): string {
  const [name, state] = [lineName(line.name, language), stateWord(line.state, language)];
  const words = sentence(line, language);
  return language === "zh" ? `${name}：${state}。${words}` : `${name}: ${state}. ${words}`;
}

export function kindWord(kind: string, language: Language): string {
  const pair: Pair | undefined = (KIND_WORDS as Readonly<Record<string, Pair>>)[kind];
  return pair === undefined ? kind : pick(pair, language);
}

/** A claim's question in words, without the words around it. */
export function question(claim: Claim, language: Language): string {
  const template = pick(QUESTIONS[claim.kind], language);
  if (claim.kind === "transaction") return fill(template, { id: claim.id });
  if (claim.kind === "consistency") return fill(template, { size: claim.size, root: hex(claim.root) });
  if (claim.kind === "accesses") return fill(template, { id: claim.path.id, count: claim.pairs.length });
  const about = { kind: kindWord(claim.path.kind, language), id: claim.path.id };
  if (claim.kind === "list") return fill(template, { ...about, event: claim.event });
  if (claim.kind === "event") return fill(template, { ...about, index: claim.index });
  if (claim.kind === "as-of") return fill(template, { ...about, height: claim.height });
  if (claim.kind === "period") {
    const [from, until] = [claim.from, claim.until].map((time) => utcTime(Math.floor(time / 1000)));
    return fill(template, { ...about, from: from ?? "", until: until ?? "" });
  }
  return fill(template, about);
}

/** "This bundle answers: …", or that it cannot be read. */
export function answers(report: Report, language: Language): string {
  if (report.bundle === undefined) return sentence({ code: "no-question", parameters: {} }, language);
  const asked = question(report.bundle.claim, language);
  return sentence({ code: "answers", parameters: { question: asked } }, language);
}

/** Whether a verifier exits 0: no line failed, and what was asked for is met. */
export function isOk(report: Report): boolean {
  return report.isMet && LINES.every((name) => report.lines[name].state !== "failed");
}
