"""The one exception that avlab raises for something a user can put right."""


class AvlabError(ValueError):
    """Say the rule, what came, and what to do.

    rule   the sentence that was broken, complete in itself
    got    what came instead (shown with repr, shortened to 200 characters), or None
    todo   what the reader can do about it, or None
    """

    def __init__(self, rule, *, got=None, todo=None):
        self.rule, self.got, self.todo = rule, got, todo
        parts = [str(rule).rstrip(".") + "."]
        if got is not None:
            text = got if isinstance(got, str) else repr(got)
            parts.append(f"Got: {text if len(text) <= 200 else text[:197] + '...'}.")
        if todo:
            parts.append(str(todo).rstrip(".") + ".")
        super().__init__(" ".join(parts))


class OneClass(AvlabError):
    """The metric is undefined because a class is missing; a bootstrap draws again, everyone else is told."""
