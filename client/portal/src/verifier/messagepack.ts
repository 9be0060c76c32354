/// Canonical MessagePack (FORMATS 1): one spelling per value; the reader refuses every other as it goes.

import { compare, concat, fromUtf8, utf8 } from "./bytes.js";
import { Malformed } from "./errors.js";

export type Value = null | boolean | number | string | Uint8Array | readonly Value[] | ValueMap;
export type ValueMap = ReadonlyMap<string, Value>;

export const DEPTH_MAX = 16;
const TWO_32 = 2 ** 32;

/**
 * Reads the one value that `data` spells. Free values inside a structure (bodies, arguments, parameters) count
 * their nesting from themselves: `outer` is how deep they stand. What holds more than `valuesMax` values is refused
 * before they are made: in memory each takes a hundred times its one byte.
 */
export function decode(data: Uint8Array, field: string, outer = 0, valuesMax = Number.MAX_SAFE_INTEGER): Value {
  const reader = new Reader(data, field, DEPTH_MAX + outer, valuesMax);
  const value = reader.value(0);
  if (reader.place !== data.length) throw new Malformed(field, "has bytes after the value");
  return value;
}

class Reader {
  place = 0;
  private readonly view: DataView;

  constructor(
    private readonly data: Uint8Array,
    private readonly field: string,
    private readonly depthMax: number,
    private valuesLeft: number,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  value(depth: number): Value {
    const head = this.natural(1);
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this.map(head & 0x0f, depth);
    if (head < 0xa0) return this.array(head & 0x0f, depth);
    if (head < 0xc0) return this.text(head & 0x1f);
    return this.long(head, depth);
  }

  private long(head: number, depth: number): Value {
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.take(this.size(1 << (head - 0xc4), 0));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.unsigned(1 << (head - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.negative(1 << (head - 0xd0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.size(1 << (head - 0xd9), 32));
      case 0xdc:
      case 0xdd:
        return this.array(this.size(2 << (head - 0xdc), 16), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.size(2 << (head - 0xde), 16), depth);
      default:
        throw this.malformed("a float, an extension or no type at all");
    }
  }

  private take(size: number): Uint8Array {
    if (size > this.data.length - this.place) throw this.malformed("ends too early");
    this.place += size;
    return this.data.subarray(this.place - size, this.place);
  }

  /** A big-endian unsigned number of 1, 2, 4 or 8 bytes, within 2^53−1. */
  private natural(width: number): number {
    const start = this.place;
    this.take(width);
    if (width === 1) return this.view.getUint8(start);
    if (width === 2) return this.view.getUint16(start);
    if (width === 4) return this.view.getUint32(start);
    const number = this.view.getUint32(start) * TWO_32 + this.view.getUint32(start + 4);
    if (!Number.isSafeInteger(number)) throw this.malformed("an integer lies outside ±(2^53−1)");
    return number;
  }

  /** A length in `width` bytes, refused where a shorter header could say it; `fixed` lengths fit the head byte. */
  private size(width: number, fixed: number): number {
    const size = this.natural(width);
    const shorter = width === 1 || (width === 2 && fixed === 16) ? fixed : 2 ** (4 * width);
    if (size < shorter) throw this.malformed("a length is not in its shortest form");
    return size;
  }

  private unsigned(width: number): number {
    const number = this.natural(width);
    if (number < (width === 1 ? 0x80 : 2 ** (4 * width))) {
      throw this.malformed("an integer is not in its shortest form");
    }
    return number;
  }

  private negative(width: number): number {
    const start = this.place;
    this.take(width);
    let number: number;
    if (width === 1) number = this.view.getInt8(start);
    else if (width === 2) number = this.view.getInt16(start);
    else if (width === 4) number = this.view.getInt32(start);
    else number = this.view.getInt32(start) * TWO_32 + this.view.getUint32(start + 4);
    if (!Number.isSafeInteger(number)) throw this.malformed("an integer lies outside ±(2^53−1)");
    if (number >= (width === 1 ? -0x20 : -(2 ** (4 * width - 1)))) {
      throw this.malformed("an integer is not in its shortest form");
    }
    return number;
  }

  private text(size: number): string {
    const text = fromUtf8(this.take(size));
    if (text === undefined) throw this.malformed("text is not UTF-8");
    return text;
  }

  private array(size: number, depth: number): Value[] {
    this.enter(size, depth);
    const items: Value[] = [];
    for (let index = 0; index < size; index += 1) items.push(this.value(depth + 1));
    return items;
  }

  private map(size: number, depth: number): ValueMap {
    this.enter(2 * size, depth);
    const entries = new Map<string, Value>();
    let before: Uint8Array | undefined;
    for (let index = 0; index < size; index += 1) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw this.malformed("a map key is not text");
      const spelt = utf8(key);
      if (before !== undefined && compare(before, spelt) >= 0) {
        throw this.malformed("map keys must ascend by their bytes");
      }
      before = spelt;
      entries.set(key, this.value(depth + 1));
    }
    return entries;
  }

  private enter(items: number, depth: number): void {
    if (depth >= this.depthMax) throw this.malformed(`nesting is deeper than ${DEPTH_MAX}`);
    if (items > this.data.length - this.place) throw this.malformed("ends too early");
    this.valuesLeft -= items;
    if (this.valuesLeft < 0) throw this.malformed("holds too many values");
  }

  private malformed(rule: string): Malformed {
    return new Malformed(this.field, rule);
  }
}

/** The canonical bytes of a value that was built from checked parts. */
export function encode(value: Value): Uint8Array {
  const parts: Uint8Array[] = [];
  write(value, parts);
  return concat(...parts);
}

function write(value: Value, parts: Uint8Array[]): void {
  if (value === null) parts.push(Uint8Array.of(0xc0));
  else if (typeof value === "boolean") parts.push(Uint8Array.of(value ? 0xc3 : 0xc2));
  else if (typeof value === "number") parts.push(integer(value));
  else if (typeof value === "string") {
    const spelt = utf8(value);
    parts.push(header(spelt.length, 0xa0, 32, [0xd9, 0xda, 0xdb]), spelt);
  } else if (value instanceof Uint8Array) {
    parts.push(header(value.length, 0, 0, [0xc4, 0xc5, 0xc6]), value);
  } else if (value instanceof Map) {
    const entries = [...(value as ValueMap)].map(([name, item]) => [utf8(name), name, item] as const);
    entries.sort(([left], [right]) => compare(left, right));
    parts.push(header(entries.length, 0x80, 16, [undefined, 0xde, 0xdf]));
    for (const [, name, item] of entries) {
      write(name, parts);
      write(item, parts);
    }
  } else {
    const items = value as readonly Value[];
    parts.push(header(items.length, 0x90, 16, [undefined, 0xdc, 0xdd]));
    for (const item of items) write(item, parts);
  }
}

function header(
  size: number,
  fixed: number,
  limit: number,
  long: readonly [number | undefined, number, number],
): Uint8Array {
  if (size < limit) return Uint8Array.of(fixed | size);
  if (size < 0x100 && long[0] !== undefined) return Uint8Array.of(long[0], size);
  return size < 0x10000 ? numbered(long[1], size, 2) : numbered(long[2], size, 4);
}

function numbered(head: number, number: number, width: number): Uint8Array {
  const bytes = new Uint8Array(1 + width);
  bytes[0] = head;
  const view = new DataView(bytes.buffer);
  if (width === 1) view.setUint8(1, number & 0xff);
  else if (width === 2) view.setUint16(1, number & 0xffff);
  else if (width === 4) view.setUint32(1, number >>> 0);
  else {
    view.setInt32(1, Math.floor(number / TWO_32));
    view.setUint32(5, ((number % TWO_32) + TWO_32) % TWO_32);
  }
  return bytes;
}

function integer(number: number): Uint8Array {
  if (!Number.isSafeInteger(number)) throw new Malformed("value", "an integer lies outside ±(2^53−1)");
  if (number >= 0) {
    if (number < 0x80) return Uint8Array.of(number);
    if (number < 0x100) return numbered(0xcc, number, 1);
    if (number < 0x10000) return numbered(0xcd, number, 2);
    return number < TWO_32 ? numbered(0xce, number, 4) : numbered(0xcf, number, 8);
  }
  if (number >= -0x20) return Uint8Array.of(number & 0xff);
  if (number >= -0x80) return numbered(0xd0, number, 1);
  if (number >= -0x8000) return numbered(0xd1, number, 2);
  return number >= -0x80000000 ? numbered(0xd2, number, 4) : numbered(0xd3, number, 8);
}
