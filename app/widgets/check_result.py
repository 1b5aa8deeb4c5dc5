"""What the check says of a launch, and the deep check that is asked for."""

from collections.abc import Sequence

import streamlit as st

from app.launching.deep_check import deep_check, deep_check_argv
from app.launching.inspection import Inspection, Told
from app.launching.plan import Plan
from app.plain import plain

KEY = "deep-check"


def check_result(inspection: Inspection) -> None:
    """Say what stands in the way of a launch."""
    if inspection.is_fine:
        st.success("The spec is right, and this machine has its files.", icon=":material/check_circle:")
        return
    show_problems(inspection.problems)


def show_problems(problems: Sequence[Told]) -> None:
    """Each with its place; what this machine lacks apart from what is wrong with the spec."""
    for problem in problems:
        show = st.warning if problem.lacks else st.error
        lacking = "This machine lacks something: " if problem.lacks else ""
        show(
            f"{lacking}{plain(problem.sentence)}", icon=":material/cloud_off:" if problem.lacks else ":material/error:"
        )


def deep_check_button(plan: Plan) -> None:
    """A button that looks at the data and the device too, and what it found for this very plan."""
    argv = deep_check_argv(plan)
    if st.button("Check the data and the device too", icon=":material/fact_check:", key="deep-check-button",
                 help="Opens the data and asks the device: it may take a while, and starts nothing."):  # fmt: skip
        with st.spinner("Reading the data and asking the device: torch alone takes some seconds…", show_time=True):
            try:
                st.session_state[KEY] = (argv, deep_check(plan), "")
            except (ValueError, OSError) as error:
                st.session_state[KEY] = (argv, (), str(error))
    done, problems, failure = st.session_state.get(KEY, ([], (), ""))
    if done != argv:
        return
    if failure:
        st.error(plain(failure))
    elif problems:
        show_problems(problems)
    else:
        st.success("The data and the device are right too.", icon=":material/check_circle:")
