"""testssl.sh against the client listener as it is configured by default."""

import json
import os
import subprocess

import pytest

from certificates import Authority
from servers import Node

pytestmark = pytest.mark.timeout(300)

# About the certificate's revocation, which a test's authority has no server for.
REVOCATION = ("crlDistributionPoints=URI:http://localhost/test.crl",)
ABOVE_LOW = {"MEDIUM", "HIGH", "CRITICAL"}
# A check that could not be made. Debian's openssl has no GOST ciphers. That of resumption ends its
# first connection without waiting for the ticket, which in TLS 1.3 comes behind the handshake;
# Tests/EndToEnd/test_tls.py resumes.
NOT_MADE = {"WARN", "DEBUG"}
MAY_FAIL = {"engine_problem", "sessionresumption_ticket", "sessionresumption_ID"}


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    authority, folder = Authority(), tmp_path_factory.mktemp("testssl")
    certificate, key = authority.make("node", extensions=REVOCATION)
    with Node("--tls-cert", certificate, "--tls-key", key) as node:
        # Its status counts what it would like to mention, so that the report decides.
        subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
             "--ip", "127.0.0.1", "--openssl-timeout", "10", "--add-ca", authority.certificate,
             "--jsonfile", folder / "report.json", f"https://localhost:{node.port}"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=280, cwd=folder,
            env={**os.environ, "HOME": str(folder)})
        assert node.is_alive()
    authority.end()
    return json.loads((folder / "report.json").read_text())


def test_nothing_above_low_is_found(findings):
    assert [finding for finding in findings if finding["severity"] in ABOVE_LOW] == []


def test_no_check_failed(findings):
    assert [finding for finding in findings if finding["severity"] in NOT_MADE
            and finding["id"] not in MAY_FAIL] == []


@pytest.mark.parametrize("check", [
    "TLS1_2", "TLS1_3", "TLS1_1", "cipher_order", "PFS", "cert_trust", "cert_chain_of_trust",
    "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego",
    "CRIME_TLS", "BREACH", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM",
    "BEAST", "LUCKY13", "RC4"])
def test_the_checks_were_made(findings, check):
    assert any(finding["id"] == check for finding in findings)
