"""The contract "supplies": one immutable folder per version."""
