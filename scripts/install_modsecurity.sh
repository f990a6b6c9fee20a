#!/bin/sh
# Installs nginx with ModSecurity and the OWASP core rule set from Debian or Ubuntu, for
# `hatch run waf:test-modsecurity`. Needs root. Starts no service: the tests run their own nginx,
# as an ordinary user, on a free loopback port.
set -eu

if [ "$(id -u)" -ne 0 ]; then
    echo "install_modsecurity.sh: run it as root, for example: sudo sh $0" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "install_modsecurity.sh: only for systems with apt-get; install nginx, its ModSecurity" \
        "connector and the OWASP core rule set with your own package manager" >&2
    exit 1
fi

# Debian starts a service as soon as it is installed, unless this file says no. An existing one stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    nginx libnginx-mod-http-modsecurity modsecurity-crs
