/// The verifier: a bundle's bytes and a genesis in, four verdict lines out. Throws for no bytes whatever.
///
/// Written from docs/FORMATS.md, section 8, whose step numbers stand in the comments.

import { checkAuthority, checkTime, noAuthority, type Authority, type Trust } from "./authority.js";
import { readHeader, type Header } from "./block.js";
import { readBundle, type Bundle } from "./bundle.js";
import { checkCompleteness, checkQuestion, type About } from "./completeness.js";
import { readCheckpoint, splitNote, type Checkpoint, type Note } from "./checkpoint.js";
import { bestEngine, type Engine } from "./ed25519.js";
import { Failed } from "./errors.js";
import type { Genesis } from "./genesis.js";
import { leafHash } from "./hashing.js";
import { checkEntities, type Logs } from "./integrity_entities.js";
import { checkReceipt } from "./integrity_receipt.js";
import { verifyConsistency, verifyInclusion } from "./merkle_log.js";
import type { Policy } from "./policy.js";
import type { Result } from "./transaction.js";
import { clean, failed, notChecked, type Line, type Report, type Said } from "./verdict.js";

/** What a verifier may ask for beside the bundle's own question. Times in seconds since 1970 UTC. */
export interface Asked {
  readonly about?: About;
  readonly nowS?: number;
  readonly maxAgeS?: number;
  /** A checkpoint kept earlier, with or without its signature lines. */
  readonly pin?: string;
  /** Which outside witnesses must have seen the chain. */
  readonly policy?: Policy;
  readonly engine?: Engine;
}

/** Everything of the chain that a bundle's own parts say, before it is known whether they hold together. */
interface Anchor {
  readonly header: Header;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

interface Content {
  readonly line: Line;
  readonly logs: Logs;
  readonly result: Result | undefined;
}

const NOTHING: Logs = new Map();

export async function verifyBundle(data: Uint8Array, genesis: Genesis, asked: Asked = {}): Promise<Report> {
  const engine = asked.engine ?? (await bestEngine());
  let bundle: Bundle;
  try {
    bundle = readBundle(data); // step 1
  } catch (error) {
    return unreadable(failed("integrity", error));
  }
  const unasked = attempt("completeness", () => checkQuestion(bundle, asked.about)); // step 2
  let anchor: Anchor | undefined;
  let content: Content;
  try {
    anchor = readAnchor(bundle);
    content = await checkContent(engine, bundle, anchor, genesis);
  } catch (error) {
    content = { line: failed("integrity", error), logs: NOTHING, result: undefined };
  }
  const completeness = unasked ?? complete(bundle, content, anchor);
  const trust = { pin: asked.pin, policy: asked.policy };
  const authority = await vouched(engine, bundle, anchor, genesis, trust);
  const time = timed(bundle, content.line, completeness, authority, anchor, asked);
  return {
    lines: { integrity: content.line, completeness, time, authority: authority.line },
    isMet:
      unasked === undefined &&
      (asked.maxAgeS === undefined || time.code === "fresh") &&
      (asked.pin === undefined || authority.line.state !== "failed") &&
      (asked.policy === undefined || authority.isPolicyMet),
    notes: notes(bundle, completeness),
    bundle,
    logs: content.logs,
    result: content.result,
    height: anchor?.header.height,
    blockTime: anchor?.header.time,
  };
}

function unreadable(integrity: Line): Report {
  return {
    lines: {
      integrity,
      completeness: notChecked("completeness", "integrity"),
      time: notChecked("time", "integrity"),
      authority: notChecked("authority", "integrity"),
    },
    isMet: false,
    notes: [],
    bundle: undefined,
    logs: NOTHING,
    result: undefined,
    height: undefined,
    blockTime: undefined,
  };
}

/** The failed line of a check, or nothing when it passes. */
function attempt(name: Line["name"], check: () => void): Line | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return failed(name, error);
  }
}

/** Step 3, its first half. */
function readAnchor(bundle: Bundle): Anchor {
  const header = readHeader(bundle.header);
  const note = splitNote(bundle.checkpoint);
  return { header, note, checkpoint: readCheckpoint(note.text) };
}

/** Steps 3 to 7. */
async function checkContent(engine: Engine, bundle: Bundle, anchor: Anchor, genesis: Genesis): Promise<Content> {
  const { header } = anchor;
  if (bundle.claim.kind === "transaction" && bundle.receipt !== undefined) {
    const result = await checkReceipt(engine, bundle.receipt, bundle.claim, header, genesis);
    checkChain(bundle, anchor);
    return { line: clean("integrity", "intact-receipt", { height: header.height }), logs: NOTHING, result };
  }
  if (bundle.claim.kind === "consistency") {
    checkChain(bundle, anchor);
    return { line: clean("integrity", "intact-chain", { height: header.height }), logs: NOTHING, result: undefined };
  }
  const logs = checkEntities(bundle, header, genesis);
  checkChain(bundle, anchor);
  const events = [...logs.values()].reduce((sum, leaves) => sum + leaves.length, 0);
  const shown = { entities: bundle.entities.length, events, height: header.height };
  return { line: clean("integrity", "intact", shown), logs, result: undefined };
}

/** Step 7. */
function checkChain(bundle: Bundle, { header, checkpoint }: Anchor): void {
  const { height } = header;
  const { size, root } = checkpoint;
  if (height > size) throw new Failed("header-above-checkpoint", { height, size });
  if (!verifyInclusion(leafHash(bundle.header), height - 1, size, bundle.inclusion, root)) {
    throw new Failed("header-not-in-chain", { height });
  }
  const { consistency } = bundle;
  if (consistency === undefined) return;
  if (!verifyConsistency(consistency.size, size, consistency.root, root, consistency.path)) {
    throw new Failed("not-consistent", { size: consistency.size });
  }
}

/** Step 8. */
function complete(bundle: Bundle, content: Content, anchor: Anchor | undefined): Line {
  if (content.line.state !== "clean" || anchor === undefined) return notChecked("completeness", "integrity");
  try {
    return checkCompleteness(bundle, content.logs, content.result, anchor.header, anchor.checkpoint.size);
  } catch (error) {
    return failed("completeness", error);
  }
}

/** Step 9. */
async function vouched(
  engine: Engine,
  bundle: Bundle,
  anchor: Anchor | undefined,
  genesis: Genesis,
  trust: Trust,
): Promise<Authority> {
  if (anchor === undefined) return noAuthority(notChecked("authority", "integrity"));
  const { note, checkpoint, header } = anchor;
  try {
    return await checkAuthority(engine, bundle, note, checkpoint, header, genesis, trust);
  } catch (error) {
    return noAuthority(failed("authority", error));
  }
}

/** Step 10. */
function timed(
  bundle: Bundle,
  integrity: Line,
  completeness: Line,
  authority: Authority,
  anchor: Anchor | undefined,
  asked: Asked,
): Line {
  if (authority.cosignatures.length === 0) return notChecked("time", "authority");
  if (anchor === undefined || integrity.state !== "clean") return notChecked("time", "integrity");
  const clock = { nowS: asked.nowS, maxAgeS: asked.maxAgeS };
  const isReceipt = bundle.claim.kind === "transaction";
  const isComplete = completeness.state === "clean";
  try {
    return checkTime(authority, anchor.header, clock, { isReceipt, isComplete, size: anchor.checkpoint.size });
  } catch (error) {
    return failed("time", error);
  }
}

const SCOPES = {
  accesses: "scope-of-accesses",
  entity: "scope-of-record",
  transaction: "scope-of-receipt",
} as const;

/** The handles asked about, and what clean lines do not say. */
function notes(bundle: Bundle, completeness: Line): readonly Said[] {
  const asked = bundle.claim.kind === "accesses" ? bundle.claim.pairs : [];
  const codes: string[] = [];
  const { kind } = bundle.claim;
  if (completeness.state === "clean" && kind in SCOPES) codes.push(SCOPES[kind as keyof typeof SCOPES]);
  return [
    ...asked.map(({ grant, handle }) => ({ code: "handle-asked", parameters: { grant: grant.id, handle } })),
    ...codes.map((code) => ({ code, parameters: {} })),
  ];
}

