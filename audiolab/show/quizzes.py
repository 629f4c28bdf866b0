"""Questions with an answer to every choice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from html import escape

from IPython.display import HTML

from .page import package_text


def quiz(question: str, choices: Iterable[tuple[str, bool, str]]) -> HTML:
    """Return a question whose choices each answer with their own feedback, as soon as they are taken.

    It works in a page without a kernel, by mouse or keyboard, and the feedback is read out to those who listen to the
    page. Where scripts do not run, the answers can be unfolded.

    Args:
        question: plain text.
        choices: (choice, correct, feedback) in the order shown. The feedback of a wrong choice should explain the
            misconception behind it.

    Raises:
        ValueError: fewer than two choices, none of them correct, or a text is empty.

    Example:
        >>> html = quiz("Which axis is time?", [("the first", True, "Yes: (T, F)."), ("the last", False, "That is F.")])
    """
    rows = [(str(choice), bool(correct), str(feedback)) for choice, correct, feedback in choices]
    if len(rows) < 2:
        raise ValueError(f"choices: expected at least two, got {len(rows)}")
    if not any(correct for _, correct, _ in rows):
        raise ValueError("choices: expected at least one correct choice, got none")
    if not question.strip() or not all(choice.strip() and feedback.strip() for choice, _, feedback in rows):
        raise ValueError("question, choices: expected text in the question, choices and feedback, got an empty one")
    buttons = "".join(
        f'<button type="button" aria-pressed="false" data-correct="{int(correct)}" '
        f'data-feedback="{escape(feedback, quote=True)}">'
        f'<span class="al-mark" aria-hidden="true">{chr(65 + index)}</span><span>{escape(choice)}</span></button>'
        for index, (choice, correct, feedback) in enumerate(rows)
    )
    answers = "".join(
        f"<li>{escape(choice)}: {'right' if correct else 'wrong'}. {escape(feedback)}</li>"
        for choice, correct, feedback in rows
    )
    body = (
        f'<p class="al-question">{escape(question)}</p><div class="al-choices" role="group" '
        f'aria-label="{escape(question, quote=True)}">{buttons}</div><p class="al-feedback" role="status"></p>'
        f'<details class="al-answers"><summary>Answers</summary><ol type="A">{answers}</ol></details>'
    )
    identity = hashlib.sha256(body.encode()).hexdigest()[:12]
    return HTML(
        f'<style>{package_text("quiz.css")}</style>'
        f'<div class="al-quiz" data-quiz="{identity}" data-lm-suppress-shortcuts="true">{body}</div>'
        f'<script>{package_text("quiz.js")}("{identity}");</script>'
    )
