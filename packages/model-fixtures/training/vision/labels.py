"""Labels of drawn images: the colours and shapes that the model learns to name."""

from dataclasses import dataclass

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray",
)  # fmt: skip
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross", "moon", "arrow")
FIGURE = "figure"  # any other shape: creatures, faces, ovals
MIXED = "mixed"  # a background of several colours, or of a colour without a name here
SHAPE_NAMES = (*SHAPES, FIGURE)
NONE = "none"


@dataclass(frozen=True)
class Label:
    """The label of an image; `colour` and `shape` are those of the main figure."""

    colour: str  # one of COLOURS, or NONE without a figure
    shape: str  # one of SHAPE_NAMES, or NONE
    background: str  # one of COLOURS, or MIXED
    several: bool = False  # whether there are smaller figures too

    def codes(self) -> tuple[int, int, int, int]:
        """Return the label as four small integers, to be stored."""
        return (
            (*COLOURS, NONE).index(self.colour),
            (*SHAPE_NAMES, NONE).index(self.shape),
            (*COLOURS, MIXED).index(self.background),
            int(self.several),
        )

    @classmethod
    def from_codes(cls, colour: int, shape: int, background: int, several: int) -> "Label":
        """Return the label that `codes` turned into these integers."""
        return cls(
            (*COLOURS, NONE)[colour],
            (*SHAPE_NAMES, NONE)[shape],
            (*COLOURS, MIXED)[background],
            bool(several),
        )

    @property
    def named(self) -> str:
        """The main figure with an article, such as "an orange star"."""
        return f"{'an' if self.colour == 'orange' else 'a'} {self.colour} {self.shape}"

    @property
    def behind(self) -> str:
        """The background with an article, such as "a white background"."""
        return f"{'an' if self.background == 'orange' else 'a'} {self.background} background"

    @property
    def caption(self) -> str:
        """The sentence that the projector learns to write into its output vectors."""
        if self.colour == NONE:
            return f"The image shows no figure on {self.behind}."
        others = " and other figures" if self.several else ""
        return f"The image shows {self.named}{others} on {self.behind}."


# The number of classes of each classification head.
HEADS = {
    "colour": len(COLOURS) + 1,
    "shape": len(SHAPE_NAMES) + 1,
    "background": len(COLOURS) + 1,
    "several": 2,
}
