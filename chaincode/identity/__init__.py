"""The contract "identity": one immutable folder per version."""
