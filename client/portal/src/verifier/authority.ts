/// Authority and time: who vouches for the root, and as of when (FORMATS 8, 9 and 10).

import type { Header } from "./block.js";
import type { Consistency } from "./bundle.js";
import { equal } from "./bytes.js";
import { readCertificate, readCheckpoint, type Checkpoint, type Cosignature, type Note } from "./checkpoint.js";
import type { Engine } from "./ed25519.js";
import { Failed, Malformed } from "./errors.js";
import type { Genesis } from "./genesis.js";
import { utcTime } from "./instants.js";
import { clean, type Line } from "./verdict.js";

export const CLOCK_TOLERANCE_S = 300;

export interface Authority {
  readonly line: Line;
  readonly cosignatures: readonly Cosignature[];
}

export async function checkAuthority(
  engine: Engine,
  note: Note,
  checkpoint: Checkpoint,
  header: Header,
  genesis: Genesis,
  pin: string | undefined,
  consistency: Consistency | undefined,
): Promise<Authority> {
  if (checkpoint.origin !== genesis.origin) throw new Failed("another-chain", { origin: checkpoint.origin });
  if (header.epoch !== 0) throw new Failed("another-epoch", { epoch: header.epoch });
  if (!equal(header.members, genesis.membersDigest)) throw new Failed("another-member-set");
  const cosignatures = await certified(engine, note, genesis);
  const members = cosignatures.map(({ member }) => member).join(", ");
  const quorum = { members, n: genesis.members.length, q: genesis.quorum };
  if (pin === undefined) return { line: clean("authority", "quorum", quorum), cosignatures };
  const size = checkPin(pin, checkpoint, genesis, consistency);
  return { line: clean("authority", "quorum-and-pin", { ...quorum, size }), cosignatures };
}

async function certified(engine: Engine, note: Note, genesis: Genesis): Promise<Cosignature[]> {
  try {
    return await readCertificate(engine, note, genesis);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Failed("not-certified", { field: error.field, rule: error.rule });
  }
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
    const place = pin.indexOf("\n\n");
    return readCheckpoint(place < 0 ? pin : pin.slice(0, place + 1));
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
  cosignatures: readonly Cosignature[],
  header: Header,
  genesis: Genesis,
  { nowS, maxAgeS }: Clock,
  asked: { readonly isReceipt: boolean; readonly isComplete: boolean },
): Line {
  const { height } = header;
  const early = cosignatures.find(({ timestamp }) => timestamp < Math.floor(header.time / 1000));
  if (early !== undefined) throw new Failed("before-block", { member: early.member });
  const timestamps = cosignatures.map(({ timestamp }) => timestamp).sort((left, right) => left - right);
  const least = timestamps[0] ?? 0;
  const time = utcTime(least);
  if (nowS !== undefined && least > nowS + CLOCK_TOLERANCE_S) {
    throw new Failed("in-the-future", { now: utcTime(nowS), time });
  }
  if (maxAgeS !== undefined) {
    if (nowS === undefined) {
      return { name: "time", state: "qualified", code: "no-clock", parameters: { height, time } };
    }
    const age = Math.max(0, nowS - least);
    if (age > maxAgeS) throw new Failed("too-old", { age, limit: maxAgeS, height, time });
    return clean("time", "fresh", { age, height, limit: maxAgeS, now: utcTime(nowS), time });
  }
  if (asked.isReceipt) {
    const existedBy = utcTime(timestamps[genesis.faulty] ?? least);
    const blockTime = utcTime(Math.floor(header.time / 1000));
    return clean("time", "existed-by", { block_time: blockTime, height, time: existedBy });
  }
  return clean("time", asked.isComplete ? "as-of" : "certified-at", { height, time });
}
