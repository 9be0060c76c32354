/// What can be wrong with what we are shown: bytes that break a format, or a step that finds something false.

/** Bytes that break a format: which field, and the rule it breaks. */
export class Malformed extends Error {
  constructor(
    readonly field: string,
    readonly rule: string,
  ) {
    super(`${field}: ${rule}`);
    this.name = "Malformed";
  }
}

/** Values of a sentence's {names}. */
export type Parameters = Readonly<Record<string, string | number>>;

/** A step of verification found something false; its line fails with this code. */
export class Failed extends Error {
  constructor(
    readonly code: string,
    readonly parameters: Parameters = {},
  ) {
    super(code);
    this.name = "Failed";
  }
}
