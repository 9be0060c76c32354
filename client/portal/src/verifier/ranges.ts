/// Completeness of answers that show part of a log: a period, a record of the past, one event (FORMATS 8, 8).

import type { Header, Leaf } from "./block.js";
import type { Bundle, Ranged } from "./bundle.js";
import { equal } from "./bytes.js";
import type { AsOfClaim, EventClaim, PeriodClaim, RangeClaim } from "./claims.js";
import { Failed } from "./errors.js";
import { sha256 } from "./hashing.js";
import { utcTime } from "./instants.js";
import type { Logs } from "./integrity_entities.js";
import { clean, type Line } from "./verdict.js";

/** Height and block time of the header that the answer is proved by. */
type Place = Pick<Header, "height" | "time">;

export function checkRange(bundle: Bundle, claim: RangeClaim, logs: Logs, place: Place): Line {
  const { height } = place;
  const entity = claim.path.text;
  const shown = bundle.entities.find(({ path }) => path.text === entity);
  if (shown === undefined) throw new Failed("entity-missing", { entity });
  if (claim.kind === "as-of" && claim.height > height) {
    throw new Failed("height-ahead", { height, past: claim.height });
  }
  if (shown.form === "absent" && claim.kind !== "as-of") throw new Failed("entity-absent", { entity });
  const other = bundle.entities.find(({ path }) => path.text !== entity);
  if (other !== undefined) throw new Failed("entity-superfluous", { entity: other.path.text });
  if (shown.form === "logged" || shown.form === "outlined") throw new Failed("entity-superfluous", { entity });
  if (shown.form === "absent") return absentThen(entity, claim, height);
  const leaves = logs.get(entity) ?? [];
  if (claim.kind === "as-of") return asOf(shown, claim, leaves, height);
  if (shown.then !== undefined) throw new Failed("record-of-another-time", { entity });
  return claim.kind === "period" ? period(shown, claim, leaves, place) : event(shown, claim, leaves, height);
}

function absentThen(entity: string, claim: RangeClaim, height: number): Line {
  const past = claim.kind === "as-of" ? claim.height : height;
  return clean("completeness", "complete-as-of-absent", { entity, height, past });
}

const isToTheEnd = ({ first, leaves, size }: Ranged): boolean => first + leaves.length === size;

function period(shown: Ranged, { from, until }: PeriodClaim, leaves: readonly Leaf[], { height, time }: Place): Line {
  const entity = shown.path.text;
  leaves.forEach((leaf, place) => {
    if ((place > 0 && leaf.time < from) || (place < leaves.length - 1 && leaf.time >= until)) {
      throw new Failed("leaf-superfluous", { entity, index: shown.first + place });
    }
  });
  if (shown.first > 0 && (leaves[0]?.time ?? from) >= from) throw new Failed("period-open-before", { entity });
  if (!isToTheEnd(shown) && (leaves.at(-1)?.time ?? 0) < until) throw new Failed("period-open-after", { entity });
  const events = leaves.filter((leaf) => from <= leaf.time && leaf.time < until).length;
  const told = {
    entity,
    events,
    from: utcTime(Math.floor(from / 1000)),
    height,
    size: shown.size,
    until: utcTime(Math.floor(until / 1000)),
  };
  if (until <= time) return clean("completeness", "complete-period", told);
  // A block may still come whose time is in it.
  return clean("completeness", "complete-period-so-far", { ...told, time: utcTime(Math.floor(time / 1000)) });
}

function asOf(shown: Ranged, claim: AsOfClaim, leaves: readonly Leaf[], height: number): Line {
  const entity = shown.path.text;
  const past = claim.height;
  const [before, after] = leaves;
  if (before === undefined || before.height > past) {
    if (leaves.length > 1) throw new Failed("leaf-superfluous", { entity, index: shown.first + 1 });
    if (shown.first > 0) throw new Failed("as-of-open", { entity, past });
    if (shown.then !== undefined) throw new Failed("record-of-another-time", { entity });
    return clean("completeness", "complete-as-of-absent", { entity, height, past });
  }
  if (after !== undefined && after.height <= past) {
    throw new Failed("leaf-superfluous", { entity, index: shown.first });
  }
  if (leaves.length > 2) throw new Failed("leaf-superfluous", { entity, index: shown.first + 2 });
  if (after === undefined && !isToTheEnd(shown)) throw new Failed("as-of-open", { entity, past });
  if (shown.then === undefined || !equal(sha256(shown.then), before.record)) {
    throw new Failed("record-of-another-time", { entity });
  }
  return clean("completeness", "complete-as-of", { entity, height, past });
}

function event(shown: Ranged, { index }: EventClaim, leaves: readonly Leaf[], height: number): Line {
  const entity = shown.path.text;
  if (leaves.length > 1) throw new Failed("leaf-superfluous", { entity, index: shown.first + 1 });
  if (shown.first !== index) throw new Failed("event-of-another-index", { entity, index: shown.first });
  return clean("completeness", "complete-event", { entity, height, index, size: shown.size });
}
