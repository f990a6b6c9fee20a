"""What `local:changed-check` makes of a mutant, and the table of `measure:changed`."""

import pytest
from changed_tests.execution_map import ExecutionMap
from changed_tests.plan import Plan
from check_changed import Checked, judged_by_plan, report
from measure_changed_loop import table
from mutation_operators import Mutant, mutants_of


@pytest.fixture
def mutant() -> Mutant:
    """Provide a mutant."""
    return mutants_of("def f(a):\n    return a > 1\n", "calc.py")[0]


def test_chosen(mutant: Mutant) -> None:
    """A mutant is found if the test that kills it is chosen; its time is that of all before it."""
    known = ExecutionMap(made="")
    known.note("t.py::a", 1.5, {}, unsure=False)
    known.note("t.py::b", 2.0, {}, unsure=False)
    checked = judged_by_plan(known, Plan(["t.py::a"], ["t.py::b"]), mutant, "t.py::b")
    assert checked == Checked(mutant, "chosen", 3.5)


def test_in_full_and_missed(mutant: Mutant) -> None:
    """A run in full finds it, too; a plan without the test, or of a hanging one, does not."""
    known = ExecutionMap(made="")
    assert judged_by_plan(known, Plan([], None), mutant, "t.py::b").how == "in full"
    assert judged_by_plan(known, Plan(["t.py::a"], []), mutant, "t.py::b").how == "missed"
    assert judged_by_plan(known, Plan(["t.py::a"], []), mutant, "").how == "missed"


def test_report(mutant: Mutant) -> None:
    """The report names what was missed, and counts the rest."""
    checked = [Checked(mutant, "chosen", 2.0), Checked(mutant, "missed")]
    lines = report(checked, 3).splitlines()
    assert lines[0].startswith("missed: calc.py:2 f: ")
    assert lines[1] == (
        "2 mutants that tests kill: 1 chosen, 0 in full, 0 others, 1 missed; 3 others"
    )
    assert lines[2] == "seconds of tests up to the known killer: median 2.0"


def test_table_of_times() -> None:
    """Each module has its median, and all together have one."""
    lines = table({"history.py": [(1.0, 1), (3.0, 0)], "json_api.py": [(9.0, 1)]})
    assert [line.split() for line in lines[:4]] == [
        ["module", "changes", "red", "median", "longest"],
        ["history.py", "2", "1", "2.0s", "3.0s"],
        ["json_api.py", "1", "1", "9.0s", "9.0s"],
        ["all", "3", "2", "3.0s", "9.0s"],
    ]
