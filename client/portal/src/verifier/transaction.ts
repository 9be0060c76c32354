/// Transactions and their results (FORMATS 5).

import { concat } from "./bytes.js";
import { ENTITIES_PER_EVENT_MAX, readQuantities, SUITE, type Quantity } from "./block.js";
import { type Engine, verifySignature } from "./ed25519.js";
import { Malformed } from "./errors.js";
import { tag, tagged } from "./hashing.js";
import { decode, type Value, type ValueMap } from "./messagepack.js";
import { readPath, WORD, type Path } from "./paths.js";
import { array, bytes, digest, freeMap, natural, structure, text } from "./structure.js";

export const TRANSACTION_SIZE_MAX = 65_536;
export const ARGUMENTS_MAX = 64;
export const EVENTS_MAX = 64;
export const SIGNERS_MAX = 4;
export const ARGUMENTS_NODES_MAX = 4_096;
export const ACCEPTED = "accepted";
/** Results that do not consume the transaction's id: another block may have another result of it. */
export const NOT_FINAL: ReadonlySet<string> = new Set(["expired", "replayed", "valid-until-too-far"]);
const FUNCTION = /^[a-z][a-z0-9_]{0,47}$/;
const ACCOUNT = /^[a-z0-9][a-z0-9-]{0,30}\.[a-z0-9][a-z0-9-]{0,60}$/;
const BODY_NAMES = [
  "arguments",
  "chain",
  "contract",
  "function",
  "nonce",
  "signers",
  "suite",
  "valid_until",
  "version",
];
const RESULT_NAMES = ["code", "contract_version", "events", "parameters", "transaction"];

export interface Signer {
  readonly account: string;
  readonly key: Uint8Array;
}

/** A transaction whose form was checked; `validUntil` in milliseconds. */
export interface Transaction {
  readonly id: Uint8Array;
  readonly bodyBytes: Uint8Array;
  readonly chain: Uint8Array;
  readonly contract: string;
  readonly function: string;
  readonly validUntil: number;
  readonly signers: readonly Signer[];
  readonly signatures: readonly Uint8Array[];
}

export function readTransaction(data: Uint8Array): Transaction {
  if (data.length > TRANSACTION_SIZE_MAX) {
    throw new Malformed("transaction", `is larger than ${TRANSACTION_SIZE_MAX} bytes`);
  }
  const [first, second] = array(decode(data, "transaction"), "transaction", 2, 2);
  const bodyBytes = bytes(first, "transaction.body");
  const signatures = array(second, "transaction.signatures", 1, SIGNERS_MAX).map((signature) =>
    bytes(signature, "transaction.signatures", 64),
  );
  const body = structure(decode(bodyBytes, "transaction.body", 1), "transaction.body", BODY_NAMES);
  const field = (name: string): [Value | undefined, string] => [body.get(name), `transaction.body.${name}`];
  if (freeMap(...field("arguments"), ARGUMENTS_NODES_MAX).size > ARGUMENTS_MAX) {
    throw new Malformed("transaction.body.arguments", `must be at most ${ARGUMENTS_MAX}`);
  }
  bytes(...field("nonce"), 16);
  const signers = array(...field("signers"), 1, SIGNERS_MAX).map(readSigner);
  if (new Set(signers.map(({ account }) => account)).size !== signers.length) {
    throw new Malformed("transaction.body.signers", "an account signs twice");
  }
  if (signatures.length !== signers.length) {
    throw new Malformed("transaction.signatures", "must be one for each signer");
  }
  if (text(...field("suite")) !== SUITE) throw new Malformed("transaction.body.suite", `must be ${SUITE}`);
  if (body.get("version") !== 1) throw new Malformed("transaction.body.version", "must be 1");
  return {
    id: tagged("transaction", bodyBytes),
    bodyBytes,
    chain: digest(...field("chain")),
    contract: text(...field("contract"), WORD),
    function: text(...field("function"), FUNCTION),
    validUntil: natural(...field("valid_until")),
    signers,
    signatures,
  };
}

function readSigner(value: Value): Signer {
  const [account, key] = array(value, "transaction.body.signers", 2, 2);
  return {
    account: text(account, "transaction.body.signers", ACCOUNT),
    key: digest(key, "transaction.body.signers"),
  };
}

export async function signaturesHold(engine: Engine, transaction: Transaction): Promise<boolean> {
  const message = concat(tag("transaction"), transaction.bodyBytes);
  const held = await Promise.all(
    transaction.signers.map(({ key }, place) =>
      verifySignature(engine, key, message, transaction.signatures[place] ?? new Uint8Array()),
    ),
  );
  return held.every(Boolean);
}

/** One thing that happened, as a result tells it. */
export interface Event {
  readonly kind: string;
  readonly inputs: readonly Quantity[];
  readonly outputs: readonly Quantity[];
  readonly on: readonly Path[];
  readonly body: ValueMap;
}

export interface Result {
  readonly code: string;
  readonly events: readonly Event[];
  readonly parameters: ValueMap;
  readonly transaction: Uint8Array;
}

export function readResult(data: Uint8Array): Result {
  const fields = structure(decode(data, "result", 4), "result", RESULT_NAMES);
  natural(fields.get("contract_version"), "result.contract_version");
  return {
    code: text(fields.get("code"), "result.code"),
    events: array(fields.get("events"), "result.events", 0, EVENTS_MAX).map(readEvent),
    parameters: freeMap(fields.get("parameters"), "result.parameters"),
    transaction: digest(fields.get("transaction"), "result.transaction"),
  };
}

function readEvent(value: Value): Event {
  const field = "result.events";
  const [kind, inputs, outputs, on, body] = array(value, field, 5, 5);
  return {
    kind: text(kind, field),
    inputs: readQuantities(inputs, field),
    outputs: readQuantities(outputs, field),
    on: array(on, field, 0, ENTITIES_PER_EVENT_MAX).map((path) => readPath(path, field)),
    body: freeMap(body, field),
  };
}
