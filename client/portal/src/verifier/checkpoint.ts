/// Checkpoints and the cosignatures that certify them (FORMATS 6).

import { concat, equal, fromBase64, utf8 } from "./bytes.js";
import { type Engine, verifySignature } from "./ed25519.js";
import { Malformed } from "./errors.js";
import type { Genesis, Member } from "./genesis.js";
import { sha256 } from "./hashing.js";

const NOTE_SIZE_MAX = 64 * 1024;
const DECIMAL = /^(0|[1-9][0-9]{0,15})$/;
const COSIGNATURE_TYPE = Uint8Array.of(0x04);
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

/** Splits a note at its last empty line. */
export function splitNote(note: string): Note {
  if (note.length > NOTE_SIZE_MAX) throw new Malformed("checkpoint", `is larger than ${NOTE_SIZE_MAX}`);
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
export async function readCertificate(engine: Engine, note: Note, genesis: Genesis): Promise<Cosignature[]> {
  if (!note.lines.endsWith("\n")) throw new Malformed(COSIGNATURES, "must be lines");
  const lines = note.lines.slice(0, -1).split("\n");
  if (lines.length !== genesis.quorum) {
    throw new Malformed(
      COSIGNATURES,
      `must be exactly ${genesis.quorum} of ${genesis.members.length}, not ${lines.length}`,
    );
  }
  const found: (Cosignature & { member: string; holds: Promise<boolean> })[] = [];
  let before = -1;
  for (const line of lines) {
    const read = readLine(line, genesis);
    if (read.place <= before) {
      throw new Malformed(COSIGNATURES, "must be distinct, in the order of the member set");
    }
    before = read.place;
    const message = utf8(`cosignature/v1\ntime ${read.timestamp}\n${note.text}`);
    const holds = verifySignature(engine, read.member.cosignerKey, message, read.signature);
    found.push({ member: read.member.id, timestamp: read.timestamp, holds });
  }
  for (const { member, holds } of found) {
    if (!(await holds)) throw new Malformed(COSIGNATURES, `that of ${member} does not verify`);
  }
  return found.map(({ member, timestamp }) => ({ member, timestamp }));
}

interface Line {
  readonly place: number;
  readonly member: Member;
  readonly timestamp: number;
  readonly signature: Uint8Array;
}

function readLine(line: string, genesis: Genesis): Line {
  const [dash, name, payload, ...rest] = line.split(" ");
  if (dash !== "—" || name === undefined || payload === undefined || rest.length > 0) {
    throw new Malformed(COSIGNATURES, "a line is not a note signature");
  }
  const place = genesis.members.findIndex(({ id }) => name === `${genesis.origin}/${id}`);
  const member = genesis.members[place];
  if (member === undefined) {
    throw new Malformed(COSIGNATURES, `'${name.slice(0, 200)}' is not a member of this chain`);
  }
  const data = fromBase64(payload, COSIGNATURES);
  if (data.length !== 4 + 8 + 64) throw new Malformed(COSIGNATURES, "a line has the wrong length");
  const keyId = sha256(concat(utf8(`${name}\n`), COSIGNATURE_TYPE, member.cosignerKey)).subarray(0, 4);
  if (!equal(data.subarray(0, 4), keyId)) {
    throw new Malformed(COSIGNATURES, `the key of ${member.id} is not the member's`);
  }
  const view = new DataView(data.buffer, data.byteOffset + 4, 8);
  const timestamp = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  if (!Number.isSafeInteger(timestamp)) throw new Malformed(COSIGNATURES, "a time lies beyond 2^53−1");
  return { place, member, timestamp, signature: data.subarray(12) };
}
