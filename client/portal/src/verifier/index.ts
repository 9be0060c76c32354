/// The verifier as a library: what a page or a program needs of it.

export { readGenesis, type Genesis } from "./genesis.js";
export { verifyBundle, type Asked } from "./verify.js";
export { bestEngine, NOBLE, WEBCRYPTO, type Engine } from "./ed25519.js";
export { Malformed } from "./errors.js";
export { readPolicy, type Policy } from "./policy.js";
export * from "./verdict.js";
