/// Proofs about the sixteen-ary state map: which keys are present, with what, and which are absent (FORMATS 3).

import { compare, concat, equal } from "./bytes.js";
import { Malformed } from "./errors.js";
import { sha256 } from "./hashing.js";
import { decode } from "./messagepack.js";
import { array, bytes } from "./structure.js";

export const KEYS_MAX = 10_000;
const KEY_NIBBLES = 64;
const EMPTY = new Uint8Array(32);
const LEAF = Uint8Array.of(0x10);
const BRANCH = Uint8Array.of(0x11);
const GROUP = Uint8Array.of(0x12);

/** A queried key and H(state value), or null where it must be absent. */
export interface Expected {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

function nibble(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 1] ?? 0;
  return depth % 2 === 0 ? byte >> 4 : byte & 0x0f;
}

function leaf(key: Uint8Array, value: Uint8Array): Uint8Array {
  return sha256(concat(LEAF, key, value));
}

/** Checks a proof of exactly the expected keys. Throws Malformed, naming the rule that is broken. */
export function verifyStateProof(root: Uint8Array, proof: Uint8Array, expected: readonly Expected[]): void {
  if (expected.length < 1 || expected.length > KEYS_MAX) throw broken(`must be about 1 to ${KEYS_MAX} keys`);
  const queried = [...expected].sort((left, right) => compare(left.key, right.key));
  // On the way to each key there are a branch for every nibble and one item at the end, at most.
  const itemsMax = queried.length * (KEY_NIBBLES + 1);
  const items = array(decode(proof, "state", 0, itemsMax), "state", 0, Number.MAX_SAFE_INTEGER).map((item) => bytes(item, "state"));
  if (items.length === 0) {
    if (queried.some(({ value }) => value !== null)) throw broken("shows a key absent that should be present");
    if (!equal(root, EMPTY)) throw broken("does not lead to the state root");
    return;
  }
  const walk = new Walk(items);
  const computed = walk.subtree(queried, 0);
  walk.end();
  if (!equal(computed.hash, root)) throw broken("does not lead to the state root");
}

interface Subtree {
  readonly hash: Uint8Array;
  readonly isSingle: boolean;
}

class Walk {
  private place = 0;

  constructor(private readonly items: readonly Uint8Array[]) {}

  /** The subtree that the next items describe; `queried` (sorted, not empty) are the keys that lead to it. */
  subtree(queried: readonly Expected[], depth: number): Subtree {
    const item = this.items[this.place];
    if (item === undefined) throw broken("ends too early");
    this.place += 1;
    if (item.length === 0) return single(queried);
    if (item.length === 64) return other(item, queried, depth);
    return this.branch(item, queried, depth);
  }

  end(): void {
    if (this.place !== this.items.length) throw broken("holds items that prove nothing");
  }

  private branch(item: Uint8Array, queried: readonly Expected[], depth: number): Subtree {
    if (item.length % 32 !== 2) throw broken("an item has a length of no kind");
    if (depth >= KEY_NIBBLES) throw broken("a branch is deeper than a key is long");
    const bitmap = ((item[0] ?? 0) << 8) | (item[1] ?? 0);
    if (bitmap === 0) throw broken("a branch has no subtrees");
    const byNibble: Expected[][] = Array.from({ length: 16 }, () => []);
    for (const one of queried) byNibble[nibble(one.key, depth)]?.push(one);
    const hashes = new Hashes(item);
    const groups: Uint8Array[] = [];
    let singles = 0;
    for (let first = 0; first < 16; first += 4) {
      const four = byNibble.slice(first, first + 4);
      const bits = (bitmap >> first) & 0b1111;
      if (four.every((here) => here.length === 0)) {
        if (bits > 1) throw broken("a branch opens a group that no queried key leads to");
        groups.push(bits === 0 ? EMPTY : hashes.next());
        continue;
      }
      const children = four.map((here, slot) => {
        if ((bits & (1 << slot)) === 0) {
          allAbsent(here);
          return EMPTY;
        }
        if (here.length === 0) return hashes.next();
        const child = this.subtree(here, depth + 1);
        singles += child.isSingle ? 1 : 0;
        return child.hash;
      });
      groups.push(bits === 0 ? EMPTY : sha256(concat(GROUP, ...children)));
    }
    hashes.end();
    if (singles === 1 && (bitmap & (bitmap - 1)) === 0) throw broken("a branch holds a single key");
    return { hash: sha256(concat(BRANCH, ...groups)), isSingle: false };
  }
}

/** The hashes that a branch's item holds after its bitmap, in order. */
class Hashes {
  private place = 2;

  constructor(private readonly item: Uint8Array) {}

  next(): Uint8Array {
    const hash = this.item.subarray(this.place, this.place + 32);
    if (hash.length !== 32) throw broken("a branch holds fewer hashes than its bitmap says");
    if (equal(hash, EMPTY)) throw broken("an empty subtree is shown as one that is not");
    this.place += 32;
    return hash;
  }

  end(): void {
    if (this.place !== this.item.length) throw broken("a branch holds more hashes than its bitmap says");
  }
}

function single(queried: readonly Expected[]): Subtree {
  const present = queried.filter(({ value }) => value !== null);
  const [one] = present;
  if (one === undefined || one.value === null || present.length !== 1) {
    throw broken(`shows one present key where ${present.length} are expected`);
  }
  return { hash: leaf(one.key, one.value), isSingle: true };
}

function other(item: Uint8Array, queried: readonly Expected[], depth: number): Subtree {
  const key = item.subarray(0, 32);
  allAbsent(queried);
  const [first] = queried;
  for (let level = 0; level < depth; level += 1) {
    if (first === undefined || nibble(first.key, level) !== nibble(key, level)) {
      throw broken("shows a key where it cannot stand");
    }
  }
  if (queried.some((one) => equal(one.key, key))) throw broken("shows a queried key as another");
  return { hash: leaf(key, item.subarray(32)), isSingle: true };
}

function allAbsent(queried: readonly Expected[]): void {
  if (queried.some(({ value }) => value !== null)) throw broken("shows a key absent that should be present");
}

function broken(rule: string): Malformed {
  return new Malformed("state", rule);
}
