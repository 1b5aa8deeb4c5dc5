"""Values in the URL: the browser is told at each refresh what a widget began with."""

from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from app.widgets.url_value import in_url, one_of, some_of

    options = st.session_state.get("options", ["a", "b", "c"])
    tab = in_url(st.segmented_control, "Tab", ["x", "y"], name="tab", key="tab", read=one_of(["x", "y"], default="x"),
                 required=True)  # fmt: skip
    some = in_url(st.multiselect, "Some", options, name="some", key="some", read=some_of(options))
    st.text(f"{tab} {some}")


def opened(**query):
    at = AppTest.from_function(script)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def test_a_widget_begins_with_what_the_url_says_and_says_so_at_each_refresh():
    at = opened(tab="y", some=["a", "c"])
    for _ in range(2):
        assert at.text[0].value == "y ['a', 'c']"
        assert list(at.get("button_group")[0].proto.default) == [1]
        assert list(at.multiselect[0].proto.default) == [0, 2]
        at.run()


def test_the_url_follows_the_widget_and_leaves_out_what_is_the_default():
    at = opened(tab="y")
    at.multiselect[0].set_value(["b"]).run()
    assert at.query_params["some"] == "b"
    at.get("button_group")[0].set_value("x").run()
    assert at.text[0].value == "x ['b']" and "tab" not in at.query_params


def test_what_is_no_option_is_the_default():
    assert opened(tab="z", some=["q", "b"]).text[0].value == "x ['b']"


def test_an_option_that_is_there_no_more_is_not_chosen_any_more():
    at = opened(some=["a", "c"])
    at.session_state["options"] = ["a", "b"]
    at.run()
    assert not at.exception and at.text[0].value == "x ['a']" and at.query_params["some"] == "a"
