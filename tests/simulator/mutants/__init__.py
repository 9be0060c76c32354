"""Known bugs, each a small patch to a copy of the rooms: whoever tests must notice every one.

A file `<name>.mutant` names a requirement and a file, and gives a text that stands there exactly
once, and what stands there instead. Nothing in the rooms, in the plans or in the checkers knows of
them. Most are bugs that real systems shipped (consensus.md 2.7).
"""
