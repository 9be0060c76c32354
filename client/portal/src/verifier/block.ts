/// Headers, leaves and state values: what a bundle shows of the chain (FORMATS 3 and 5).

import { Malformed } from "./errors.js";
import { concat } from "./bytes.js";
import { decode, encode, type Value, type ValueMap } from "./messagepack.js";
import { readPath, WORD, type Path } from "./paths.js";
import { array, digest, freeMap, natural, structure, text, VALUE_NODES_MAX } from "./structure.js";

export const SUITE = "ed25519-sha256";
export const ENTITIES_PER_EVENT_MAX = 160;
const ENVELOPE_NODES_MAX = 4_096; // of a leaf, beside its body: twice 160 quantities of six values each, and a few
const EVENT_KIND = /^[a-z][a-z0-9_-]{0,47}$/;
const HEADER_NAMES = [
  "epoch",
  "height",
  "members",
  "parent",
  "results",
  "state",
  "suite",
  "time",
  "transactions",
  "version",
];

/** A block's header; `time` in milliseconds since 1970 UTC. */
export interface Header {
  readonly bytes: Uint8Array;
  readonly epoch: number;
  readonly height: number;
  readonly members: Uint8Array;
  readonly results: Uint8Array;
  readonly state: Uint8Array;
  readonly time: number;
  readonly transactions: Uint8Array;
}

export function readHeader(data: Uint8Array): Header {
  const fields = structure(decode(data, "header"), "header", HEADER_NAMES);
  const height = natural(fields.get("height"), "header.height");
  if (height < 1) throw new Malformed("header.height", "must be at least 1");
  digest(fields.get("parent"), "header.parent");
  const header = {
    bytes: data,
    epoch: natural(fields.get("epoch"), "header.epoch"),
    height,
    members: digest(fields.get("members"), "header.members"),
    results: digest(fields.get("results"), "header.results"),
    state: digest(fields.get("state"), "header.state"),
    time: natural(fields.get("time"), "header.time"),
    transactions: digest(fields.get("transactions"), "header.transactions"),
  };
  if (text(fields.get("suite"), "header.suite") !== SUITE) {
    throw new Malformed("header.suite", `must be ${SUITE}`);
  }
  if (fields.get("version") !== 1) throw new Malformed("header.version", "must be 1");
  return header;
}

/** An entity and how much of it went in or came out. */
export interface Quantity {
  readonly path: Path;
  readonly quantity: number;
}

/** Where an event stands on the chain: height, transaction index, event index. */
export type Position = readonly [number, number, number];

/** One event in the log of one entity; `time` is its block's, in milliseconds. */
export interface Leaf {
  readonly position: Position;
  readonly height: number;
  readonly time: number;
  readonly transaction: Uint8Array;
  readonly contract: string;
  readonly contractVersion: number;
  readonly path: Path;
  readonly kind: string;
  readonly inputs: readonly Quantity[];
  readonly outputs: readonly Quantity[];
  readonly body: ValueMap;
  /** H(the entity's record after the whole transaction). */
  readonly record: Uint8Array;
  /** Canonical bytes of kind, inputs, outputs and body: what every log must say alike. */
  readonly statement: Uint8Array;
}

export function readLeaf(data: Uint8Array, field: string): Leaf {
  const items = array(decode(data, field, 1, VALUE_NODES_MAX + ENVELOPE_NODES_MAX), field, 14, 14);
  const [version, height, time, index, event, transaction, contract, contractVersion] = items;
  const [path, kind, inputs, outputs, body, record] = items.slice(8);
  const leaf: Leaf = {
    position: [natural(height, field), natural(index, field), natural(event, field)],
    height: natural(height, field),
    time: natural(time, field),
    transaction: digest(transaction, field),
    contract: text(contract, field, WORD),
    contractVersion: natural(contractVersion, field),
    path: readPath(path, field),
    kind: text(kind, field, EVENT_KIND),
    inputs: readQuantities(inputs, field),
    outputs: readQuantities(outputs, field),
    body: freeMap(body, field),
    record: digest(record, field),
    statement: concat(...items.slice(9, 13).map(encode)),
  };
  if (version !== 1) throw new Malformed(field, "version must be 1");
  return leaf;
}

export function readQuantities(value: Value | undefined, field: string): readonly Quantity[] {
  return array(value, field, 0, ENTITIES_PER_EVENT_MAX).map((item) => {
    const [path, quantity] = array(item, field, 2, 2);
    return { path: readPath(path, field), quantity: natural(quantity, field) };
  });
}

export function comparePositions(left: Position, right: Position): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** What the state holds for an entity: [record, size, frontier]. */
export function stateValue(record: Uint8Array, size: number, frontier: readonly Uint8Array[]): Uint8Array {
  return encode([record, size, frontier]);
}
