"""Decoding pictures: formats, orientation, transparency, limits and errors."""

import io
import re
import struct
import zlib
from collections.abc import Callable

import pytest
from model_fixtures.images import ImageError, ImageLimits, decode
from PIL import Image, ImageOps

RED = (230, 20, 30)
BLUE = (20, 40, 220)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of `image` as a file of the format `kind`."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """Return an 8 x 4 picture: left half red, right half blue."""
    image = Image.new(mode, (8, 4), RED)
    image.paste(BLUE, (4, 0, 8, 4))
    return image


def near(one: object, two: tuple[int, int, int]) -> bool:
    """Return whether two pixels differ by no more than lossy compression explains."""
    assert isinstance(one, tuple)
    return all(abs(a - b) <= 12 for a, b in zip(one, two, strict=True))


def png_header(width: int, height: int) -> bytes:
    """Return the start of a PNG that claims to be huge, with a few bytes of pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.difference("image-formats")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_formats_decode_to_rgb(kind: str) -> None:
    """Each of the four formats is decoded to an RGB picture of the same size and colours."""
    image = decode(encoded(halves().resize((64, 32), Image.Resampling.NEAREST), kind))
    assert (image.mode, image.size) == ("RGB", (64, 32))
    assert near(image.getpixel((8, 16)), RED)
    assert near(image.getpixel((56, 16)), BLUE)


@pytest.mark.difference("image-formats")
@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animation_gives_the_first_frame(kind: str) -> None:
    """Of an animation, the first frame is decoded."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert near(decode(data).getpixel((8, 8)), RED)


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [(1, (64, 32), RED), (3, (64, 32), BLUE), (6, (32, 64), RED), (8, (32, 64), BLUE)],
)
def test_exif_orientation_is_applied(
    orientation: int, size: tuple[int, int], corner: tuple[int, int, int]
) -> None:
    """A picture is turned as its EXIF orientation says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(encoded(halves().resize((64, 32)), "JPEG", exif=exif, quality=95))
    assert image.size == size
    assert near(image.getpixel((2, 2)), corner)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone(orientation: int) -> None:
    """All eight orientations are applied as Pillow's own function does."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.linear_gradient("L").resize((40, 24)).rotate(30).convert("RGB")
    data = encoded(picture, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    image = decode(data)
    assert (image.size, image.tobytes()) == (expected.size, expected.tobytes())


def test_odd_exif_data_do_not_spoil_the_picture() -> None:
    """A resolution stored as text, which Pillow cannot write again, does not matter."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHI4s", 0x011A, 2, 4, b"odd\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0)
    image = decode(encoded(halves().resize((64, 32)), "JPEG", exif=exif, quality=95))
    assert image.size == (32, 64)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # a server may log Pillow's warnings
@pytest.mark.parametrize("damage", range(40))
def test_damaged_exif_data_never_surprise(damage: int) -> None:
    """Whatever the EXIF data contains, the result is a picture or an error of one line."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x011A] = 72.0
    data = bytearray(encoded(halves().resize((64, 32)), "JPEG", exif=exif, quality=95))
    start = data.index(b"Exif")
    for place in range(6 + damage, 60, 7):
        data[start + place] ^= 0xFF
    try:
        outcome = f"side {max(decode(bytes(data)).size)}"
    except ImageError as error:
        outcome = str(error)
    assert re.fullmatch(r"side 64|The image .+", outcome)


@pytest.mark.difference("image-shape")
@pytest.mark.parametrize("under", [(0, 0, 0), (255, 0, 255)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_are_white(kind: str, under: tuple[int, int, int]) -> None:
    """Pixels with alpha 0 become white, whatever colour they have."""
    image = Image.new("RGBA", (8, 8), (*under, 0))
    image.putpixel((3, 3), (*RED, 255))
    result = decode(encoded(image, kind, lossless=True))
    assert result.getpixel((0, 0)) == (255, 255, 255)
    assert result.getpixel((3, 3)) == RED


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    """Pixels with alpha 128 become the mean of their colour and white."""
    image = decode(encoded(Image.new("RGBA", (2, 2), (0, 0, 200, 128)), "PNG"))
    assert near(image.getpixel((0, 0)), (127, 127, 227))


def _palette() -> Image.Image:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 255, *RED])
    image.putpixel((1, 1), 1)
    image.info["transparency"] = 0
    return image


def _grey_alpha() -> Image.Image:
    image = Image.new("LA", (4, 4), (0, 0))
    image.putpixel((1, 1), (90, 255))
    return image


@pytest.mark.parametrize(
    ("make", "pixel"), [(_palette, RED), (_grey_alpha, (90, 90, 90))], ids=["palette", "grey"]
)
def test_other_transparent_modes_are_white(
    make: Callable[[], Image.Image], pixel: tuple[int, int, int]
) -> None:
    """Transparent palette and grey pictures are mixed with white, too."""
    image = decode(encoded(make(), "PNG"))
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert image.getpixel((1, 1)) == pixel


def test_sixteen_bit_grey_is_scaled() -> None:
    """A 16-bit grey PNG at half brightness becomes middle grey and is not clipped to white."""
    image = Image.new("I;16", (4, 4), 0x8000)
    assert decode(encoded(image, "PNG")).getpixel((0, 0)) == (128, 128, 128)


def test_cmyk_jpeg_is_converted() -> None:
    """A CMYK JPEG is converted to RGB with about the same colour."""
    image = Image.new("RGB", (16, 16), RED).convert("CMYK")
    assert near(decode(encoded(image, "JPEG", quality=95)).getpixel((8, 8)), RED)


BMP = encoded(halves(), "BMP")
PNG = encoded(halves().resize((64, 64)), "PNG")


@pytest.mark.difference("image-formats")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The image is empty"),
        (b"not an image", "not a PNG, JPEG, WebP or GIF"),
        (BMP, "not a PNG, JPEG, WebP or GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG, JPEG, WebP or GIF"),
        (PNG[:-40], "damaged"),
        (PNG[:60], "damaged"),
        (PNG[:20], "damaged"),
        (png_header(20_000, 10), "longest side allowed is 16384"),
        (png_header(16_000, 16_000), "too many pixels, the limit is 40000000"),
        (png_header(8_000, 8_000), "the limit is 40000000 in all"),
    ],
    ids=["empty", "text", "bmp", "svg", "cut", "cut short", "stump", "long", "bomb", "large"],
)
def test_refused_in_one_line(data: bytes, words: str) -> None:
    """Other files, and damaged or too large pictures, are refused with one line of advice."""
    with pytest.raises(ImageError) as caught:
        decode(data)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize(
    "limits", [ImageLimits(file_bytes=50), ImageLimits(pixels=4000), ImageLimits(side=63)], ids=repr
)
def test_limits_can_be_lowered(limits: ImageLimits) -> None:
    """A 64 x 64 picture is refused if any one limit is below what it needs."""
    assert decode(PNG).size == (64, 64)
    with pytest.raises(ImageError):
        decode(PNG, limits)
