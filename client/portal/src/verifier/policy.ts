/// C2SP tlog-policy: which logs and witnesses a reader trusts, and how many of them suffice (docs/TLOG.md).

import { equal, fromBase64, hex } from "./bytes.js";
import { COSIGNATURE_TYPE, keyIdOf, LOG_TYPE } from "./checkpoint.js";
import { Malformed } from "./errors.js";
import { isLonger } from "./structure.js";

const POLICY_SIZE_MAX = 256 * 1024;
const ITEMS_MAX = 256;
const NO_QUORUM = "none";
// The name holds no "+", the base64 may.
const VERIFIER_KEY = /^([^\p{White_Space}+\x00-\x1f\x7f]{1,512})\+([0-9a-f]{8})\+(.+)$/u;
const NAME = /^[^\p{White_Space}#]{1,128}$/u;
const THRESHOLD = /^[1-9][0-9]{0,3}$/;
const SPACE = /[\p{White_Space}\x1c-\x1f]+/u;

/** A verifier key: name, key id and Ed25519 key. */
export interface VerifierKey {
  readonly name: string;
  readonly type: number;
  readonly keyId: Uint8Array;
  readonly key: Uint8Array;
}

interface Group {
  readonly threshold: number;
  readonly parts: readonly string[];
}

/** Logs, witnesses by name, groups by name, and what must be satisfied. */
export interface Policy {
  readonly logs: readonly VerifierKey[];
  readonly witnesses: ReadonlyMap<string, VerifierKey>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly quorum: string;
}

/** Whether the policy's quorum is among the names of the witnesses that signed. */
export function isSatisfied(policy: Policy, signed: ReadonlySet<string>, name = policy.quorum): boolean {
  if (name === NO_QUORUM) return true;
  const group = policy.groups.get(name);
  if (group === undefined) return signed.has(name);
  return group.parts.filter((part) => isSatisfied(policy, signed, part)).length >= group.threshold;
}

/** Reads name+hex key id+base64(type ‖ key). */
export function readVerifierKey(text: string, field: string): VerifierKey {
  const [, name, id, encoded] = VERIFIER_KEY.exec(text) ?? [];
  if (name === undefined || id === undefined) throw new Malformed(field, "must be name+key id+key");
  const data = fromBase64(encoded, field);
  const type = data[0] ?? 0;
  const key = data.subarray(1);
  if (key.length !== 32) throw new Malformed(field, "must be an Ed25519 key");
  const keyId = keyIdOf(name, type, key);
  if (id !== hex(keyId)) throw new Malformed(field, "the key id is not that of name and key");
  return { name, type, keyId, key };
}

/** Reads a policy file. Throws Malformed, naming the line. */
export function readPolicy(text: string): Policy {
  if (isLonger(text, POLICY_SIZE_MAX)) throw new Malformed("policy", `is larger than ${POLICY_SIZE_MAX} characters`);
  const reading = new Reading();
  text.split("\n").forEach((line, place) => {
    const words = (line.split("#")[0] ?? "").split(SPACE).filter((word) => word !== "");
    if (words.length > 0) reading.take(words, `policy, line ${place + 1}`);
  });
  return reading.done();
}

class Reading {
  private readonly logs: VerifierKey[] = [];
  private readonly witnesses = new Map<string, VerifierKey>();
  private readonly groups = new Map<string, Group>();
  private readonly placed = new Set<string>();
  private quorum: string | undefined;

  take(words: readonly string[], place: string): void {
    const [kind, first, second, ...rest] = words;
    if (kind === "log" && first !== undefined && words.length <= 3) this.log(first, place);
    else if (kind === "witness" && first !== undefined && second !== undefined && words.length <= 4) {
      this.witness(first, second, place);
    } else if (kind === "group" && first !== undefined && second !== undefined && rest.length > 0) {
      this.group(first, second, rest, place);
    } else if (kind === "quorum" && first !== undefined && words.length === 2) this.setQuorum(first, place);
    else throw new Malformed(place, "must be a log, witness, group or quorum line");
    if (Math.max(this.logs.length, this.witnesses.size, this.groups.size) > ITEMS_MAX) {
      throw new Malformed(place, `is beyond ${ITEMS_MAX} of a kind`);
    }
  }

  done(): Policy {
    if (this.quorum === undefined) throw new Malformed("policy", "has no quorum line");
    return { logs: this.logs, witnesses: this.witnesses, groups: this.groups, quorum: this.quorum };
  }

  private log(vkey: string, place: string): void {
    const key = readVerifierKey(vkey, place);
    if (key.type !== LOG_TYPE) throw new Malformed(place, "a log's key is of type 1");
    refuseTwice(this.logs, key, place);
    this.logs.push(key);
  }

  private witness(name: string, vkey: string, place: string): void {
    this.newName(name, place);
    const key = readVerifierKey(vkey, place);
    if (key.type !== COSIGNATURE_TYPE) throw new Malformed(place, "a witness's key is of type 4");
    refuseTwice([...this.witnesses.values()], key, place);
    this.witnesses.set(name, key);
  }

  private group(name: string, threshold: string, parts: readonly string[], place: string): void {
    this.newName(name, place);
    for (const part of parts) {
      if (!this.isKnown(part)) throw new Malformed(place, `${part} is not defined before`);
      if (this.placed.has(part)) throw new Malformed(place, `${part} is in a group already`);
      this.placed.add(part);
    }
    const words = new Map([["any", 1], ["all", parts.length]]); // no object: it would know "constructor" too
    const wanted = words.get(threshold) ?? (THRESHOLD.test(threshold) ? Number(threshold) : 0);
    if (wanted < 1 || wanted > parts.length) throw new Malformed(place, `the threshold must be 1 to ${parts.length}`);
    this.groups.set(name, { threshold: wanted, parts });
  }

  private setQuorum(name: string, place: string): void {
    if (this.quorum !== undefined) throw new Malformed(place, "there is one quorum line");
    if (name !== NO_QUORUM && !this.isKnown(name)) throw new Malformed(place, `${name} is not defined before`);
    this.quorum = name;
  }

  private newName(name: string, place: string): void {
    if (!NAME.test(name) || name === NO_QUORUM) throw new Malformed(place, "the name cannot be used");
    if (this.isKnown(name)) throw new Malformed(place, `${name} is defined already`);
  }

  private isKnown(name: string): boolean {
    return this.witnesses.has(name) || this.groups.has(name);
  }
}

function refuseTwice(keys: readonly VerifierKey[], key: VerifierKey, place: string): void {
  const isKnown = (one: VerifierKey): boolean =>
    equal(one.key, key.key) || (one.name === key.name && equal(one.keyId, key.keyId));
  if (keys.some(isKnown)) throw new Malformed(place, "the same key, or name and key id, stands twice");
}
