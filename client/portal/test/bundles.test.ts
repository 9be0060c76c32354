/// The documented bundles: the honest ones are clean, every forgery gets the verdict that its vector says.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Json } from "../src/verifier/canonical_json.js";
import { NOBLE, readPolicy, verifyBundle, WEBCRYPTO, type Asked, type Engine } from "../src/verifier/index.js";
import { isOk, LINES, lineText } from "../src/verifier/verdict.js";
import { vectorBytes, vectorGenesis, vectorJson, verdictOf } from "./vectors_folder.js";

const HONEST = [
  "absence",
  "accesses",
  "as-of",
  "as-of-absent",
  "consistency",
  "entity",
  "epochs",
  "event",
  "history",
  "list",
  "period",
  "receipt",
  "trace",
  "trace-with-consistency",
];
const ENGINES: readonly Engine[] = [NOBLE, WEBCRYPTO];

interface Forgery {
  readonly name: string;
  readonly bundle: string;
  readonly asked: {
    about?: string;
    claim?: Json;
    now_s?: number;
    max_age_s?: number;
    pin?: string;
    policy?: string;
  };
  readonly verdict: Record<string, [string, string]>;
}

function asked({ about, claim, now_s: nowS, max_age_s: maxAgeS, pin, policy }: Forgery["asked"]): Asked {
  return {
    ...(claim === undefined ? {} : { about: { claim } }),
    ...(policy === undefined ? {} : { policy: readPolicy(policy) }),
    ...(about === undefined ? {} : { about }),
    ...(nowS === undefined ? {} : { nowS }),
    ...(maxAgeS === undefined ? {} : { maxAgeS }),
    ...(pin === undefined ? {} : { pin }),
  };
}

interface Trusting extends Forgery {
  readonly lines: Readonly<Record<"en" | "zh", readonly string[]>>;
  readonly met: boolean;
  readonly ok: boolean;
}

const genesis = vectorGenesis();
const forgeries = vectorJson<Forgery[]>("forgeries.json");

for (const engine of ENGINES) {
  for (const name of HONEST) {
    test(`the honest bundle ${name} is clean by ${engine.name}`, async () => {
      const report = await verifyBundle(vectorBytes(`bundle-${name}.json`), genesis, { engine });
      const states = LINES.map((line) => report.lines[line].state);
      assert.deepEqual(states, ["clean", "clean", "clean", "clean"], lineText(report.lines.integrity, "en"));
      assert.ok(isOk(report));
    });
  }

  for (const forgery of forgeries) {
    test(`${forgery.name} gets its verdict by ${engine.name}`, async () => {
      const data = new TextEncoder().encode(forgery.bundle);
      const report = await verifyBundle(data, genesis, { ...asked(forgery.asked), engine });
      assert.deepEqual(verdictOf(report), forgery.verdict);
      assert.ok(!isOk(report));
    });
  }
}

for (const trusting of vectorJson<Trusting[]>("trusts.json")) {
  test(`to a reader of ${trusting.name} the lines say what the authority rests on`, async () => {
    const data = new TextEncoder().encode(trusting.bundle);
    const report = await verifyBundle(data, genesis, asked(trusting.asked));
    assert.deepEqual(verdictOf(report), trusting.verdict);
    for (const language of ["en", "zh"] as const) {
      const lines = LINES.map((name) => lineText(report.lines[name], language));
      assert.deepEqual(lines, trusting.lines[language]);
    }
    assert.deepEqual([report.isMet, isOk(report)], [trusting.met, trusting.ok]);
  });
}

test("a receipt that is not the last word is qualified, and nothing else is", async () => {
  const report = await verifyBundle(vectorBytes("receipt-not-final.json"), genesis);
  assert.deepEqual(verdictOf(report)["completeness"], ["qualified", "not-final"]);
  assert.equal(LINES.filter((line) => report.lines[line].state === "clean").length, 3);
  assert.match(lineText(report.lines.completeness, "en"), /\(expired\).*another receipt/);
});

test("the handles asked about are noted whole", async () => {
  const report = await verifyBundle(vectorBytes("bundle-accesses.json"), genesis);
  const noted = report.notes.filter(({ code }) => code === "handle-asked").map(({ parameters }) => parameters);
  assert.deepEqual(noted, [
    { grant: "health.g-1", handle: "11".repeat(32) },
    { grant: "health.g-2", handle: "22".repeat(32) },
  ]);
});

test("every byte of an honest bundle counts", async () => {
  const honest = vectorBytes("bundle-absence.json");
  for (let place = 0; place < honest.length; place += 1) {
    const changed = honest.slice();
    changed[place] = (changed[place] ?? 0) ^ 1;
    const report = await verifyBundle(changed, genesis, { engine: WEBCRYPTO });
    assert.ok(LINES.some((line) => report.lines[line].state !== "clean"), `byte ${place}`);
  }
});

test("a sentence names what it is about, in both languages", async () => {
  const report = await verifyBundle(vectorBytes("bundle-trace.json"), genesis);
  assert.equal(
    lineText(report.lines.completeness, "en"),
    "completeness: clean. Nothing is left out as of height 6 (entities: 5, events: 17).",
  );
  assert.equal(
    lineText(report.lines.completeness, "zh"),
    "无遗漏：通过。截至区块 6，没有遗漏：共 5 个对象、17 条记录。",
  );
});
