/// Completeness: the walk that says what an answer must show, made here and not by the server (FORMATS 7.1; 8, 2 and 8).

import { type Header, type Leaf } from "./block.js";
import { ENTITIES_MAX, type Bundle, type Shown } from "./bundle.js";
import { writeJson, type Json } from "./canonical_json.js";
import {
  answersPath,
  readClaim,
  type AccessesClaim,
  type ListClaim,
  type PathClaim,
  type ReceiptClaim,
} from "./claims.js";
import { Failed, Malformed } from "./errors.js";
import type { Logs } from "./integrity_entities.js";
import { parsePath, type Path } from "./paths.js";
import { checkRange } from "./ranges.js";
import { NOT_FINAL, type Result } from "./transaction.js";
import { clean, question, type Line } from "./verdict.js";

/** What was asked: a path as text, which stands for its trace or its absence, or a whole claim. */
export type About = string | { readonly claim: Json };

/** Checks that the bundle answers what was asked. */
export function checkQuestion(bundle: Bundle, about: About | undefined): void {
  if (about === undefined) return;
  if (typeof about === "string") {
    const path = parsePath(about, "about");
    if (!answersPath(bundle.claim, path)) throw new Failed("another-question", { asked: path.text });
  } else {
    const claim = readClaim(about.claim);
    if (writeJson(bundle.claimValue) !== writeJson(about.claim)) {
      throw new Failed("another-question", { asked: question(claim, "en") });
    }
  }
}

/** Checks that nothing is left out and nothing put in; integrity must be clean. */
export function checkCompleteness(
  bundle: Bundle,
  logs: Logs,
  result: Result | undefined,
  { height, time }: Header,
  size: number,
): Line {
  const { claim } = bundle;
  if (claim.kind === "transaction") return concluded(claim, result);
  if (height !== size) throw new Failed("older-state", { height, size });
  if (claim.kind === "consistency") {
    return clean("completeness", "complete-consistency", { height, size: claim.size });
  }
  if (claim.kind === "period" || claim.kind === "as-of" || claim.kind === "event") {
    return checkRange(bundle, claim, logs, { height, time });
  }
  const answer = new Answer(bundle, logs);
  if (claim.kind === "entity" || claim.kind === "absence") return answer.ofOne(claim, height);
  if (claim.kind === "accesses") answer.coverAccesses(claim);
  else answer.cover(claim.path, claim.kind === "trace");
  answer.refuseOthers();
  if (claim.kind === "list") return listed(claim, logs.get(claim.path.text) ?? [], height);
  const events = [...logs.values()].reduce((sum, leaves) => sum + leaves.length, 0);
  return clean("completeness", "complete", { entities: bundle.entities.length, events, height });
}

/** Counts the events of a kind and adds up how much of the entity went in and came out, recounted from what is shown. */
function listed({ event, path }: ListClaim, leaves: readonly Leaf[], height: number): Line {
  const entity = path.text;
  const chosen = leaves.filter(({ contract, kind }) => contract === path.contract && kind === event);
  const sum = (side: "inputs" | "outputs"): string => {
    const own = chosen.flatMap((leaf) => leaf[side].filter((one) => one.path.text === entity));
    return own.reduce((total, { quantity }) => total + BigInt(quantity), 0n).toString();
  };
  const totals = { count: chosen.length, made: sum("outputs"), taken: sum("inputs") };
  return clean("completeness", "complete-list", { entity, event, height, ...totals });
}

/** Whether a receipt is the last word: only a result that consumed the id is. */
function concluded({ id }: ReceiptClaim, result: Result | undefined): Line {
  if (result === undefined || NOT_FINAL.has(result.code)) {
    const parameters = { code: result?.code ?? "", transaction: id };
    return { name: "completeness", state: "qualified", code: "not-final", parameters };
  }
  return clean("completeness", "complete-receipt", { transaction: id });
}

class Answer {
  private readonly shown: ReadonlyMap<string, Shown>;
  private readonly reached = new Set<string>();

  constructor(
    bundle: Bundle,
    private readonly logs: Logs,
  ) {
    this.shown = new Map(bundle.entities.map((one) => [one.path.text, one]));
  }

  /** Walks breadth first from `start`; every entity reached must be shown with its log. */
  cover(start: Path, isTrace: boolean): void {
    const waiting = [start];
    this.reached.add(start.text);
    for (const path of waiting) {
      const leaves = this.logOf(path);
      for (const product of isTrace ? onward(path, leaves) : []) {
        if (this.reached.has(product.text)) continue;
        this.reached.add(product.text);
        waiting.push(product);
      }
      if (this.reached.size > ENTITIES_MAX) throw new Malformed("claim", `leads to more than ${ENTITIES_MAX} entities`);
    }
  }

  coverAccesses(claim: AccessesClaim): void {
    const entity = claim.path.text;
    const granted = grantsOf(this.logOf(claim.path));
    const paired = new Set(claim.pairs.map(({ grant }) => grant.id));
    const [least] = [...granted].filter((id) => !paired.has(id)).sort();
    if (least !== undefined) throw new Failed("grant-without-handle", { entity, grant: least });
    for (const grant of paired) {
      if (!granted.has(grant)) throw new Failed("grant-of-another-dataset", { entity, grant });
    }
    this.reached.add(entity);
    for (const { grant, person } of claim.pairs) {
      this.requireRecord(grant);
      this.reached.add(grant.text);
      // Of whom nothing was ever read under a grant, there is no entity.
      if (this.shownAs(person).form !== "absent") this.logOf(person);
      this.reached.add(person.text);
    }
  }

  refuseOthers(): void {
    for (const entity of this.shown.keys()) {
      if (!this.reached.has(entity)) throw new Failed("entity-superfluous", { entity });
    }
  }

  private shownAs(path: Path): Shown {
    const entity = path.text;
    const shown = this.shown.get(entity);
    if (shown === undefined) throw new Failed("entity-missing", { entity });
    return shown;
  }

  /** Of a grant the record alone is shown: its log holds what others were asked about. */
  private requireRecord(path: Path): void {
    const entity = path.text;
    const shown = this.shownAs(path);
    if (shown.form === "absent") throw new Failed("entity-absent", { entity });
    if (shown.form !== "outlined") throw new Failed("entity-superfluous", { entity });
  }

  ofOne(claim: PathClaim, height: number): Line {
    const entity = claim.path.text;
    const shown = this.shownAs(claim.path);
    this.reached.add(entity);
    if (claim.kind === "absence") {
      if (shown.form !== "absent") throw new Failed("entity-present", { entity });
      this.refuseOthers();
      return clean("completeness", "complete-absent", { entity, height });
    }
    if (shown.form === "absent") throw new Failed("entity-absent", { entity });
    if (shown.form !== "outlined") throw new Failed("entity-superfluous", { entity });
    this.refuseOthers();
    return clean("completeness", "complete-record", { entity, events: shown.size, height });
  }

  /** The whole log of an entity. */
  private logOf(path: Path): readonly Leaf[] {
    const entity = path.text;
    const shown = this.shownAs(path);
    if (shown.form === "outlined" || shown.form === "ranged") throw new Failed("entity-without-log", { entity });
    if (shown.form === "absent") throw new Failed("entity-absent", { entity });
    return this.logs.get(entity) ?? [];
  }
}

/** What a trace reaches from a log: the outputs of every event of which the entity is not merely a product. */
function* onward(path: Path, leaves: readonly Leaf[]): Generator<Path> {
  for (const { inputs, outputs } of leaves) {
    const isAmong = (side: typeof inputs): boolean => side.some((one) => one.path.text === path.text);
    if (isAmong(outputs) && !isAmong(inputs)) continue;
    for (const output of outputs) yield output.path;
  }
}

/** The ids of the grants that a data set's log lists. */
function grantsOf(leaves: readonly Leaf[]): Set<string> {
  const grants = new Set<string>();
  for (const leaf of leaves) {
    if (leaf.contract !== "datasharing" || leaf.kind !== "granted") continue;
    for (const { path } of leaf.outputs) if (path.kind === "grant") grants.add(path.id);
  }
  return grants;
}
