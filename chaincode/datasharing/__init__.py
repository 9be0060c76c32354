"""The contract "datasharing": one immutable folder per version."""
