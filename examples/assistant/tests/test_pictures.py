"""A look at pictures."""

from pathlib import Path

import pytest
from assistant.connection import Connection
from assistant.errors import AssistantError
from assistant.pictures import look_at

VISION = "mobilevlm_v2-1.7b"
CIRCLE = Path(__file__).parent / "red_circle.png"


@pytest.mark.lmstudio_models(VISION)
def test_colour(connection: Connection) -> None:
    """The model sees the picture: the test model names the colour of a drawn figure."""
    assert "red" in look_at(connection, VISION, CIRCLE).lower()


def test_missing_picture(tmp_path: Path) -> None:
    """A picture that is not there is told in one line, before LM Studio is asked."""
    with (
        Connection() as connection,
        pytest.raises(AssistantError, match=r"none\.png cannot be read: No such file"),
    ):
        look_at(connection, VISION, tmp_path / "none.png")
