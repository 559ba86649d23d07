from ipaddress import ip_network
from pathlib import Path

import pytest

from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Invalid
from softswitch.settings import Listener, Option, Settings, read_settings, reading

HOME = {"XDG_DATA_HOME": "/data"}


def read(tmp_path: Path, text: str, environment: dict[str, str] | None = None, *options: Option) -> Settings:
    file = tmp_path / "switch.toml"
    file.write_text(text)
    return read_settings(file, environment or HOME, options)


def test_without_a_configuration_only_this_machine_is_served() -> None:
    settings = read_settings(None, HOME)
    assert settings.sip.listen == (
        Listener("udp", HostPort("127.0.0.1", 5060)),
        Listener("tcp", HostPort("127.0.0.1", 5060)),
    )
    assert settings.http.listen == HostPort("127.0.0.1", 8080)
    assert (settings.media_listen, settings.media_advertised) == ("127.0.0.1", "127.0.0.1")
    assert settings.database == "sqlite+aiosqlite:////data/softswitch/softswitch.db"
    assert not settings.demo


def test_a_file_sets_everything(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        data_dir = "/srv/switch"
        log_level = "debug"
        [sip]
        listen = ["udp:0.0.0.0:5060", "tcp:[::]:5080", "tls:0.0.0.0", "wss:[::]:8443"]
        local_networks = ["10.0.0.0/8", "fd00::/8"]
        advertised = ["203.0.113.5", "2001:db8::5"]
        realm = "客服"
        [tls]
        certificates = ["/etc/letsencrypt/live/pbx.example"]
        verify = false
        [http]
        listen = "192.0.2.1"
        [media]
        first_port = 30000
        legs = 100
        io = "epoll"
        """,
    )
    assert settings.sip.listen == (
        Listener("udp", HostPort("0.0.0.0", 5060)),
        Listener("tcp", HostPort("::", 5080)),
        Listener("tls", HostPort("0.0.0.0", 5061)),
        Listener("wss", HostPort("::", 8443)),
    )
    assert settings.sip.local_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.tls.certificates == (Path("/etc/letsencrypt/live/pbx.example"),)
    assert not settings.tls.verify
    assert settings.advertised_for("0.0.0.0") == "203.0.113.5"
    assert settings.advertised_for("::") == "2001:db8::5"
    assert (settings.media_listen, settings.media_advertised) == ("0.0.0.0", "203.0.113.5")
    assert settings.http.listen == HostPort("192.0.2.1", 8080)
    assert (settings.sip.realm, settings.media.legs, settings.media.io) == ("客服", 100, "epoll")
    assert settings.database == "sqlite+aiosqlite:////srv/switch/softswitch.db"


def test_an_option_beats_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    environment = HOME | {"SOFTSWITCH_MEDIA_LEGS": "20", "SOFTSWITCH_SIP_REALM": "a", "SOFTSWITCH_PORT": "tcp://x"}
    settings = read(tmp_path, "[media]\nlegs = 10\nthreads = 2\n", environment, Option("--realm", "sip.realm", "b"))
    assert (settings.media.threads, settings.media.legs, settings.sip.realm) == (2, 20, "b")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("[sip]\n\nlisten = 5060", ":3: sip.listen", "should be a list"),
        ('[sip]\nlisten = ["pbx.example:5060"]', ":2: sip.listen", "is no IP address"),
        ('[sip]\nlisten = ["tls:127.0.0.1:5061"]', ":2: sip.listen", "needs a certificate"),
        ('[sip]\nlocal_networks = ["10.0.0.1/8"]', ":2: sip.local_networks", "has host bits set"),
        ("[tls]\nverify = 1", ":2: tls.verify", "should be true or false"),
        ('[sip]\nlisten = ["127.0.0.1", "udp:127.0.0.1:5060"]', ":2: sip.listen", "twice"),
        ('[sip]\nlisten = ["0.0.0.0"]', ":2: sip.listen", "say in sip.advertised"),
        ('sip.advertised = ["192.0.2.1", "192.0.2.2"]', ":1: sip.advertised", "two addresses of one family"),
        ('[media]\nlisten = "0.0.0.0"', ":2: media.listen", "say in media.advertised"),
        ('# x\n[media]\n"legs" = "10"', ":3: media.legs", "whole number from 2"),
        ("[media]\nlegs = true", ":2: media.legs", "whole number"),
        ('[media]\nio = "magic"', ":2: media.io", "auto, epoll, io_uring"),
        ("[media]\nlegz = 10", ":2: media.legz", "did you mean media.legs?"),
        ('[http]\nrealm = "x"', ":2: http.realm", "did you mean sip.realm?"),
        ("[sips]\n", ":1: sips", "did you mean sip"),
        ("colour = 1", ":1: colour", "no such setting"),
        ("sip = 5", ":1: sip", "should be a table"),
        ("sip = { realm = 5 }", ":1: sip.realm", "should be a text"),
        ('log_level = "loud"', ":1: log_level", "debug, info"),
        ("[sip\nlisten = 1", ":1", "Expected"),
        ("[sip]\nrealm = 1\nrealm = 2", ":3", "Cannot overwrite"),
        ('[sip]\nrealm = "x', ":2", ""),
    ],
)
def test_a_bad_file_is_named_with_line_and_field(tmp_path: Path, text: str, where: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(tmp_path, text)
    assert refused.value.where == f"{tmp_path / 'switch.toml'}{where}"
    assert said in refused.value.message


def test_a_bad_variable_or_option_is_named() -> None:
    with pytest.raises(Invalid, match=r"^SOFTSWITCH_MEDIA_LEGS: 'many' should be a whole number"):
        read_settings(None, HOME | {"SOFTSWITCH_MEDIA_LEGS": "many"})
    with pytest.raises(Invalid, match=r"^--sip: '127.0.0.1:99999' is not HOST:PORT"):
        read_settings(None, HOME, [Option("--sip", "sip.listen", "127.0.0.1:99999")])


@pytest.mark.parametrize(
    ("name", "path"), [("--sip", "sip.listen"), ("--http", "http.listen"), ("--media-listen", "media.listen")]
)
def test_beyond_this_machine_a_configuration_file_is_needed(name: str, path: str, tmp_path: Path) -> None:
    options = [Option(name, path, "192.0.2.1")]
    with pytest.raises(Invalid, match=f"^{name}: 192.0.2.1 is open to the network"):
        read_settings(None, HOME, options)
    (tmp_path / "empty.toml").touch()
    read_settings(tmp_path / "empty.toml", HOME, options)


def test_the_demo_is_never_open_to_the_network(tmp_path: Path) -> None:
    (tmp_path / "open.toml").write_text('[http]\nlisten = "192.0.2.1"')
    with pytest.raises(Invalid, match="known to everyone"):
        read_settings(tmp_path / "open.toml", HOME, demo=True)


def test_a_file_that_is_not_there_or_not_text_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.toml: cannot read the configuration: No such file"):
        read_settings(tmp_path / "none.toml", HOME)
    (tmp_path / "bad.toml").write_bytes(b"[sip]\nrealm = '\xff'")
    with pytest.raises(Invalid, match=r"bad\.toml:2: this is not UTF-8"):
        read_settings(tmp_path / "bad.toml", HOME)


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('server = "smtp.example.com"', "mail.sender"),
        ('server = "smtp.example.com"\nsender = "nobody"', "e-mail address"),
        ('server = "smtp.example.com:0x"\nsender = "a@b.example"', "server"),
        ('server = "smtp example"\nsender = "a@b.example"', "should be a mail server"),
        ('server = "smtp.example.com"\nsender = "a@b.example"\npassword = "x"\ntls = "none"', "for everybody to read"),
    ],
)
def test_a_mail_server_that_cannot_be_or_should_not_be_is_refused(tmp_path: Path, written: str, wrong: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f"[mail]\n{written}\n")
    with pytest.raises(Invalid, match=wrong):
        read_settings(file, HOME)


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('server = "mqtt example"', "should be an MQTT broker"),
        ('server = "mqtt.example.com"\npassword = "x"', "for everybody to read"),
        ('prefix = "a/#"', "beginning of topics"),
        ('prefix = "/a"', "beginning of topics"),
        ('prefix = "$SYS"', "beginning of topics"),
        ("qos = 2", "from 0 to 1"),
        ("topics = []", "should be a list"),
        ('topics = ["queues/#/x"]', "topic filter"),
        ('topics = ["agents/a+"]', "topic filter"),
    ],
)
def test_a_broker_that_cannot_be_or_should_not_be_is_refused(tmp_path: Path, written: str, wrong: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f"[mqtt]\n{written}\n")
    with pytest.raises(Invalid, match=wrong):
        read_settings(file, HOME)


@pytest.mark.parametrize(("written", "port"), [("", 1883), ("tls = true", 8883)])
def test_a_broker_has_the_port_of_its_kind(tmp_path: Path, written: str, port: int) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f'[mqtt]\nserver = "mqtt.example.com"\n{written}\n')
    assert read_settings(file, HOME).mqtt.port == port
    file.write_text(f'[mqtt]\nserver = "127.0.0.1:18830"\npassword = "x"\ntopics = "queues/#"\n{written}\n')
    assert read_settings(file, HOME).mqtt.port == 18830
    assert read_settings(file, HOME).mqtt.topics == ("queues/#",)


@pytest.mark.parametrize(
    ("written", "port"),
    [("", 587), ('tls = "tls"', 465), ('tls = "none"', 25)],
)
def test_a_mail_server_has_the_port_of_its_kind(tmp_path: Path, written: str, port: int) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f'[mail]\nserver = "smtp.example.com"\nsender = "a@b.example"\n{written}\n')
    assert read_settings(file, HOME).mail.port == port
    file.write_text(f'[mail]\nserver = "127.0.0.1:2525"\nsender = "a@b.example"\npassword = "x"\n{written}\n')
    assert read_settings(file, HOME).mail.port == 2525


ODD = (
    *("-1", "1e400", "nan", "true", "99999999999999999999", "1979-05-27", '""', '"a:b:c"', '"udp:127.0.0.1:99999"'),
    *("[]", "[[]]", '[["a"]]', "[1, 2]", '["udp:"]', "[{a = 1}]", "{a = 1}", '"http://["', '"\\u0000"'),
)


@pytest.mark.parametrize("path", [each for each in reading._KINDS if each != "data_dir"])
def test_whatever_is_written_is_read_or_refused_by_name(path: str, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    table, _, key = path.rpartition(".")
    for odd in ODD:
        file.write_text((f"[{table}]\n" if table else "") + f"{key} = {odd}\n")
        try:
            read_settings(file, {})
        except Invalid as refused:
            assert key in str(refused) or str(file) in str(refused)
