"""The firewall rule, as an expression for Cloudflare, and the requests that it is meant for."""
