"""The client: SDK, wallet, command line, importers. Knows nodes only over their HTTP API."""
