/// What the page holds: the files that were opened, the conditions, and the verdict. No DOM here.

import type { Genesis, Language, Report } from "../verifier/index.js";

export const SLOTS = ["bundle", "genesis", "pin", "policy"] as const;
export type Slot = (typeof SLOTS)[number];

export interface Opened {
  readonly name: string;
  readonly data: Uint8Array;
}

export interface Verdict {
  readonly report: Report;
  readonly genesis: Genesis;
  readonly milliseconds: number;
  readonly engine: string;
}

export interface PageState {
  language: Language;
  readonly files: Map<Slot, Opened>;
  about: string;
  hours: string;
  problem: string | undefined;
  verdict: Verdict | undefined;
  isWorking: boolean;
  /** The entity whose events alone are shown; empty for all. */
  entity: string;
  shownEvents: number;
}

export const EVENTS_AT_ONCE = 50;

export function initialState(language: Language): PageState {
  return {
    language,
    files: new Map(),
    about: "",
    hours: "",
    problem: undefined,
    verdict: undefined,
    isWorking: false,
    entity: "",
    shownEvents: EVENTS_AT_ONCE,
  };
}

/** Which slot a file belongs to, by what stands in it: they may be dropped together, in any order. */
export function slotOf(data: Uint8Array): Slot {
  const start = new TextDecoder().decode(data.subarray(0, 200));
  // A checkpoint begins with its origin, in which no space stands; a policy with a keyword or a comment.
  const isPolicy = /^(#|\s|(log|witness|group|quorum)\s)/.test(start);
  if (!start.startsWith("{")) return isPolicy ? "policy" : "pin";
  return start.startsWith('{"accounts"') ? "genesis" : "bundle";
}
