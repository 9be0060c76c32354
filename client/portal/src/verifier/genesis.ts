/// The genesis file: the one thing a verifier must get from somewhere it trusts (FORMATS 4).

import { fromBase64, fromHex, hex } from "./bytes.js";
import { Fields, readJson, type Json } from "./canonical_json.js";
import { Malformed } from "./errors.js";
import { sha256 } from "./hashing.js";
import { memberSet, type Member, type MemberSet } from "./members.js";

export const GENESIS_SIZE_MAX = 16 * 1024 * 1024;
const NAMES = ["accounts", "members", "name", "organisations", "parameters", "time", "version"];
const MEMBER_NAMES = ["cosigner_key", "id", "log_key", "tls_certificate", "vote_key"];
const CHAIN_NAME = /^[a-z0-9][a-z0-9.-]{0,61}$/;

/** What a verifier needs of a genesis; `time` in milliseconds since 1970 UTC. */
export interface Genesis {
  readonly name: string;
  readonly time: number;
  readonly chainId: Uint8Array;
  readonly origin: string;
  readonly members: MemberSet;
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
  const members = memberSet(file.list("members").map(readMember), "genesis.members");
  const chainId = sha256(data);
  return {
    name,
    time: file.natural("time"),
    chainId,
    origin: `${name}/${hex(chainId)}`,
    members,
    organisations: new Map(file.list("organisations").map(readOrganisation)),
  };
}

function readMember(value: Json): Member {
  const field = "genesis.members";
  const file = Fields.of(value, field, MEMBER_NAMES);
  const key = (name: string): Uint8Array => fromHex(file.get(name), `${field}.${name}`);
  return {
    id: file.text("id"),
    cosignerKey: key("cosigner_key"),
    logKey: key("log_key"),
    voteKey: key("vote_key"),
    certificate: fromBase64(file.get("tls_certificate"), `${field}.tls_certificate`),
  };
}

function readOrganisation(value: Json): [string, string] {
  const file = Fields.of(value, "genesis.organisations", ["id", "name"]);
  return [file.text("id"), file.text("name")];
}
