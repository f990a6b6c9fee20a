"""The other edge: nginx with ModSecurity and the OWASP core rule set, as Debian packages them.

`scripts/install_modsecurity.sh` installs them. Our own rules come first; the core rule set then
looks at what they let through. The key is in no file, because the rules compare its SHA-1.

ModSecurity expands macros in its configuration only, never in a request.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from .allowed_request_form import (
    FORBIDDEN_TARGET,
    MAX_HEAD_BYTES,
    METHOD,
    TARGET,
    VERSION,
    host_pattern,
)
from .block_page import BLOCK_PAGE, DATA_CENTRE
from .errors import EdgeError
from .launch_plan import EdgeSettings, LaunchPlan, bracketed

_MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
_CORE_RULES = Path("/usr/share/modsecurity-crs/rules")
_CORE_SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")
_FOR_EVER = "365d"

_NGINX = """\
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
    # Less severe messages show a denied request's headers, one of which may be almost the key.
    error_log stderr crit;
    access_log off;
    server_tokens off;
    keepalive_timeout 1s;
    large_client_header_buffers 1 {max_head};
    # The rules must see headers with invalid names, which nginx would leave out.
    ignore_invalid_headers off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $request_id $ray {{ "~^(?<digits>.{{16}})" $digits; }}
    map $http_upgrade $connection_header {{ "" close; default upgrade; }}
    modsecurity on;
    modsecurity_rules_file {folder}/rules.conf;
    server {{
{listen}
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/private_key.pem;
        add_header cf-ray $ray-{data_centre} always;
        error_page 403 = @blocked;
        location @blocked {{
            modsecurity off;
            default_type "text/html; charset=UTF-8";
            return 403 '{page}';
        }}
        # The rules see only a request's path; an absolute URI is in the request line alone.
        if ($request !~ '^{method} {target} {version}$') {{ return 403; }}
        if ($request_uri ~ '{forbidden_target}') {{ return 403; }}
        location / {{
            proxy_pass http://{origin};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_header;
            proxy_buffering off;
            proxy_read_timeout {idle};
            proxy_send_timeout {idle};
        }}
    }}
}}
"""

_RULES = """\
SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecAuditEngine Off
SecTmpDir {folder}
SecDataDir {folder}
SecRule REQUEST_HEADERS_NAMES "!@rx ^[-!#$%&'*+.^_`|~0-9A-Za-z]+$" \\
    "id:1000001,phase:1,nolog,deny,status:403,t:none"
SecRule REQUEST_HEADERS "@rx [\\x00-\\x08\\x0a-\\x1f\\x7f]" \\
    "id:1000002,phase:1,nolog,deny,status:403,t:none"
SecRule REQUEST_HEADERS:Host "!@rx {host}" \\
    "id:1000003,phase:1,nolog,deny,status:403,t:none,t:lowercase"
SecRule REQUEST_PROTOCOL "!@rx ^{version}$" \\
    "id:1000004,phase:1,nolog,deny,status:403,t:none"
SecRule REQUEST_PROTOCOL "@rx /2" "id:1000005,phase:1,nolog,deny,status:403,t:none,chain"
    SecRule REQUEST_HEADERS_NAMES \\
        "@rx ^(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$" "t:none"
SecRule &REQUEST_HEADERS:X-API-Key "!@eq 1" "id:1000006,phase:1,nolog,deny,status:403"
# nginx keeps tabs around a value. In HTTP/1.1 they are not part of it; in HTTP/2 they are.
SecRule REQUEST_PROTOCOL "@rx /1" "id:1000007,phase:1,nolog,deny,status:403,t:none,chain"
    SecRule REQUEST_HEADERS:X-API-Key "!@streq {digest}" "t:none,t:trim,t:sha1,t:hexEncode"
SecRule REQUEST_PROTOCOL "!@rx /1" "id:1000008,phase:1,nolog,deny,status:403,t:none,chain"
    SecRule REQUEST_HEADERS:X-API-Key "!@streq {digest}" "t:none,t:sha1,t:hexEncode"
"""

_CORE = """\
Include {core_setup}
Include {core_rules}/*.conf
# The core rules log what they match, so they must not look at the key.
SecRuleUpdateTargetByTag "OWASP_CRS" "!REQUEST_HEADERS:X-API-Key"
"""


def modsecurity_missing() -> str | None:
    """Return a line that names the packages that are not installed; None if all are."""
    needed = {
        "nginx": _nginx() is not None,
        "libnginx-mod-http-modsecurity": _MODULE.exists(),
        "modsecurity-crs": _CORE_RULES.is_dir() and _CORE_SETUP.exists(),
    }
    missing = [package for package, there in needed.items() if not there]
    if not missing:
        return None
    return f"{', '.join(missing)} not installed: run scripts/install_modsecurity.sh as root"


def plan_modsecurity(
    settings: EdgeSettings, folder: Path, *, core_rules: bool = True
) -> LaunchPlan:
    """Return the plan for an nginx with these settings that keeps all its own files in `folder`.

    With `core_rules` False the core rule set is left out, and the verdicts are the other edge's.
    Raises EdgeError if the packages are not installed.
    """
    missing = modsecurity_missing()
    nginx = _nginx()
    if missing is not None or nginx is None:
        raise EdgeError(str(missing))
    idle = _FOR_EVER if settings.idle_seconds is None else f"{int(settings.idle_seconds * 1000)}ms"
    listen = "\n".join(
        f"        listen {bracketed(address)}:{settings.port} ssl http2 reuseport;"
        for address in settings.listen
    )
    core = _CORE.format(core_setup=_CORE_SETUP, core_rules=_CORE_RULES) if core_rules else ""
    digest = hashlib.sha1(settings.key.reveal().encode("ascii"), usedforsecurity=False).hexdigest()
    return LaunchPlan(
        argv=(nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"),
        folder=folder,
        ready="OS: ",
        files={
            "nginx.conf": _NGINX.format(
                module=_MODULE,
                folder=folder,
                listen=listen,
                data_centre=DATA_CENTRE,
                page=BLOCK_PAGE.replace("'", "&#39;"),
                origin=settings.origin,
                idle=idle,
                max_head=MAX_HEAD_BYTES,
                method=METHOD,
                target=TARGET,
                version=VERSION,
                forbidden_target=FORBIDDEN_TARGET,
            ),
            "rules.conf": _RULES.format(
                folder=folder,
                digest=digest,
                host=host_pattern(bracketed(settings.host)),
                version=VERSION,
            )
            + core,
            "certificate.pem": settings.certificate.certificate,
            "private_key.pem": settings.certificate.private_key,
        },
    )


def _nginx() -> str | None:
    # On Debian it is outside an ordinary user's PATH.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
