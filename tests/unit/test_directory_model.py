import pytest

from softswitch.features.directory.model import NewAccount, ha1, parse_accounts
from softswitch.kernel.errors import Invalid


def test_ha1_is_that_of_the_rfcs_example() -> None:
    # RFC 7616 section 3.9.1: the A1 of its example, hashed.
    md5, sha256 = ha1("Mufasa", "http-auth@example.org", "Circle of Life")
    assert md5 == "3d78807defe7de2157e2b0b6573a855f"
    assert sha256 == "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"


@pytest.mark.parametrize(
    "data",
    [
        b"1001,secret,Alice\n1002,hidden,\n",
        b"number,password,name\r\n1001,secret,Alice\r\n\r\n1002,hidden\r\n",
        b"\xef\xbb\xbfNumber,Password,Name\n1001, secret , Alice\n1002,hidden",
        b'1001,"secret","Alice"\n1002,hidden,""\n',
    ],
)
def test_accounts_are_read_however_the_spreadsheet_wrote_them(data: bytes) -> None:
    assert parse_accounts("a.csv", data) == [
        NewAccount(number="1001", password="secret", name="Alice"),
        NewAccount(number="1002", password="hidden"),
    ]


def test_names_come_in_any_script() -> None:
    assert parse_accounts("a.csv", "1001,密码,客服".encode())[0].name == "客服"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"1001,secret,Alice\n10 02,secret,Bob", "a.csv:2: number"),
        (b",secret,Alice", "a.csv:1: number"),
        (b"1001", "a.csv:1: password"),
        (b"1001,,Alice", "a.csv:1: password"),
        (b"1001,secret,Alice,Smith", "a.csv:1"),
        (b"1001,secret," + b"x" * 101, "a.csv:1: name"),
        (b'1001,secret,"two\nlines"', "a.csv:1: name"),
        (b'1001,secret,"a\nb"\n', "a.csv:1: name"),
        (b"1001,a,\n1002,b,\n1001,c,\n", "a.csv:3: number"),
        (b'1001,a,\n1002,"b', "a.csv:2"),
        (b"1001,a,\n1002,b,\xff\n", "a.csv:2"),
    ],
)
def test_a_bad_line_is_named_by_file_line_and_field(data: bytes, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_accounts("a.csv", data)
    assert refused.value.where == where


def test_an_empty_file_holds_no_accounts() -> None:
    assert parse_accounts("a.csv", b"") == []
