"""In which releases a bug is, and what is right once a release turns out to have it no more."""

import ast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.version import Version
from sdk_tests.bug_timeline import BugTimeline

# From the oldest on.
VERSIONS = (
    "1.3.0",
    "1.5.0",
    "1.5.0+local",
    "1.5.1",
    "1.6.0b1",
    "1.6.0b1+local",
    "1.6.0b2.dev0",
    "1.6.0b2",
    "1.6.0",
    "1.10.0",
)


@pytest.mark.parametrize(
    ("timeline", "having"),
    [
        (BugTimeline(), VERSIONS),
        (BugTimeline(seen_in=("1.6.0b1",)), VERSIONS[4:]),
        (BugTimeline(seen_in=("1.5.0", "1.6.0b1")), VERSIONS[1:]),
        (BugTimeline(fixed_in=("1.6.0b1",)), VERSIONS[:4]),
        (BugTimeline(fixed_in=("1.6.0b1+local",)), VERSIONS[:5]),
        (BugTimeline(("1.5.0",), ("1.6.0b2.dev0",)), VERSIONS[1:6]),
        (BugTimeline(("1.6.0b1",), ("1.5.1", "1.6.0")), (*VERSIONS[:3], *VERSIONS[4:8])),
    ],
    ids=str,
)
def test_the_last_release_named_decides(timeline: BugTimeline, having: tuple[str, ...]) -> None:
    """A bug is there from a release that has it on, until one that has it fixed."""
    assert tuple(name for name in VERSIONS if timeline.has_bug(Version(name))) == having


@pytest.mark.parametrize(
    ("text", "timeline"),
    [
        ("all", BugTimeline()),
        ("from 1.6.0b1", BugTimeline(seen_in=("1.6.0b1",))),
        ("fixed in 1.6.0b1", BugTimeline(fixed_in=("1.6.0b1",))),
        ("fixed in 1.5.1, from 1.6.0b1", BugTimeline(("1.6.0b1",), ("1.5.1",))),
    ],
)
def test_text(text: str, timeline: BugTimeline) -> None:
    """A timeline is written and read as in docs/findings.md."""
    assert str(timeline) == text
    assert BugTimeline.parse(text) == timeline


@pytest.mark.parametrize("text", ["both", "1.5.0", "", "from 1.5.0,fixed in 1.6.0", "since 1.5.0"])
def test_other_texts(text: str) -> None:
    """A text of another form is refused with the right ones."""
    with pytest.raises(ValueError, match=r"names no releases: write 'all', 'from 1\.6\.0b1' or"):
        BugTimeline.parse(text)


def test_no_version() -> None:
    """A release that is no version is refused with its name."""
    with pytest.raises(ValueError, match=r"'newest' is no version of the SDK"):
        BugTimeline.parse("from newest")


@st.composite
def timelines(draw: st.DrawFn) -> BugTimeline:
    """Return any timeline."""
    named = draw(st.lists(st.sampled_from(VERSIONS), unique=True, max_size=4).map(sorted))
    seen = draw(st.lists(st.booleans(), min_size=len(named), max_size=len(named)))
    return BugTimeline(
        tuple(name for name, bug in zip(named, seen, strict=True) if bug),
        tuple(name for name, bug in zip(named, seen, strict=True) if not bug),
    )


@given(timelines(), st.sampled_from(VERSIONS), st.sets(st.sampled_from(VERSIONS), min_size=1))
@settings(deadline=None)
def test_after_a_pass(timeline: BugTimeline, name: str, releases: set[str]) -> None:
    """What a pass leads to has the bug fixed there, and leaves all releases of the suite as is."""
    assume(timeline.has_bug(Version(name)))
    right = timeline.after_pass(name, releases)
    others = {Version(each) for each in releases - {name}}
    if right is None:
        assert not any(timeline.has_bug(each) for each in others)
        return
    assert not right.has_bug(Version(name))
    assert {each: right.has_bug(each) for each in others} == {
        each: timeline.has_bug(each) for each in others
    }


@given(timelines())
def test_text_and_arguments_say_the_same(timeline: BugTimeline) -> None:
    """The arguments of `known_bug` and the text for the page describe the same releases."""
    written = BugTimeline.parse(str(timeline))
    assert [written.has_bug(Version(name)) for name in VERSIONS] == [
        timeline.has_bug(Version(name)) for name in VERSIONS
    ]
    call = ast.parse(f"known_bug({timeline.arguments()})", mode="eval").body
    assert isinstance(call, ast.Call)
    literals = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    names = {key: (value,) if isinstance(value, str) else value for key, value in literals.items()}
    assert BugTimeline(**names) == timeline
