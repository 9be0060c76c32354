/// Integrity of what is shown of entities: their logs, records and absences under one state root (FORMATS 8, 3 to 6).

import { comparePositions, readLeaf, stateValue, type Header, type Leaf } from "./block.js";
import type { Bundle, Logged, Ranged } from "./bundle.js";
import { equal, hex } from "./bytes.js";
import { Failed, Malformed } from "./errors.js";
import type { Genesis } from "./genesis.js";
import { leafHash, sha256 } from "./hashing.js";
import { coverOf, frontierOf, frontierOver, type Subtree } from "./merkle_log.js";
import { keyOf } from "./paths.js";
import { verifyStateProof, type Expected } from "./state_proof.js";

export type Logs = ReadonlyMap<string, readonly Leaf[]>;

/** Checks everything shown of entities against a header, and gives the decoded logs by path. */
export function checkEntities(bundle: Bundle, header: Header, genesis: Genesis): Logs {
  const logs = new Map<string, readonly Leaf[]>();
  const expected = bundle.entities.map((shown): Expected => {
    const key = keyOf(shown.path);
    if (shown.form === "absent") return { key, value: null };
    if (shown.form === "outlined") {
      return { key, value: sha256(stateValue(shown.record, shown.size, shown.frontier)) };
    }
    const log = readLog(shown, header, genesis);
    logs.set(shown.path.text, log);
    return { key, value: sha256(valueOf(shown, log)) };
  });
  try {
    verifyStateProof(header.state, bundle.state, expected);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Failed("not-in-state", { height: header.height, rule: error.rule });
  }
  checkAgreement(logs);
  return logs;
}

function readLog(shown: Logged | Ranged, header: Header, genesis: Genesis): readonly Leaf[] {
  const entity = shown.path.text;
  const first = shown.form === "ranged" ? shown.first : 0;
  const leaves = shown.leaves.map((data, place) => readLeaf(data, `${entity} leaf ${first + place}`));
  if (leaves.length === 0) throw new Failed("log-empty", { entity });
  leaves.forEach((leaf, index) => {
    const place = { entity, index: first + index };
    if (leaf.path.text !== entity) throw new Failed("leaf-of-another-entity", { ...place, other: leaf.path.text });
    const before = leaves[index - 1];
    if (before !== undefined) {
      if (comparePositions(before.position, leaf.position) >= 0) throw new Failed("leaf-order", place);
      const isSameBlock = before.height === leaf.height;
      if (leaf.time < before.time || (isSameBlock && leaf.time !== before.time)) {
        throw new Failed("leaf-time", place);
      }
    }
    if (leaf.height > header.height) throw new Failed("leaf-after-header", place);
    if (leaf.time > header.time || (leaf.height === header.height && leaf.time !== header.time)) {
      throw new Failed("leaf-time", place);
    }
    if (leaf.height === 0 && !(equal(leaf.transaction, genesis.chainId) && leaf.time === genesis.time)) {
      throw new Failed("leaf-of-another-genesis", place);
    }
  });
  return leaves;
}

/** The state value of an entity shown with its log, or part of it: what its leaves leave no other choice for. */
function valueOf(shown: Logged | Ranged, log: readonly Leaf[]): Uint8Array {
  const hashes = shown.leaves.map(leafHash);
  const isToTheEnd = shown.form === "logged" || shown.first + log.length === shown.size;
  const last = log.at(-1);
  if (last === undefined || (isToTheEnd && !equal(sha256(shown.record), last.record))) {
    throw new Failed("record-without-event", { entity: shown.path.text });
  }
  if (shown.form === "logged") return stateValue(shown.record, log.length, frontierOf(hashes));
  const subtrees = [
    ...joined(coverOf(0, shown.first), shown.before),
    ...hashes.map((root): Subtree => ({ leaves: 1, root })),
    ...joined(coverOf(shown.first + log.length, shown.size), shown.after),
  ];
  return stateValue(shown.record, shown.size, frontierOver(subtrees));
}

function joined(cover: readonly number[], roots: readonly Uint8Array[]): Subtree[] {
  return roots.map((root, place) => ({ leaves: cover[place] ?? 0, root }));
}

interface Told {
  readonly entity: string;
  readonly told: string;
}

/**
 * Leaf by leaf: it says the same of its block, its transaction and its event as every other leaf does, and each
 * entity that went into the event or came out of it has the event in its log, where that log is shown.
 */
function checkAgreement(logs: Logs): void {
  const facts = new Map<string, Told>();
  const positions = new Map<string, ReadonlySet<string>>();
  for (const [entity, leaves] of logs) {
    positions.set(entity, new Set(leaves.map(({ position }) => position.join("/"))));
  }
  for (const [entity, leaves] of logs) {
    for (const leaf of leaves) {
      checkFacts(entity, leaf, facts);
      for (const { path } of [...leaf.inputs, ...leaf.outputs]) {
        if (positions.get(path.text)?.has(leaf.position.join("/")) === false) {
          throw new Failed("event-missing-in-log", { entity, height: leaf.height, other: path.text });
        }
      }
    }
  }
}

function checkFacts(entity: string, leaf: Leaf, facts: Map<string, Told>): void {
  const [height, index, event] = leaf.position;
  const said: readonly (readonly [string, string])[] = [
    [`${height}`, `${leaf.time}`],
    [`${height}/${index}`, `${hex(leaf.transaction)} ${leaf.contract} ${leaf.contractVersion}`],
    [`${height}/${index}/${event}`, hex(leaf.statement)],
  ];
  for (const [about, told] of said) {
    const earlier = facts.get(about);
    if (earlier === undefined) facts.set(about, { entity, told });
    else if (earlier.told !== told) {
      throw new Failed("events-disagree", { entity, height, other: earlier.entity });
    }
  }
}
