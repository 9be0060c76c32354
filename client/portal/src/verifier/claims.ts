/// The questions a bundle answers (FORMATS 7.1).

import { fromHex, hex } from "./bytes.js";
import { Fields, isArray, type Json } from "./canonical_json.js";
import { Malformed } from "./errors.js";
import { tagged } from "./hashing.js";
import { encode } from "./messagepack.js";
import { parsePath, pathOf, type Path } from "./paths.js";

export const PAIRS_BELOW = 5_000;
export const PATH_CLAIMS = ["absence", "entity", "history", "trace"] as const;
export type PathClaimKind = (typeof PATH_CLAIMS)[number];
const HANDLE = /^[0-9a-f]{64}$/;
const EVENT_KIND = /^[a-z][a-z0-9_-]{0,47}$/;

export interface PathClaim {
  readonly kind: PathClaimKind;
  readonly path: Path;
}

/** A grant of a data set, and the entity of the person whose `handle` under it is asked about. */
export interface Pair {
  readonly grant: Path;
  readonly person: Path;
  readonly handle: string;
}

export interface AccessesClaim {
  readonly kind: "accesses";
  readonly path: Path;
  readonly pairs: readonly Pair[];
}

export interface ReceiptClaim {
  readonly kind: "transaction";
  readonly transaction: Uint8Array;
  readonly id: string;
}

/** Which events of this kind, and how much in all? */
export interface ListClaim {
  readonly kind: "list";
  readonly path: Path;
  readonly event: string;
}

/** What happened from `from` until before `until`, in milliseconds since 1970 UTC? */
export interface PeriodClaim {
  readonly kind: "period";
  readonly path: Path;
  readonly from: number;
  readonly until: number;
}

/** What was its record as of a past height? */
export interface AsOfClaim {
  readonly kind: "as-of";
  readonly path: Path;
  readonly height: number;
}

/** What is its event of this number, from 0? */
export interface EventClaim {
  readonly kind: "event";
  readonly path: Path;
  readonly index: number;
}

/** Does the chain extend the one of this size and root? */
export interface ConsistencyClaim {
  readonly kind: "consistency";
  readonly size: number;
  readonly root: Uint8Array;
}

export type RangeClaim = PeriodClaim | AsOfClaim | EventClaim;
export type Claim = PathClaim | AccessesClaim | ReceiptClaim | ListClaim | RangeClaim | ConsistencyClaim;

const READERS: Readonly<Record<string, (value: Json) => Claim>> = {
  accesses: readAccesses,
  "as-of": (value) => {
    const claim = Fields.of(value, "claim", ["height", "kind", "path"]);
    return { kind: "as-of", path: pathIn(claim), height: claim.natural("height") };
  },
  consistency: (value) => {
    const claim = Fields.of(value, "claim", ["kind", "root", "size"]);
    const size = claim.natural("size");
    if (size < 1) throw new Malformed("claim.size", "must be 1 to 2^53−1");
    return { kind: "consistency", size, root: fromHex(claim.get("root"), "claim.root") };
  },
  event: (value) => {
    const claim = Fields.of(value, "claim", ["index", "kind", "path"]);
    return { kind: "event", path: pathIn(claim), index: claim.natural("index") };
  },
  list: (value) => {
    const claim = Fields.of(value, "claim", ["event", "kind", "path"]);
    const event = claim.text("event");
    if (!EVENT_KIND.test(event)) throw new Malformed("claim.event", "must be a lower-case word");
    return { kind: "list", path: pathIn(claim), event };
  },
  period: (value) => {
    const claim = Fields.of(value, "claim", ["from", "kind", "path", "until"]);
    const [from, until] = [claim.natural("from"), claim.natural("until")];
    if (from >= until) throw new Malformed("claim.until", "must be after from");
    return { kind: "period", path: pathIn(claim), from, until };
  },
  transaction: (value) => {
    const claim = Fields.of(value, "claim", ["kind", "transaction"]);
    const transaction = fromHex(claim.get("transaction"), "claim.transaction");
    return { kind: "transaction", transaction, id: claim.text("transaction") };
  },
};
const CLAIM_KEYS = [
  "dataset", "event", "from", "height", "index", "pairs", "path", "root", "size", "transaction", "until",
] as const;

function pathIn(claim: Fields): Path {
  return parsePath(claim.get("path"), "claim.path");
}

export function readClaim(value: Json): Claim {
  const kind = Fields.of(value, "claim", ["kind"], CLAIM_KEYS).get("kind");
  const reader = typeof kind === "string" && Object.hasOwn(READERS, kind) ? READERS[kind] : undefined;
  if (reader !== undefined) return reader(value);
  const pathKind = PATH_CLAIMS.find((name) => name === kind);
  if (pathKind === undefined) throw new Malformed("claim.kind", "is not a question of version 1");
  const claim = Fields.of(value, "claim", ["kind", "path"]);
  return { kind: pathKind, path: pathIn(claim) };
}

function readAccesses(value: Json): AccessesClaim {
  const claim = Fields.of(value, "claim", ["dataset", "kind", "pairs"]);
  const path = parsePath(claim.get("dataset"), "claim.dataset");
  if (path.contract !== "datasharing" || path.kind !== "dataset") {
    throw new Malformed("claim.dataset", "must be datasharing/dataset/<id>");
  }
  const list = claim.list("pairs");
  if (list.length >= PAIRS_BELOW) throw new Malformed("claim.pairs", `must be fewer than ${PAIRS_BELOW}`);
  const pairs = list.map(readPair);
  pairs.forEach((pair, place) => {
    const before = pairs[place - 1];
    if (before !== undefined && pair.grant.id <= before.grant.id) {
      throw new Malformed("claim.pairs", "must be strictly ascending by grant id");
    }
  });
  return { kind: "accesses", path, pairs };
}

function readPair(value: Json): Pair {
  const [grant, handle, ...rest] = isArray(value) ? value : [];
  if (typeof grant !== "string" || typeof handle !== "string" || rest.length > 0) {
    throw new Malformed("claim.pairs", "must hold [grant id, handle] pairs");
  }
  if (!HANDLE.test(handle)) throw new Malformed("claim.pairs", "a handle must be 64 lower-case hex digits");
  return {
    grant: pathOf("datasharing", "grant", grant, "claim.pairs"),
    person: handlePath(grant, fromHex(handle, "claim.pairs")),
    handle,
  };
}

/** The entity of a person's handle under a grant: its name binds the grant. */
export function handlePath(grant: string, handle: Uint8Array): Path {
  return pathOf("datasharing", "handle", hex(tagged("handle", encode([grant, handle]))), "claim.pairs");
}

/** Whether a claim is what asking about a path means: where it went, or that there is no such thing. */
export function answersPath(claim: Claim, path: Path): boolean {
  return (claim.kind === "trace" || claim.kind === "absence") && claim.path.text === path.text;
}
