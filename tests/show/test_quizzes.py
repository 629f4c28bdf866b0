import pytest

from audiolab import show

CHOICES = [
    ("The first axis", True, "Yes: spectrograms here are (T, F)."),
    ("The last axis", False, "That is <frequency>."),
    ("Neither", False, "One of them is."),
]


def test_every_text_is_there_and_harmless():
    page = show.quiz("Which axis is time?", CHOICES).data
    assert "&lt;frequency&gt;" in page
    assert page.count("<button") == 3
    assert 'role="status"' in page
    # Without scripts the answers can still be unfolded.
    assert "<details" in page
    assert page == show.quiz("Which axis is time?", CHOICES).data


@pytest.mark.parametrize(
    ("question", "choices", "said"),
    [
        ("Q?", CHOICES[:1], "at least two"),
        ("Q?", CHOICES[1:], "correct"),
        (" ", CHOICES, "empty"),
        ("Q?", [("a", True, ""), ("b", False, "no")], "empty"),
    ],
)
def test_errors_name_the_argument(question, choices, said):
    with pytest.raises(ValueError, match=said):
        show.quiz(question, choices)


@pytest.mark.pages
def test_every_choice_answers_for_itself(open_page):
    page = open_page(show.quiz("Which axis is time?", CHOICES).data, width=390)
    assert not page.is_visible(".al-answers")
    page.click("text=The last axis")
    assert page.inner_text(".al-feedback") == "Not quite. That is <frequency>."
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.inner_text(".al-feedback").startswith("Right. Yes")
    pressed = page.evaluate("Array.from(document.querySelectorAll('.al-quiz button')).map(b => b.ariaPressed)")
    assert pressed == ["true", "false", "false"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
