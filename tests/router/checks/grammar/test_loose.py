"""Loose wordings of every family: what compiles passes a right answer and fails a wrong one; the rest is judged."""

import pytest

from router.checks.check import Answer
from router.checks.compiler import compile_requirement
from router.task import Requirement


def words(count: int) -> str:
    return " ".join(["word"] * count)


def sentences(count: int) -> str:
    return " ".join(f"This is number {'x' * (i + 1)}." for i in range(count))


def paragraphs(count: int, each: int = 1) -> str:
    return "\n\n".join(sentences(each) for _ in range(count))


def bullets(count: int, each: int = 3) -> str:
    return "\n".join(f"- {words(each)}" for _ in range(count))


def numbered(count: int) -> str:
    return "\n".join(f"{i + 1}. item" for i in range(count))


def lines(count: int) -> str:
    return "\n".join("a line" for _ in range(count))


GERMAN = "Der Hund läuft durch den Garten und sucht nach seinem Ball."
ENGLISH = "The dog runs through the garden and looks for its ball."
PAIRS: list[tuple[str, str, str]] = [
    # words
    ("Keep the answer to a maximum of 80 words.", words(80), words(81)),
    ("Your reply shouldn't run past 120 words.", words(120), words(121)),
    ("Write no fewer than 300 words.", words(300), words(299)),
    ("Should be 100 words long.", words(100), words(99)),
    ("Give me a 50-word answer.", words(50), words(49)),
    ("Don't go beyond 60 words.", words(60), words(61)),
    ("Fewer than a hundred words.", words(99), words(100)),
    ("One hundred and fifty words or fewer.", words(150), words(151)),
    ("Use twenty-one words exactly.", words(21), words(20)),
    ("Use at least a dozen words", words(12), words(11)),
    ("You may write up to 200 words.", words(200), words(201)),
    ("≤ 100 words", words(100), words(101)),
    ("50 words max, please!", words(50), words(51)),
    ("Keep it brief (max 50 words)", words(50), words(51)),
    ("In exactly 30 words, no more, no less.", words(30), words(31)),
    ("Not less than 100 and not more than 200 words.", words(100), words(201)),
    ("Length: 100-200 words.", words(150), words(99)),
    ("In just 50 words", words(48), words(51)),
    ("Answer with one word.", "Paris", "It is Paris"),
    ("Max length 50 words", words(50), words(51)),
    ("Minimum length: 300 words", words(300), words(299)),
    ("> 100 words", words(101), words(100)),
    (">= 100 words", words(100), words(99)),
    ("50 words +/- 10", words(40), words(39)),
    ("About 200 words, give or take 20", words(220), words(221)),
    ("200 words ± 10%", words(180), words(179)),
    ("Do this in two sentences", sentences(2), sentences(3)),
    ("Do it in fewer than 4 bullets", bullets(3), bullets(4)),
    ("Limit each bullet to one sentence", "- One.\n- Two.", "- One. Two.\n- Three."),
    ("Keep each paragraph to 3 sentences.", paragraphs(2, 3), paragraphs(2, 4)),
    ("Don't use lists", "plain", numbered(1)),
    ("Under 1000 chars including spaces", "x" * 999, "x" * 1000),
    ("Include a valid URL", "See https://example.org/a.", "See example."),
    ("Use semicolons at least twice", "a; b; c", "a; b"),
    ("Don't use commas more than twice", "a, b, c", "a, b, c, d"),
    ("Include [address] and [name] placeholders", "To [name], [address]", "To [name]"),
    ('The word "data" shows up 2 times', "data and data", "data"),
    ("Include at least two of the following: red, green, blue", "red and blue", "red"),
    ('Have 4 sections marked with "Section X"', "".join(f"Section {i}\na\n" for i in range(1, 5)), "Section 1\na"),
    # sentences
    ("Stay within 2-4 sentences.", sentences(4), sentences(5)),
    ("Answer in a single sentence.", sentences(1), sentences(2)),
    ("One-sentence answer.", sentences(1), sentences(2)),
    ("Provide a three-sentence response.", sentences(3), sentences(2)),
    ("Your answer must contain more than 10 but fewer than 20 sentences.", sentences(11), sentences(10)),
    ("The response should have between five and seven sentences.", sentences(7), sentences(8)),
    ("Three sentences without commas.", sentences(3), sentences(2) + " And, well."),
    ("max 3 sentences!!", sentences(3), sentences(4)),
    ("No less than 3 and no more than 5 sentences.", sentences(5), sentences(6)),
    ("Write five sentences, each starting with 'This'.", sentences(5), sentences(4) + " That is it."),
    # paragraphs and lines
    ("Just one paragraph, please.", paragraphs(1), paragraphs(2)),
    ("Respond using only two paragraphs.", paragraphs(2), paragraphs(3)),
    ("Use three paragraphs at most.", paragraphs(3), paragraphs(4)),
    ("The text must consist of four paragraphs, separated by blank lines.", paragraphs(4), paragraphs(3)),
    ("Two to four paragraphs.", paragraphs(4), paragraphs(5)),
    ("3 paragraphs with 2 sentences each.", paragraphs(3, 2), paragraphs(3, 1)),
    ("Write 3 paragraphs of 5 sentences each", paragraphs(3, 5), paragraphs(2, 5)),
    ("Two paragraphs of at least 3 sentences each.", paragraphs(2, 3), paragraphs(2, 2)),
    ("Each paragraph must contain at least two sentences.", paragraphs(3, 2), paragraphs(3, 1)),
    ("No paragraph should exceed 50 words.", words(50), words(51)),
    ("Exactly 5 lines, no more and no less.", lines(5), lines(6)),
    ("At least 10 lines.", lines(10), lines(9)),
    ("No line longer than 80 characters.", "x" * 80, "x" * 81),
    ("Three words per line.", "one two three\nfour five six", "one two three\nfour five"),
    # bullets and lists
    ("Use anywhere from 3 to 6 bullets.", bullets(6), bullets(7)),
    ("List exactly seven bullet points.", bullets(7), bullets(6)),
    ("Format the answer as a bulleted list.", bullets(2), "no list"),
    ("Use a numbered list.", numbered(2), bullets(2)),
    ("Do not use numbered lists.", bullets(2), numbered(2)),
    ("Use no more than five bullets, each at most 10 words long.", bullets(5, 10), bullets(5, 11)),
    ("Three bullet points with at most 12 words each.", bullets(3, 12), bullets(3, 13)),
    ("Every bullet must be under 12 words.", bullets(2, 11), bullets(2, 12)),
    ("No bullet points, no headings.", "plain", bullets(1)),
    ("as a numbered list of 5", numbered(5), numbered(4)),
    # characters and letters
    ("Must be ≤ 280 chars", "x" * 280, "x" * 281),
    ("Keep it under 160 characters including spaces.", "x" * 159, "x" * 160),
    ("Don't use the letter 'e' at all.", "a Cat", "a tree"),
    ('The letter "q" should appear at least twice.', "qq", "q"),
    ("Include keyword order three times in your response.", "order, order, order", "order, order"),
    ("In your response, the word total should appear at least 2 times.", "total total", "total"),
    ("In your response, the letter s should appear at least 2 times.", "miss", "his"),
    ("Use the letter z fewer than 3 times.", "zz", "zzz"),
    ("No word longer than 8 letters.", "short words", "extraordinarily long"),
    # starts and ends
    ('The first word of your response must be "Absolutely".', "Absolutely, yes.", "Yes, absolutely."),
    ('The response must begin with "Dear Sir".', "Dear Sir, hello", "Hello Dear Sir"),
    ("Open with the phrase 'Once upon a time'.", "Once upon a time there was", "There was once upon a time"),
    ("Start your response with a question.", "Why so? Because.", "Because. Why so?"),
    ("End with a question.", "It is. Is it?", "Is it? It is."),
    ('End your answer with "Cheers!".', "Done. Cheers!", "Cheers! Done."),
    ("Conclude with the sentence 'That is all.' and nothing after it.", "Well. That is all.", "That is all. Bye."),
    ('The last word must be "amen".', "So be it, amen.", "Amen, so be it."),
    ("Don't end with a question.", "Is it? It is.", "It is. Is it?"),
    ('Don\'t start with "Sure".', "Of course. Sure.", "Sure, here it is."),
    ('Do not begin your response with the word "Certainly".', "It is certainly so.", "Certainly! It is."),
    ('Don\'t begin with "Sure" or "Certainly".', "Yes.", "Certainly."),
    ('Never start a sentence with "But".', "It is small but good.", "It is small. But it is good."),
    ('Start each paragraph with the word "Indeed".', "Indeed so.\n\nIndeed not.", "Indeed so.\n\nNot so."),
    ("Each line should end with a period.", "One.\nTwo.", "One.\nTwo"),
    ('The third paragraph must start with "Finally".', "A.\n\nB.\n\nFinally, C.", "Finally.\n\nB.\n\nC."),
    ('The second sentence should contain the word "however".', "It is. We, however, go.", "However. We go."),
    ("The last paragraph should be one sentence.", "One. Two.\n\nThree.", "One.\n\nTwo. Three."),
    # keywords
    ('Make sure the word "umbrella" appears at least three times.', "umbrella umbrella umbrella", "umbrella umbrella"),
    ("Use the word 'river' exactly twice.", "river river", "river"),
    ('Mention "Paris" no more than once.', "Paris", "Paris, Paris"),
    ('The word "very" may appear at most twice.', "very very", "very very very"),
    ('The word "very" must not appear.', "every day", "a very good day"),
    ("Include the keywords apple, banana and cherry.", "apple banana cherry", "apple banana"),
    ("Include at least two of the following words: apple, pear, plum.", "a pear, a plum", "a pear"),
    ("Include either 'cat' or 'dog'.", "a dog", "a bird"),
    ('Neither "foo" nor "bar" may be used.', "baz", "a bar"),
    ("Steer clear of the words 'utilize' and 'leverage'.", "use", "utilize"),
    ("Forbidden words: cheap, free.", "expensive", "it is free"),
    ("Words to avoid: cheap, free.", "expensive", "it is cheap"),
    ('Must include "apples".', "two apples", "two pears"),
    ("Mention 'foo' but not 'bar'.", "foo", "foo bar"),
    # case
    ("Your whole answer should be in lower case.", "all small", "Not all"),
    ("No uppercase letters.", "all small", "Not all"),
    ("Write in ALL CAPS.", "ALL BIG", "Not all"),
    ("At least five words must be fully capitalized.", "A BIG OLD RED CAR IS HERE", "A BIG old red car"),
    ("Don't use more than two words in all caps.", "two BIG CATS", "THREE BIG CATS"),
    ("Capitalize the first letter of every word.", "The Big Cat", "The big Cat"),
    # language
    ("Please write your response entirely in German.", GERMAN, ENGLISH),
    ("Your entire response must be in German, no other language is allowed.", GERMAN, ENGLISH),
    ("Language: German.", GERMAN, ENGLISH),
    ("Do not answer in English.", GERMAN, ENGLISH),
    ("no commas, in German, under 30 words", GERMAN, ENGLISH),
    # forms and choices
    ("Return valid JSON.", '{"a": 1}', "a: 1"),
    ("Format: JSON.", "[1]", "1, 2"),
    ('Return a JSON object with keys "name" and "age".', '{"name": 1, "age": 2}', '{"name": 1}'),
    ("Return JSON with exactly the keys id, title and tags.", '{"id":1,"title":2,"tags":3}', '{"id":1,"title":2}'),
    ("The output should be valid YAML.", "a: 1\nb: 2", "just: a: b: c"),
    ("Answer with only a number.", "42", "about 42"),
    ("Answer yes or no.", "Yes.", "Maybe"),
    ('Reply with "true" or "false" only.', "true", "perhaps"),
    ("Choose one of: positive, negative, neutral.", "Neutral", "mixed"),
    ("Return a JSON array.", "[1, 2]", '{"a": 1}'),
    # placeholders, titles, postscripts, highlights
    ("Include at least 3 placeholders in square brackets, like [name].", "[a] [b] [c]", "[a] [b]"),
    ("Give it a title wrapped in double angular brackets.", "<<A title>> text", "A title. text"),
    ("Add a postscript starting with P.S.", "Bye.\n\nP.S. One more.", "Bye."),
    ("End with a P.S.", "Bye.\n\nP.S. One more.", "Bye."),
    ("At the end, add a P.P.S. note.", "Bye.\n\nP.P.S. One more.", "Bye."),
    ("Highlight at least 3 phrases using *asterisks*.", "*a* and *b* and *c*", "*a* and *b*"),
    ("Put at least two words in bold.", "**a** and **b**", "**a** and b"),
    ("Use at least two headings.", "# A\ntext\n## B\ntext", "# A\ntext"),
    ("Give two different answers separated by ******.", "One.\n******\nTwo.", "One."),
    ("Put the whole response in double quotes.", '"All of it."', "All of it."),
    # said in other orders
    ("130 words at the very most, please", words(130), words(131)),
    ("It has to fit in 100 words", words(100), words(101)),
    ("60 words are the limit", words(60), words(61)),
    ("Not more than 80 words in all", words(80), words(81)),
    ("I need 120 words or more", words(120), words(119)),
    ("Use the word 'try' 2 times or more", "try to try", "try"),
    ("Work “yield” and “return” in", "yield or return", "yield only"),
    ("A numbered list of 3 to 6 items", numbered(6), numbered(7)),
    ("The first words have to be “This text”", "This text is short.", "This is a text."),
    ("The last words are “Best regards”", "Bye. Best regards", "Best regards and bye"),
    # punctuation and signs
    ("Not a single comma.", "no", "well, no"),
    ("Commas are forbidden.", "no", "well, no"),
    ("Neither commas nor semicolons.", "no", "well; no"),
    ("Use at most five commas.", ",,,,,", ",,,,,,"),
    ("More than three exclamation marks are not allowed.", "!!!", "!!!!"),
    ("No more than one exclamation mark in total.", "one!", "two!!"),
    ("No commas and exactly three sentences.", sentences(3), sentences(2)),
    ("No commas, exactly three sentences, all lowercase.", "one. two. three.", "One. two. three."),
    ("Emojis are not allowed.", "plain", "smile 😀"),
    ("You could use up to 3 emojis.", "😀😀😀", "😀 😀 😀 😀"),
    ("Use 3 hashtags.", "#a #b #c", "#a #b"),
    ("Ask exactly one question.", "Why?", "Why? How?"),
    ("Don't ask any questions.", "So.", "So?"),
    ("No sentence should contain more than one comma.", "A, b. C, d.", "A, b, c."),
    ("Include exactly three numbers.", "1 and 2 and 3", "1 and 2"),
]


@pytest.mark.parametrize(("text", "right", "wrong"), PAIRS, ids=[text for text, _, _ in PAIRS])
def test_a_loose_wording_tells_right_from_wrong(text: str, right: str, wrong: str) -> None:
    compiled = compile_requirement(Requirement("r", text))
    assert compiled.checks
    assert compiled.judged in ("", "Keep it brief")
    assert [
        check.evaluate(Answer(right)).reason for check in compiled.checks if check.evaluate(Answer(right)).score != 1
    ] == []
    assert any(not check.evaluate(Answer(wrong)).passed for check in compiled.checks)


JUDGED = [
    "Use the keyword twice",
    "Start with the word in bold",
    "Mention two of the following: cats and dogs, birds",
    "if x > 5 then say so",
    "Be kind, 3 cheers",
    "About 50 words",
    "If the answer is long, use bullet points.",
    "When possible, keep it under 100 words.",
    "Preferably under 50 words.",
    "Try to stay below 200 words.",
    "Try not to use commas.",
    "Use commas sparingly.",
    "It would be nice to have 3 bullets.",
    "Aim for 100 words.",
    "Only use bullet points if there are more than three items.",
    "For complex questions, write at least 300 words.",
    "Where relevant, include at least one link.",
    "As needed, use up to 5 bullets.",
    "Use the word 'therefore' where appropriate.",
    "Mostly in French.",
    "Not every sentence should contain 'x'.",
    "Do not use commas in every sentence.",
    "Do not start every sentence with 'I'.",
    "Do not start or end with a question.",
    "Do not start with 'I' and end with 'you'.",
    "The response must not exceed 3 paragraphs and 200 words.",
    "At most 50 words, 3 paragraphs.",
    "Do not use commas, in French.",
    "Write a Python function with at most 10 lines.",
    "No emojis, exclamation marks or more than 3 hashtags.",
    "Commas are optional.",
    "Emojis are welcome.",
    "Do not omit commas.",
    "100 words is the limit for children.",
    "Shorter than the input.",
    "Mention a price under 100 dollars.",
    "For children between 5 and 7 years old, use 50 words.",
    "The title must contain the word 'Love'.",
    "The subject line must be under 10 words.",
    "One of the sentences must contain 'hope'.",
    "On average 15 words per sentence.",
    "50ish words",
    "a few bullet points",
    "Use 'quotes' around titles.",
    "Refer to the user as 'friend'.",
    "Don't use anything but 'yes' or 'no'.",
]


@pytest.mark.parametrize("text", JUDGED)
def test_what_may_be_misread_is_judged(text: str) -> None:
    compiled = compile_requirement(Requirement("r", text))
    assert compiled.checks == ()
    assert compiled.judged == text
