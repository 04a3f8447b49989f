#!/bin/sh
# Finds or installs what the tests use beside Python, and says what it does: a Chromium, and calcurse, a calendar app.
# Fonts: pages are drawn in Arabic, too.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

apt_install() {
    if ! have apt-get; then return 1; fi
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! have sudo; then return 1; fi
        as_root="sudo"
    fi
    { $as_root apt-get update -q && $as_root apt-get install -y -q --no-install-recommends "$@"; } >/dev/null 2>&1
}

have_chromium() {
    for name in chromium chromium-browser google-chrome; do
        if have "$name"; then return 0; fi
    done
    if [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ]; then return 0; fi
    .venv/bin/python -c 'import sys; from tests.browser.chromium import find; sys.exit(find() is None)' 2>/dev/null
}

if ! have calcurse; then
    echo "Installing calcurse for the calendar tests (once, some seconds)"
    apt_install calcurse || echo "calcurse cannot be installed here: its tests are skipped and say so"
fi

if ! have_chromium; then
    echo "Installing Chromium for the browser tests (once, about a minute)"
    if ! apt_install chromium fonts-noto-core; then
        echo "Fetching the browser that playwright brings along (once, about a minute)"
        .venv/bin/playwright install chromium
    fi
fi
