/// Decoded values with the shape a format asks for: arrays of so many, maps of exactly these keys, and scalars.

import { Malformed } from "./errors.js";
import { DEPTH_MAX, type Value, type ValueMap } from "./messagepack.js";

export const VALUE_NODES_MAX = 65_536;

export function natural(value: Value | undefined, field: string): number {
  if (typeof value !== "number" || value < 0) throw new Malformed(field, "must be 0 to 2^53−1");
  return value;
}

export function text(value: Value | undefined, field: string, pattern?: RegExp): string {
  if (typeof value !== "string" || (pattern !== undefined && !pattern.test(value))) {
    throw new Malformed(field, pattern === undefined ? "must be text" : `must match ${pattern.source}`);
  }
  return value;
}

/** Whether a text has more than so many characters: those of Unicode, not units of UTF-16. */
export function isLonger(text: string, most: number): boolean {
  return text.length > most && [...text.slice(0, 2 * most + 1)].length > most;
}

export function bytes(value: Value | undefined, field: string, size?: number): Uint8Array {
  if (!(value instanceof Uint8Array) || (size !== undefined && value.length !== size)) {
    throw new Malformed(field, size === undefined ? "must be bytes" : `must be ${size} bytes`);
  }
  return value;
}

export function digest(value: Value | undefined, field: string): Uint8Array {
  return bytes(value, field, 32);
}

/** An array of `least` to `most` items. */
export function array(value: Value | undefined, field: string, least: number, most: number): readonly Value[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    throw new Malformed(field, `must be an array of ${least} to ${most}`);
  }
  return value as readonly Value[];
}

export function map(value: Value | undefined, field: string): ValueMap {
  if (!(value instanceof Map)) throw new Malformed(field, "must be a map");
  return value;
}

/** A map whose values are free, nested at most as deep, and no more of them, than in a value of its own. */
export function freeMap(value: Value | undefined, field: string, nodesMax = VALUE_NODES_MAX): ValueMap {
  const entries = map(value, field);
  if (countDown(entries, field, 0, nodesMax - 1) < 0) throw new Malformed(field, `holds more than ${nodesMax} values`);
  return entries;
}

/** Checks the nesting of a value; gives how many more values there may be, below 0 once there are too many. */
function countDown(value: Value, field: string, depth: number, allowed: number): number {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return allowed;
  if (depth >= DEPTH_MAX) throw new Malformed(field, `nesting is deeper than ${DEPTH_MAX}`);
  let left = allowed - (value instanceof Map ? 2 * value.size : (value as readonly Value[]).length);
  for (const item of value.values()) {
    if (left < 0) return left;
    left = countDown(item, field, depth + 1, left);
  }
  return left;
}

/** A map with exactly these keys. */
export function structure(value: Value | undefined, field: string, names: readonly string[]): ValueMap {
  const entries = map(value, field);
  if (entries.size !== names.length || names.some((name) => !entries.has(name))) {
    throw new Malformed(field, `must be a map of exactly ${names.join(", ")}`);
  }
  return entries;
}
