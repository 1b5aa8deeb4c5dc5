"""cost_panel: what a training will take, found out beside the page while people go on."""

import hashlib
import time
from collections import OrderedDict

import streamlit as st

from app.browsing.cost_facts import facts_of, reasons
from app.browsing.cost_job import CostAnswer, CostJob
from app.plain import plain
from app.security.roots import Roots

KEY = "specdet-cost-job"
KEPT = 32  # answers, for all who look
POLL = 0.7  # s


def cost_panel(resolved_text: str, *, processes: int = 1) -> None:
    """Show what the training of a spec takes on this machine: images, steps, parameters, memory, disk, classes.

    It takes some seconds for a spec that was not asked about before; another text ends the asking about the one before.

    Args:
        resolved_text: The spec with nothing left to extend; empty where it has problems, and nothing is shown.
        processes: How many are to train together.
    """
    folders = Roots.here().folders
    name = hashlib.sha256("\0".join([resolved_text, str(processes), *map(str, folders)]).encode()).hexdigest()
    known, job = _answers().get(name), st.session_state.get(KEY)
    if job is not None and job[0] != name:
        job[1].cancel()
        del st.session_state[KEY]
        job = None
    if not resolved_text:
        return
    if known is None and job is not None and job[1].wait(0):
        known = job[1].answer
        if known is None:  # cancelled, by another run of this page
            job = None
        elif not known.failure and not known.problems:  # what was missing may be there the next time
            _keep(name, known)
    if known is not None:
        _show(known, name=name)
        return
    if job is None:
        job = st.session_state[KEY] = (name, CostJob(resolved_text, processes=processes, folders=folders))
    st.fragment(_waiting, run_every=POLL)(job[1])


def _waiting(job: CostJob) -> None:
    if job.wait(0):
        st.rerun()
    seconds = time.monotonic() - job.started
    st.caption(
        ":material/hourglass_empty: Finding out what the training takes: the annotations are read and the model is "
        f"built without content ({seconds:.0f} s)."
    )


def _show(answer: CostAnswer, *, name: str) -> None:
    facts = facts_of(answer.cost) if answer.cost else []
    if answer.failure:
        st.warning(plain(f"What the training takes cannot be told: {answer.failure}"), icon=":material/help:")
    with st.container(horizontal=True, gap="small"):
        for fact in facts:
            with st.container(width=165, gap=None):
                st.metric(fact.label, fact.value, help=plain(fact.why) or None)
                st.caption(plain(fact.more) if fact.more else "unknown" if fact.why else "")
    classes = answer.cost.get("classes")
    if classes:
        st.text(f"{len(classes)} class{'es' * (len(classes) > 1)}: {', '.join(classes)}")
    for sentence in (*answer.problems, *reasons(facts, besides=answer.problems)):
        st.text(sentence)
    if (answer.failure or answer.problems) and st.button("Ask again", icon=":material/refresh:", key=f"cost-{name}"):
        st.session_state.pop(KEY, None)
        st.rerun()


@st.cache_resource(show_spinner=False)
def _answers() -> OrderedDict[str, CostAnswer]:
    """The last answers of this server, by what was asked."""
    return OrderedDict()


def _keep(name: str, answer: CostAnswer) -> None:
    answers = _answers()
    answers[name] = answer
    while len(answers) > KEPT:
        answers.popitem(last=False)
