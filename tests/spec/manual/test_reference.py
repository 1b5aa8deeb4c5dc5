from markdown_it import MarkdownIt

from specdet.experiment import Experiment
from specdet.registry import COMPONENTS, Registry
from specdet.spec.manual.description import describe_spec, walk_specs
from specdet.spec.manual.page import Facts, Heading, Keys, as_markdown
from specdet.spec.manual.places import find
from specdet.spec.manual.reference import component_page, family_page, overview, place_page, reference, takers

PAGE = reference(Experiment)


def keys_of(blocks):
    return [key.name for block in blocks if isinstance(block, Keys) for key in block.rows]


def test_the_reference_has_a_heading_for_every_table_family_and_component():
    titles = [block.text for block in PAGE if isinstance(block, Heading)]
    tags = [tag for tags in COMPONENTS.values() for tag in tags]
    assert {"[data]", "[train]", *COMPONENTS, *tags} <= set(titles)
    assert titles.index("[train]") < titles.index("detector") < titles.index("RPN")


def test_the_reference_tells_every_field_of_every_class():
    told = [name.split(".")[-1] for name in keys_of(PAGE)]
    for _, description in walk_specs(Experiment):
        assert {field.name for field in description.fields} <= set(told), description.name


def test_a_reader_sees_what_is_written():
    """Every cell of the Markdown, read by another program, is the text that it was made of."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(as_markdown(PAGE))
    cells = [
        "".join(child.content for child in tokens[index + 1].children)
        for index, token in enumerate(tokens)
        if token.type == "td_open"
    ]
    rows = [key for block in PAGE if isinstance(block, Keys) for key in block.rows]
    expected = [(key.name, key.type, "required" if key.required else key.default, key.meaning) for key in rows]
    assert cells == [cell.replace("`", "") for row in expected for cell in row]


def test_tables_inside_a_table_are_told_in_dotted_keys_after_it():
    page = component_page(next(each for _, each in walk_specs(Experiment) if each.tag == "SGD"))
    names = keys_of(page)
    assert names[0] == "lr", "what is required comes first"
    assert names.index("rules.NAME.pattern") == names.index("rules") + 1
    assert names[-1] == "implementation", "what is advanced comes last"


def test_the_top_of_a_spec_begins_with_what_a_file_begins_with():
    assert keys_of(overview(Experiment))[:3] == ["spec", "extends", "unset"]


def test_who_takes_a_family():
    assert list(takers("neck", Experiment)) == [f"`model.neck` of {tag}" for tag in Registry("detector").tags]
    assert list(takers("optimizer", Experiment)) == ["`optimizer`"]
    losses = list(takers("loss", Experiment))
    assert losses[:2] == ["`model.rpn_head.loss_cls` of RPNHead", "`model.rpn_head.loss_box` of RPNHead"]
    assert "`model.roi_head.mask_head.loss_mask` of MaskHead" in losses


def test_classes_that_say_the_same_share_an_entry():
    page = place_page(("optimizer", "momentum"), find(Experiment, ("optimizer", "momentum")))
    (facts,) = [block.rows for block in page if isinstance(block, Facts)]
    assert facts == [("key of", "SGD, RMSprop"), ("type", "a number, 0 <= x < 1"), ("default", "0.0")]


def test_a_family_lists_its_components():
    *_, tags = family_page("coder", Experiment)
    assert [tag for tag, _ in tags.rows] == list(COMPONENTS["coder"])
    assert describe_spec(Experiment).summary not in as_markdown([tags])
