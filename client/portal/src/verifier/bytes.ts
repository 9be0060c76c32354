/// Byte strings and their texts: hex in lower case, base64 with padding and zero spare bits, strict UTF-8.

import { Malformed } from "./errors.js";

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < 64; value += 1) BASE64_VALUES[BASE64.charCodeAt(value)] = value;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const LOWER_HEX = /^[0-9a-f]*$/;

const ENCODER = new TextEncoder();
// A byte order mark is a character like any other: two spellings of one text would be two truths.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** The text that the bytes spell in UTF-8, or undefined. */
export function fromUtf8(data: Uint8Array): string | undefined {
  try {
    return DECODER.decode(data);
  } catch {
    return undefined;
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return compare(left, right) === 0;
}

/** Negative, zero or positive, in the order of bytes, a prefix first. */
export function compare(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let place = 0; place < shared; place += 1) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function hex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += HEX[byte];
  return text;
}

/** Reads lower-case hex of exactly `size` bytes. */
export function fromHex(text: unknown, field: string, size = 32): Uint8Array {
  if (typeof text !== "string" || text.length !== 2 * size || !LOWER_HEX.test(text)) {
    throw new Malformed(field, `must be ${2 * size} lower-case hex digits`);
  }
  const data = new Uint8Array(size);
  for (let place = 0; place < size; place += 1) {
    data[place] = Number.parseInt(text.slice(2 * place, 2 * place + 2), 16);
  }
  return data;
}

function base64Value(text: string, place: number): number {
  const code = text.charCodeAt(place);
  return code < 128 ? (BASE64_VALUES[code] ?? -1) : -1;
}

/** Reads base64 (RFC 4648 section 4) in its one spelling: padded, and spare bits zero. */
export function fromBase64(text: unknown, field: string): Uint8Array {
  if (typeof text !== "string") throw new Malformed(field, "must be base64 text");
  if (text.length % 4 !== 0) throw new Malformed(field, "is not base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const data = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let place = 0;
  for (let index = 0; index < digits; index += 1) {
    const value = base64Value(text, index);
    if (value < 0) throw new Malformed(field, "is not base64");
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      data[place] = (held >> bits) & 0xff;
      place += 1;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new Malformed(field, "is not the canonical base64");
  return data;
}

export function base64(data: Uint8Array): string {
  let text = "";
  for (let place = 0; place < data.length; place += 3) {
    const left = data.length - place;
    const word =
      ((data[place] ?? 0) << 16) | ((data[place + 1] ?? 0) << 8) | (data[place + 2] ?? 0);
    text += BASE64.charAt(word >> 18) + BASE64.charAt((word >> 12) & 63);
    text += left > 1 ? BASE64.charAt((word >> 6) & 63) : "=";
    text += left > 2 ? BASE64.charAt(word & 63) : "=";
  }
  return text;
}
