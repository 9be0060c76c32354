"""The forger: honest bundles from a small world, and every forgery of them we can think of."""
