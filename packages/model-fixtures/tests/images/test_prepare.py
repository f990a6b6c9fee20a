"""Trimming, squaring and encoding pictures for llama.cpp."""

import base64
import io

import pytest
from model_fixtures.images import ImageError, prepare, squared, trimmed
from PIL import Image

GREEN = (10, 150, 60)
CREAM = (250, 240, 210)


def framed(size: tuple[int, int]) -> Image.Image:
    """Return a cream picture with a green block that leaves the border free."""
    image = Image.new("RGB", size, CREAM)
    image.paste(GREEN, (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4))
    return image


@pytest.mark.difference("image-shape")
@pytest.mark.parametrize("size", [(40, 10), (10, 40), (41, 10), (200, 3), (1, 7)])
def test_padding_has_the_border_colour(size: tuple[int, int]) -> None:
    """A picture that is not square is centred on a square in the colour of its border."""
    image = framed(size)
    square = squared(image)
    side = max(size)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    assert square.size == (side, side)
    assert square.crop((left, top, left + size[0], top + size[1])).tobytes() == image.tobytes()
    if min(size) > 3:
        assert {square.getpixel(at) for at in ((0, 0), (side - 1, side - 1))} == {CREAM}


def test_one_odd_corner_does_not_set_the_padding() -> None:
    """The padding has the colour of most of the border, whatever a corner pixel has."""
    image = framed((40, 20))
    image.putpixel((0, 0), (255, 0, 0))
    assert squared(image).getpixel((0, 0)) == CREAM


def test_square_pictures_stay_as_they_are() -> None:
    """A square picture within the limit is returned unchanged."""
    image = framed((33, 33))
    assert squared(image).tobytes() == image.tobytes()


@pytest.mark.parametrize("size", [(3000, 1500), (1200, 1200), (900, 2)])
def test_large_pictures_are_scaled_down(size: tuple[int, int]) -> None:
    """The side of the result is the longer side of the picture, but at most the limit."""
    assert squared(framed(size)).size == (min(1024, max(size)),) * 2
    assert squared(framed(size), longest_side=100).size == (100, 100)


def test_prepare_gives_a_square_png_and_the_original_size() -> None:
    """A file becomes a lossless square RGB PNG, its data URI, and the original size."""
    out = io.BytesIO()
    framed((30, 20)).save(out, "WEBP", lossless=True)
    result = prepare(out.getvalue())
    with Image.open(io.BytesIO(result.png)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (30, 30))
        assert image.tobytes() == squared(framed((30, 20))).tobytes()
    assert (result.width, result.height) == (30, 20)
    head, body = result.data_uri.split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == result.png


def test_prepare_refuses_what_decode_refuses() -> None:
    """Bytes that are not a picture raise ImageError."""
    with pytest.raises(ImageError, match="not a PNG"):
        prepare(b"nonsense")


@pytest.mark.parametrize("size", [(400, 40), (40, 400), (300, 300)])
def test_trimming_cuts_an_even_border(size: tuple[int, int]) -> None:
    """A small block on an even background fills most of the result and keeps its colours."""
    image = Image.new("RGB", size, CREAM)
    image.paste(GREEN, (10, 5, 30, 35))
    result = squared(trimmed(image))
    assert result.width < max(size) // 3
    assert result.getpixel((0, 0)) == CREAM
    colours = {pixel: count for count, pixel in result.getcolors() or []}
    assert colours == {GREEN: 600, CREAM: result.width * result.height - 600}


def test_trimming_leaves_pictures_without_an_even_border() -> None:
    """A picture whose border has two colours is returned unchanged."""
    image = Image.new("RGB", (60, 40), CREAM)
    image.paste(GREEN, (0, 25, 60, 40))
    assert trimmed(image).tobytes() == image.tobytes()


def test_trimming_leaves_empty_pictures() -> None:
    """An empty picture keeps its size."""
    assert trimmed(Image.new("RGB", (50, 20), CREAM)).size == (50, 20)


def test_trimming_magnifies_a_speck_only_so_far() -> None:
    """A single odd pixel in a large picture does not fill the result."""
    image = Image.new("RGB", (800, 800), CREAM)
    image.paste(GREEN, (400, 400, 404, 404))
    assert trimmed(image).size == (100, 100)


def test_prepare_trims_only_when_told() -> None:
    """Margins are only cut off with `trim=True`; the original size is reported either way."""
    out = io.BytesIO()
    image = Image.new("RGB", (200, 100), CREAM)
    image.paste(GREEN, (90, 40, 110, 60))
    image.save(out, "PNG")
    for trim, side in ((False, 200), (True, 25)):
        result = prepare(out.getvalue(), trim=trim)
        with Image.open(io.BytesIO(result.png)) as png:
            assert png.size == (side, side)
        assert (result.width, result.height) == (200, 100)
