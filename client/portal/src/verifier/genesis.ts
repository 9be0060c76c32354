/// The genesis file: the one thing a verifier must get from somewhere it trusts (FORMATS 4).

import { fromBase64, fromHex, hex } from "./bytes.js";
import { Fields, readJson, type Json } from "./canonical_json.js";
import { Malformed } from "./errors.js";
import { sha256, tagged } from "./hashing.js";
import { encode, type Value } from "./messagepack.js";

export const GENESIS_SIZE_MAX = 16 * 1024 * 1024;
const MEMBERS_MAX = 16;
const CERTIFICATE_MAX = 4096;
const NAMES = ["accounts", "members", "name", "organisations", "parameters", "time", "version"];
const MEMBER_NAMES = ["cosigner_key", "id", "log_key", "tls_certificate", "vote_key"];
const CHAIN_NAME = /^[a-z0-9][a-z0-9.-]{0,61}$/;
const MEMBER_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

export interface Member {
  readonly id: string;
  readonly cosignerKey: Uint8Array;
}

/** What a verifier needs of a genesis; `time` in milliseconds since 1970 UTC. */
export interface Genesis {
  readonly name: string;
  readonly time: number;
  readonly chainId: Uint8Array;
  readonly origin: string;
  readonly members: readonly Member[];
  readonly membersDigest: Uint8Array;
  /** Cosignatures that certify, and the number of members that may lie. */
  readonly quorum: number;
  readonly faulty: number;
  /** Names that people know: organisation id -> name. Display only. */
  readonly organisations: ReadonlyMap<string, string>;
}

/** Reads a genesis file. Throws Malformed, naming field and rule. */
export function readGenesis(data: Uint8Array): Genesis {
  if (data.length > GENESIS_SIZE_MAX) {
    throw new Malformed("genesis", `is larger than ${GENESIS_SIZE_MAX} bytes`);
  }
  const file = Fields.of(readJson(data, "genesis"), "genesis", NAMES);
  if (file.get("version") !== 1) throw new Malformed("genesis.version", "must be 1");
  const name = file.text("name");
  if (!CHAIN_NAME.test(name)) {
    throw new Malformed("genesis.name", "must be lower-case letters, digits, '.' and '-'");
  }
  const members = file.list("members").map(readMember);
  checkDistinct(members);
  const chainId = sha256(data);
  const faulty = Math.floor((members.length - 1) / 3);
  return {
    name,
    time: file.natural("time"),
    chainId,
    origin: `${name}/${hex(chainId)}`,
    members: members.map(({ id, cosignerKey }) => ({ id, cosignerKey })),
    membersDigest: tagged("members", encode(members.map(({ canonical }) => canonical))),
    quorum: Math.floor((members.length + faulty) / 2) + 1,
    faulty,
    organisations: new Map(file.list("organisations").map(readOrganisation)),
  };
}

interface FullMember extends Member {
  readonly keys: readonly string[];
  readonly canonical: ReadonlyMap<string, Value>;
}

function readMember(value: Json): FullMember {
  const file = Fields.of(value, "genesis.members", MEMBER_NAMES);
  const id = file.text("id");
  if (!MEMBER_ID.test(id)) throw new Malformed("genesis.members.id", "must be a lower-case word");
  const key = (name: string): Uint8Array => fromHex(file.get(name), `genesis.members.${name}`);
  const certificate = fromBase64(file.get("tls_certificate"), "genesis.members.tls_certificate");
  if (certificate.length < 1 || certificate.length > CERTIFICATE_MAX) {
    throw new Malformed("genesis.members.tls_certificate", `must be 1 to ${CERTIFICATE_MAX} bytes`);
  }
  const [cosigner, log, vote] = [key("cosigner_key"), key("log_key"), key("vote_key")];
  return {
    id,
    cosignerKey: cosigner,
    keys: [hex(cosigner), hex(log), hex(vote)],
    canonical: new Map<string, Value>([
      ["cosigner_key", cosigner],
      ["id", id],
      ["log_key", log],
      ["tls_certificate", certificate],
      ["vote_key", vote],
    ]),
  };
}

function checkDistinct(members: readonly FullMember[]): void {
  if (members.length < 1 || members.length > MEMBERS_MAX) {
    throw new Malformed("genesis.members", `must be 1 to ${MEMBERS_MAX}`);
  }
  const keys = members.flatMap((member) => member.keys);
  if (new Set(keys).size !== keys.length) throw new Malformed("genesis.members", "a key appears twice");
  if (new Set(members.map(({ id }) => id)).size !== members.length) {
    throw new Malformed("genesis.members", "an id appears twice");
  }
}

function readOrganisation(value: Json): [string, string] {
  const file = Fields.of(value, "genesis.organisations", ["id", "name"]);
  return [file.text("id"), file.text("name")];
}
