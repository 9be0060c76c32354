/// Ed25519 by libsodium's rule: both engines give the same answer on every edge on which libraries differ.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fromHex, utf8 } from "../src/verifier/bytes.js";
import { bestEngine, isWebCryptoSound, NOBLE, verifySignature, WEBCRYPTO } from "../src/verifier/ed25519.js";

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const key = (text: string): Uint8Array => fromHex(text, "key", text.length / 2);

interface Case {
  readonly why: string;
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly holds: boolean;
}

const PUBLIC = key("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const MESSAGE = Uint8Array.of(0x72);
const SIGNATURE = key(
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
);
const SMALL_ORDER = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(key);
const NO_POINT = ["ff".repeat(32), `02${"00".repeat(31)}`, `f0${"ff".repeat(30)}7f`].map(key);

// Made with libsodium's group operations. R, or the key, has a component of order 8 beside the honest one.
const TORSION: readonly Case[] = [
  {
    why: "R of mixed order holds only with the cofactor",
    key: key("17ffad8068dc0de9935d36636f3ad1b5de6de3413b12388e453b05f2a4c1d3db"),
    message: utf8("suyuan 0"),
    signature: key(
      "8ea6b58beb2ecc0801fbd6c82c6dafee292cd29e8b6698bbb94c566b594d8ba9" +
        "2d626e9da98b3ecd592db331e60c9fb35592a3acdeb08735fc58ab2ee43fe708",
    ),
    holds: false,
  },
  {
    why: "a key of mixed order holds only with the cofactor",
    key: key("1dd960b291c53514fece1341fc0dcd8a648b3934c2c533666f737a654ff1e1bf"),
    message: utf8("suyuan 0"),
    signature: key(
      "7db0dc9222f3c183457ddde4c708de8e5ea6bf3d5c4404cca14b32729a05c32a" +
        "db84dedb3cd841545df191adceabf02df0c74d436643935614407a9237d6cf07",
    ),
    holds: false,
  },
  {
    why: "a key of mixed order, where the challenge is a multiple of 8",
    key: key("1dd960b291c53514fece1341fc0dcd8a648b3934c2c533666f737a654ff1e1bf"),
    message: utf8("suyuan 2"),
    signature: key(
      "7db0dc9222f3c183457ddde4c708de8e5ea6bf3d5c4404cca14b32729a05c32a" +
        "607eef702cdcf1ad53510a6808602986425638b9cfdb7c84a047f65c5b86c10a",
    ),
    holds: true,
  },
];

function littleEndian(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, place) => Number((number >> BigInt(8 * place)) & 0xffn));
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Uint8Array.of(...left, ...right);
}

function unreduced(): Case[] {
  const response = BigInt(`0x${Buffer.from(SIGNATURE.slice(32).reverse()).toString("hex")}`);
  const cases: Case[] = [];
  for (let larger = response + ORDER; larger < 2n ** 256n; larger += ORDER) {
    const signature = joined(SIGNATURE.subarray(0, 32), littleEndian(larger));
    cases.push({ why: "S not reduced", key: PUBLIC, message: MESSAGE, signature, holds: false });
  }
  return cases;
}

const refused = (why: string, publicKey: Uint8Array, signature: Uint8Array): Case => ({
  why,
  key: publicKey,
  message: MESSAGE,
  signature,
  holds: false,
});

const CASES: readonly Case[] = [
  { why: "RFC 8032 test 2", key: PUBLIC, message: MESSAGE, signature: SIGNATURE, holds: true },
  ...TORSION,
  ...unreduced(),
  ...SMALL_ORDER.flatMap((point) => [
    refused("a key of small order", point, SIGNATURE),
    refused("key and R of small order", point, joined(point, new Uint8Array(32))),
    refused("R of small order", PUBLIC, joined(point, SIGNATURE.subarray(32))),
    refused("nothing but zeros", point, new Uint8Array(64)),
  ]),
  ...NO_POINT.map((point) => refused("a key that is no point", point, SIGNATURE)),
  ...[31, 33, 0].map((size) => refused("a key of another length", new Uint8Array(size), SIGNATURE)),
  ...[63, 65, 0].map((size) => refused("a signature of another length", PUBLIC, new Uint8Array(size))),
  ...Array.from({ length: 512 }, (_, bit) => {
    const signature = SIGNATURE.slice();
    signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return refused(`bit ${bit} changed`, PUBLIC, signature);
  }),
];

for (const engine of [NOBLE, WEBCRYPTO]) {
  test(`every edge is judged as libsodium does, by ${engine.name}`, async () => {
    for (const { why, key: publicKey, message, signature, holds } of CASES) {
      assert.equal(await verifySignature(engine, publicKey, message, signature), holds, why);
    }
  });
}

test("this platform's WebCrypto is believed, and chosen", async () => {
  assert.ok(await isWebCryptoSound());
  assert.equal((await bestEngine()).name, "webcrypto");
});
