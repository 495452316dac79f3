"""Shapes of sentences: where they end and join, what bends their meaning, what only adds to the one before."""

import re

from router.checks.languages import LANGUAGES

SENTENCE_END = re.compile(r"(?<=[^\s.])(?:[.!;](?=\s+\S)|\n+)\s*|(?<=[a-z§)])\?\s+(?=[A-Z])")
JOINT = re.compile(
    r"\s*(?:,|;)\s*(?:and|but|then|while)?\s+|\s+(?:and|but|while|then)\s+|\s+(?=without\b)", re.IGNORECASE
)
EXAMPLE = re.compile(
    r"[,;(]?\s*(?:\(?\b(?:such as|for example|for instance|e\.g\.?|i\.e\.?|like so|like this|that is|as in|like)\b)[:,]?"
    r"(?:\s+(?:use )?(?:(?!\b(?:and|but|or)\b)[\w'<>§*:. ])*(?:\s*,\s*(?:and )?§\d+§)*(?:,? etc\.?)?\)?)?$",
    re.IGNORECASE | re.DOTALL,
)
EXAMPLE_ONLY = re.compile(r"(?:for example|for instance|e\.g\.|i\.e\.|example:|examples?\b|such as)", re.IGNORECASE)
PERMISSION = re.compile(
    r"(?:please )?(?:you (?:can|may|might|are free to|are allowed to)|feel free|it is (?:ok|fine|okay))\b(?! not)",
    re.IGNORECASE,
)
FORBIDS = re.compile(r"\b(?:not|only|at most|no more|up to|maximum|fewer|less)\b", re.IGNORECASE)
CONDITION = re.compile(
    r"\b(?:if|when|whenever|unless|until|except|otherwise|instead of|rather than|in case|depending|or else|where possible|if possible|"
    r"whether|assuming|provided that|as long as|apart from|other than|aside from|besides|preferably|ideally|approximately|about|around|roughly|approx|circa|ca|"
    r"give or take|or so|try (?:not )?to|try and|aim|strive|attempt to|preferred|recommended|encouraged|would be nice|where|as needed|if needed|when needed|sparingly|mostly|mainly|largely|usually|generally|typically|normally|nearly|almost|close to|near|optional|optionally|need not|needn't|no need to|not (?:have|need|required|obliged) to|not necessarily|(?:don't|doesn't) (?:have|need) to)\b",
    re.IGNORECASE,
)
SUBORDINATE = re.compile(
    r"\b(?:to|that|who|which|how|why|if|when|unless|where|whether|than|or|each|every|per|says?|said|tells?|asks?|because|named|called|"
    r"titled|first|second|third|last|character|user|example|except|instead|about|explain why|mention)\b",
    re.IGNORECASE,
)
PREPOSITION = re.compile(
    r"(?:in|for|at|on|with|by|when|if|unless|while|as|after|before|during|where|per|to|since|because|except|from|of|until|"
    r"like|such|including|especially|particularly|not counting|excluding|plus|or|nor|than|whether|without counting)\b",
    re.IGNORECASE,
)
MOOD = re.compile(
    r"^((?:please )?(?:be|keep it|stay|make it|keep (?:your|the) (?:answer|response|reply)) (?:very )?\w+)\s*(?::|-|\(|,)\s*((?:at most|max|no more|under|less|fewer|up to|only|just|\d)[^()]*?)\)?$",
    re.IGNORECASE,
)
_AT_START = r"(?:^|(?<=[.;!\n]\s)|(?<=\n))"
_NAMED = "(words|terms|phrases|keywords)"
LABELS = (
    (re.compile(rf"{_AT_START}(?:(?:output|answer|response) )?format:\s*", re.IGNORECASE), "Answer in "),
    (re.compile(rf"{_AT_START}(?:(?:output|answer|response) )?language:\s*", re.IGNORECASE), "Answer in "),
    (
        re.compile(rf"{_AT_START}(?:forbidden|banned|prohibited|disallowed) {_NAMED}:\s*", re.IGNORECASE),
        r"Do not use the \1 ",
    ),
    (re.compile(rf"{_AT_START}{_NAMED} to avoid:\s*", re.IGNORECASE), r"Do not use the \1 "),
    (re.compile(rf"{_AT_START}(?:required|mandatory) {_NAMED}:\s*", re.IGNORECASE), r"Include the \1 "),
    (re.compile(rf"{_AT_START}{_NAMED} to (?:include|use|mention):\s*", re.IGNORECASE), r"Include the \1 "),
)
"""Labels as sentences: "Format: JSON", "Words to avoid: cheap, free"."""
EMPHASIS = re.compile(
    r"[,;]?\s*\(?\b(?:no more(?:,|,? (?:and|or|but))? (?:no|not) (?:less|fewer)|neither more nor (?:less|fewer))\b(?! than)\)?",
    re.IGNORECASE,
)
""" "Exactly 5, no more, no less": says nothing new."""
OWN = re.compile(r"(?:all|entirely|completely) (?:in )?(?:lower|upper|caps|capital)", re.IGNORECASE)
"""What is said of the whole answer without a verb."""
LANGUAGE = "|".join(LANGUAGES)
AMOUNT_PHRASE = re.compile(
    rf"(?:in|with|using|without) (?:no|any|at|only|just|all|exactly|less|fewer|more|between|lower|upper|{LANGUAGE}|using|commas|\d|a (?:max|min)imum|"
    rf"one|two|three|four|five|six|seven|eight|nine|ten|double)|at (?:the )?(?:very )?(?:most|least)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"(?:[a-z][a-z']*\b[ ,]+){2,}|be \w+|[a-z]+ \w+$", re.IGNORECASE)
ANAPHOR = re.compile(r"\b(?:it|they|them|these|those|this|each|both|its|their)\b", re.IGNORECASE)
TASK = re.compile(
    r"(?P<task>(?:please )?(?:explain|describe|summari[sz]e|discuss|answer|respond|reply|tell|say|define|outline|introduce|paraphrase|"
    r"rewrite|translate|write|compose|review)\b[^.;:!?§]{0,300}?) (?P<amount>(?:in|using|with|within)(?: (?:just|only|exactly|at most|"
    r"at least|no more than|fewer than|less than|under|a maximum of|a minimum of|up to|more than|between))*\s[\w ,+-]{1,40}?"
    r"(?:words?(?: or (?:less|more|fewer))?|sentences?|paragraphs?|lines|characters|bullet points)|without (?:using )?(?:any |the use of )?commas?|"
    r"in (?:all )?(?:lower ?case|upper ?case|capital|capitals|caps)(?: letters)?|in all caps)",
    re.IGNORECASE,
)
PART_OF = re.compile(
    r"\b(?:each|every|all|any|both|per|and|or|first|second|last|section|paragraph|introduction|conclusion|title|include|then|but|"
    r"that|which|who|its|if|when|not|never|don't|how to|ways? to|want|try|function|code|script|program|class|method|query|regex|tells?|asks?|says?|someone|anyone|people)\b",
    re.IGNORECASE,
)
TRIVIAL = re.compile(
    r"(?:please )?(?:answer|respond|reply|write|say it|explain|summari[sz]e|describe)(?: (?:it|this|the question|me|to (?:me|the user)|your (?:answer|response)))?",
    re.IGNORECASE,
)
EXEMPLIFIED = (
    "placeholders",
    "highlights",
    "bullets",
    "title",
    "sections",
    "postscript",
    "json",
    "numbered",
    "list_items",
)
NO_PREFACE = re.compile(
    r"(?:please )?(?:do not|don't) (?:say|output|add|include|write) any(?:thing|(?: other)? words?(?: or characters?)?) (?:before|first)\b.*",
    re.IGNORECASE,
)
DIVIDER = re.compile(
    r"(?:(?:the )?paragraphs(?: and only paragraphs)? (?:are|should be|must be|need to be|being)?\s*(?:separated|divided)(?: from each other| with each other)?|"
    r"separate (?:the |your |each )?paragraphs?(?: from each other)?|separated|divided)(?: each other)? (?:with|by|using)(?: each other (?:with|by))? "
    r"(?:the |a )?(?:markdown )?(?:divider|separator|blank lines?|two (?:new ?lines?|line breaks)|an empty line|a blank line|empty lines?)?"
    r"(?: as if it was)?\s*:?\s*(?P<mark>§\d+§)?(?: in python)?",
    re.IGNORECASE,
)
ANSWER_DIVIDER = re.compile(
    r"(?:the |your )?(?:(?:two |2 )?(?:responses|answers)(?: and only (?:responses|answers))? (?:should|must|are|need to)(?: be)? (?:separated|divided)|separate (?:them|the (?:two )?(?:responses|answers))|"
    r"separated|divided) (?:from each other )?(?:with|by|using) (?:(?:6|six|exactly 6|exactly six) )?(?:asterisk symbols?|asterisks|stars|the symbols?)?\s*:?\s*\(?(?P<mark>§\d+§)?\)?",
    re.IGNORECASE,
)
NOTHING_ELSE = re.compile(
    r"no other (?:words?|languages?|text) (?:should|must|may|can|is|are|will) (?:follow|be|come|allowed).*|no other languages? (?:is|are) allowed|no capital letters (?:are |is )?allowed|(?:include |with )?nothing else",
    re.IGNORECASE,
)
