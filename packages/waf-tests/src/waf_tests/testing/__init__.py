"""What the tests share: servers, requests, pytest plugins, and the search for secrets."""
