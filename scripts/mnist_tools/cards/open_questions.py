"""Find the questions about a dataset that its facts leave open."""

from typing import NamedTuple

from mnist_tools.cards.facts import NO_LICENCE, DatasetFacts

QUESTIONS = (  # what a card should answer, most important first
    "licence",
    "description",
    "rationale",
    "collection",
    "annotation",
    "known_issues",
    "sensitive",
    "authors",
    "citation",
    "intended_uses",
    "out_of_scope_uses",
    "contact",
    "version",
    "funding",
)


class OpenQuestions(NamedTuple):
    """The keys that facts leave unanswered, most important first, and how many were asked for."""

    keys: tuple[str, ...]
    asked: int

    def __str__(self) -> str:
        """Return "open: rationale, funding; 12 of 14 answered"."""
        answered = f"{self.asked - len(self.keys)} of {self.asked} answered"
        return f"open: {', '.join(self.keys)}; {answered}" if self.keys else answered


def open_questions(facts: DatasetFacts) -> OpenQuestions:
    """Return which of QUESTIONS a dataset's facts leave unanswered.

    A statement that something is unknown, and where it was looked for, is an answer.
    """
    keys = tuple(question for question in QUESTIONS if not _is_answered(facts, question))
    return OpenQuestions(keys, len(QUESTIONS))


def _is_answered(facts: DatasetFacts, question: str) -> bool:
    if question == "licence":
        return facts.licence != NO_LICENCE
    outside_topics = {
        "authors": facts.authors,
        "citation": facts.citations,
        "contact": facts.contact,
        "version": facts.version,
    }
    return bool(outside_topics.get(question) or facts.about(question))
