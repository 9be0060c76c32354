/// SHA-256, and the ways in which data is tagged before it is hashed (FORMATS 2).
///
/// Computed here and not by WebCrypto: it is needed in the middle of walks, thousands of times, and
/// WebCrypto answers later and only in a secure context.

import { sha256 as hash } from "@noble/hashes/sha2.js";

import { concat, utf8 } from "./bytes.js";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

export function sha256(data: Uint8Array): Uint8Array {
  return hash(data);
}

/** H("suyuan/<kind>/v1" ‖ 0x00 ‖ data) */
export function tagged(kind: string, data: Uint8Array): Uint8Array {
  return hash(concat(tag(kind), data));
}

export function tag(kind: string): Uint8Array {
  return utf8(`suyuan/${kind}/v1\0`);
}

/** The hash of a leaf of an RFC 6962 log. */
export function leafHash(data: Uint8Array): Uint8Array {
  return hash(concat(LEAF, data));
}

/** The hash of an inner node of an RFC 6962 log. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(concat(NODE, left, right));
}
