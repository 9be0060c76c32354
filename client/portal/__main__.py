"""python -m client.portal: writes the catalogue of sentences that the portal is built with."""

from __future__ import annotations

from client.portal.generate import write

if __name__ == "__main__":
    write()
