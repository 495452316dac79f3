"""Which model judges: never the answer's own family where another is on offer, and no judge twice."""

from collections.abc import Collection, Sequence

from router.upstreams.upstream import Model


def choose_judge(
    judges: Sequence[Model], author: str, author_family: str = "", heard: Collection[str] = ()
) -> Model | None:
    """The first in the operator's order among the most independent; None where no judge is left.

    Independent of the answer (another family, at least another model than `author`) counts before independent of the
    judges already `heard`, whose families come last; a judge already heard is never asked again.
    """
    families = {family_of(judge) for judge in judges if judge.id in heard}
    left = [judge for judge in judges if judge.id not in heard]
    own = author_family.casefold()

    def dependence(judge: Model) -> tuple[bool, bool, bool]:
        return judge.id == author, bool(own) and family_of(judge) == own, family_of(judge) in families

    return min(left, key=dependence, default=None)


def family_of(model: Model) -> str:
    """The family's maker and line, as far as its name tells: "gpt-4o" and "gpt-4o-mini" are both "gpt"."""
    name = (model.family or model.name).casefold().rsplit("/", 1)[-1]
    return family_name(name)


def family_name(name: str) -> str:
    """The letters a model's name begins with."""
    plain = name.casefold().rsplit("/", 1)[-1].removeprefix("meta-")
    letters = "".join(c if c.isalpha() else " " for c in plain).split()
    return letters[0] if letters else plain
