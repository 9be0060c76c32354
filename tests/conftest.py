"""What every test may ask for: the shared data beside the repository, and hypothesis profiles.

The real data and the public vectors are too large, and not ours, to be copied into the repository:
they lie in a folder `shared` beside it, or where SUYUAN_SHARED says. Without them the tests that
need them are skipped by name, except where CI=true: there their absence is a failure, so that a
green run always means that they ran.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# dev: fresh examples on every run, failures remembered in .hypothesis.
settings.register_profile("dev", deadline=None, print_blob=True)
# ci: the same examples on every machine and every run; no timing, no memory between runs.
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
# hunt: many more fresh examples, for nights.
settings.register_profile("hunt", deadline=None, max_examples=5_000, print_blob=True)


def in_ci() -> bool:
    """Whether this run is one whose green is believed by others."""
    return os.environ.get("CI", "").lower() == "true"


settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if in_ci() else "dev"))


def shared_folder() -> Path:
    """The folder of shared data and vectors: SUYUAN_SHARED, else `shared` beside the repository."""
    named = os.environ.get("SUYUAN_SHARED")
    return Path(named).resolve() if named else ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; skips the test by name without it, and fails it where CI=true."""
    folder = shared_folder()
    if not (folder / "vectors").is_dir():
        reason = f"no shared data: {folder} has no folder `vectors` (set SUYUAN_SHARED)"
        if in_ci():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT
