/// Member sets: who the members of an epoch are, how many suffice, and their digest (FORMATS 4).

import { hex } from "./bytes.js";
import { Malformed } from "./errors.js";
import { tagged } from "./hashing.js";
import { decode, encode, type Value } from "./messagepack.js";
import { array, bytes, digest, structure, text } from "./structure.js";

export const MEMBERS_MAX = 16;
const CERTIFICATE_MAX = 4096;
const MEMBER_NAMES = ["cosigner_key", "id", "log_key", "tls_certificate", "vote_key"];
const MEMBER_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** One member's id and public keys; the certificate in DER. */
export interface Member {
  readonly id: string;
  readonly cosignerKey: Uint8Array;
  readonly logKey: Uint8Array;
  readonly voteKey: Uint8Array;
  readonly certificate: Uint8Array;
}

/** The members of one epoch in their canonical order. */
export interface MemberSet {
  readonly members: readonly Member[];
  readonly digest: Uint8Array;
  /** Cosignatures that certify, and the number of members that may lie. */
  readonly quorum: number;
  readonly faulty: number;
}

/** Checks members and their order as a set. Throws Malformed, naming `field`. */
export function memberSet(members: readonly Member[], field: string): MemberSet {
  if (members.length < 1 || members.length > MEMBERS_MAX) throw new Malformed(field, `must be 1 to ${MEMBERS_MAX}`);
  for (const { id, certificate } of members) {
    if (!MEMBER_ID.test(id)) throw new Malformed(`${field}.id`, "must be a lower-case word");
    if (certificate.length < 1 || certificate.length > CERTIFICATE_MAX) {
      throw new Malformed(`${field}.tls_certificate`, `must be 1 to ${CERTIFICATE_MAX} bytes`);
    }
  }
  const keys = members.flatMap(({ cosignerKey, logKey, voteKey }) => [hex(cosignerKey), hex(logKey), hex(voteKey)]);
  if (new Set(keys).size !== keys.length) throw new Malformed(field, "a key appears twice");
  if (new Set(members.map(({ id }) => id)).size !== members.length) {
    throw new Malformed(field, "an id appears twice");
  }
  const faulty = Math.floor((members.length - 1) / 3);
  return {
    members,
    digest: tagged("members", encode(members.map(canonical))),
    quorum: Math.floor((members.length + faulty) / 2) + 1,
    faulty,
  };
}

/** Reads the canonical bytes of a member set. */
export function readMemberSet(data: Uint8Array, field: string): MemberSet {
  const members = array(decode(data, field), field, 1, MEMBERS_MAX).map((item): Member => {
    const fields = structure(item, field, MEMBER_NAMES);
    return {
      id: text(fields.get("id"), `${field}.id`),
      cosignerKey: digest(fields.get("cosigner_key"), `${field}.cosigner_key`),
      logKey: digest(fields.get("log_key"), `${field}.log_key`),
      voteKey: digest(fields.get("vote_key"), `${field}.vote_key`),
      certificate: bytes(fields.get("tls_certificate"), `${field}.tls_certificate`),
    };
  });
  return memberSet(members, field);
}

function canonical({ cosignerKey, id, logKey, certificate, voteKey }: Member): ReadonlyMap<string, Value> {
  return new Map<string, Value>([
    ["cosigner_key", cosignerKey],
    ["id", id],
    ["log_key", logKey],
    ["tls_certificate", certificate],
    ["vote_key", voteKey],
  ]);
}
