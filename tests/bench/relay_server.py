"""A media relay in a process of its own: opens two legs a call, bridges them, and prints their ports.

`python tests/bench/relay_server.py CALLS [auto|epoll|io_uring] [SUITE BYTES]` prints one line with the kind of I/O,
then a line `PORT PORT` for each call, then an empty line; it ends when its standard input does. With an SRTP suite and
the bytes of its master key, every leg is sent to under a key of ones and sends under one of twos.
"""

import sys

from gateways._native import MediaCommand, MediaEngine, MediaFormats


def serve(calls: int, io: str, suite: str = "", master_bytes: int = 0) -> None:
    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=2 * calls, io=io)  # type: ignore[arg-type]
    ports = engine.ports()
    said = [(8, "PCMA", 8000, 1, ""), (101, "TELEPHONE-EVENT", 8000, 1, "0-16")]
    formats = MediaFormats(said, said)
    for a in range(0, 2 * calls, 2):
        for leg in (a, a + 1):
            engine.submit(
                [
                    MediaCommand.Open(leg=leg, epoch=1),
                    # Where the generator sends from is told by its packets, as for a phone behind NAT.
                    MediaCommand.Connect(
                        leg=leg,
                        host="0.0.0.0",
                        port=0,
                        rtcp_host="0.0.0.0",
                        rtcp_port=0,
                        rtcp_mux=False,
                        formats=formats,
                        ptime=20,
                        send=True,
                        receive=True,
                        keys=(suite, b"\1" * master_bytes, b"\2" * master_bytes, b"") if suite else None,
                    ),
                ]
            )
        engine.submit([MediaCommand.Bridge(a=a, b=a + 1)])
    print(engine.io)
    for a in range(0, 2 * calls, 2):
        print(ports[a], ports[a + 1])
    print(flush=True)
    sys.stdin.read()
    engine.close()


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    serve(int(given[0]), given.get(1, "auto"), given.get(2, ""), int(given.get(3, 0)))
