/// RFC 6962 logs: frontiers, inclusion paths, consistency paths (verification of RFC 9162 2.1.3.2 and 2.1.4.2).
///
/// Sizes go to 2^53−1, beyond the 32 bits of JavaScript's bit operations: halves and remainders instead.

import { equal } from "./bytes.js";
import { nodeHash } from "./hashing.js";

/** A hash of a path and the side on which it stands. */
export interface Step {
  readonly isLeft: boolean;
  readonly hash: Uint8Array;
}

const odd = (number: number): boolean => number % 2 === 1;
const half = (number: number): number => Math.floor(number / 2);

/** Roots of the perfect subtrees over the leaf hashes, largest first: one per set bit of their number. */
export function frontierOf(leafHashes: readonly Uint8Array[]): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  leafHashes.forEach((leaf, size) => {
    let node = leaf;
    for (let rest = size; odd(rest); rest = half(rest)) {
      const left = peaks.pop();
      if (left !== undefined) node = nodeHash(left, node);
    }
    peaks.push(node);
  });
  return peaks;
}

/** Numbers of leaves of the perfect subtrees that cover leaves x to y − 1, largest first at every step (FORMATS 7.2). */
export function coverOf(x: number, y: number): number[] {
  const sizes: number[] = [];
  for (let at = x; at < y; ) {
    let size = 1;
    while (at % (2 * size) === 0 && at + 2 * size <= y) size *= 2;
    sizes.push(size);
    at += size;
  }
  return sizes;
}

/** A perfect subtree: how many leaves, and its root. */
export interface Subtree {
  readonly leaves: number;
  readonly root: Uint8Array;
}

/** The frontier of a log whose leaves are covered, from left to right, by perfect subtrees. */
export function frontierOver(subtrees: readonly Subtree[]): Uint8Array[] {
  const peaks: Subtree[] = [];
  for (const subtree of subtrees) {
    let joined = subtree;
    for (let left = peaks.at(-1); left?.leaves === joined.leaves; left = peaks.at(-1)) {
      joined = { leaves: 2 * joined.leaves, root: nodeHash(left.root, joined.root) };
      peaks.pop();
    }
    peaks.push(joined);
  }
  return peaks.map(({ root }) => root);
}

/** The root to which a leaf hash and its steps lead, from the leaf up. */
export function fold(leaf: Uint8Array, steps: readonly Step[]): Uint8Array {
  return steps.reduce(
    (node, step) => (step.isLeft ? nodeHash(step.hash, node) : nodeHash(node, step.hash)),
    leaf,
  );
}

export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0 || index >= size) return false;
  let place = index;
  let last = size - 1;
  let node = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (odd(place) || place === last) {
      node = nodeHash(sibling, node);
      while (!odd(place) && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      node = nodeHash(node, sibling);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && equal(node, root);
}

function isPowerOfTwo(number: number): boolean {
  let rest = number;
  while (rest > 1 && !odd(rest)) rest = half(rest);
  return rest === 1;
}

/** Whether the log of size1 and root1 is a prefix of that of size2 and root2. */
export function verifyConsistency(
  size1: number,
  size2: number,
  root1: Uint8Array,
  root2: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (size1 < 1 || size1 > size2) return false;
  if (size1 === size2) return path.length === 0 && equal(root1, root2);
  const nodes = isPowerOfTwo(size1) ? [root1, ...path] : path;
  const [first, ...rest] = nodes;
  if (first === undefined) return false;
  let place = size1 - 1;
  let last = size2 - 1;
  while (odd(place)) {
    place = half(place);
    last = half(last);
  }
  let older = first;
  let newer = first;
  for (const node of rest) {
    if (last === 0) return false;
    if (odd(place) || place === last) {
      older = nodeHash(node, older);
      newer = nodeHash(node, newer);
      while (!odd(place) && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      newer = nodeHash(newer, node);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && equal(older, root1) && equal(newer, root2);
}
