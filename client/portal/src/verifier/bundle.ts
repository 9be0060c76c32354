/// The bundle file: its form and nothing else; what it says is believed only after verification (FORMATS 7).

import { fromBase64, fromHex } from "./bytes.js";
import { Fields, readJson, type Json } from "./canonical_json.js";
import { readClaim, type Claim } from "./claims.js";
import { Malformed } from "./errors.js";
import type { Step } from "./merkle_log.js";
import { parsePath, type Path } from "./paths.js";

export const BUNDLE_SIZE_MAX = 64 * 1024 * 1024;
export const ENTITIES_MAX = 10_000;
export const LEAVES_MAX = 10_000;
export const MERKLE_PATH_MAX = 106;
const NEWLINE = 0x0a;

export interface Logged {
  readonly form: "logged";
  readonly path: Path;
  readonly record: Uint8Array;
  readonly leaves: readonly Uint8Array[];
}

export interface Outlined {
  readonly form: "outlined";
  readonly path: Path;
  readonly record: Uint8Array;
  readonly size: number;
  readonly frontier: readonly Uint8Array[];
}

export interface Absent {
  readonly form: "absent";
  readonly path: Path;
}

export type Shown = Logged | Outlined | Absent;

export interface ReceiptProof {
  readonly transaction: Uint8Array;
  readonly result: Uint8Array;
  readonly transactionPath: readonly Step[];
  readonly resultPath: readonly Step[];
}

export interface Consistency {
  readonly size: number;
  readonly root: Uint8Array;
  readonly path: readonly Uint8Array[];
}

export interface Bundle {
  readonly claim: Claim;
  /** The claim's object as the file has it, for comparison with what was asked. */
  readonly claimValue: Json;
  readonly checkpoint: string;
  readonly header: Uint8Array;
  readonly inclusion: readonly Uint8Array[];
  readonly entities: readonly Shown[];
  readonly state: Uint8Array;
  readonly receipt: ReceiptProof | undefined;
  readonly consistency: Consistency | undefined;
}

/** Reads a bundle file. Throws Malformed for anything but the one spelling of a bundle. */
export function readBundle(data: Uint8Array): Bundle {
  if (data.length > BUNDLE_SIZE_MAX) throw new Malformed("bundle", `is larger than ${BUNDLE_SIZE_MAX} bytes`);
  if (data[data.length - 1] !== NEWLINE) throw new Malformed("bundle", "must end in a newline");
  const value = readJson(data.subarray(0, -1), "bundle");
  const common = ["checkpoint", "claim", "epochs", "header", "inclusion", "version"];
  const file = Fields.of(value, "bundle", common, ["consistency", "entities", "receipt", "state"]);
  if (file.get("version") !== 1) throw new Malformed("bundle.version", "must be 1");
  if (file.list("epochs").length > 0) throw new Malformed("bundle.epochs", "must be empty in version 1");
  const claim = readClaim(file.get("claim"));
  const isReceipt = claim.kind === "transaction";
  if (file.has("receipt") !== isReceipt || file.has("entities") === isReceipt || file.has("state") === isReceipt) {
    throw new Malformed("bundle", "a receipt for a transaction, entities and state for all else");
  }
  return {
    claim,
    claimValue: file.get("claim"),
    checkpoint: file.text("checkpoint"),
    header: fromBase64(file.get("header"), "bundle.header"),
    inclusion: digests(file.list("inclusion"), "bundle.inclusion"),
    entities: isReceipt ? [] : readEntities(file.list("entities")),
    state: isReceipt ? new Uint8Array() : fromBase64(file.get("state"), "bundle.state"),
    receipt: isReceipt ? readReceipt(file.get("receipt")) : undefined,
    consistency: file.has("consistency") ? readConsistency(file.get("consistency")) : undefined,
  };
}

function readEntities(list: readonly Json[]): Shown[] {
  if (list.length < 1 || list.length > ENTITIES_MAX) {
    throw new Malformed("bundle.entities", `must be 1 to ${ENTITIES_MAX}`);
  }
  const entities = list.map(readEntity);
  let leaves = 0;
  entities.forEach((shown, place) => {
    const before = entities[place - 1];
    if (before !== undefined && shown.path.text <= before.path.text) {
      throw new Malformed("bundle.entities", "must be in strictly ascending order of path");
    }
    leaves += shown.form === "logged" ? shown.leaves.length : 0;
  });
  if (leaves > LEAVES_MAX) throw new Malformed("bundle.entities", `hold more than ${LEAVES_MAX} leaves`);
  return entities;
}

function readEntity(value: Json): Shown {
  const field = "bundle.entities";
  const file = Fields.of(value, field, ["path"], ["frontier", "leaves", "record", "size"]);
  const path = parsePath(file.get("path"), `${field}.path`);
  if (file.has("leaves")) {
    Fields.of(value, field, ["leaves", "path", "record"]);
    const leaves = file.list("leaves").map((leaf) => fromBase64(leaf, `${field}.leaves`));
    return { form: "logged", path, record: fromBase64(file.get("record"), `${field}.record`), leaves };
  }
  if (file.has("record")) {
    Fields.of(value, field, ["frontier", "path", "record", "size"]);
    return {
      form: "outlined",
      path,
      record: fromBase64(file.get("record"), `${field}.record`),
      size: file.natural("size"),
      frontier: digests(file.list("frontier"), `${field}.frontier`),
    };
  }
  Fields.of(value, field, ["path"]);
  return { form: "absent", path };
}

function readReceipt(value: Json): ReceiptProof {
  const field = "bundle.receipt";
  const file = Fields.of(value, field, ["result", "result_path", "transaction", "transaction_path"]);
  return {
    transaction: fromBase64(file.get("transaction"), `${field}.transaction`),
    result: fromBase64(file.get("result"), `${field}.result`),
    transactionPath: steps(file.list("transaction_path"), `${field}.transaction_path`),
    resultPath: steps(file.list("result_path"), `${field}.result_path`),
  };
}

function readConsistency(value: Json): Consistency {
  const field = "bundle.consistency";
  const file = Fields.of(value, field, ["path", "root", "size"]);
  return {
    size: file.natural("size"),
    root: fromHex(file.get("root"), `${field}.root`),
    path: digests(file.list("path"), `${field}.path`),
  };
}

function digests(list: readonly Json[], field: string): Uint8Array[] {
  if (list.length > MERKLE_PATH_MAX) throw new Malformed(field, `has more than ${MERKLE_PATH_MAX} hashes`);
  return list.map((text) => fromHex(text, field));
}

function steps(list: readonly Json[], field: string): Step[] {
  if (list.length > MERKLE_PATH_MAX) throw new Malformed(field, `has more than ${MERKLE_PATH_MAX} hashes`);
  return list.map((text) => {
    if (typeof text !== "string" || !/^[<>]/.test(text)) {
      throw new Malformed(field, "each step must begin with < or >");
    }
    return { isLeft: text.startsWith("<"), hash: fromHex(text.slice(1), field) };
  });
}
