/// The events of a verified bundle as facts to show: each once, in the order of the chain, with the words for it.

import { EVENTS } from "../generated/catalogue.js";
import { comparePositions, type Leaf } from "../verifier/block.js";
import { hex } from "../verifier/bytes.js";
import { chinaTime } from "../verifier/instants.js";
import type { Value, ValueMap } from "../verifier/messagepack.js";
import { kindWord, pick, type Genesis, type Language, type Report } from "../verifier/index.js";

const SIGNERS = ["by", "confirmed_by"];
const INSTANTS = ["from", "until"];
const PARTIES = ["recipient", "user", "provider", "by", "confirmed_by"];

/** An event, and the entities in whose logs it stands. */
export interface Happening {
  readonly leaf: Leaf;
  readonly entities: readonly string[];
  readonly isCorrected: boolean;
  /** Stands in the log of a handle: of all accesses under a grant, those of the person who asks. */
  readonly isHandled: boolean;
}

export function happenings(report: Report): Happening[] {
  const found = new Map<string, { leaf: Leaf; entities: string[] }>();
  const corrected = new Set<string>();
  for (const [entity, leaves] of report.logs) {
    for (const leaf of leaves) {
      if (!isAnswer(leaf, report)) continue;
      const place = leaf.position.join("/");
      const known = found.get(place);
      if (known === undefined) found.set(place, { leaf, entities: [entity] });
      else known.entities.push(entity);
      const corrects = leaf.body.get("corrects");
      if (Array.isArray(corrects)) corrected.add(corrects.join("/"));
    }
  }
  return [...found.entries()]
    .map(([place, one]) => ({
      ...one,
      isCorrected: corrected.has(place),
      isHandled: one.entities.some((entity) => entity.startsWith("datasharing/handle/")),
    }))
    .sort((left, right) => comparePositions(left.leaf.position, right.leaf.position));
}

/** Neighbours that only bound a period, events of other kinds, and what came after a past height are no part of the answer. */
function isAnswer({ contract, height, kind, time }: Leaf, { bundle }: Report): boolean {
  const claim = bundle?.claim;
  if (claim?.kind === "period") return claim.from <= time && time < claim.until;
  if (claim?.kind === "as-of") return height <= claim.height;
  if (claim?.kind === "list") return kind === claim.event && contract === claim.path.contract;
  return true;
}

/** The name people know of an organisation, or of an account or a thing of one; else the id. */
export function partyName(id: string, genesis: Genesis): string {
  const known = genesis.organisations.get(id);
  if (known !== undefined) return known;
  const [head = "", ...rest] = id.split(".");
  const organisation = genesis.organisations.get(head);
  return organisation === undefined || rest.length === 0 ? id : `${organisation} ${rest.join(".")}`;
}

/** An id without the organisation that it begins with, where genesis knows that one. */
function withoutIssuer(id: string, genesis: Genesis): string {
  const [head = "", ...rest] = id.split(".");
  return rest.length > 0 && genesis.organisations.has(head) ? rest.join(".") : id;
}

/** A value as people read it; `isBrief` leaves out who issued an id. */
export function shown(value: Value | undefined, name: string, genesis: Genesis, isBrief = false): string {
  if (value === null || value === undefined || value === "") return "—";
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "number") {
    return INSTANTS.includes(name) ? chinaTime(Math.floor(value / 1000)) : value.toLocaleString("en-US");
  }
  if (typeof value === "string") {
    if (PARTIES.includes(name)) return partyName(value, genesis);
    return isBrief ? withoutIssuer(value, genesis) : value;
  }
  if (typeof value === "boolean") return value ? "✓" : "✗";
  if (value instanceof Map) {
    const entries = [...(value as ValueMap)];
    return entries.map(([key, item]) => `${key} ${shown(item, key, genesis, isBrief)}`).join(", ");
  }
  const one = (item: Value): string => shown(item, "", genesis, isBrief);
  const part = (item: Value): string => (Array.isArray(item) ? item.map(one).join(" ") : one(item));
  return (value as readonly Value[]).map(part).join(", ");
}

/** One line that says what an event was; the bare kind where the catalogue's words do not fit its body. */
export function phrase(kind: string, body: ValueMap, genesis: Genesis, language: Language): string {
  const pair = (EVENTS as Readonly<Record<string, readonly [string, string]>>)[kind];
  if (pair === undefined) return kind;
  const names = [...pair[0].matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  if (names.some((name) => !body.has(name))) return kind;
  return pick(pair, language).replace(/\{(\w+)\}/g, (_, name: string) => shown(body.get(name), name, genesis, true));
}

export function signersOf(body: ValueMap, genesis: Genesis): string[] {
  return SIGNERS.flatMap((name) => {
    const id = body.get(name);
    return typeof id === "string" ? [partyName(id, genesis)] : [];
  });
}

/** Name and value of everything in a body but who signed. */
export function particulars(body: ValueMap, genesis: Genesis): (readonly [string, string])[] {
  return [...body]
    .filter(([name, value]) => !SIGNERS.includes(name) && value !== null && value !== "")
    .map(([name, value]) => [name, shown(value, name, genesis)] as const);
}

/** "lot L-1" for supplies/lot/red-cross.L-1, where genesis knows red-cross; long ids are cut in the middle. */
export function entityName(text: string, genesis: Genesis, language: Language): string {
  const [, kind = "", id = ""] = text.split("/");
  const brief = withoutIssuer(id, genesis);
  const short = brief.length > 40 ? `${brief.slice(0, 12)}…${brief.slice(-6)}` : brief;
  return `${kindWord(kind, language)} ${short}`;
}
