"""The seal of a run's folder: no byte of it can change unnoticed.

manifest.txt lists the SHA-256 of every other file, as `sha256sum` prints it, sorted by path; of run.yaml it counts the
body, without its two last lines `head:` and `seal:`. The seal is the SHA-256 of the head followed by the manifest, so a
shell can check it: `(printf %s HEAD; cat manifest.txt) | sha256sum`.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

CERTIFICATE, MANIFEST = "run.yaml", "manifest.txt"
TAIL = re.compile(rb"(?s)(.*\n|)head: ([0-9a-f]{64})\nseal: ([0-9a-f]{64})\n\Z")


class SealError(ValueError):
    """A certificate that does not end in a head and a seal."""


class Certificate(NamedTuple):
    """run.yaml in parts. body: its bytes before the last two lines; head, seal: hex."""

    body: bytes
    head: str
    seal: str


def read_certificate(folder: Path) -> Certificate:
    """The parts of a finished run's run.yaml. Raises: SealError where its last lines are not a head and a seal."""
    found = TAIL.fullmatch((folder / CERTIFICATE).read_bytes())
    if found is None:
        raise SealError(f"{CERTIFICATE} does not end in the two lines head and seal")
    return Certificate(found[1], found[2].decode(), found[3].decode())


def digests(folder: Path, body: bytes) -> dict[str, str]:
    """SHA-256 in hex by path within the folder, sorted, of every file but the manifest; body: that of run.yaml."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            with open(path, "rb") as file:
                whole = hashlib.sha256(body) if name == CERTIFICATE else hashlib.file_digest(file, "sha256")
            found[name] = whole.hexdigest()
    return dict(sorted(found.items(), key=lambda pair: pair[0].encode()))


def manifest_of(digest: dict[str, str]) -> bytes:
    """The manifest's bytes."""
    return "".join(f"{value}  {name}\n" for name, value in digest.items()).encode()


def seal_of(head: str, manifest: bytes) -> str:
    """The seal, in hex."""
    return hashlib.sha256(head.encode() + manifest).hexdigest()


def seal(folder: Path, head: str):
    """Close a folder whose files are all written: write its manifest, append head and seal to its run.yaml."""
    certificate = folder / CERTIFICATE
    body = certificate.read_bytes()
    if not body.endswith(b"\n"):
        body += b"\n"
    manifest = manifest_of(digests(folder, body))
    (folder / MANIFEST).write_bytes(manifest)
    certificate.write_bytes(body + f"head: {head}\nseal: {seal_of(head, manifest)}\n".encode())
