"""存证: the transcript of a lot, written while it runs, shown after the award, checked by anyone.

``notary`` writes leaves, checkpoints and receipts to Postgres, add-only; ``files`` makes the files people take away;
``verify`` checks such a file with nothing but the file. The format is ``docs/transcript.md``.
"""
