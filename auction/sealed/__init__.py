"""密封报价: one price, sealed in the supplier's browser, opened after the deadline by two of three offices together.

Knows envelopes, shares and offices, no case: what is sealed how (`model`, `crypt`), what is refused (`rules`), the
tables (`records`). ``docs/sealed-quotes.md`` is the specification; ``static/js/seal.js`` does the same in browsers.
"""
