/// Outside witnesses: who else saw a chain of this size and root (FORMATS 7.5; 8, 9).

import { compare, equal, utf8 } from "./bytes.js";
import {
  cosignatureHolds,
  readCheckpoint,
  readSignatureLine,
  readTimed,
  refuseControls,
  splitNote,
  type Checkpoint,
  type SignatureLine,
} from "./checkpoint.js";
import { type Engine, verifySignature } from "./ed25519.js";
import { Failed, Malformed } from "./errors.js";
import { isSatisfied, type Policy } from "./policy.js";

const FIELD = "bundle.witnesses";
const LINES_MAX = 32;
const MEMBER_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

interface WitnessNote {
  readonly text: string;
  readonly origin: string;
  readonly log: SignatureLine;
  readonly lines: readonly SignatureLine[];
}

/** What the witnesses of a bundle come to: names counted, members in whose logs, and names not checked for want of a key. */
export interface Witnessed {
  readonly counted: readonly string[];
  readonly logs: readonly string[];
  readonly unknown: readonly string[];
  /** Whether the members' own keys were enough, so that retired ones would have been. */
  readonly areMembersAlone: boolean;
}

/** Reads every note and ties it to the checkpoint by size and root. */
export function readWitnessNotes(notes: readonly string[], checkpoint: Checkpoint): WitnessNote[] {
  return notes.map((note) => {
    let read: WitnessNote;
    let seen: Checkpoint;
    try {
      read = readNote(note);
      seen = readCheckpoint(read.text);
      if (seen.size !== checkpoint.size || !equal(seen.root, checkpoint.root)) {
        throw new Malformed(FIELD, "must be of the checkpoint's size and root");
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new Failed("witness-malformed", { field: error.field, rule: error.rule });
    }
    const isOurs = seen.origin.startsWith(`${checkpoint.origin}/`);
    if (!isOurs || !MEMBER_ID.test(seen.origin.slice(checkpoint.origin.length + 1))) {
      throw new Failed("witness-of-another-chain", { origin: seen.origin });
    }
    return read;
  });
}

function readNote(note: string): WitnessNote {
  const { text, lines } = splitNote(note);
  if (!lines.endsWith("\n")) throw new Malformed(FIELD, "must end in signature lines");
  refuseControls({ text, lines }, FIELD);
  const [log, ...witnesses] = lines.slice(0, -1).split("\n").map((line) => readSignatureLine(line, FIELD));
  const origin = text.slice(0, text.indexOf("\n"));
  if (log === undefined || log.name !== origin || log.payload.length !== 64) {
    throw new Malformed(FIELD, "must begin with the line of the log's own key");
  }
  if (witnesses.length < 1 || witnesses.length > LINES_MAX) {
    throw new Malformed(FIELD, `must have 1 to ${LINES_MAX} lines of witnesses`);
  }
  witnesses.forEach(({ name, payload }, place) => {
    readTimed(payload, FIELD);
    const before = witnesses[place - 1];
    if (before !== undefined && compare(utf8(name), utf8(before.name)) <= 0) {
      throw new Malformed(FIELD, "must be strictly ascending by the witness's name");
    }
  });
  return { text, origin, log, lines: witnesses };
}

/** Members' cosigner keys whose lines in the certificate hold: they may be witnesses of a policy too. */
export interface Cosigner {
  readonly name: string;
  readonly key: Uint8Array;
}

/** Checks what the policy knows, and that it suffices. */
export async function checkWitnesses(
  engine: Engine,
  notes: readonly WitnessNote[],
  policy: Policy,
  cosigners: readonly Cosigner[],
  origin: string,
): Promise<Witnessed> {
  const signed = new Set<string>();
  const counted: string[] = [];
  const logs = new Set<string>();
  const unknown: string[] = [];
  for (const [name, known] of policy.witnesses) {
    if (cosigners.some((one) => one.name === known.name && equal(one.key, known.key))) signed.add(name);
  }
  for (const { text, origin: own, log, lines } of notes) {
    const logKey = policy.logs.find((key) => key.name === own && equal(key.keyId, log.keyId));
    if (logKey === undefined) {
      unknown.push(own);
      continue;
    }
    if (!(await verifySignature(engine, logKey.key, utf8(text), log.payload))) {
      throw new Failed("witness-signature", { origin: own, witness: own });
    }
    for (const line of lines) {
      const found = [...policy.witnesses].find(([, key]) => key.name === line.name && equal(key.keyId, line.keyId));
      if (found === undefined) {
        unknown.push(line.name);
        continue;
      }
      const [name, key] = found;
      if (!(await cosignatureHolds(engine, key.key, text, readTimed(line.payload, FIELD)))) {
        throw new Failed("witness-signature", { origin: own, witness: line.name });
      }
      signed.add(name);
      counted.push(line.name);
      logs.add(own.slice(origin.length + 1));
    }
  }
  if (!isSatisfied(policy, signed)) {
    const { quorum } = policy;
    if (unknown.length === 0) throw new Failed("witnesses-too-few", { quorum });
    throw new Failed("witnesses-too-few-and-unknown", { quorum, witnesses: unknown.join(", ") });
  }
  return { counted, logs: [...logs], unknown, areMembersAlone: areMembersAlone(policy, signed, origin) };
}

function areMembersAlone(policy: Policy, signed: ReadonlySet<string>, origin: string): boolean {
  const isOwn = (name: string): boolean => policy.witnesses.get(name)?.name.startsWith(`${origin}/`) ?? false;
  const [own, others] = [true, false].map((kept) => new Set([...signed].filter((name) => isOwn(name) === kept)));
  if (!isSatisfied(policy, own ?? signed)) return false;
  return isSatisfied(policy, new Set()) || !isSatisfied(policy, others ?? signed);
}

export function cosignerOf(origin: string, id: string, key: Uint8Array): Cosigner {
  return { name: `${origin}/${id}`, key };
}
