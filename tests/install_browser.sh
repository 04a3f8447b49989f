#!/bin/sh
# Finds or installs a Chromium for the browser tests, and says what it does. Fonts: pages are drawn in Arabic, too.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ]; then exit 0; fi
if .venv/bin/python -c 'import sys; from tests.browser.chromium import find; sys.exit(find() is None)' 2>/dev/null; then exit 0; fi

if command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests (once, about a minute)"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi
    if { $as_root apt-get update -q && $as_root apt-get install -y -q --no-install-recommends chromium fonts-noto-core; } >/dev/null 2>&1; then
        exit 0
    fi
fi
echo "Fetching the browser that playwright brings along (once, about a minute)"
.venv/bin/playwright install chromium
