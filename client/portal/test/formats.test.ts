/// The documented vectors of encodings, hashes, blocks and state trees, and the strictness of each reader.

import assert from "node:assert/strict";
import { test } from "node:test";

import { comparePositions, readHeader, readLeaf, stateValue } from "../src/verifier/block.js";
import { base64, fromBase64, fromHex, hex, utf8 } from "../src/verifier/bytes.js";
import { readJson } from "../src/verifier/canonical_json.js";
import { readCheckpoint, splitNote } from "../src/verifier/checkpoint.js";
import { Malformed } from "../src/verifier/errors.js";
import { readGenesis } from "../src/verifier/genesis.js";
import { leafHash, nodeHash, sha256 } from "../src/verifier/hashing.js";
import { chinaTime, utcTime } from "../src/verifier/instants.js";
import { frontierOf } from "../src/verifier/merkle_log.js";
import { decode, encode } from "../src/verifier/messagepack.js";
import { keyOf, parsePath } from "../src/verifier/paths.js";
import { verifyStateProof, type Expected } from "../src/verifier/state_proof.js";
import { readPolicy } from "../src/verifier/policy.js";
import { readResult, readTransaction } from "../src/verifier/transaction.js";
import { vectorBytes, vectorGenesis, vectorJson } from "./vectors_folder.js";

const unhex = (text: string): Uint8Array => fromHex(text, "vector", text.length / 2);
const malformed = (read: () => unknown, why?: string): void => assert.throws(read, Malformed, why);

interface Spelling {
  readonly name: string;
  readonly spelling: string;
}
const encoding = vectorJson<{ good: Spelling[]; bad: Spelling[] }>("encoding.json");

for (const { name, spelling } of encoding.good) {
  test(`canonical MessagePack is read and written: ${name}`, () => {
    assert.equal(hex(encode(decode(unhex(spelling), "vector"))), spelling);
  });
}
for (const { name, spelling } of encoding.bad) {
  test(`another spelling is refused: ${name}`, () => malformed(() => decode(unhex(spelling), "vector")));
}

test("integers have one spelling at every border of a width", () => {
  const borders = [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  for (const number of [...borders, ...borders.map((border) => -border), -33, -32, -129, -32769, -(2 ** 31) - 1]) {
    assert.equal(decode(encode(number), "number"), number === 0 ? 0 : number);
  }
  malformed(() => encode(2 ** 53));
});

interface Hashes {
  readonly chain_id: string;
  readonly origin: string;
  readonly members: string;
  readonly keys: { key: string; path: string }[];
  readonly logs: { frontier: string[]; root: string; size: number; state_value: string }[];
}
const hashes = vectorJson<Hashes>("hashes.json");

test("keys, frontiers, roots and state values are those of the vectors", () => {
  for (const { key, path } of hashes.keys) assert.equal(hex(keyOf(parsePath(path, "path"))), key);
  for (const log of hashes.logs) {
    const leaves = Array.from({ length: log.size }, (_, index) => leafHash(utf8(String(index))));
    const frontier = frontierOf(leaves);
    assert.deepEqual(frontier.map(hex), log.frontier);
    const [first, ...rest] = [...frontier].reverse();
    const root = rest.reduce((node, peak) => nodeHash(peak, node), first ?? sha256(new Uint8Array()));
    assert.equal(hex(root), log.root);
    assert.equal(hex(stateValue(utf8("record"), log.size, frontier)), log.state_value);
  }
});

test("the genesis file gives chain id, origin and digest of the member set", () => {
  const genesis = vectorGenesis();
  assert.equal(hex(genesis.chainId), hashes.chain_id);
  assert.equal(genesis.origin, hashes.origin);
  assert.equal(hex(genesis.members.digest), hashes.members);
  assert.deepEqual([genesis.members.quorum, genesis.members.faulty], [3, 1]);
});

interface Block {
  readonly checkpoint: { note: string; text: string };
  readonly header: { bytes: string; height: number; leaf_hash: string };
  readonly leaf: { bytes: string; leaf_hash: string; position: [number, number, number] };
  readonly result: string;
  readonly transaction: { bytes: string; digest: string; id: string };
}

test("one block is read from its transaction to its checkpoint", () => {
  const block = vectorJson<Block>("block.json");
  const header = readHeader(unhex(block.header.bytes));
  assert.equal(header.height, block.header.height);
  assert.equal(hex(leafHash(header.bytes)), block.header.leaf_hash);
  const leaf = readLeaf(unhex(block.leaf.bytes), "leaf");
  assert.equal(comparePositions(leaf.position, block.leaf.position), 0);
  const transaction = readTransaction(unhex(block.transaction.bytes));
  assert.equal(hex(transaction.id), block.transaction.id);
  assert.equal(hex(leafHash(unhex(block.transaction.bytes))), block.transaction.digest);
  assert.equal(hex(readResult(unhex(block.result)).transaction), block.transaction.id);
  const note = splitNote(block.checkpoint.note);
  assert.equal(note.text, block.checkpoint.text);
  assert.equal(readCheckpoint(note.text).size, 6);
});

interface Proof {
  readonly name: string;
  readonly root: string;
  readonly proof: string;
  readonly expected: Record<string, string | null>;
}

test("state proofs: the good are accepted, the bad refused", () => {
  const proofs = vectorJson<{ good: Proof[]; bad: Proof[] }>("state_tree.json");
  const check = ({ root, proof, expected }: Proof): void => {
    const keys = Object.entries(expected).map(
      ([key, value]): Expected => ({ key: unhex(key), value: value === null ? null : unhex(value) }),
    );
    verifyStateProof(unhex(root), unhex(proof), keys);
  };
  assert.ok(proofs.good.length > 0 && proofs.bad.length > 0);
  for (const proof of proofs.good) assert.doesNotThrow(() => check(proof), proof.name);
  for (const proof of proofs.bad) malformed(() => check(proof), proof.name);
});

test("JSON has one spelling", () => {
  const good = ['{"a":[1,-2,true,null,"é\\n\\u001f"],"b":{}}', "9007199254740991", '{"__proto__":1}', '{"😀":1,"～":2}'];
  for (const text of good) assert.doesNotThrow(() => readJson(utf8(text), "json"), text);
  const bad = [
    '{"b":1,"a":2}', '{"a":1,"a":1}', '{"a":1,"a":2}', " 1", "1 ", "1.0", "1e3", "0.5", "-0", "01", "9007199254740992",
    '"\\u00e9"', '"\\/"', '"\\ud800"', '{"～":2,"😀":1}', "", "nul", "[1,]", "1e400", "\ufeff1", `${"[".repeat(99_999)}`,
  ];
  for (const text of bad) malformed(() => readJson(utf8(text), "json"), text.slice(0, 20));
  malformed(() => readJson(Uint8Array.of(0x22, 0xff, 0x22), "json"), "no UTF-8");
});

test("base64 and hex have one spelling", () => {
  for (let size = 0; size < 70; size += 1) {
    const data = Uint8Array.from({ length: size }, (_, place) => (place * 151 + size) & 0xff);
    assert.equal(base64(data), Buffer.from(data).toString("base64"));
    assert.deepEqual(fromBase64(base64(data), "text"), data);
  }
  for (const text of ["AB==", "AAB=", "A", "AA", "AAA", "A===", "====", "AA=A", "AA\n=", "-_==", "é=="]) {
    malformed(() => fromBase64(text, "text"), text);
  }
  for (const text of ["AB", "0g", "0", "000", 7]) malformed(() => fromHex(text, "text", 1));
});

test("genesis files are read strictly", () => {
  const text = new TextDecoder().decode(vectorBytes("genesis.json"));
  assert.doesNotThrow(() => readGenesis(utf8(text)));
  for (const changed of [`${text}\n`, text.replace('"version":1', '"version":2'), text.replace('"m1"', '"m0"'), "{}"]) {
    malformed(() => readGenesis(utf8(changed)));
  }
});

test("times are written as people read them", () => {
  assert.equal(utcTime(0), "1970-01-01T00:00:00Z");
  assert.equal(utcTime(1_579_795_562), "2020-01-23T16:06:02Z");
  assert.equal(utcTime(951_782_399), "2000-02-28T23:59:59Z");
  assert.equal(utcTime(951_782_400), "2000-02-29T00:00:00Z");
  assert.equal(chinaTime(1_579_795_562), "2020-01-24 00:06:02");
  assert.match(utcTime(2 ** 53 - 1), /^285428751-11-12T07:36:31Z$/);
});


interface PolicyCase {
  readonly name: string;
  readonly refused: readonly [string, string] | null;
  readonly text: string;
}

for (const { name, refused, text } of vectorJson<PolicyCase[]>("policies.json")) {
  test(`a policy is read or refused by line and rule: ${name}`, () => {
    if (refused === null) assert.doesNotThrow(() => readPolicy(text));
    else assert.throws(() => readPolicy(text), (error) => error instanceof Malformed && error.message === refused.join(": "));
  });
}

test("a policy's size is counted in characters of Unicode, not in units of UTF-16", () => {
  const most = 256 * 1024;
  const filled = (characters: number): string => "quorum none\n#" + "\u{2070e}".repeat(characters - 13);
  assert.doesNotThrow(() => readPolicy(filled(most)));
  assert.throws(() => readPolicy(filled(most + 1)), /is larger than 262144 characters/);
});

test("a file of millions of tiny values is refused before they are made", () => {
  const many = 12_000_000;
  const crowd = new Uint8Array(5 + 2 * many);
  crowd.set([0xdd, many >>> 24, (many >>> 16) & 0xff, (many >>> 8) & 0xff, many & 0xff]);
  for (let place = 5; place < crowd.length; place += 2) crowd[place] = 0xc4; // byte strings of no bytes
  const key = new Uint8Array(32);
  const before = process.memoryUsage().heapUsed;
  malformed(() => verifyStateProof(key, crowd, [{ key, value: key }]), "state");
  malformed(() => readLeaf(crowd, "leaf"), "leaf");
  for (const value of ["0,", "[],"]) {
    malformed(() => readJson(utf8(`[${value.repeat(4_000_001)}0]`), "bundle"), "holds more than 4000000 commas");
  }
  assert.ok(process.memoryUsage().heapUsed - before < 2 ** 26);
});
