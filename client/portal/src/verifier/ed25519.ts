/// Ed25519 by libsodium's rule, on two engines that must agree on every input.
///
/// The rule: S below the group order; the public key canonical; neither it nor R of small order; and the
/// equation without cofactor, R = [S]B − [h]A compared as bytes. Everything but the equation is checked here
/// before an engine is asked, because engines differ on exactly these cases. WebCrypto is believed only after
/// it refused a signature that holds with a cofactor alone. Source: FORMATS 2; RFC 8032 5.1.7; Chalkias,
/// Garillot, Nikolaenko, "Taming the many EdDSAs" (2020).

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { concat, equal, fromHex, hex, utf8 } from "./bytes.js";

/** Says whether R = [S]B − [h]A; inputs have passed `isAdmissible`. */
export type Equation = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;
export type EngineName = "webcrypto" | "noble";

export interface Engine {
  readonly name: EngineName;
  readonly equation: Equation;
}

const ORDER = ed25519.Point.Fn.ORDER;
const PRIME = 2n ** 255n - 19n;

// y of the points of order 1, 2, 4 and 8, canonical or not, without the sign bit.
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

interface Sample {
  readonly key: string;
  readonly message: Uint8Array;
  readonly signature: string;
}

// RFC 8032 7.1, test 2: a sound engine accepts it.
const SOUND: Sample = {
  key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  message: Uint8Array.of(0x72),
  signature:
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
};
// R has a component of order 8: the equation holds after multiplication by the cofactor, and not without.
const TORSION: Sample = {
  key: "17ffad8068dc0de9935d36636f3ad1b5de6de3413b12388e453b05f2a4c1d3db",
  message: utf8("suyuan 0"),
  signature:
    "8ea6b58beb2ecc0801fbd6c82c6dafee292cd29e8b6698bbb94c566b594d8ba9" +
    "2d626e9da98b3ecd592db331e60c9fb35592a3acdeb08735fc58ab2ee43fe708",
};

function littleEndian(data: Uint8Array): bigint {
  return BigInt(`0x${hex(data.slice().reverse())}`);
}

function withoutSign(point: Uint8Array): Uint8Array {
  const y = point.slice();
  y[31] = (y[31] ?? 0) & 0x7f;
  return y;
}

/** Whether key and signature are ones that libsodium would put into the equation. */
export function isAdmissible(key: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== 32 || signature.length !== 64) return false;
  const y = withoutSign(key);
  return (
    littleEndian(signature.subarray(32)) < ORDER &&
    littleEndian(y) < PRIME &&
    !SMALL_ORDER.has(hex(y)) &&
    !SMALL_ORDER.has(hex(withoutSign(signature.subarray(0, 32))))
  );
}

async function equationOfNoble(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  let point: InstanceType<typeof ed25519.Point>;
  try {
    point = ed25519.Point.fromBytes(key);
  } catch {
    return false; // no point of the curve
  }
  const commitment = signature.subarray(0, 32);
  const challenge = littleEndian(sha512(concat(commitment, key, message))) % ORDER;
  const response = littleEndian(signature.subarray(32));
  const expected = ed25519.Point.BASE.multiplyUnsafe(response).subtract(point.multiplyUnsafe(challenge));
  return equal(expected.toBytes(), commitment);
}

async function equationOfWebCrypto(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  try {
    // Copies, because the platform takes views of plain buffers only.
    const imported = await subtle.importKey("raw", new Uint8Array(key), "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", imported, new Uint8Array(signature), new Uint8Array(message));
  } catch {
    return false;
  }
}

export const NOBLE: Engine = { name: "noble", equation: equationOfNoble };
export const WEBCRYPTO: Engine = { name: "webcrypto", equation: equationOfWebCrypto };

/** Whether this platform's WebCrypto knows Ed25519 and means the same by it. */
export async function isWebCryptoSound(): Promise<boolean> {
  if (globalThis.crypto?.subtle === undefined) return false; // absent in an insecure context
  const asked = ({ key, message, signature }: Sample): Promise<boolean> =>
    equationOfWebCrypto(fromHex(key, "key"), message, fromHex(signature, "signature", 64));
  return (await asked(SOUND)) && !(await asked(TORSION));
}

let chosen: Promise<Engine> | undefined;

/** WebCrypto where it can be believed, noble-curves elsewhere. */
export function bestEngine(): Promise<Engine> {
  chosen ??= isWebCryptoSound().then((sound) => (sound ? WEBCRYPTO : NOBLE));
  return chosen;
}

/** Says whether a signature holds. Never throws for any bytes. */
export async function verifySignature(
  engine: Engine,
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return isAdmissible(key, signature) && engine.equation(key, message, signature);
}
