/// Canonical JSON (RFC 8785) without fractions: one spelling per value, every other one refused.
///
/// The reader parses, writes again and compares, so that a key twice, keys out of order, white space, an
/// escape that need not be, or a number spelt otherwise is seen as a difference. Objects come from the
/// platform's parser: `objectOf` asks for exactly the keys a format has, and never looks at a prototype.

import { fromUtf8 } from "./bytes.js";
import { Malformed } from "./errors.js";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

const SURROGATE = /\p{Surrogate}/u; // half of a pair, alone

const COMMA = 0x2c;
// No file within the counts of FORMATS 7 comes near it; 64 MiB of "[]," would take gigabytes to parse.
const COMMAS_MAX = 4_000_000;

/** Counts the commas: about as many values does the platform's parser make. */
function refuseCrowds(data: Uint8Array, field: string): void {
  let commas = 0;
  for (const byte of data) if (byte === COMMA) commas += 1;
  if (commas > COMMAS_MAX) throw new Malformed(field, `holds more than ${COMMAS_MAX} commas`);
}

export function writeJson(value: Json): string {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Malformed("JSON", "numbers must be integers within ±(2^53−1)");
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (SURROGATE.test(value)) throw new Malformed("JSON", "text is not valid Unicode");
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  // Sorted by UTF-16 units, as RFC 8785 asks: the order in which JavaScript compares texts.
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([name, item]) => `${writeJson(name)}:${writeJson(item)}`).join(",")}}`;
}

/** Reads canonical JSON. Throws Malformed for every other spelling. */
export function readJson(data: Uint8Array, field: string): Json {
  refuseCrowds(data, field);
  const text = fromUtf8(data);
  if (text === undefined) throw new Malformed(field, "is not UTF-8");
  let value: Json;
  let canonical: string;
  try {
    value = JSON.parse(text) as Json;
    canonical = writeJson(value);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof Malformed) {
      throw new Malformed(field, `not canonical JSON (${error.message.slice(0, 200)})`);
    }
    throw error;
  }
  if (canonical !== text) {
    throw new Malformed(field, "not the canonical spelling of JSON (RFC 8785)");
  }
  return value;
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** An object's fields, asked for by name after its keys were found to be the allowed ones. */
export class Fields {
  private constructor(
    readonly field: string,
    private readonly entries: ReadonlyMap<string, Json>,
  ) {}

  /** Takes an object with all of `required`, any of `optional`, and no other key. */
  static of(value: Json, field: string, required: readonly string[], optional: readonly string[] = []): Fields {
    if (typeof value !== "object" || value === null || isArray(value)) {
      throw new Malformed(field, "must be an object");
    }
    const entries = new Map(Object.entries(value));
    for (const name of required) {
      if (!entries.has(name)) throw new Malformed(field, `must have ${name}`);
    }
    for (const name of entries.keys()) {
      if (!required.includes(name) && !optional.includes(name)) {
        throw new Malformed(field, `must not have ${JSON.stringify(name).slice(0, 100)}`);
      }
    }
    return new Fields(field, entries);
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  get(name: string): Json {
    const value = this.entries.get(name);
    if (value === undefined) throw new Malformed(this.field, `must have ${name}`);
    return value;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== "string") throw new Malformed(`${this.field}.${name}`, "must be text");
    return value;
  }

  natural(name: string): number {
    const value = this.get(name);
    if (typeof value !== "number" || value < 0) {
      throw new Malformed(`${this.field}.${name}`, "must be 0 to 2^53−1");
    }
    return value;
  }

  list(name: string): readonly Json[] {
    const value = this.get(name);
    if (!isArray(value)) throw new Malformed(`${this.field}.${name}`, "must be a list");
    return value;
  }
}
