/// Checkpoints and the cosignatures that certify them (FORMATS 6).

import { concat, equal, fromBase64, utf8 } from "./bytes.js";
import { type Engine, verifySignature } from "./ed25519.js";
import { Malformed } from "./errors.js";
import type { Member, MemberSet } from "./members.js";
import { sha256 } from "./hashing.js";
import { isLonger } from "./structure.js";

const NOTE_SIZE_MAX = 64 * 1024;
const DECIMAL = /^(0|[1-9][0-9]{0,15})$/;
export const COSIGNATURE_TYPE = 0x04;
export const LOG_TYPE = 0x01;
// A key's name: 1 to 512 characters, none of them white space or "+".
const SIGNATURE_LINE = /^— ([^\p{White_Space}+]{1,512}) ([A-Za-z0-9+/]+={0,2})$/u;
const CONTROL = /[\0-\x09\x0b-\x1f]/;
const COSIGNATURES = "checkpoint.cosignatures";

/** A size and root of the chain log of one origin. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A note: its text with the final newline, and what follows the empty line. */
export interface Note {
  readonly text: string;
  readonly lines: string;
}

export interface Cosignature {
  readonly member: string;
  /** Seconds since 1970 UTC. */
  readonly timestamp: number;
}

/** The text of a note, or a text alone: what a pin is. */
export function textOf(note: string): string {
  if (isLonger(note, NOTE_SIZE_MAX)) throw new Malformed("checkpoint", `is larger than ${NOTE_SIZE_MAX}`);
  const place = note.lastIndexOf("\n\n");
  return place < 0 ? note : note.slice(0, place + 1);
}

/** Splits a note at its last empty line. */
export function splitNote(note: string): Note {
  if (isLonger(note, NOTE_SIZE_MAX)) throw new Malformed("checkpoint", `is larger than ${NOTE_SIZE_MAX}`);
  const place = note.lastIndexOf("\n\n");
  if (place < 0) throw new Malformed("checkpoint", "must be a text, an empty line and signature lines");
  return { text: note.slice(0, place + 1), lines: note.slice(place + 2) };
}

/** Reads the three lines of a checkpoint's text. */
export function readCheckpoint(text: string): Checkpoint {
  const [origin, size, root, end, ...rest] = text.split("\n");
  if (origin === undefined || size === undefined || root === undefined || end !== "" || rest.length > 0) {
    throw new Malformed("checkpoint", "must be origin, size and root, one a line");
  }
  if (origin === "" || /[ +]/.test(origin)) {
    throw new Malformed("checkpoint.origin", "must be non-empty, without spaces or '+'");
  }
  if (!DECIMAL.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new Malformed("checkpoint.size", "must be a decimal number");
  }
  const digest = fromBase64(root, "checkpoint.root");
  if (digest.length !== 32) throw new Malformed("checkpoint.root", "must be 32 bytes");
  return { origin, size: Number(size), root: digest };
}

/** Checks that exactly q members, in the order of the set, cosigned. Throws Malformed. */
export async function readCertificate(
  engine: Engine,
  note: Note,
  origin: string,
  set: MemberSet,
): Promise<Cosignature[]> {
  if (!note.lines.endsWith("\n")) throw new Malformed(COSIGNATURES, "must be lines");
  refuseControls(note, COSIGNATURES);
  const lines = note.lines.slice(0, -1).split("\n");
  if (lines.length !== set.quorum) {
    throw new Malformed(COSIGNATURES, `must be exactly ${set.quorum} of ${set.members.length}, not ${lines.length}`);
  }
  const found: (Cosignature & { holds: Promise<boolean> })[] = [];
  let before = -1;
  for (const line of lines) {
    const read = readMemberLine(line, origin, set);
    if (read.place <= before) {
      throw new Malformed(COSIGNATURES, "must be distinct, in the order of the member set");
    }
    before = read.place;
    const holds = cosignatureHolds(engine, read.member.cosignerKey, note.text, read);
    found.push({ member: read.member.id, timestamp: read.timestamp, holds });
  }
  for (const { member, holds } of found) {
    if (!(await holds)) throw new Malformed(COSIGNATURES, `that of ${member} does not verify`);
  }
  return found.map(({ member, timestamp }) => ({ member, timestamp }));
}

/** A note's text and lines hold no control character but their newlines (C2SP signed-note). */
export function refuseControls({ text, lines }: Note, field: string): void {
  if (CONTROL.test(text) || CONTROL.test(lines)) throw new Malformed(field, "holds a control character");
}

/** A line of a note: a key's name, the first bytes of its hash, and what the key's type asks for. */
export interface SignatureLine {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly payload: Uint8Array;
}

/** What a cosignature line holds beside its key. */
export interface TimedSignature {
  readonly timestamp: number;
  readonly signature: Uint8Array;
}

/** Reads one signature line without its newline. */
export function readSignatureLine(line: string, field: string): SignatureLine {
  const [, name, payload] = SIGNATURE_LINE.exec(line) ?? [];
  if (name === undefined) throw new Malformed(field, "a line is not a note signature");
  const data = fromBase64(payload, field);
  if (data.length < 5) throw new Malformed(field, "a line has the wrong length");
  return { name, keyId: data.subarray(0, 4), payload: data.subarray(4) };
}

/** Reads what a cosignature line holds: u64 timestamp and signature. */
export function readTimed(payload: Uint8Array, field: string): TimedSignature {
  if (payload.length !== 8 + 64) throw new Malformed(field, "a line has the wrong length");
  const view = new DataView(payload.buffer, payload.byteOffset, 8);
  const timestamp = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  if (!Number.isSafeInteger(timestamp)) throw new Malformed(field, "a time lies beyond 2^53−1");
  return { timestamp, signature: payload.subarray(8) };
}

/** First four bytes of H(name ‖ LF ‖ type ‖ key): how lines name keys. */
export function keyIdOf(name: string, type: number, key: Uint8Array): Uint8Array {
  return sha256(concat(utf8(`${name}\n`), Uint8Array.of(type), key)).subarray(0, 4);
}

export function cosignatureHolds(
  engine: Engine,
  key: Uint8Array,
  text: string,
  { timestamp, signature }: TimedSignature,
): Promise<boolean> {
  return verifySignature(engine, key, utf8(`cosignature/v1\ntime ${timestamp}\n${text}`), signature);
}

interface MemberLine extends TimedSignature {
  readonly place: number;
  readonly member: Member;
}

function readMemberLine(line: string, origin: string, set: MemberSet): MemberLine {
  const { name, keyId, payload } = readSignatureLine(line, COSIGNATURES);
  const place = set.members.findIndex(({ id }) => name === `${origin}/${id}`);
  const member = set.members[place];
  if (member === undefined) {
    throw new Malformed(COSIGNATURES, `'${name.slice(0, 200)}' is not a member of this chain`);
  }
  const timed = readTimed(payload, COSIGNATURES);
  if (!equal(keyId, keyIdOf(name, COSIGNATURE_TYPE, member.cosignerKey))) {
    throw new Malformed(COSIGNATURES, `the key of ${member.id} is not the member's`);
  }
  return { place, member, ...timed };
}
