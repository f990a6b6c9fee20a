"""All that the `repository` namespace needs of a server."""

from __future__ import annotations

from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.models.downloaded_models import DownloadedModels

from .download_identifiers import DownloadIdentifiers
from .downloadable_models import load_entries
from .lm_link import LmLink
from .running_downloads import Downloads
from .search_index import SearchIndex


class RepositoryState:
    """What can be downloaded, what was offered to whom, what is under way, and the LM Link.

    Args:
        downloaded: where downloads go.
        tasks: runs the downloads.

    Raises:
        CatalogError: the user's list of downloads is invalid.
    """

    def __init__(self, downloaded: DownloadedModels, tasks: BackgroundTasks) -> None:
        self.index = SearchIndex(load_entries())
        self.identifiers = DownloadIdentifiers()
        self.downloads = Downloads(downloaded, tasks)
        self.link = LmLink()
