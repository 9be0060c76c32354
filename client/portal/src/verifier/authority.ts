/// Authority and time: who vouches for the root, and as of when (FORMATS 8, 9 and 10).

import type { Header } from "./block.js";
import type { Bundle, Consistency } from "./bundle.js";
import { equal } from "./bytes.js";
import { readCheckpoint, textOf, type Checkpoint, type Cosignature, type Note } from "./checkpoint.js";
import type { Engine } from "./ed25519.js";
import { Failed, Malformed, type Parameters } from "./errors.js";
import type { Genesis } from "./genesis.js";
import { utcTime } from "./instants.js";
import type { Policy } from "./policy.js";
import { clean, type Line } from "./verdict.js";
import { certify, checkPlace, walk } from "./walk.js";
import { checkWitnesses, cosignerOf, readWitnessNotes } from "./witnesses.js";

export const CLOCK_TOLERANCE_S = 300;

/** Whom a verifier trusts beside genesis. */
export interface Trust {
  readonly pin: string | undefined;
  readonly policy: Policy | undefined;
}

export interface Authority {
  readonly line: Line;
  readonly cosignatures: readonly Cosignature[];
  /** How many of those who certified may lie. */
  readonly faulty: number;
  readonly isPolicyMet: boolean;
}

/** The authority line of something that failed, or was not checked. */
export const noAuthority = (line: Line): Authority => ({ line, cosignatures: [], faulty: 0, isPolicyMet: false });

export async function checkAuthority(
  engine: Engine,
  bundle: Bundle,
  note: Note,
  checkpoint: Checkpoint,
  header: Header,
  genesis: Genesis,
  { pin, policy }: Trust,
): Promise<Authority> {
  const walked = await walk(engine, bundle.epochs, genesis, checkpoint);
  const { origin } = genesis;
  if (checkpoint.origin !== origin) throw new Failed("another-chain", { origin: checkpoint.origin });
  checkPlace(walked, header, checkpoint.size);
  const set = walked.sets.at(-1) ?? genesis.members;
  const cosignatures = await certify(engine, note, origin, set);
  const size = pin === undefined ? undefined : checkPin(pin, checkpoint, genesis, bundle.consistency);
  const notes = readWitnessNotes(bundle.witnesses, checkpoint);
  const parameters: Parameters = {
    epoch: walked.boundaries.length,
    members: cosignatures.map(({ member }) => member).join(", "),
    n: set.members.length,
    q: set.quorum,
    ...(size === undefined ? {} : { size }),
  };
  const vouched = { cosignatures, faulty: set.faulty };
  if (policy === undefined) {
    if (notes.length === 0) {
      // Whatever the walk: the last keys it names may be retired by now.
      const code = size === undefined ? "quorum-from-genesis" : "quorum-and-pin";
      return { ...vouched, line: clean("authority", code, parameters), isPolicyMet: false };
    }
    const code = size === undefined ? "witnesses-unchecked" : "pin-and-witnesses-unchecked";
    const line = qualified(code, { ...parameters, unchecked: notes.length });
    return { ...vouched, line, isPolicyMet: false };
  }
  const signers = set.members.filter(({ id }) => cosignatures.some(({ member }) => member === id));
  const cosigners = signers.map(({ id, cosignerKey }) => cosignerOf(origin, id, cosignerKey));
  const seen = await checkWitnesses(engine, notes, policy, cosigners, origin);
  const { counted, unknown, areMembersAlone } = seen;
  const logs = seen.logs.join(", ");
  if (unknown.length > 0) {
    const witnesses = unknown.join(", ");
    const line = areMembersAlone
      ? qualified("members-alone-and-unknown", { ...parameters, witnesses })
      : qualified("witnesses-unknown", { ...parameters, logs, witnesses });
    return { ...vouched, line, isPolicyMet: true };
  }
  if (areMembersAlone) {
    const code = size === undefined ? "members-alone" : "members-alone-and-pin";
    return { ...vouched, line: clean("authority", code, parameters), isPolicyMet: true };
  }
  const code = size === undefined ? "quorum-and-witnesses" : "quorum-pin-and-witnesses";
  const witnesses = counted.join(", ");
  return { ...vouched, line: clean("authority", code, { ...parameters, logs, witnesses }), isPolicyMet: true };
}

function qualified(code: string, parameters: Parameters): Line {
  return { name: "authority", state: "qualified", code, parameters };
}

/** Checks that the chain extends a checkpoint kept earlier, and gives that one's size. */
function checkPin(
  pin: string,
  checkpoint: Checkpoint,
  genesis: Genesis,
  consistency: Consistency | undefined,
): number {
  const kept = readPin(pin);
  if (kept.origin !== genesis.origin) throw new Failed("pin-of-another-chain", { origin: kept.origin });
  if (kept.size > checkpoint.size) throw new Failed("pin-newer", { pin: kept.size, size: checkpoint.size });
  const contradicted = new Failed("pin-contradicted", { pin: kept.size });
  if (kept.size === checkpoint.size) {
    if (!equal(kept.root, checkpoint.root)) throw contradicted;
    return kept.size;
  }
  if (consistency?.size !== kept.size) throw new Failed("pin-without-proof", { pin: kept.size });
  if (!equal(kept.root, consistency.root)) throw contradicted;
  return kept.size;
}

/** Reads a pin: a checkpoint's text, with or without signature lines, which nobody checks. */
export function readPin(pin: string): Checkpoint {
  try {
    return readCheckpoint(textOf(pin));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Failed("pin-malformed", { field: error.field, rule: error.rule });
  }
}

export interface Clock {
  readonly nowS: number | undefined;
  readonly maxAgeS: number | undefined;
}

/** Says as of when; integrity and authority must be clean. */
export function checkTime(
  { cosignatures, faulty }: Authority,
  header: Header,
  { nowS, maxAgeS }: Clock,
  asked: { readonly isReceipt: boolean; readonly isComplete: boolean; readonly size: number },
): Line {
  const early = cosignatures.find(({ timestamp }) => timestamp < Math.floor(header.time / 1000));
  if (early !== undefined) throw new Failed("before-block", { member: early.member });
  const timestamps = cosignatures.map(({ timestamp }) => timestamp).sort((left, right) => left - right);
  const least = timestamps[0] ?? 0;
  const time = utcTime(least);
  // What was certified then is the checkpoint; a receipt's block may be older.
  const place = { height: asked.size, time };
  if (nowS !== undefined && least > nowS + CLOCK_TOLERANCE_S) {
    throw new Failed("in-the-future", { now: utcTime(nowS), time });
  }
  if (maxAgeS !== undefined) {
    if (nowS === undefined) {
      return { name: "time", state: "qualified", code: "no-clock", parameters: place };
    }
    const age = Math.max(0, nowS - least);
    if (age > maxAgeS) throw new Failed("too-old", { age, limit: maxAgeS, ...place });
    return clean("time", "fresh", { age, limit: maxAgeS, now: utcTime(nowS), ...place });
  }
  if (asked.isReceipt) {
    const existedBy = utcTime(timestamps[faulty] ?? least);
    const blockTime = utcTime(Math.floor(header.time / 1000));
    return clean("time", "existed-by", { block_time: blockTime, height: header.height, time: existedBy });
  }
  return clean("time", asked.isComplete ? "as-of" : "certified-at", place);
}
