"""The offline checker: every client's history and the final database, and nothing of the server."""

from chaos.check.verdict import Verdict, check  # noqa: F401
