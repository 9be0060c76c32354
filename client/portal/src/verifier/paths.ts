/// The names of entities: [contract, kind, id], as text contract/kind/id (FORMATS 3).

import { Malformed } from "./errors.js";
import { encode, type Value } from "./messagepack.js";
import { tagged } from "./hashing.js";
import { array, text } from "./structure.js";

export const WORD = /^[a-z][a-z0-9-]{0,31}$/;
const ID = /^[A-Za-z0-9._-]{1,96}$/;

/** A path; equal paths have equal `text`. */
export interface Path {
  readonly contract: string;
  readonly kind: string;
  readonly id: string;
  readonly text: string;
}

export function pathOf(contract: string, kind: string, id: string, field: string): Path {
  if (!WORD.test(contract)) throw new Malformed(field, "contract must be a lower-case word");
  if (!WORD.test(kind)) throw new Malformed(field, "kind must be a lower-case word");
  if (!ID.test(id)) throw new Malformed(field, "id must be 1 to 96 of A-Z a-z 0-9 . _ -");
  return { contract, kind, id, text: `${contract}/${kind}/${id}` };
}

/** Reads contract/kind/id. */
export function parsePath(written: unknown, field: string): Path {
  if (typeof written !== "string") throw new Malformed(field, "must be text");
  const [contract, kind, id, ...rest] = written.split("/");
  if (contract === undefined || kind === undefined || id === undefined || rest.length > 0) {
    throw new Malformed(field, "must be contract/kind/id");
  }
  return pathOf(contract, kind, id, field);
}

/** Reads the array [contract, kind, id]. */
export function readPath(value: Value | undefined, field: string): Path {
  const [contract, kind, id] = array(value, field, 3, 3);
  return pathOf(text(contract, field), text(kind, field), text(id, field), field);
}

/** The key of an entity in the state map. */
export function keyOf(path: Path): Uint8Array {
  return tagged("path", encode([path.contract, path.kind, path.id]));
}
