"""Verified events told as a story: where a donation went, who looked at a person's data.

Pure: from the logs of a verified bundle to branches and lines of plain words; `client.rendering`
puts them on a screen. Nothing here judges whether the logs are true or complete: that was done
before.
"""
