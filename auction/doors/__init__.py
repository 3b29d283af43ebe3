"""门: what reaches the auction from outside. JSON doors (`routes*`), the live socket, server-rendered pages (`*pages`).

Each parses, asks an operation of `case`, `lot` or `practice`, and answers.
"""
