/// Integrity of a receipt: the transaction and its result stand in the block, and were properly signed (FORMATS 8).

import type { Header } from "./block.js";
import type { ReceiptProof } from "./bundle.js";
import { equal } from "./bytes.js";
import type { ReceiptClaim } from "./claims.js";
import type { Engine } from "./ed25519.js";
import { Failed } from "./errors.js";
import type { Genesis } from "./genesis.js";
import { leafHash } from "./hashing.js";
import { fold } from "./merkle_log.js";
import { NOT_FINAL, readResult, readTransaction, signaturesHold, type Result } from "./transaction.js";

const VALIDITY_MS_MAX = 600_000;

export async function checkReceipt(
  engine: Engine,
  receipt: ReceiptProof,
  claim: ReceiptClaim,
  header: Header,
  genesis: Genesis,
): Promise<Result> {
  const transaction = readTransaction(receipt.transaction);
  const result = readResult(receipt.result);
  if (!equal(transaction.chain, genesis.chainId)) throw new Failed("transaction-of-another-chain");
  if (!equal(result.transaction, transaction.id) || !equal(transaction.id, claim.transaction)) {
    throw new Failed("result-of-another-transaction");
  }
  const { height } = header;
  if (!equal(fold(leafHash(receipt.transaction), receipt.transactionPath), header.transactions)) {
    throw new Failed("transaction-not-in-block", { height });
  }
  if (!equal(fold(leafHash(receipt.result), receipt.resultPath), header.results)) {
    throw new Failed("result-not-in-block", { height });
  }
  const left = transaction.validUntil - header.time;
  if (!NOT_FINAL.has(result.code) && !(left > 0 && left <= VALIDITY_MS_MAX)) {
    throw new Failed("transaction-outside-window");
  }
  if (!(await signaturesHold(engine, transaction))) throw new Failed("transaction-unsigned");
  return result;
}
