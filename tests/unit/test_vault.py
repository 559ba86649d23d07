from pathlib import Path

import pytest

from softswitch.platform.vault import Vault, VaultError


def test_a_secret_comes_back_for_its_own_purpose_alone(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path / "secrets.key")
    sealed = vault.seal("pässword", "trunk/carrier/password")
    assert "ssword" not in sealed and sealed != vault.seal("pässword", "trunk/carrier/password")
    assert vault.open(sealed, "trunk/carrier/password") == "pässword"
    with pytest.raises(VaultError, match="trunk/other/password"):
        vault.open(sealed, "trunk/other/password")


def test_the_key_is_made_once_and_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "secrets.key"
    first = Vault.at(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = Vault.at(path)
    assert again.open(first.seal("x", "p"), "p") == "x"
    assert first.token("p") == again.token("p") != first.token("q")


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = Vault.at(tmp_path / "a").seal("x", "p")
    for damaged in (sealed, sealed[:-4], "", "v1.", "v1.!!!", "x" + sealed):
        with pytest.raises(VaultError):
            Vault.at(tmp_path / "b").open(damaged, "p")


@pytest.mark.parametrize("content", [b"", b"short", b"====", b"\xff\xfe"])
def test_a_broken_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secrets.key"
    path.write_bytes(content)
    with pytest.raises(VaultError, match=r"secrets\.key"):
        Vault.at(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultError, match="cannot be used"):
        Vault.at(tmp_path / "file" / "secrets.key")
