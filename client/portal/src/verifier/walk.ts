/// The epoch walk: from the members of genesis, through every change, to those who certified (FORMATS 7.4; 8, 9).

import { readHeader, type Header } from "./block.js";
import type { Handover } from "./bundle.js";
import { equal } from "./bytes.js";
import { readCertificate, readCheckpoint, splitNote, type Checkpoint, type Cosignature, type Note } from "./checkpoint.js";
import type { Engine } from "./ed25519.js";
import { Failed, Malformed } from "./errors.js";
import type { Genesis } from "./genesis.js";
import { leafHash } from "./hashing.js";
import { readMemberSet, type MemberSet } from "./members.js";
import { verifyConsistency, verifyInclusion } from "./merkle_log.js";

/** The member sets of all epochs walked, and the height with which each but the last ends. */
export interface Walk {
  readonly sets: readonly MemberSet[];
  readonly boundaries: readonly number[];
}

interface Step {
  readonly header: Header;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
  readonly next: MemberSet;
}

/** Walks from genesis to the set that must have certified the bundle's checkpoint. */
export async function walk(
  engine: Engine,
  handovers: readonly Handover[],
  genesis: Genesis,
  last: Checkpoint,
): Promise<Walk> {
  const sets: MemberSet[] = [genesis.members];
  const boundaries: number[] = [];
  const steps = handovers.map(readStep);
  for (const [epoch, step] of steps.entries()) {
    const handover = handovers[epoch];
    const set = sets[epoch];
    if (handover === undefined || set === undefined) break;
    const following = steps[epoch + 1]?.checkpoint ?? last;
    checkStep(step, handover, epoch, boundaries.at(-1) ?? 0, following, genesis);
    await certify(engine, step.note, genesis.origin, set);
    boundaries.push(step.checkpoint.size);
    sets.push(step.next);
  }
  return { sets, boundaries };
}

function readStep(handover: Handover): Step {
  try {
    const note = splitNote(handover.checkpoint);
    const header = readHeader(handover.header);
    const next = readMemberSet(handover.members, "bundle.epochs.members");
    return { header, note, checkpoint: readCheckpoint(note.text), next };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Failed("handover-malformed", { field: error.field, rule: error.rule });
  }
}

function checkStep(
  { header, checkpoint, next }: Step,
  handover: Handover,
  epoch: number,
  before: number,
  following: Checkpoint,
  genesis: Genesis,
): void {
  const { origin, size, root } = checkpoint;
  if (origin !== genesis.origin) throw new Failed("another-chain", { origin });
  if (header.height !== size) throw new Failed("handover-height", { epoch, height: header.height, size });
  if (size <= before) throw new Failed("handover-order", { epoch });
  if (header.epoch !== epoch) throw new Failed("another-epoch", { epoch: header.epoch });
  if (!equal(header.members, next.digest)) throw new Failed("another-member-set");
  if (!verifyInclusion(leafHash(handover.header), size - 1, size, handover.inclusion, root)) {
    throw new Failed("handover-not-in-chain", { epoch });
  }
  if (following.size <= size) throw new Failed("handover-order", { epoch });
  if (!verifyConsistency(size, following.size, root, following.root, handover.consistency)) {
    throw new Failed("handover-not-consistent", { epoch });
  }
}

/** Checks that the header's epoch and members are those of its place among the boundaries. */
export function checkPlace({ sets, boundaries }: Walk, header: Header, size: number): void {
  const epoch = boundaries.filter((boundary) => boundary < header.height).length;
  if (header.epoch !== epoch) throw new Failed("another-epoch", { epoch: header.epoch });
  const expected = boundaries[epoch] === header.height ? sets[epoch + 1] : sets[epoch];
  if (expected !== undefined && equal(header.members, expected.digest)) return;
  // The newest block may be a boundary itself, of a change that this walk does not reach.
  if (header.height !== size) throw new Failed("another-member-set");
}

/** The cosignatures of a certificate of a set; throws Failed where it is none. */
export async function certify(engine: Engine, note: Note, origin: string, set: MemberSet): Promise<Cosignature[]> {
  try {
    return await readCertificate(engine, note, origin, set);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Failed("not-certified", { field: error.field, rule: error.rule });
  }
}
