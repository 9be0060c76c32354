"""A witness of transparency logs that anyone can run, and what carries checkpoints to witnesses.

protocol   add-checkpoint in bytes: what is asked and answered (pure)
judge      whether a checkpoint follows from the one cosigned before (pure but for what it is given)
blame      what convicts a log offline, written and verified (pure)
state      what a witness must not forget, durable before it answers
service    the judge behind HTTP
submission a member's checkpoint brought to any C2SP witness, with the proof its tiles give

Source: C2SP tlog-witness v1.0.0; formats.md 6.7.
"""
