"""All that the `repository` namespace needs of a server."""

from __future__ import annotations

from model_fixtures.server.models.downloaded_models import Library

from .download_identifiers import Offers
from .download_list import load_entries
from .downloads import Downloads
from .search_index import Index


class Repository:
    """What can be downloaded, what was offered to whom, and what is under way.

    Args:
        library: where downloads go.

    Raises:
        CatalogError: the user's list of downloads makes no sense.
    """

    def __init__(self, library: Library) -> None:
        self.index = Index(load_entries())
        self.offers = Offers()
        self.downloads = Downloads(library)
