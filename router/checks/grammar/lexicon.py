"""The words of requirements, brought down to few: what is said in many ways becomes one token."""

from functools import cache

from router.checks.grammar.numbers import read_numbers

_SAME: dict[str, str] = {
    # what says nothing by itself
    "": "please|kindly|total of|in total|don't forget to|do not forget to|basically|first of all|in addition|make sure that|make sure to|make sure|be sure to|be sure that|ensure that|ensuring that|ensuring|"
    "ensure|remember to|remember that|always|also|it is required that|it is important that|note that|additionally|furthermore|"
    "moreover|strictly|absolutely|at all|whatsoever|the|a|an|your|its|i want you to|i would like you to|i need you to|i want|i need|"
    "you are required to|it is essential that|just make sure|try to|it is imperative that|take care to|very|consistently|"
    "in every case|at all times|explicitly|clearly|itself|hereby|simply|then|i'd like you to|for this task|importantly|"
    "it's important that|it's important to|it is important to|the requirement is that|the requirement is|requirement|must be sure to",
    "LETTER": "letter",
    "WORD": "word|words",
    "ANSWER": "return|returns|returning|within the response|within your response|within your answer|within the answer|within the text|answer|answers|response|responses|reply|replies|output|text|message|completion|respond|responding|answering|replying|"
    "everything|entire response|whole response|entire answer|whole answer|entire reply|whole reply|entire output|whole output|full response|"
    "final answer|complete response|generated text|entire text|whole text|final response|final output|complete answer|full answer|"
    "do it|do this|do so|essay|story|poem|email|e mail|article|blog post|speech|advertisement|ad|rap|riddle|template|proposal|document|dialogue|joke|rant|blog|book report|report|review|critique|rubric|script|monologue|lyrics|song lyrics|facebook post|instagram post|linkedin post|social media post|press release|newsletter|product description|ballad|sonnet|ode|post|fake news article|news article|cover email|memo|eulogy|toast|fairy tale|short story|slogan|tagline|pitch|song|tweet|cover letter|haiku|limerick|itinerary|resume|"
    "overall response|overall answer|overall length|total length|length|answer the question|respond to the question|"
    "answer this question|answer the query|respond to the query|explanation|generated response|everything you write|entire essay|"
    "entire story|entire letter|entire poem|whole essay|whole story|whole thing|whole poem|written response|answer me|summary|"
    "content|word count of the response|final text|model's answer|model's response|assistant's response|generated answer|generated output|"
    "all of the text|all text|all of the response|result|response text",
    "IT": "it|this|that it",
    "MUST": "must|should|shall|has to|needs to|need to|have to|is to|are to|ought to|will|would|is required to|are required to|"
    "is supposed to|you must|you should|you have to|you need to|you shall|you will|you are to|needs|we need|must always|is expected to",
    "NOT": "do not|don't|dont|never|must not|mustn't|should not|shouldn't|cannot|can not|can't|may not|shall not|will not|won't|"
    "does not|doesn't|is not allowed to|are not allowed to|is not permitted to|are not permitted to|you are not allowed to|"
    "you must not|you should not|you cannot|you can't|you may not|you mustn't|avoid|avoids|avoiding|refrain from|refrains from|"
    "refraining from|abstain from|without|exclude|excludes|excluding|omit|omits|leave out|leaves out|stay away from|steer clear of|"
    "must never|should never|is free of|is free from|be free of|be free from|free of|free from|is devoid of|be devoid of|not|"
    "you should never|you must never|you are not permitted to|must avoid|should avoid|must exclude|should exclude|skip|"
    "without using|without mentioning|without the use of|avoid using|avoid mentioning|avoid saying|avoid the use of|"
    "refrain from using|refrain from saying|refrain from mentioning|abstain from using|must avoid using|should avoid using|"
    "please avoid using|must refrain from|should refrain from|you should avoid|you should refrain from|please avoid|keep out|ban|not a #1|not even a #1|not even #1|isn't|aren't|is not|are not",
    "USE": "use|uses|using|include|includes|including|contain|contains|containing|mention|mentions|mentioning|have|has|having|"
    "feature|features|featuring|incorporate|incorporates|incorporating|employ|employs|employing|insert|inserts|write|writes|writing|"
    "say|says|saying|provide|provides|give|gives|give me|write me|send me|provide me with|produce|produces|generate|generates|compose|create|consist of|"
    "consists of|be composed of|is composed of|comprise|comprises|add|adds|adding|make use of|makes use of|the use of|use of|"
    "the usage of|usage of|there must be|there should be|there is|there are|there has to be|there have to be|there needs to be|"
    "there need to be|must have|should have|make|put|type|be made up of|is made up of|made up of|consisting of|feature of|"
    "the inclusion of|inclusion of|there shall be|there will be|have used|must contain|should contain|must include|should include|"
    "comes to|sum to|total|totals|totaling|amount to|run to|deliver|craft|display|displays|present|structure|presence of|"
    "write out|be written with|be written using|is written using|be written|is written|written|be formatted|is formatted|"
    "formatted|be presented|is presented|be given|is given|be provided|is provided|be returned|is returned|delivered|be phrased|"
    "be structured|is structured|structured|be expressed|be made of|presented|be output|contains only|ask|asks|asking|be delivered|is delivered",
    "BE": "be|is|are|being|remain|stay|stays|remains",
    "KEEP": "keep|keeps|keeping|hold",
    "IN": "in|throughout|inside|anywhere in|somewhere in|across|through|as|into|in the form of|for|of|with",
    # relations
    "MOST": "at most|at the very most|at the absolute most|fit in|fits in|fit into|fits into|fit within|fits within|within|in at most|no more than|not more than|maximum of|maximum|max of|max|up to|no longer than|not longer than|limited to|"
    "capped at|cap at|at or below|≤|<=|not exceed|not exceeding|does not exceed|do not exceed|don't exceed|must not exceed|"
    "should not exceed|cannot exceed|may not exceed|can't exceed|shouldn't exceed|mustn't exceed|never exceed|not go over|"
    "not be longer than|not over|not above|limit of|upper limit of|be limited to|is limited to|not go beyond|don't go over|"
    "do not go over|never go over|should not go over|must not go over|never more than|no greater than|not greater than|"
    "must not be longer than|should not be longer than|must not be more than|should not be more than|must not use more than|"
    "can be at most|may be at most|no longer|without exceeding|never use more than|at the most|not surpass|must not surpass|"
    "will not exceed|shall not exceed|exceed no more than|do not surpass|keep to|stick to|"
    "must not contain more than|should not contain more than|should not have more than|must not have more than|don't use more than|"
    "do not use more than|do not write more than|don't write more than|no higher than|not to exceed|is no more than|capped to",
    "FEWER": "less than|fewer than|under|below|shorter than|<|lower than|smaller than|strictly less than|strictly fewer than|"
    "be under|stay under|stay below|remain under",
    "LEAST": "at least|no less than|no fewer than|not less than|not fewer than|minimum of|minimum|min of|min|a minimum of|≥|>=|"
    "no shorter than|not shorter than|at a minimum|not below|not under|must not be shorter than|should not be shorter than|"
    "should not be less than|must not be less than|must not be fewer than|should not be fewer than|never less than|"
    "never fewer than|at the very least|at the least|do not use fewer than|don't use fewer than|do not write fewer than|"
    "do not write less than|don't write less than|lower limit of|do not use less than|no lower than|atleast",
    "MORE": "more than|over|above|longer than|greater than|exceeding|exceed|exceeds|upwards of|in excess of|strictly more than|"
    "higher than|be over|go over|beyond|go beyond|go past|run past|run over|run beyond|run longer than|go above|surpass|"
    "be more than|be longer than",
    "EXACTLY": "exactly|precisely|equal to|equals|no more and no less than|no more no less than|exact number of|exact|"
    "neither more nor less than|is exactly|be exactly",
    "JUST": "just|only|no other than|solely|exclusively|nothing but|nothing other than|purely|entirely|completely|fully|wholly",
    "BETWEEN": "between|from|in the range of|ranging from|anywhere from|anywhere between|somewhere between|any number between|"
    "in the range|range of|a range of|within the range of",
    "OR_FEWER": "or less|or fewer|or under|or below|or shorter|at maximum|tops|maximally|or lower",
    "OR_MORE": "or more|or longer|or above|or greater|and more|minimally|or over|plus",
    "EACH": "each|every|each and every|every single|each of|every one of|all of the|for each|per|in each|in every|for every",
    "LIMIT": "limit|restrict|cap|confine|restricted to|constrain",
    "KEYWORD": "keyword|keywords|key word|key words|phrase|phrases|term|terms|key phrase|key phrases|keyphrase|expression|"
    "expressions|string|strings|exact word|exact words|exact phrase|exact phrases|following word|following words|following phrase|"
    "following phrases|following keywords|following keyword|following terms|following exact phrase|name|names|following key words|"
    "exact keyword|exact sentence|this sentence|following sentence|specific word|specific words|forbidden words|word or phrase|"
    "words or phrases|words and phrases|exact term|following|these words|these keywords|these terms|this phrase|this exact phrase|"
    "these phrases|this word|this exact sentence|required words|required keywords|forbidden keywords|quote|line of text|exact line|"
    "exact text|exact string|the characters|the sequence|terms such as|words like|words such as|same phrase",
    "APPEAR": "appear|appears|appearing|occur|occurs|occurring|be used|is used|are used|be present|is present|are present|be included|"
    "is included|are included|be mentioned|is mentioned|be found|show up|shows up|showing up|come up|comes up|be repeated|to appear|be contained|"
    "be incorporated|appear anywhere|used|be written|present|be stated|be seen|be there|appear somewhere|are mentioned",
    "FORBIDDEN": "is not allowed|are not allowed|is forbidden|are forbidden|is prohibited|are prohibited|is banned|are banned|"
    "is disallowed|are disallowed|is not permitted|are not permitted|not allowed|forbidden|prohibited|banned|disallowed|"
    "be forbidden|is off limits|are off limits|be avoided|is to be avoided|are to be avoided|not permitted|be omitted|be excluded",
    "ALLOWED": "allowed|permitted|is allowed|are allowed|is permitted|are permitted|accepted|is accepted|acceptable|be used or allowed",
    "START": "start|starts|begin|begins|starting|beginning|open|opens|opening|commence|commences|start off|starts off|begin off|"
    "be started|kick off|start out",
    "END": "end|ends|ending|finish|finishes|finishing|conclude|concludes|concluding|close|closes|closing|end off|terminate|wrap up|"
    "be ended|ends up|sign off",
    "WITH": "with|by|using the|by using|by saying|by writing",
    "SEPARATED": "separated|divided|split|separate|delimited|set apart|is separated|are separated|be separated|must be separated|"
    "should be separated|be divided|are divided",
    "WRAP": "wrap|wrapped|enclose|enclosed|surround|surrounded|be wrapped|be enclosed|is wrapped|is enclosed|put|placed|place|be placed|"
    "be surrounded|be put|encased|be in quotes",
}
_PRIORITY = ("MOST", "LEAST", "FEWER", "MORE")


@cache
def _phrases() -> tuple[dict[tuple[str, ...], str], int]:
    """Phrases by their words, and the longest phrase's length. An earlier row wins, but relations win over all."""
    found: dict[tuple[str, ...], str] = {}
    rows = sorted(_SAME.items(), key=lambda row: row[0] not in _PRIORITY)
    for token, phrases in rows:
        for phrase in phrases.split("|"):
            found.setdefault(tuple(phrase.split()), token)
    return found, max(map(len, found))


def read_words(tokens: list[str]) -> str:
    """The tokens, each known phrase (the longest first) replaced by its one word, joined by blanks."""
    known, longest = _phrases()
    tokens = read_numbers(tokens)
    read: list[str] = []
    position = 0
    while position < len(tokens):
        for size in range(min(longest, len(tokens) - position), 0, -1):
            token = known.get(tuple(tokens[position : position + size]))
            if token is not None:
                if token:
                    read.append(token)
                position += size
                break
        else:
            read.append(tokens[position])
            position += 1
    return " ".join(read)
