"""The seal of a folder: every byte of every file, and a shell can check it."""

import hashlib

import pytest

from experiments.seal import SealError, read_certificate, seal

HEAD = "ab" * 32


@pytest.fixture
def folder(tmp_path):
    """Three files, one in a folder below."""
    (tmp_path / "run.yaml").write_text("title: a run\n")
    (tmp_path / "b.txt").write_bytes(b"b")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_bytes(b"a")
    return tmp_path


def test_the_manifest_is_what_sha256sum_prints(folder):
    seal(folder, HEAD)
    assert (folder / "manifest.txt").read_text() == "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in [("b.txt", b"b"), ("deep/a.txt", b"a"), ("run.yaml", b"title: a run\n")])


def test_the_seal_is_the_hash_of_head_and_manifest(folder):
    seal(folder, HEAD)
    expected = hashlib.sha256(HEAD.encode() + (folder / "manifest.txt").read_bytes()).hexdigest()
    assert (folder / "run.yaml").read_text() == f"title: a run\nhead: {HEAD}\nseal: {expected}\n"
    assert read_certificate(folder) == (b"title: a run\n", HEAD, expected)


def test_a_body_without_a_last_line_break_gets_one(folder):
    (folder / "run.yaml").write_text("title: a run")
    seal(folder, HEAD)
    assert read_certificate(folder).body == b"title: a run\n"


@pytest.mark.parametrize("text", ["", "title: a run\n", f"head: {HEAD}\n", f"head: {HEAD}\nseal: {HEAD}",
                                  f"head: {HEAD.upper()}\nseal: {HEAD}\n", f"head:  {HEAD}\nseal: {HEAD}\n",
                                  f"x head: {HEAD}\nseal: {HEAD}\n", f"head: {HEAD}\nseal: {HEAD}\n\n"])
def test_a_certificate_must_end_in_head_and_seal(folder, text):
    (folder / "run.yaml").write_text(text)
    with pytest.raises(SealError):
        read_certificate(folder)
