/// The bundle file: its form and nothing else; what it says is believed only after verification (FORMATS 7).

import { compare, equal, fromBase64, fromHex, utf8 } from "./bytes.js";
import { Fields, readJson, type Json } from "./canonical_json.js";
import { readClaim, type Claim } from "./claims.js";
import { Malformed } from "./errors.js";
import { coverOf, type Step } from "./merkle_log.js";
import { parsePath, type Path } from "./paths.js";

export const BUNDLE_SIZE_MAX = 64 * 1024 * 1024;
export const ENTITIES_MAX = 10_000;
export const LEAVES_MAX = 10_000;
export const MERKLE_PATH_MAX = 106;
export const HANDOVERS_MAX = 1_024;
export const WITNESS_NOTES_MAX = 64;
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

/** Part of a log: the leaves from `first` on, and roots of perfect subtrees for the others. */
export interface Ranged {
  readonly form: "ranged";
  readonly path: Path;
  readonly record: Uint8Array;
  readonly size: number;
  readonly first: number;
  readonly leaves: readonly Uint8Array[];
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
  /** The record as it stood at a past height. */
  readonly then: Uint8Array | undefined;
}

export type Shown = Logged | Outlined | Ranged | Absent;

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

/** From the member set of one epoch to that of the next. */
export interface Handover {
  readonly checkpoint: string;
  readonly consistency: readonly Uint8Array[];
  readonly header: Uint8Array;
  readonly inclusion: readonly Uint8Array[];
  readonly members: Uint8Array;
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
  readonly epochs: readonly Handover[];
  /** Signed notes of members' own origins, with lines of outside witnesses. */
  readonly witnesses: readonly string[];
}

/** Reads a bundle file. Throws Malformed for anything but the one spelling of a bundle. */
export function readBundle(data: Uint8Array): Bundle {
  if (data.length > BUNDLE_SIZE_MAX) throw new Malformed("bundle", `is larger than ${BUNDLE_SIZE_MAX} bytes`);
  if (data[data.length - 1] !== NEWLINE) throw new Malformed("bundle", "must end in a newline");
  const value = readJson(data.subarray(0, -1), "bundle");
  const common = ["checkpoint", "claim", "epochs", "header", "inclusion", "version"];
  const file = Fields.of(value, "bundle", common, [
    "consistency",
    "entities",
    "receipt",
    "state",
    "witnesses",
  ]);
  if (file.get("version") !== 1) throw new Malformed("bundle.version", "must be 1");
  const claim = readClaim(file.get("claim"));
  const isReceipt = claim.kind === "transaction";
  const isAboutEntities = !isReceipt && claim.kind !== "consistency";
  if (
    file.has("receipt") !== isReceipt ||
    file.has("entities") !== isAboutEntities ||
    file.has("state") !== isAboutEntities
  ) {
    throw new Malformed("bundle", "a receipt for a transaction, entities and state for a claim about entities");
  }
  const consistency = file.has("consistency") ? readConsistency(file.get("consistency")) : undefined;
  if (
    claim.kind === "consistency" &&
    (consistency?.size !== claim.size || !equal(consistency.root, claim.root))
  ) {
    throw new Malformed("bundle.consistency", "must be of the size and root that the claim names");
  }
  return {
    claim,
    claimValue: file.get("claim"),
    checkpoint: file.text("checkpoint"),
    header: fromBase64(file.get("header"), "bundle.header"),
    inclusion: digests(file.list("inclusion"), "bundle.inclusion"),
    entities: isAboutEntities ? readEntities(file.list("entities")) : [],
    state: isAboutEntities ? fromBase64(file.get("state"), "bundle.state") : new Uint8Array(),
    receipt: isReceipt ? readReceipt(file.get("receipt")) : undefined,
    consistency,
    epochs: readHandovers(file.list("epochs")),
    witnesses: file.has("witnesses") ? readWitnesses(file.list("witnesses")) : [],
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
    leaves += "leaves" in shown ? shown.leaves.length : 0;
  });
  if (leaves > LEAVES_MAX) throw new Malformed("bundle.entities", `hold more than ${LEAVES_MAX} leaves`);
  return entities;
}

function readEntity(value: Json): Shown {
  const field = "bundle.entities";
  const names = ["after", "before", "first", "frontier", "leaves", "record", "size", "then"];
  const file = Fields.of(value, field, ["path"], names);
  const path = parsePath(file.get("path"), `${field}.path`);
  if (file.has("first")) return readRanged(value, path, field);
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

function readRanged(value: Json, path: Path, field: string): Ranged {
  const required = ["after", "before", "first", "leaves", "path", "record", "size"];
  const file = Fields.of(value, field, required, ["then"]);
  const [first, size] = [file.natural("first"), file.natural("size")];
  const leaves = file.list("leaves").map((leaf) => fromBase64(leaf, `${field}.leaves`));
  if (leaves.length < 1 || first + leaves.length > size) {
    throw new Malformed(`${field}.leaves`, "must be at least one, and lie within the log");
  }
  const [before, after] = [file.list("before"), file.list("after")];
  if (before.length !== coverOf(0, first).length || after.length !== coverOf(first + leaves.length, size).length) {
    throw new Malformed(field, "must stand for the leaves not shown with as many hashes as their cover has");
  }
  return {
    form: "ranged",
    path,
    record: fromBase64(file.get("record"), `${field}.record`),
    size,
    first,
    leaves,
    before: digests(before, `${field}.before`),
    after: digests(after, `${field}.after`),
    then: file.has("then") ? fromBase64(file.get("then"), `${field}.then`) : undefined,
  };
}

function readHandovers(list: readonly Json[]): Handover[] {
  if (list.length > HANDOVERS_MAX) throw new Malformed("bundle.epochs", `has more than ${HANDOVERS_MAX} handovers`);
  const field = "bundle.epochs";
  return list.map((value) => {
    const file = Fields.of(value, field, ["checkpoint", "consistency", "header", "inclusion", "members"]);
    return {
      checkpoint: file.text("checkpoint"),
      consistency: digests(file.list("consistency"), `${field}.consistency`),
      header: fromBase64(file.get("header"), `${field}.header`),
      inclusion: digests(file.list("inclusion"), `${field}.inclusion`),
      members: fromBase64(file.get("members"), `${field}.members`),
    };
  });
}

function readWitnesses(list: readonly Json[]): string[] {
  const field = "bundle.witnesses";
  if (list.length < 1 || list.length > WITNESS_NOTES_MAX) {
    throw new Malformed(field, `must be 1 to ${WITNESS_NOTES_MAX} notes`);
  }
  const notes = list.map((note) => {
    if (typeof note !== "string") throw new Malformed(field, "must be text");
    return note;
  });
  const origins = notes.map((note) => utf8(note.split("\n", 1)[0] ?? ""));
  origins.forEach((origin, place) => {
    const before = origins[place - 1];
    if (before !== undefined && compare(origin, before) <= 0) {
      throw new Malformed(field, "must be strictly ascending by origin");
    }
  });
  return notes;
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
