"""Stories of the protocol: transcripts that a newcomer reads as its manual, and that a test runs.

A story is a text file of three kinds of lines: prose, commands (`> crash m0`) and, indented under a
command, what happened. `test_stories.py` runs every story and compares exactly; `python -m
tests.stories --rewrite` writes what happens now, for the difference to be read before it is kept.
"""
