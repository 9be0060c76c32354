"""The OpenAPI document against a running member, by a tool that is not ours (schemathesis).

It makes requests from the document, sound ones and others, and finds a status 5xx, or an answer
that the document does not know. Where it is not installed the test is skipped by name; hand-written
hostile requests stand in test_refusals.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.consortium import Consortium

pytestmark = pytest.mark.processes

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"


def test_no_request_made_from_the_document_is_answered_otherwise_than_it_says(
    consortium: Consortium, tmp_path: Path
) -> None:
    program = Path(sys.executable).with_name("st")
    if not program.exists():
        pytest.skip("schemathesis is not installed")
    done = subprocess.run(
        [
            str(program),
            "run",
            consortium.members["m2"].url + "/v1/openapi.json",
            "--max-examples",
            "20",
            "--generation-deterministic",
            "--checks",
            CHECKS,
            # Its bodies are MessagePack, which the tool cannot write.
            "--exclude-path",
            "/v1/transactions",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    consortium.agree()
