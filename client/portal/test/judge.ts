/// Judges bundles for another program: one JSON object a line in, one verdict a line out.
///
/// In: {bundle (base64), genesis (base64), engine?, about?, claim?, now_s?, max_age_s?, pin?, policy?}
/// Out: {lines: {name: {state, code, zh, en}}, met, ok, question: {zh, en}, notes}

import { createInterface } from "node:readline";

import {
  answers,
  bestEngine,
  isOk,
  LINES,
  NOBLE,
  readGenesis,
  readPolicy,
  sentence,
  verifyBundle,
  WEBCRYPTO,
  type Asked,
  type Genesis,
} from "../src/verifier/index.js";

type Task = Readonly<Record<string, string | number | undefined>>;

const known = new Map<string, Genesis>();

function genesisOf(encoded: string): Genesis {
  const found = known.get(encoded) ?? readGenesis(Buffer.from(encoded, "base64"));
  known.set(encoded, found);
  return found;
}

function askedOf(task: Task): Omit<Asked, "engine"> {
  const { about, claim, now_s: nowS, max_age_s: maxAgeS, pin, policy } = task;
  return {
    ...(typeof about === "string" ? { about } : {}),
    ...(typeof claim === "string" ? { about: { claim: JSON.parse(claim) as null } } : {}),
    ...(typeof nowS === "number" ? { nowS } : {}),
    ...(typeof maxAgeS === "number" ? { maxAgeS } : {}),
    ...(typeof pin === "string" ? { pin } : {}),
    ...(typeof policy === "string" ? { policy: readPolicy(policy) } : {}),
  };
}

async function judge(task: Task): Promise<unknown> {
  const engine = { noble: NOBLE, webcrypto: WEBCRYPTO }[String(task["engine"])] ?? (await bestEngine());
  const data = new Uint8Array(Buffer.from(String(task["bundle"]), "base64"));
  const report = await verifyBundle(data, genesisOf(String(task["genesis"])), { ...askedOf(task), engine });
  const lines = LINES.map((name) => {
    const line = report.lines[name];
    const words = { zh: sentence(line, "zh"), en: sentence(line, "en") };
    return [name, { state: line.state, code: line.code, ...words }];
  });
  return {
    lines: Object.fromEntries(lines) as unknown,
    met: report.isMet,
    ok: isOk(report),
    question: { zh: answers(report, "zh"), en: answers(report, "en") },
    notes: report.notes.map((note) => [note.code, sentence(note, "zh"), sentence(note, "en")]),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const verdict = await judge(JSON.parse(line) as Task);
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}
