/// Where the vectors lie that every verifier must agree on, and how tests read them.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { readGenesis, type Genesis, type Report } from "../src/verifier/index.js";
import { LINES } from "../src/verifier/verdict.js";

// Seen from build/test/, where the compiled tests run.
const FOLDER = new URL("../../../../tests/vectors/", import.meta.url);

export function vectorBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fileURLToPath(new URL(name, FOLDER))));
}

export function vectorJson<T>(name: string): T {
  return JSON.parse(new TextDecoder().decode(vectorBytes(name))) as T;
}

export function vectorGenesis(): Genesis {
  return readGenesis(vectorBytes("genesis.json"));
}

/** [state, code] of each line, as `forgeries.json` writes them. */
export function verdictOf(report: Report): Record<string, readonly [string, string]> {
  return Object.fromEntries(LINES.map((name) => [name, [report.lines[name].state, report.lines[name].code]]));
}
