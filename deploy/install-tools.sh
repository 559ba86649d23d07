#!/usr/bin/env bash
# Debian's tools for `make test` (SIPp, linphone, baresip with H.264, PostgreSQL, Chromium for JsSIP, opus-tools, mosquitto) and, with --peers,
# what `make bench` compares with (Kamailio).
# With --build: what the Rust extension is built with, and nothing else; then it is an error not to have it.
# Installs what is missing when run as root; otherwise says what is missing and goes on, and the tests that need it
# are skipped with that reason.
set -euo pipefail

missing=()
if [ "${1:-}" = --build ]; then
    command -v cmake >/dev/null || missing+=(cmake)
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v make >/dev/null || missing+=(make)
else
    command -v sipp >/dev/null || missing+=(sip-tester)
    command -v chromium >/dev/null || missing+=(chromium)
    command -v npm >/dev/null || missing+=(npm)
    command -v espeak-ng >/dev/null || missing+=(espeak-ng)
    command -v linphonec >/dev/null || missing+=(linphone-cli)
    compgen -G '/usr/lib/baresip/modules/avcodec.so' >/dev/null || missing+=(baresip-core baresip-ffmpeg)
    [ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
    command -v opusdec >/dev/null || missing+=(opus-tools)
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
    if [ "${1:-}" = --peers ]; then
        command -v kamailio >/dev/null || missing+=(kamailio)
    fi
fi
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # A package may start a service of its own on install; the tests start theirs, so this one is told not to.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
elif [ "${1:-}" = --build ]; then
    echo "Opus, which the Rust extension holds, is built with ${missing[*]}. As root: apt-get install ${missing[*]}" >&2
    exit 1
else
    echo "Not installed: ${missing[*]}. The tests that need them are skipped."
    echo "As root: apt-get install ${missing[*]}"
fi
