"""`dialogues`: questions by a small grammar, and answers of which it is known which are valid for a question."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

import torch

from zerosum.data.dataset import Dataset, Field, fingerprint_of
from zerosum.data.request import Request, split
from zerosum.data.text.grammar import Derivation, Grammar, Production, parsed
from zerosum.latent import hashed_seed
from zerosum.modality import Tokens

NAME = "dialogues"
COUNTS = {"train": 10_000, "test": 2_000}  # dialogues
LONGEST = 15  # words of a question, or of an answer
HELD_OUT = 8  # one question of so many is of the test part alone

# What is asked is said again with its words; what is answered with OTHER-X is another X than the question's.
WORDS = """
THING1 = 2 SIZE N1 | 2 COLOUR N1 | 1 SIZE COLOUR N1
THING2 = 2 SIZE N2 | 2 COLOUR N2 | 1 SIZE COLOUR N2
SIZE   = 3 small | 3 big | 2 old | 2 new
COLOUR = 1 WARM | 1 COLD
WARM   = 3 red | 2 orange | 2 yellow | 1 pink
COLD   = 3 blue | 2 green | 2 white | 1 black
N1     = 3 ball | 3 book | 3 cup | 2 hat | 2 key | 2 lamp | 2 coat | 2 shoe | 1 bag | 1 clock | 1 map | 1 spoon
N2     = 3 balls | 3 books | 3 cups | 2 hats | 2 keys | 2 lamps | 2 coats | 2 shoes | 1 bags | 1 clocks | 1 maps
       | 1 spoons
HER    = 3 anna | 3 dora | 2 emma | 2 nina | 1 vera | 1 zoe
HIM    = 3 bob | 3 chen | 2 ivan | 2 omar | 1 paul | 1 tom
PLACE  = 3 in ROOM | 2 behind THERE | 2 under THERE
ROOM   = 3 the kitchen | 3 the garden | 2 the hall | 2 the cellar | 1 the attic
THERE  = 3 the table | 3 the sofa | 2 the tree | 1 the door
VERB   = 3 see | 3 hear | 2 help | 2 call | 2 follow | 1 find | 1 know
NUMBER = 3 two | 3 three | 2 four | 1 five | 1 six
"""

QUESTIONS = """
Q        = 3 WHERE1 | 3 WHERE2 | 3 WHO | 2 GAVE-HER | 2 GAVE-HIM | 1 IS-HER | 1 IS-HIM | 2 ARE | 2 WHICH1 | 2 WHICH2
         | 2 DID-HER | 2 DID-HIM | 1 MANY-HER | 1 MANY-HIM
WHERE1   = 1 where is the N1 ? | 3 where is the THING1 ?
WHERE2   = 1 where are the N2 ? | 3 where are the THING2 ?
WHO      = 1 who has the N1 ? | 3 who has the THING1 ?
GAVE-HER = 1 who gave the N1 to HER ? | 2 who gave HER the THING1 ?
GAVE-HIM = 1 who gave the N1 to HIM ? | 2 who gave HIM the THING1 ?
IS-HER   = 1 is HER in ROOM ?
IS-HIM   = 1 is HIM in ROOM ?
ARE      = 1 are HER and HIM in ROOM ? | 1 are HIM and HER in ROOM ?
WHICH1   = 1 is the N1 WARM or COLD ? | 1 is the N1 COLD or WARM ?
WHICH2   = 1 are the N2 WARM or COLD ? | 1 are the N2 COLD or WARM ?
DID-HER  = 1 did HER VERB HIM ?
DID-HIM  = 1 did HIM VERB HER ?
MANY-HER = 1 how many N2 has HER ?
MANY-HIM = 1 how many N2 has HIM ?
"""

ANSWERS = """
WHERE1   = 4 it is PLACE | 2 the N1 is PLACE | 2 the THING1 is PLACE | 2 HER put it PLACE | 2 HIM put it PLACE
         | 1 nobody knows where it is
WHERE2   = 4 they are PLACE | 2 the N2 are PLACE | 2 the THING2 are PLACE | 2 HER put them PLACE
         | 2 HIM put them PLACE | 1 nobody knows where they are
WHO      = 3 HER has it | 3 HIM has it | 2 HER has the THING1 | 2 HIM has the THING1 | 1 HER gave it to HIM
         | 1 HIM gave it to HER | 1 HER and HIM have it | 1 nobody has it
GAVE-HER = 3 HIM gave it to her | 3 HIM gave HER the THING1 | 2 HIM did | 2 OTHER-HER did | 1 she has found it PLACE
         | 1 nobody did , HER has found it PLACE
GAVE-HIM = 3 HER gave it to him | 3 HER gave HIM the THING1 | 2 HER did | 2 OTHER-HIM did | 1 he has found it PLACE
         | 1 nobody did , HIM has found it PLACE
IS-HER   = 3 yes , she is | 2 yes , HER is in ROOM | 3 no , she is in OTHER-ROOM | 2 no , but HIM is
         | 1 no , HER is in OTHER-ROOM and HIM is behind THERE
IS-HIM   = 3 yes , he is | 2 yes , HIM is in ROOM | 3 no , he is in OTHER-ROOM | 2 no , but HER is
         | 1 no , HIM is in OTHER-ROOM and HER is behind THERE
ARE      = 3 yes , they are | 2 yes , both are in ROOM | 2 no , only HER is | 2 no , only HIM is
         | 2 no , they are in OTHER-ROOM | 1 no , HER is in OTHER-ROOM and HIM is under THERE
         | 1 no , HIM is in OTHER-ROOM and HER is under THERE
WHICH1   = 3 it is WARM | 3 it is COLD | 1 the N1 is WARM | 1 the N1 is COLD | 1 WARM and COLD
         | 2 neither , it is OTHER-WARM | 2 neither , it is OTHER-COLD
WHICH2   = 3 they are WARM | 3 they are COLD | 1 the N2 are WARM | 1 the N2 are COLD | 1 WARM and COLD
         | 2 neither , they are OTHER-WARM | 2 neither , they are OTHER-COLD
DID-HER  = 3 yes , she did | 2 yes , HER did VERB HIM | 1 no , she did not | 2 no , she did not VERB him
         | 2 no , but she did OTHER-VERB him | 2 no , HIM did VERB her | 1 no , but OTHER-HER did VERB HIM
DID-HIM  = 3 yes , he did | 2 yes , HIM did VERB HER | 1 no , he did not | 2 no , he did not VERB her
         | 2 no , but he did OTHER-VERB her | 2 no , HER did VERB him | 1 no , but OTHER-HIM did VERB HER
MANY-HER = 3 she has NUMBER | 2 HER has NUMBER N2 | 2 she has no N2 | 1 HER has one | 1 NUMBER , and HIM has NUMBER
MANY-HIM = 3 he has NUMBER | 2 HIM has NUMBER N2 | 2 he has no N2 | 1 HIM has one | 1 NUMBER , and HER has NUMBER
"""
OTHER = "OTHER-"


class Dialogues:
    """A grammar of questions, and for each the grammar of its answers.

    The first production of a question says what kind it is, and its answers begin with the symbol of that name. In
    them, a symbol that the question uses is what it is in the question, and OTHER-X any but that.

    Args:
        questions: rules in which each symbol is used once in a sentence.
        answers: rules with a symbol for each kind of question.
        words: rules that both share.
    """

    def __init__(self, questions: str, answers: str, words: str):
        self.questions = Grammar(questions + words.lstrip())
        rules = parsed(answers + words.lstrip())
        wanted = {part for of in rules.values() for production in of for part in production.right}
        for symbol in [*rules]:
            if (other := OTHER + symbol) in wanted:
                rules[other] = {Production(other, own.right): weight for own, weight in rules[symbol].items()}
        self.answers = Grammar(rules)
        self._known: dict[tuple[str, ...], Grammar | None] = {}

    def asked(self, choices: random.Random) -> list[str]:
        """A question of at most `LONGEST` words."""
        return self.questions.sentence(choices, LONGEST)

    def answers_to(self, question: Sequence[str]) -> Grammar | None:
        """The grammar of a question's answers; None where it is no question."""
        words = tuple(question)
        if words not in self._known:
            found = self.questions.derivation(words)
            self._known[words] = None if found is None else self._narrowed(found)
        return self._known[words]

    def derivation(self, question: Sequence[str], answer: Sequence[str]) -> Derivation | None:
        """That of a valid answer; None where it is none, or the question is none."""
        grammar = self.answers_to(question)
        return None if grammar is None else grammar.derivation(answer)

    def _narrowed(self, question: Derivation) -> Grammar:
        kind, *_ = question.productions[0].right
        rules: dict[str, dict[Production, float]] = {symbol: dict(own) for symbol, own in self.answers.rules.items()}
        for symbol, right in question.productions[2:]:
            own, other = Production(symbol, right), Production(OTHER + symbol, right)
            rules[symbol] = {own: 1.0}
            if other.symbol in rules:
                del rules[other.symbol][other]
        return Grammar(rules, kind)


@cache
def dialogues_by_rule() -> Dialogues:
    """Those of `dialogues`."""
    return Dialogues(QUESTIONS, ANSWERS, WORDS)


def dialogues_of(name: str) -> Dialogues | None:
    """The grammars that data of this name was drawn from, where there are some."""
    return dialogues_by_rule() if name.partition(":")[0] == NAME else None


def modality() -> Tokens:
    """Of questions and of answers."""
    rules = dialogues_by_rule()
    words = sorted({*rules.questions.words, *rules.answers.words})
    return Tokens((Tokens.UNKNOWN, Tokens.END, *words), LONGEST + 1)


def is_held_out(question: Sequence[str]) -> bool:
    """Whether a question is of the test part: a function of its words alone."""
    return hashed_seed(" ".join(question), 0, 0) % HELD_OUT == 0


def dialogues(request: Request) -> Dataset:
    """10,000 questions with an answer each, drawn from the seed; ":test" are 2,000 of questions that these never have.

    Fields `question` and `answer`, int64 (N, 16), of one vocabulary.
    """
    part = split(request, tuple(COUNTS))
    rules, choices, tokens = (
        dialogues_by_rule(),
        random.Random(hashed_seed(f"{NAME} {part}", request.seed, 0)),
        modality(),
    )
    questions: list[list[str]] = []
    while len(questions) < COUNTS[part]:
        if is_held_out(question := rules.asked(choices)) == (part == "test"):
            questions.append(question)
    answers = [_answer(rules, question, choices) for question in questions]
    fields = {
        name: Field(tokens, torch.tensor([tokens.ids(text) for text in texts]))
        for name, texts in (("answer", answers), ("question", questions))
    }
    said = f"{QUESTIONS} {ANSWERS} {WORDS} {part} {COUNTS[part]} {LONGEST} {HELD_OUT} {request.seed}"
    return Dataset(request.name, fields, fingerprint_of(said))


def _answer(rules: Dialogues, question: Sequence[str], choices: random.Random) -> list[str]:
    grammar = rules.answers_to(question)
    assert grammar is not None
    return grammar.sentence(choices, LONGEST)
